import { css, html, LitElement, nothing } from 'lit';
import { hasFeature, parseFeatures, VIRTIO_NET_F_GUEST_ANNOUNCE } from '../core/virtio/features.ts';
import { HASH_TYPE_NAMES } from '../core/virtio-net/rss.ts';
import type { NicInfo } from '../protocol/api.ts';
import { formatCount, messageOf, plural } from './format.ts';
import { ActionsController } from './store.ts';
import { controls, shared } from './styles.ts';

/** What the driver has set up besides its filter: carrier, steering, offloads, coalescing. Fires `changed`. */
export class LabDeviceState extends LitElement {
  static override properties = { nic: { attribute: false }, problem: { state: true } };
  declare nic: NicInfo | null;
  declare problem: string;

  static override styles = [
    shared,
    controls,
    css`
      :host {
        display: block;
      }
      dl {
        display: grid;
        grid-template-columns: max-content minmax(0, 1fr);
        gap: 2px 10px;
        align-items: baseline;
      }
      dt {
        color: var(--muted);
      }
      dd {
        overflow-wrap: anywhere;
      }
      button {
        min-height: 20px;
        padding: 0 7px;
        margin-left: 4px;
        font-size: var(--text-s);
      }
    `,
  ];

  readonly #actions = new ActionsController(this);

  constructor() {
    super();
    this.nic = null;
    this.problem = '';
  }

  override render(): unknown {
    const { nic } = this;
    if (!nic) return nothing;
    return html`
      <dl aria-label="Device state">
        ${this.#carrier(nic)}
        <dt>Steering</dt>
        <dd>${steeringText(nic)}</dd>
        <dt>Guest offloads</dt>
        <dd class=${nic.offloads.length > 0 ? 'mono' : 'muted'}>
          ${nic.offloads.map((name) => name.replace('VIRTIO_NET_F_', '')).join(' ') || 'none'}
        </dd>
        <dt>Coalescing</dt>
        <dd>${coalescingText(nic)}</dd>
      </dl>
      ${this.problem ? html`<p class="problem" role="alert">${this.problem}</p>` : nothing}
    `;
  }

  #carrier({ linkUp, announcePending, features }: NicInfo): unknown {
    const actions = this.#actions.actions;
    const canBeAsked = hasFeature(parseFeatures(features.negotiated || '0x0'), VIRTIO_NET_F_GUEST_ANNOUNCE);
    return html`
      <dt>Link</dt>
      <dd>
        <span role="status" aria-label="Carrier" class=${linkUp ? 'accept' : 'loss'}
          >${linkUp ? '✓ up' : '✕ down'}</span
        >
        <button
          role="switch"
          aria-checked=${linkUp}
          aria-label="Link"
          title="The driver is told, if it negotiated STATUS"
          @click=${() => this.#do(() => actions?.setLinkUp(!linkUp))}
        >
          ${linkUp ? 'Pull the plug' : 'Plug it in'}
        </button>
        <button
          title=${
            canBeAsked
              ? 'Asks the driver to announce itself to the network, as after a migration'
              : 'The driver cannot be asked: it has not negotiated GUEST_ANNOUNCE. Offer it under Features, Edit.'
          }
          ?disabled=${!canBeAsked}
          @click=${() => this.#do(() => actions?.announce())}
        >
          Ask to announce
        </button>
        ${announcePending ? html`<span class="muted">asked, not acknowledged yet</span>` : nothing}
      </dd>
    `;
  }

  async #do(action: () => Promise<unknown> | undefined): Promise<void> {
    this.problem = '';
    try {
      await action();
    } catch (error) {
      this.problem = messageOf(error);
    }
    this.dispatchEvent(new Event('changed'));
  }
}

function steeringText({ pairs, steering, rss }: NicInfo): string {
  const over = `${formatCount(pairs.inUse)} of ${plural(pairs.maximum, 'pair')}`;
  const types = rss === null ? '' : HASH_TYPE_NAMES.filter((_, bit) => rss.hashTypes & (1 << bit)).join(' ');
  if (steering === 'rss' && rss?.table) {
    return `RSS over ${over}: ${plural(rss.table.length, 'table entry', 'table entries')} on ${types || 'no hash'}`;
  }
  return `by flow over ${over}${rss === null ? '' : `; hashes reported for ${types || 'nothing'}`}`;
}

function coalescingText({ coalescing: { rx, tx } }: NicInfo): string {
  const one = ({ maxPackets, maxUsecs }: typeof rx): string =>
    maxPackets === 0 || maxUsecs === 0 ? 'off' : `${formatCount(maxPackets)} packets or ${formatCount(maxUsecs)} µs`;
  const [receive, transmit] = [one(rx), one(tx)];
  return receive === transmit ? receive : `receive ${receive}, transmit ${transmit}`;
}

customElements.define('lab-device-state', LabDeviceState);
