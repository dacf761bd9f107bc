import { css, html, LitElement, nothing } from 'lit';
import { formatMac } from '../core/net/mac.ts';
import type { Mac } from '../core/net/mac.ts';
import { groupName } from '../core/trace/group-names.ts';
import { RX_FLAGS } from '../core/virtio-net/rx-mode.ts';
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
        gap: 4px;
        margin: 4px 0 8px;
      }
      .flag {
        padding: 0 6px;
        border: 1px solid var(--line);
        border-radius: 3px;
        font: var(--text-s) / 18px var(--mono);
      }
      .flag.on {
        border-color: var(--accent);
        background: var(--chosen);
      }
      .flag.unset {
        border-style: dashed;
        color: var(--muted);
      }
      table + table {
        margin-top: 6px;
      }
      caption {
        text-align: left;
        color: var(--muted);
        font-size: var(--text-s);
      }
      td:last-child {
        width: 100%;
        white-space: normal;
      }
    `,
  ];

  readonly #store = new StoreController(this, ({ model, mac }) => `${model.generation} ${model.epoch} ${mac ?? ''}`);

  override render(): unknown {
    const store = this.#store.store;
    if (!store) return nothing;
    const { rxMode, tables: macTables } = store.model;
    return html`
      <h3>Receive filter asked for by the driver</h3>
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
      ${this.#table('Unicast table', macTables.unicast, store.mac)}
      ${this.#table('Multicast table', macTables.multicast, null)}
    `;
  }

  #table(caption: string, macs: readonly Mac[], own: string | null): unknown {
    return html`
      <table>
        <caption>
          ${caption} (${macs.length})
        </caption>
        <tbody>
          ${
            own
              ? html`<tr>
                  <td class="mono muted">${own}</td>
                  <td class="muted">own address, always accepted</td>
                </tr>`
              : nothing
          }
          ${
            macs.length === 0 && !own
              ? html`<tr>
                  <td class="muted">empty</td>
                </tr>`
              : nothing
          }
          ${macs.map(
            (mac) =>
              html`<tr>
                <td class="mono">${formatMac(mac)}</td>
                <td class="muted">${groupName(mac) ?? ''}</td>
              </tr>`,
          )}
        </tbody>
      </table>
    `;
  }
}

customElements.define('lab-receive-filter', LabReceiveFilter);
