import { css, html, LitElement } from 'lit';
import { shared } from './styles.ts';

/** Width in pixels that sixteen bytes a line take, with address and text. */
const WIDE = 500;

/** Captured bytes in hexadecimal and as text, sixteen a line or eight. */
export class LabHex extends LitElement {
  static override properties = { bytes: { attribute: false }, wire: { type: Number }, perLine: { state: true } };
  /** Null: the bytes are no longer kept. */
  declare bytes: Uint8Array | null;
  declare wire: number;
  declare perLine: 8 | 16;

  static override styles = [
    shared,
    css`
      :host {
        display: block;
      }
      pre {
        margin: 0;
        font: var(--text-s) / 1.5 var(--mono);
        overflow-x: auto;
      }
      .at,
      .text {
        color: var(--muted);
      }
    `,
  ];

  constructor() {
    super();
    this.bytes = null;
    this.wire = 0;
    this.perLine = 16;
  }

  readonly #resized = new ResizeObserver(() => {
    this.perLine = this.clientWidth < WIDE ? 8 : 16;
  });

  override connectedCallback(): void {
    super.connectedCallback();
    this.#resized.observe(this);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#resized.disconnect();
  }

  override render(): unknown {
    const { bytes, wire } = this;
    if (!bytes)
      return html`<p class="muted">The bytes of this frame are no longer kept: newer packets took their room.</p>`;
    const cut = bytes.length < wire;
    return html`
      <h3>Captured bytes: ${cut ? `first ${bytes.length} of ${wire}` : `all ${wire}`}</h3>
      <pre aria-label="Hex dump" tabindex="0" role="group">${lines(bytes, this.perLine)}</pre>
    `;
  }
}

function lines(bytes: Uint8Array, perLine: number): unknown[] {
  return Array.from({ length: Math.ceil(bytes.length / perLine) }, (_, line) => {
    const part = [...bytes.subarray(line * perLine, (line + 1) * perLine)];
    const hex = part
      .map((byte, i) => byte.toString(16).padStart(2, '0') + (i === 7 && perLine > 8 ? ' ' : ''))
      .join(' ');
    const text = part.map((byte) => (byte >= 0x20 && byte <= 0x7e ? String.fromCharCode(byte) : '·')).join('');
    const at = (line * perLine).toString(16).padStart(4, '0');
    return html`<span class="at">${at}</span> ${hex.padEnd(perLine * 3)} <span class="text">${text}</span> `;
  });
}

customElements.define('lab-hex', LabHex);
