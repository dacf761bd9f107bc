import { css, html, LitElement, nothing } from 'lit';
import { bootTimes, isBooting, rememberBoot, SecondsController, STAGE_TEXT, stagesOf } from './boot-progress.ts';
import { formatBytes } from './format.ts';
import { StoreController } from './store.ts';
import { shared } from './styles.ts';

/** How far the guest is: one mark per stage, words for the present one, and for how long. */
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
      .clock {
        min-width: 4ch;
      }
    `,
  ];

  readonly #store = new StoreController(this, ({ model }) => model.boot ?? model.failure);
  #wasBooting = false;

  constructor() {
    super();
    new SecondsController(this, () => isBooting(this.#store.store?.model));
  }

  override updated(): void {
    const store = this.#store.store;
    if (!store) return;
    const booting = isBooting(store.model);
    if (this.#wasBooting && store.model.boot?.stage === 'ready') rememberBoot(bootTimes(store.log.events));
    this.#wasBooting = booting;
  }

  override render(): unknown {
    const store = this.#store.store;
    const boot = store?.model.boot ?? null;
    if (!store || !boot || store.model.failure) {
      const state = store?.model.failure ? 'stopped' : 'starting';
      return html`<span role="status" aria-label="Guest" class="muted">Guest: ${state}</span>`;
    }
    if (boot.stage === 'ready') {
      return html`<span role="status" aria-label="Guest"
        ><span class="dot" aria-hidden="true">●</span> Guest ready</span
      >`;
    }
    const stages = stagesOf(store.model);
    const at = stages.indexOf(boot.stage);
    const part = boot.totalBytes > 0 ? Math.min(1, boot.loadedBytes / boot.totalBytes) : 0.5;
    const bytes =
      boot.totalBytes > 0
        ? html`<span class="muted number">${formatBytes(boot.loadedBytes)} of ${formatBytes(boot.totalBytes)}</span>`
        : nothing;
    const seconds = (performance.now() * 1e6 - bootTimes(store.log.events).begun) / 1e9;
    return html`
      <span class="stages" aria-hidden="true">
        ${stages.map(
          (_, i) =>
            html`<i class=${i < at ? 'done' : ''}
              >${i === at ? html`<b style="width:${part * 100}%"></b>` : nothing}</i
            >`,
        )}
      </span>
      <span role="status" aria-label="Guest" title=${STAGE_TEXT[boot.stage]}>Guest: ${boot.stage}</span>
      ${bytes}
      <span class="muted number clock" title="Since this boot began">${Math.max(0, Math.floor(seconds))} s</span>
    `;
  }
}

customElements.define('lab-boot', LabBoot);
