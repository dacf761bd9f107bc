import { css, html, LitElement, nothing } from 'lit';
import { featureRows } from './feature-info.ts';
import type { FeatureRow } from './feature-info.ts';
import { StoreController } from './store.ts';
import { shared, tables } from './styles.ts';

/** Features: what was offered, what the driver accepted, what is in force. */
export class LabFeatures extends LitElement {
  static override styles = [
    shared,
    tables,
    css`
      td.mark {
        text-align: center;
        padding-right: 8px;
      }
      th.mark {
        text-align: center;
      }
      tr.refused td {
        color: var(--muted);
      }
      td.wide {
        color: var(--muted);
        width: 100%;
      }
    `,
  ];

  readonly #store = new StoreController(this, (store) => store.model);

  override render(): unknown {
    const model = this.#store.store?.model;
    if (!model) return nothing;
    const rows = featureRows(model.offered, model.accepted, model.negotiated);
    return html`
      <h3>Features</h3>
      ${model.needsReset ? html`<p class="problem">Needs reset: ${model.needsReset} Re-probe the driver.</p>` : nothing}
      ${model.refusal ? html`<p class="problem">FEATURES_OK refused: ${model.refusal}</p>` : nothing}
      ${rows.length === 0 ? html`<p class="muted">Features appear when the driver resets the device.</p>` : this.#table(rows)}
    `;
  }

  #table(rows: readonly FeatureRow[]): unknown {
    const mark = (on: boolean, name: string): unknown =>
      html`<td class="mark ${on ? 'accept' : 'muted'}" aria-label=${on ? name : `not ${name}`}>${on ? '✓' : '·'}</td>`;
    return html`
      <table aria-label="Features">
        <thead>
          <tr>
            <th class="number">Bit</th>
            <th>Feature</th>
            <th class="mark" title="Offered by the device">Offered</th>
            <th class="mark" title="Accepted by the driver">Accepted</th>
            <th class="mark" title="In force since FEATURES_OK">In force</th>
            <th>Meaning</th>
          </tr>
        </thead>
        <tbody>
          ${rows.map(
            ({ bit, name, meaning, offered, accepted, negotiated }) => html`
              <tr class=${offered && !accepted ? 'refused' : ''}>
                <td class="number mono">${bit}</td>
                <td class="mono">${name}</td>
                ${mark(offered, 'offered')}${mark(accepted, 'accepted')}${mark(negotiated, 'in force')}
                <td class="wide">${meaning}</td>
              </tr>
            `,
          )}
        </tbody>
      </table>
    `;
  }
}

customElements.define('lab-features', LabFeatures);
