import { css, html, LitElement, nothing } from 'lit';
import { formatCount } from './format.ts';
import { CALM_MS, StoreController } from './store.ts';
import { shared, tables } from './styles.ts';

/** The virtqueues and how busy they are. */
export class LabQueues extends LitElement {
  static override styles = [
    shared,
    tables,
    css`
      th,
      td {
        padding-right: 8px;
      }
      thead th {
        position: static;
      }
      td {
        line-height: 17px;
      }
    `,
  ];

  readonly #store = new StoreController(this, ({ log }) => log.length, CALM_MS);

  override render(): unknown {
    const store = this.#store.store;
    if (!store) return nothing;
    const { queues } = store.model;
    return html`
      <h3>Queues</h3>
      ${
        queues.length === 0
          ? html`<p class="muted">The driver enables them at the end of its probe.</p>`
          : html`
              <table aria-label="Queues">
                <thead>
                  <tr>
                    <th class="number">#</th>
                    <th>Role</th>
                    <th class="number">Size</th>
                    <th class="number" title="Notifications from the driver">Kicks</th>
                    <th class="number" title="Available index at the last kick">Avail</th>
                    <th class="number">Interrupts</th>
                    <th class="number" title="Used index at the last interrupt">Used</th>
                  </tr>
                </thead>
                <tbody>
                  ${queues.map(({ queue, role, size }) => {
                    const { kicks, availIdx, interrupts, usedIdx } = store.queues.of(queue);
                    return html`<tr>
                      <td class="number mono">${queue}</td>
                      <td>${role}</td>
                      ${[size, kicks, availIdx, interrupts, usedIdx].map(
                        (value) => html`<td class="number mono">${formatCount(value)}</td>`,
                      )}
                    </tr>`;
                  })}
                </tbody>
              </table>
            `
      }
    `;
  }
}

customElements.define('lab-queues', LabQueues);
