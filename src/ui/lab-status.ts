import { css, html, LitElement, nothing } from 'lit';
import { STATUS_BITS } from './feature-info.ts';
import { StoreController } from './store.ts';
import { shared } from './styles.ts';

/** device_status, bit by bit, in the order a driver sets them. */
export class LabStatus extends LitElement {
  static override styles = [
    shared,
    css`
      :host {
        display: inline-flex;
        align-items: center;
        gap: 6px;
        min-width: 0;
      }
      @media (max-width: 599px) {
        :host {
          flex-wrap: wrap;
        }
      }
      ol {
        display: flex;
        gap: 4px;
        list-style: none;
        min-width: 0;
      }
      li {
        padding: 0 5px;
        border: 1px dashed var(--line-strong);
        border-radius: 3px;
        color: var(--muted);
        font: 10px / 16px var(--mono);
      }
      li.on {
        border: 1px solid var(--accept);
        background: var(--accept-tint);
        color: var(--accept);
      }
      li.on.bad {
        border-color: var(--loss);
        background: var(--loss-tint);
        color: var(--loss);
      }
    `,
  ];

  readonly #store = new StoreController(this, ({ model }) => `${model.status} ${model.epoch}`);

  override render(): unknown {
    const model = this.#store.store?.model;
    if (!model) return nothing;
    const value = `0x${model.status.toString(16).padStart(2, '0')}`;
    return html`
      <span class="muted mono" title="device_status, and how often the device was reset"
        >${value} · reset ${model.epoch}</span
      >
      <ol aria-label="Device status">
        ${STATUS_BITS.map(({ bit, name, meaning }) => {
          const on = (model.status & bit) !== 0;
          const bad = bit >= 64;
          if (bad && !on) return nothing;
          return html`<li class="${on ? 'on' : ''} ${bad ? 'bad' : ''}" title=${meaning}>
            ${on ? '✓' : '–'} ${name}<span class="hidden">${on ? ' set' : ' clear'}</span>
          </li>`;
        })}
      </ol>
    `;
  }
}

customElements.define('lab-status', LabStatus);
