import { css, html, LitElement, nothing } from 'lit';
import { formatMac } from '../core/net/mac.ts';
import type { Mac } from '../core/net/mac.ts';
import { groupName } from '../core/trace/group-names.ts';
import { RX_FLAGS } from '../core/virtio-net/rx-mode.ts';
import { formatCount } from './format.ts';
import { StoreController } from './store.ts';
import { shared, tables } from './styles.ts';

/** What the driver has asked for since reset: receive mode flags and MAC tables. */
export class LabReceiveFilter extends LitElement {
  static override styles = [
    shared,
    tables,
    css`
      .flags {
        display: flex;
        flex-wrap: wrap;
        gap: 3px;
        margin: 4px 0 6px;
      }
      .flag {
        padding: 0 5px;
        border: 1px solid var(--line);
        border-radius: 3px;
        font: var(--text-s) / 16px var(--mono);
      }
      .flag.on {
        border-color: var(--accent);
        background: var(--chosen);
      }
      .flag.unset {
        border-style: dashed;
        color: var(--muted);
      }
      p + table {
        margin-bottom: 4px;
      }
      td {
        line-height: 17px;
      }
      td:last-child {
        width: 100%;
        max-width: 0;
        overflow: hidden;
        text-overflow: ellipsis;
      }
    `,
  ];

  readonly #store = new StoreController(this, ({ model, mac }) => `${model.generation} ${model.epoch} ${mac ?? ''}`);

  override render(): unknown {
    const store = this.#store.store;
    if (!store) return nothing;
    const { rxMode, tables: macTables, vlans } = store.model;
    return html`
      <h3>Receive filter asked for</h3>
      <div class="flags" role="list" aria-label="Receive mode">
        ${RX_FLAGS.map((flag) => {
          const value = rxMode[flag];
          const text = value === null ? 'unset' : value ? 'on' : 'off';
          const title = value === null ? 'Never commanded since reset' : `Commanded ${text}`;
          return html`<span role="listitem" class="flag ${text}" title=${title}
            >${flag} ${value === null ? '–' : text}</span
          >`;
        })}
      </div>
      <p class="muted">Own <span class="mono">${store.mac ?? 'address unknown'}</span> always</p>
      ${this.#table('Unicast table', macTables.unicast)} ${this.#table('Multicast table', macTables.multicast)}
      ${vlans.length > 0 ? html`<p class="muted">VLANs: <span class="mono">${vlans.join(' ')}</span></p>` : nothing}
    `;
  }

  #table(caption: string, macs: readonly Mac[]): unknown {
    if (macs.length === 0) return html`<p class="muted">${caption}: empty</p>`;
    return html`
      <p class="muted">${caption}: ${formatCount(macs.length)}</p>
      <table aria-label=${caption}>
        <tbody>
          ${macs.map(
            (mac) =>
              html`<tr>
                <td class="mono">${formatMac(mac)}</td>
                <td class="muted" title=${groupName(mac) ?? nothing}>${groupName(mac) ?? ''}</td>
              </tr>`,
          )}
        </tbody>
      </table>
    `;
  }
}

customElements.define('lab-receive-filter', LabReceiveFilter);
