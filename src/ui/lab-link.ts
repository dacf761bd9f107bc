import { css, html, LitElement, nothing } from 'lit';
import type { LabModel } from '../core/trace/model.ts';
import { LEVEL_CALLBACKS, PROMISC_LEVELS } from '../core/viona/link.ts';
import type { LinkCallbacks, PromiscLevel } from '../core/viona/link.ts';
import { StoreController } from './store.ts';
import { shared, tables } from './styles.ts';

/** What reaches the guest. */
const LETS_THROUGH: Readonly<Record<PromiscLevel, string>> = {
  NONE: 'own unicast and broadcast',
  MULTI: '+ all multicast',
  ALL: 'every frame on the wire',
};

/** The host's link as it is now: which promiscuity level, which callbacks, and what that lets through. */
export class LabLink extends LitElement {
  static override styles = [
    shared,
    tables,
    css`
      table {
        margin: 4px 0 6px;
      }
      td,
      th[scope='row'] {
        padding: 2px 8px 2px 6px;
        color: var(--muted);
        vertical-align: baseline;
      }
      th[scope='row'] {
        font: 500 var(--text-m) / 1.45 var(--mono);
      }
      td:last-child {
        width: 100%;
        white-space: normal;
      }
      tr.on > * {
        background: var(--chosen);
        color: var(--text);
      }
      tr.on th {
        box-shadow: inset 3px 0 var(--accent);
        font-weight: 700;
      }
      dt,
      dd {
        display: inline;
      }
      dd {
        color: var(--muted);
      }
      dd.what {
        display: block;
      }
      dd.what + dt {
        margin-top: 3px;
      }
      .problem {
        margin-top: 4px;
      }
    `,
  ];

  readonly #store = new StoreController(this, (store) => store.model.link);

  override render(): unknown {
    const link = this.#store.store?.model.link ?? null;
    return html`
      <h3>Host link: promiscuity level</h3>
      ${link?.level ? this.#viona(link.level, link.callbacks) : this.#other(link)}
    `;
  }

  #viona(level: PromiscLevel, callbacks: LinkCallbacks | null): unknown {
    return html`
      <span class="hidden" role="status" aria-label="Link level">${level}</span>
      <table aria-label="Promiscuity levels">
        <tbody>
          ${PROMISC_LEVELS.map(
            (each) =>
              html`<tr class=${each === level ? 'on' : ''}>
                <th scope="row">${each}${each === level ? html`<span class="hidden">, now</span>` : nothing}</th>
                <td>${LETS_THROUGH[each]}</td>
              </tr>`,
          )}
        </tbody>
      </table>
      ${callbacks ? registered(callbacks) : nothing} ${callbacks ? mismatch(level, callbacks) : nothing}
    `;
  }

  #other(link: LabModel['link']): unknown {
    const text = link
      ? 'This host model has no viona link: it filters each frame by the driver’s own tables.'
      : 'Not reported yet. The link appears when the host side has started.';
    return html`<p role="status" aria-label="Link level" class="muted">${text}</p>`;
  }
}

function registered({ classified, promisc }: LinkCallbacks): unknown {
  return html`
    <dl>
      <dt class="mono">mac_rx_set</dt>
      <dd class="mono">${classified ?? 'cleared'}</dd>
      <dd class="what">${classified ? 'For own unicast and broadcast.' : 'So that no frame comes twice.'}</dd>
      <dt class="mono">mac_promisc_add</dt>
      <dd class="mono">${promisc ? `${promisc.kind}, ${promisc.handler}` : 'none'}</dd>
      <dd class="what">
        ${
          promisc
            ? `A copy of every ${promisc.kind === 'ALL' ? '' : 'group-addressed '}frame.`
            : 'The NIC can leave promiscuous mode.'
        }
      </dd>
    </dl>
  `;
}

/** After a failed ioctl the recorded level and the callbacks part, and asking for the level again changes nothing. */
function mismatch(level: PromiscLevel, callbacks: LinkCallbacks): unknown {
  const sameAs = (each: PromiscLevel): boolean => LEVEL_CALLBACKS[each].promisc?.kind === callbacks.promisc?.kind;
  if (sameAs(level)) return nothing;
  const acts = PROMISC_LEVELS.find(sameAs) ?? 'NONE';
  return html`<p class="problem">
    Recorded is ${level}, but the callbacks are those of ${acts}: a failed ioctl left them so. Asking for ${level} again
    succeeds and changes nothing.
  </p>`;
}

customElements.define('lab-link', LabLink);
