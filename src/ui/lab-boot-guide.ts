import { css, html, LitElement, nothing } from 'lit';
import type { BootStage } from '../core/trace/event.ts';
import type { LabModel } from '../core/trace/model.ts';
import {
  bootTimes,
  isBooting,
  lastBootSeconds,
  SecondsController,
  stageSeconds,
  stagesOf,
  STAGE_TEXT,
} from './boot-progress.ts';
import type { BootTimes } from './boot-progress.ts';
import { FIRST_STEPS } from './first-steps.ts';
import { StoreController } from './store.ts';
import type { LabStore } from './store.ts';
import { shared } from './styles.ts';

/** In place of a console that has nothing to show yet: what this is, what happens now, and what to do then. */
export class LabBootGuide extends LitElement {
  static override styles = [
    shared,
    css`
      :host {
        display: block;
        padding: 12px 16px;
        overflow: auto;
      }
      .measure {
        display: grid;
        gap: 12px;
        max-width: 76ch;
      }
      .rows {
        display: grid;
        grid-template-columns: max-content max-content minmax(0, 1fr) max-content;
        gap: 2px 10px;
        list-style: none;
        margin-top: 4px;
      }
      .rows li {
        display: contents;
        color: var(--muted);
      }
      .rows li.now {
        color: var(--text);
      }
      .now .name {
        font-weight: 600;
      }
      .done .sign {
        color: var(--accept);
      }
      .commands {
        grid-template-columns: max-content minmax(0, 1fr);
      }
      .commands code {
        color: var(--text);
      }
    `,
  ];

  readonly #store = new StoreController(
    this,
    ({ model }) => model.failure ?? `${model.snapshots.length} ${JSON.stringify(model.boot)}`,
  );
  readonly #last = lastBootSeconds();

  constructor() {
    super();
    new SecondsController(this, () => isBooting(this.#store.store?.model));
  }

  override render(): unknown {
    const store = this.#store.store;
    if (!store) return nothing;
    const { failure } = store.model;
    return html`
      <div class="measure">
        <p>
          Debian Linux, unmodified, drives an emulated virtio network device. A model of the illumos host decides which
          frames reach it. The lab shows every frame, who decided about it by which rule, and what that cost the host.
        </p>
        ${failure ? html`<p>The boot stopped. The message at the top says how to go on.</p>` : this.#stages(store)}
      </div>
    `;
  }

  #expected({ warm }: LabModel): string {
    if (warm) return 'The guest goes on from a snapshot, a second after that is here.';
    return `The guest boots. ${this.#last === null ? 'It takes 15 to 60 seconds.' : `The last time here it took ${this.#last} s.`}`;
  }

  #stages({ model, log }: LabStore): unknown {
    const times = bootTimes(log.events);
    const stages = stagesOf(model);
    const troubles = model.snapshots.filter(({ detail }) => detail !== '');
    return html`
      <div>
        <h3>${this.#expected(model)}</h3>
        <ol class="rows">
          ${stages.map((stage) => stageRow(stage, stages, model.boot?.stage ?? null, times))}
        </ol>
        ${troubles.map(({ detail }) => html`<p class="muted">${detail}</p>`)}
      </div>
      <div>
        <h3>Then type here</h3>
        <ol class="rows commands">
          ${FIRST_STEPS.map(({ command, why }) => html`<li><code>${command}</code><span>${why}</span></li>`)}
        </ol>
      </div>
    `;
  }
}

function stageRow(stage: BootStage, all: readonly BootStage[], now: BootStage | null, times: BootTimes): unknown {
  const order = all.indexOf(stage) - (now ? all.indexOf(now) : -1);
  const seconds = stageSeconds(times, stage, performance.now() * 1e6);
  const [state, sign] = order < 0 ? ['done', '✓'] : order > 0 ? ['later', '·'] : ['now', '▸'];
  return html`<li class=${state} aria-current=${state === 'now' ? 'step' : nothing}>
    <span class="sign">${sign}</span><span class="name">${stage}</span><span>${STAGE_TEXT[stage]}</span
    ><span class="number">${seconds === null ? '' : `${Math.floor(seconds)} s`}</span>
  </li>`;
}

customElements.define('lab-boot-guide', LabBootGuide);
