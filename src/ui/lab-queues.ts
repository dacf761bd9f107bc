import { css, html, LitElement, nothing } from 'lit';
import { hasFeature, parseFeatures, VIRTIO_F_RING_PACKED } from '../core/virtio/features.ts';
import type { QueueState } from '../core/trace/model.ts';
import { formatCount, plural } from './format.ts';
import { rangeText } from './ring-groups.ts';
import { CALM_MS, StoreController } from './store.ts';
import { controls, shared, tables } from './styles.ts';

/** The virtqueues and how busy they are. Pairs that are not in use are one line, until somebody wants to see them. */
export class LabQueues extends LitElement {
  static override properties = { pairsInUse: { attribute: false }, all: { state: true } };
  /** Null while unknown: then all are shown. */
  declare pairsInUse: number | null;
  declare all: boolean;

  static override styles = [
    shared,
    controls,
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
      tr.idle td {
        color: var(--muted);
      }
      button {
        min-height: 0;
        padding: 0 4px;
        color: var(--accent);
        font-size: var(--text-s);
      }
    `,
  ];

  readonly #store = new StoreController(this, ({ queues, model }) => `${queues.version} ${model.seq}`, CALM_MS);

  constructor() {
    super();
    this.pairsInUse = null;
    this.all = false;
  }

  override render(): unknown {
    const store = this.#store.store;
    if (!store) return nothing;
    const { queues, negotiated } = store.model;
    const packed = negotiated !== null && hasFeature(parseFeatures(negotiated), VIRTIO_F_RING_PACKED);
    const idle = queues.filter((queue) => this.#isIdle(queue));
    const pairs = idle.map(({ queue }) => queue >> 1);
    return html`
      <h3>Queues${queues.length > 0 ? (packed ? ', packed rings' : ', split rings') : nothing}</h3>
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
                  ${queues.map((queue) => (this.all || !idle.includes(queue) ? this.#row(queue, idle.includes(queue)) : nothing))}
                  ${
                    idle.length > 0
                      ? html`<tr class="idle">
                          <td colspan="7">
                            ${plural(idle.length, 'queue')} of ${pairs.length > 2 ? 'pairs' : 'pair'}
                            ${rangeText(Math.min(...pairs), Math.max(...pairs))}, enabled and not in use
                            <button class="quiet" aria-expanded=${this.all} @click=${() => (this.all = !this.all)}>
                              ${this.all ? 'Hide' : 'Show'}
                            </button>
                          </td>
                        </tr>`
                      : nothing
                  }
                </tbody>
              </table>
            `
      }
    `;
  }

  #isIdle({ queue, role }: QueueState): boolean {
    return this.pairsInUse !== null && role !== 'ctrl' && queue >> 1 >= this.pairsInUse;
  }

  #row({ queue, role, size }: QueueState, idle: boolean): unknown {
    const { kicks = 0, availIdx = 0, interrupts = 0, usedIdx = 0 } = this.#store.store?.queues.of(queue) ?? {};
    return html`<tr class=${idle ? 'idle' : ''}>
      <td class="number mono">${queue}</td>
      <td>${role}</td>
      ${[size, kicks, availIdx, interrupts, usedIdx].map(
        (value) => html`<td class="number mono">${formatCount(value)}</td>`,
      )}
    </tr>`;
  }
}

customElements.define('lab-queues', LabQueues);
