import { FitAddon } from '@xterm/addon-fit';
import { Terminal } from '@xterm/xterm';
import xtermCss from '@xterm/xterm/css/xterm.css?inline';
import { css, html, LitElement, nothing, unsafeCSS } from 'lit';
import './lab-boot-guide.ts';
import type { LabActions } from './store.ts';
import { shared } from './styles.ts';
import { terminalColours } from './terminal-colours.ts';
import { themeChanges } from './theme.ts';

const encoder = new TextEncoder();

/**
 * The terminal on one guest's serial line. It takes every key but F6 and Shift+Tab, which leave it: Tab belongs to
 * the guest's shell. Hidden, it goes on listening, so that what was written meanwhile is there when it is shown.
 */
export class LabTerminal extends LitElement {
  static override properties = {
    actions: { attribute: false },
    label: { attribute: false },
    silent: { state: true },
  };
  declare actions: LabActions | null;
  /** What the input is called: "Serial console input". */
  declare label: string;
  /** The guest has not written anything. */
  declare silent: boolean;

  static override styles = [
    unsafeCSS(xtermCss),
    shared,
    css`
      :host {
        position: relative;
        display: block;
        /* Where the terminal takes its own from. */
        background: var(--terminal);
        color: var(--terminal-text);
      }
      .screen {
        height: 100%;
        padding: 6px 0 2px 10px;
        overflow: hidden;
      }
      .screen:focus-within {
        box-shadow: inset 0 0 0 1px var(--accent);
      }
      .xterm-width-cache-measure-container {
        contain: strict;
      }
      lab-boot-guide {
        position: absolute;
        inset: 0;
        background: var(--terminal);
      }
    `,
  ];

  readonly #terminal = new Terminal({
    cursorBlink: false,
    fontSize: 12,
    lineHeight: 1.15,
    scrollback: 5000,
    fontFamily: 'ui-monospace, "SF Mono", "Cascadia Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace',
    screenReaderMode: false,
  });
  readonly #fit = new FitAddon();
  readonly #resized = new ResizeObserver(() => this.#resize());
  readonly #recolour = (): void => {
    this.#terminal.options.theme = terminalColours(this);
  };
  #leave: (() => void) | null = null;

  constructor() {
    super();
    this.actions = null;
    this.label = 'Serial console input';
    this.silent = true;
  }

  override render(): unknown {
    return html`
      <div class="screen"></div>
      ${this.silent ? html`<lab-boot-guide></lab-boot-guide>` : nothing}
    `;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    themeChanges.addEventListener('change', this.#recolour);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    themeChanges.removeEventListener('change', this.#recolour);
    this.#resized.disconnect();
    this.#leave?.();
    this.#leave = null;
  }

  override firstUpdated(): void {
    const screen = this.renderRoot.querySelector<HTMLElement>('.screen');
    if (!screen) return;
    const terminal = this.#terminal;
    terminal.loadAddon(this.#fit);
    terminal.open(screen);
    terminal.attachCustomKeyEventHandler(({ key, shiftKey }) => key !== 'F6' && !(key === 'Tab' && shiftKey));
    terminal.onData((text) => this.actions?.consoleWrite(encoder.encode(text)));
    terminal.onResize(({ cols, rows }) => this.actions?.consoleResize(cols, rows));
    this.#recolour();
    this.#resized.observe(screen);
  }

  override updated(): void {
    this.#terminal.textarea?.setAttribute('aria-label', `${this.label}. F6 leaves.`);
    // What was written before comes at once, and it changes what is shown.
    void this.updateComplete.then(() => this.#listen());
  }

  #listen(): void {
    const { actions } = this;
    if (!actions || this.#leave || !this.isConnected) return;
    this.#leave = actions.onConsole((bytes) => {
      if (bytes.length > 0) this.silent = false;
      this.#terminal.write(bytes);
    });
    actions.consoleResize(this.#terminal.cols, this.#terminal.rows);
  }

  override focus(): void {
    this.#terminal.focus();
  }

  /** All that the terminal holds, as text. */
  get text(): string {
    const buffer = this.#terminal.buffer.active;
    return Array.from({ length: buffer.length }, (_, i) => buffer.getLine(i)?.translateToString(true) ?? '').join('\n');
  }

  #resize(): void {
    const screen = this.renderRoot.querySelector('.screen');
    // A terminal that is hidden has no size to fit to.
    if (screen && screen.clientWidth > 0 && screen.clientHeight > 0) this.#fit.fit();
  }
}

customElements.define('lab-terminal', LabTerminal);

declare global {
  interface HTMLElementTagNameMap {
    'lab-terminal': LabTerminal;
  }
}
