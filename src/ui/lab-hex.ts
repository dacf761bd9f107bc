import { css, html, LitElement } from 'lit';
import { shared } from './styles.ts';

const PER_LINE = 16;

/** Captured bytes in hexadecimal and as text, sixteen a line. */
export class LabHex extends LitElement {
  static override properties = { bytes: { attribute: false }, wire: { type: Number } };
  /** Null: the bytes are no longer kept. */
  declare bytes: Uint8Array | null;
  declare wire: number;

  static override styles = [
    shared,
    css`
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
  }

  override render(): unknown {
    const { bytes, wire } = this;
    if (!bytes) return html`<p class="muted">The bytes of this frame are no longer kept: newer packets took their room.</p>`;
    const cut = bytes.length < wire;
    return html`
      <h3>Captured bytes: ${cut ? `first ${bytes.length} of ${wire}` : `all ${wire}`}</h3>
      <pre aria-label="Hex dump">${lines(bytes)}</pre>
    `;
  }
}

function lines(bytes: Uint8Array): unknown[] {
  return Array.from({ length: Math.ceil(bytes.length / PER_LINE) }, (_, line) => {
    const part = [...bytes.subarray(line * PER_LINE, (line + 1) * PER_LINE)];
    const hex = part.map((byte, i) => byte.toString(16).padStart(2, '0') + (i === 7 ? ' ' : '')).join(' ');
    const text = part.map((byte) => (byte >= 0x20 && byte <= 0x7e ? String.fromCharCode(byte) : '·')).join('');
    const at = (line * PER_LINE).toString(16).padStart(4, '0');
    return html`<span class="at">${at}</span>  ${hex.padEnd(48)}  <span class="text">${text}</span>\n`;
  });
}

customElements.define('lab-hex', LabHex);
