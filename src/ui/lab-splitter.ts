import { css, html, LitElement } from 'lit';
import type { PropertyValues } from 'lit';
import { recall, remember } from './settings.ts';

const STEP = 2;

/**
 * The line between two panes. Its value is the percentage of the parent that the first pane takes; it is put into
 * the parent's custom property `property` and remembered. Arrow keys move it, double click restores it.
 */
export class LabSplitter extends LitElement {
  static override properties = {
    axis: { type: String },
    property: { type: String },
    label: { type: String },
    initial: { type: Number },
    value: { state: true },
  };

  /** `x`: a vertical line that moves sideways. */
  declare axis: 'x' | 'y';
  declare property: string;
  declare label: string;
  declare initial: number;
  declare value: number;

  static override styles = css`
    :host {
      display: block;
      touch-action: none;
      z-index: 1;
    }
    div {
      width: 100%;
      height: 100%;
      background: var(--line);
    }
    :host([axis='x']) {
      cursor: col-resize;
    }
    :host([axis='y']) {
      cursor: row-resize;
    }
    div:hover,
    div:focus-visible {
      background: var(--accent);
      outline: none;
    }
    @media (prefers-reduced-motion: no-preference) {
      div {
        transition: background 0.15s;
      }
    }
  `;

  constructor() {
    super();
    this.axis = 'x';
    this.property = '';
    this.label = '';
    this.initial = 50;
    this.value = NaN;
  }

  override willUpdate(): void {
    if (Number.isNaN(this.value)) {
      const stored = Number.parseFloat(recall(this.property) ?? '');
      this.value = Number.isFinite(stored) ? clamp(stored) : this.initial;
    }
  }

  override updated(changed: PropertyValues): void {
    if (!changed.has('value')) return;
    this.parentElement?.style.setProperty(this.property, `${this.value}%`);
    if (this.hasUpdated && changed.get('value') !== undefined && !Number.isNaN(changed.get('value'))) {
      remember(this.property, String(this.value));
    }
  }

  override render(): unknown {
    return html`<div
      role="separator"
      tabindex="0"
      aria-label=${this.label}
      aria-orientation=${this.axis === 'x' ? 'vertical' : 'horizontal'}
      aria-valuemin="10"
      aria-valuemax="90"
      aria-valuenow=${Math.round(this.value)}
      title="Drag, or use the arrow keys; double click restores"
      @pointerdown=${this.#start}
      @pointermove=${this.#move}
      @keydown=${this.#key}
      @dblclick=${() => (this.value = this.initial)}
    ></div>`;
  }

  #start(event: PointerEvent): void {
    (event.currentTarget as HTMLElement).setPointerCapture(event.pointerId);
  }

  #move(event: PointerEvent): void {
    if (!(event.currentTarget as HTMLElement).hasPointerCapture(event.pointerId)) return;
    const box = this.parentElement?.getBoundingClientRect();
    if (!box) return;
    const part = this.axis === 'x' ? (event.clientX - box.left) / box.width : (event.clientY - box.top) / box.height;
    this.value = clamp(part * 100);
  }

  #key(event: KeyboardEvent): void {
    const back = this.axis === 'x' ? 'ArrowLeft' : 'ArrowUp';
    const on = this.axis === 'x' ? 'ArrowRight' : 'ArrowDown';
    const to = { [back]: this.value - STEP, [on]: this.value + STEP, Home: 10, End: 90 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    this.value = clamp(to);
  }
}

function clamp(percent: number): number {
  return Math.round(Math.min(90, Math.max(10, percent)) * 10) / 10;
}

customElements.define('lab-splitter', LabSplitter);
