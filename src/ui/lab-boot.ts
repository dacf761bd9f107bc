import { css, html, LitElement, nothing } from 'lit';
import { BOOT_STAGES } from '../core/trace/event.ts';
import { formatBytes } from './format.ts';
import { StoreController } from './store.ts';
import { shared } from './styles.ts';

/** How far the guest is: one mark per stage, words for the present one. */
export class LabBoot extends LitElement {
  static override styles = [
    shared,
    css`
      :host {
        display: inline-flex;
        align-items: center;
        gap: 8px;
        white-space: nowrap;
      }
      .stages {
        display: inline-flex;
        gap: 2px;
      }
      i {
        width: 16px;
        height: 4px;
        border-radius: 2px;
        background: var(--line);
        overflow: hidden;
      }
      i.done {
        background: var(--accept);
      }
      i b {
        display: block;
        height: 100%;
        background: var(--accent);
      }
      .dot {
        color: var(--accept);
      }
    `,
  ];

  readonly #store = new StoreController(this, ({ model }) => model.boot ?? model.failure);

  override render(): unknown {
    const model = this.#store.store?.model;
    const boot = model?.boot ?? null;
    if (!boot) {
      const state = model?.failure ? 'stopped' : 'starting';
      return html`<span role="status" aria-label="Guest" class="muted">Guest: ${state}</span>`;
    }
    if (boot.stage === 'ready') {
      return html`<span role="status" aria-label="Guest"
        ><span class="dot" aria-hidden="true">●</span> Guest ready</span
      >`;
    }
    const at = BOOT_STAGES.indexOf(boot.stage);
    const part = boot.totalBytes > 0 ? Math.min(1, boot.loadedBytes / boot.totalBytes) : 0.5;
    const bytes = boot.totalBytes > 0 ? `${formatBytes(boot.loadedBytes)} of ${formatBytes(boot.totalBytes)}` : '';
    return html`
      <span class="stages" aria-hidden="true">
        ${BOOT_STAGES.map(
          (_, i) =>
            html`<i class=${i < at ? 'done' : ''}
              >${i === at ? html`<b style="width:${part * 100}%"></b>` : nothing}</i
            >`,
        )}
      </span>
      <span role="status" aria-label="Guest">Guest: ${boot.stage}</span>
      <span class="muted mono">${bytes}</span>
    `;
  }
}

customElements.define('lab-boot', LabBoot);
