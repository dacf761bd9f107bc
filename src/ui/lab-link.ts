import { css, html, LitElement, nothing } from 'lit';
import type { LabModel } from '../core/trace/model.ts';
import { PROMISC_LEVELS } from '../core/viona/link.ts';
import type { LinkCallbacks, PromiscLevel } from '../core/viona/link.ts';
import { StoreController } from './store.ts';
import { shared } from './styles.ts';

const LETS_THROUGH: Readonly<Record<PromiscLevel, string>> = {
  NONE: 'Own unicast and broadcast. No multicast: viona joins no groups.',
  MULTI: 'Own unicast, broadcast and every multicast frame on the wire, asked for or not.',
  ALL: 'Every frame on the wire.',
};

/** The host's link as it is now: which promiscuity level, which callbacks, and what that lets through. */
export class LabLink extends LitElement {
  static override styles = [
    shared,
    css`
      .levels {
        display: flex;
        margin: 4px 0 6px;
        border: 1px solid var(--line);
        border-radius: var(--radius);
        overflow: hidden;
        width: fit-content;
      }
      .levels span {
        padding: 2px 12px;
        font: 600 15px/1.5 var(--mono);
        color: var(--muted);
      }
      .levels span + span {
        border-left: 1px solid var(--line);
      }
      .levels .on {
        background: var(--accent);
        color: var(--on-accent);
      }
      ul {
        list-style: none;
        margin-top: 6px;
      }
      li {
        padding-left: 12px;
        text-indent: -12px;
      }
      li + li {
        margin-top: 3px;
      }
    `,
  ];

  readonly #store = new StoreController(this, (store) => store.model.link);

  override render(): unknown {
    const link = this.#store.store?.model.link ?? null;
    return html`
      <h3>Host link</h3>
      ${link?.level ? this.#viona(link.level, link.callbacks) : this.#other(link)}
    `;
  }

  #viona(level: PromiscLevel, callbacks: LinkCallbacks | null): unknown {
    return html`
      <span class="hidden" role="status" aria-label="Link level">${level}</span>
      <div class="levels" aria-hidden="true">
        ${PROMISC_LEVELS.map((each) => html`<span class=${each === level ? 'on' : ''}>${each}</span>`)}
      </div>
      <p>${LETS_THROUGH[level]}</p>
      ${
        callbacks
          ? html`<ul class="muted">
              ${sentences(callbacks).map((text) => html`<li>· ${text}</li>`)}
            </ul>`
          : nothing
      }
    `;
  }

  #other(link: LabModel['link']): unknown {
    const text = link
      ? 'This host model has no viona link: it filters each frame by the driver’s own tables.'
      : 'Not reported yet. The link appears when the host side has started.';
    return html`<p role="status" aria-label="Link level" class="muted">${text}</p>`;
  }
}

function sentences({ classified, promisc }: LinkCallbacks): string[] {
  return [
    classified
      ? `${classified} takes what the MAC layer classified to this client: own unicast and broadcast.`
      : 'No classified callback: the MAC layer discards what it classified to this client.',
    promisc
      ? `${promisc.handler} is a promiscuous callback of kind ${promisc.kind}: the MAC layer copies ${
          promisc.kind === 'ALL' ? 'every frame' : 'every group-addressed frame'
        } for it.`
      : 'No promiscuous callback: the NIC can leave promiscuous mode.',
  ];
}

customElements.define('lab-link', LabLink);
