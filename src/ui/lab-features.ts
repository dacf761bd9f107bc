import { css, html, LitElement, nothing } from 'lit';
import type { LabModel } from '../core/trace/model.ts';
import { featureRows } from './feature-info.ts';
import type { FeatureRow } from './feature-info.ts';
import './lab-feature-editor.ts';
import { StoreController } from './store.ts';
import { controls, shared, tables } from './styles.ts';

/** Features and how far each came: offered, accepted, in force. Meanings show where there is room, or on demand. */
export class LabFeatures extends LitElement {
  static override properties = { open: { type: Boolean, reflect: true } };
  /** Asks for the room that the meanings take. */
  declare open: boolean;

  static override styles = [
    shared,
    controls,
    tables,
    css`
      :host {
        display: block;
        min-width: 0;
        container-type: inline-size;
      }
      .title {
        display: flex;
        align-items: baseline;
        gap: 4px;
      }
      .title .edit {
        margin-left: auto;
      }
      .title button {
        min-height: 0;
        padding: 0 4px;
        color: var(--accent);
        font-size: var(--text-s);
      }
      thead th {
        position: static;
      }
      tbody td {
        line-height: 17px;
      }
      td.number {
        width: 1%;
      }
      .meaning {
        display: none;
        color: var(--muted);
      }
      td.meaning {
        width: 100%;
        white-space: normal;
      }
      :host([open]) .meaning {
        display: table-cell;
      }
      @container (min-width: 480px) {
        .meaning {
          display: table-cell;
        }
        .title button[aria-expanded='false'] {
          display: none;
        }
      }
    `,
  ];

  readonly #store = new StoreController(this, (store) => store.model);

  constructor() {
    super();
    this.open = false;
  }

  override render(): unknown {
    const model = this.#store.store?.model;
    if (!model) return nothing;
    const rows = featureRows(model.offered, model.accepted, model.negotiated);
    return html`
      <div class="title">
        <h3>Features</h3>
        <button
          class="quiet edit"
          aria-label="Edit features"
          title="Which features the device offers, and what kind of PCI function it is"
          @click=${() => this.renderRoot.querySelector('lab-feature-editor')?.show()}
        >
          Edit
        </button>
        ${
          rows.length > 0
            ? html`<button class="quiet" aria-expanded=${this.open} @click=${this.#toggle}>
                ${this.open ? 'Hide meanings' : 'Meanings'}
              </button>`
            : nothing
        }
      </div>
      ${model.personality ? html`<p class="muted">${functionText(model.personality)}</p>` : nothing}
      ${model.suspended ? html`<p class="problem">The driver has suspended the device.</p>` : nothing}
      ${model.needsReset ? html`<p class="problem">Needs reset: ${model.needsReset} Re-probe the driver.</p>` : nothing}
      ${model.refusal ? html`<p class="problem">FEATURES_OK refused: ${model.refusal}</p>` : nothing}
      ${
        rows.length === 0
          ? html`<p class="muted">They appear when the driver resets the device, near the end of the boot.</p>`
          : this.#table(rows, model.accepted !== null)
      }
      <lab-feature-editor></lab-feature-editor>
    `;
  }

  /** It moves to where there is room for it: the user goes with it. */
  #toggle(): void {
    this.open = !this.open;
    void this.updateComplete.then(() => {
      this.scrollIntoView({ block: 'nearest' });
    });
  }

  #table(rows: readonly FeatureRow[], answered: boolean): unknown {
    return html`
      <table aria-label="Features">
        <thead>
          <tr>
            <th class="number">Bit</th>
            <th>Feature</th>
            <th title="Offered by the device, accepted by the driver, in force since FEATURES_OK">State</th>
            <th class="meaning">Meaning</th>
          </tr>
        </thead>
        <tbody>
          ${rows.map((row) => {
            const { word, sign, tone } = stateOf(row, answered);
            return html`
              <tr>
                <td class="number mono">${row.bit}</td>
                <td class="mono" title=${row.meaning}>${row.name}</td>
                <td class=${tone} aria-label=${word}>${sign} ${word}</td>
                <td class="meaning">${row.meaning}</td>
              </tr>
            `;
          })}
        </tbody>
      </table>
    `;
  }
}

function functionText({ transitional, msix }: NonNullable<LabModel['personality']>): string {
  return `PCI function: ${transitional ? 'transitional' : 'modern'}, ${msix ? 'MSI-X' : 'INTx'}`;
}

/** The sets lie within each other, so one word says which of them a bit is in. */
function stateOf(
  { offered, accepted, negotiated }: FeatureRow,
  answered: boolean,
): Record<'word' | 'sign' | 'tone', string> {
  if (accepted && !offered) return { word: 'accepted, not offered', sign: '✕', tone: 'loss' };
  if (negotiated) return { word: 'in force', sign: '✓', tone: 'accept' };
  if (accepted) return { word: 'accepted', sign: '…', tone: '' };
  return answered ? { word: 'not accepted', sign: '–', tone: 'muted' } : { word: 'offered', sign: '…', tone: 'muted' };
}

customElements.define('lab-features', LabFeatures);
