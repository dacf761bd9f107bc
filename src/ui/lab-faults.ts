import { css, html, LitElement, nothing } from 'lit';
import type { LabModel } from '../core/trace/model.ts';
import { faultCodes } from '../core/viona/faults.ts';
import type { Fault, FaultKind } from '../protocol/api.ts';
import { FAULT_STATES, faultText, happened, injectedFaults } from './fault-text.ts';
import { formStyles } from './form-styles.ts';
import { messageOf, plural } from './format.ts';
import { IOCTL_HINTS } from './ioctl-hints.ts';
import { ActionsController, StoreController } from './store.ts';
import { controls, shared } from './styles.ts';

/** Makes things go wrong in host and device, shows what waits and what is in force, and takes it back. */
export class LabFaults extends LitElement {
  static override properties = {
    name: { state: true },
    code: { state: true },
    report: { state: true },
    problem: { state: true },
  };
  declare name: string;
  declare code: string;
  declare report: string;
  declare problem: string;

  static override styles = [
    shared,
    controls,
    formStyles,
    css`
      ul {
        display: grid;
        gap: 2px;
        margin: 4px 0;
        list-style: none;
      }
      li {
        display: flex;
        align-items: center;
        gap: 8px;
        padding: 2px 4px 2px 8px;
        background: var(--loss-tint);
        box-shadow: inset 3px 0 var(--loss);
      }
      li span {
        flex: 1;
        overflow-wrap: anywhere;
      }
      .line {
        flex-wrap: nowrap;
      }
      #ioctl {
        flex: 1 1 0;
        min-width: 60px;
      }
      #code {
        flex: 0 1 auto;
        min-width: 60px;
      }
      #ring {
        width: 52px;
      }
    `,
  ];

  readonly #store = new StoreController(this, ({ model }) => model);
  readonly #actions = new ActionsController(this);
  /** As last shown: what of it has happened since is told. */
  #shown: LabModel | null = null;

  constructor() {
    super();
    this.name = 'VNA_IOC_SET_PROMISC';
    this.code = 'ENOMEM';
    this.report = '';
    this.problem = '';
  }

  override willUpdate(): void {
    const model = this.#store.store?.model ?? null;
    const news = this.#shown && model ? happened(this.#shown, model) : null;
    if (news !== null) this.report = news;
    this.#shown = model;
  }

  override render(): unknown {
    const model = this.#store.store?.model;
    if (!model) return nothing;
    const faults = injectedFaults(model);
    const linkless = model.link !== null && model.link.level === null;
    return html`
      <section role="group" aria-label="Faults">
        <div class="title">
          <h3>Faults to inject</h3>
          ${
            faults.length > 1
              ? html`<button @click=${() => this.#clear(undefined)}>Undo all ${faults.length}</button>`
              : nothing
          }
        </div>
        ${injected(faults, (kind) => void this.#clear(kind))}
        ${
          linkless
            ? html`<p class="muted">
                The host model in force has no viona link, so its ioctls, rings and lease cannot fail.
              </p>`
            : this.#linkFaults(model.host === 'propolis-v7' ? 7 : 6, faults)
        }
        <div class="line">
          <span title="In the device: the receive ring runs dry, and the packet comes truncated (rx_merge_underrun)"
            >Next packet of several buffers runs short</span
          >
          <button
            class="last"
            aria-label="Inject a shortage of buffers"
            ?disabled=${model.shortage}
            @click=${() => this.#inject({ kind: 'shortage' })}
          >
            Inject
          </button>
        </div>
        <output aria-label="Fault result" class=${this.problem ? 'problem' : 'muted'}
          >${this.problem || this.report}</output
        >
      </section>
    `;
  }

  #linkFaults(version: number, faults: readonly Fault[]): unknown {
    const known = IOCTL_HINTS.filter(({ since }) => since <= version);
    const codes = faultCodes(this.name);
    return html`
      <div class="line">
        <label for="ioctl">Next</label>
        <select id="ioctl" class="mono" @change=${this.#chooseIoctl}>
          ${known.map(({ name, short }) => html`<option value=${name} ?selected=${name === this.name}>${short}</option>`)}
        </select>
        <label for="code">fails</label>
        <select
          id="code"
          class="mono"
          @change=${(event: Event) => (this.code = (event.target as HTMLSelectElement).value)}
        >
          ${codes.map((code) => html`<option value=${code} ?selected=${code === this.code}>${code}</option>`)}
        </select>
        <button
          class="last"
          aria-label="Inject a failing ioctl"
          @click=${() => this.#inject({ kind: 'ioctl', name: this.name, errno: this.code })}
        >
          Inject
        </button>
      </div>
      <div class="line">
        <label for="ring" title="Receive rings are even, transmit rings odd">Worker of ring</label>
        <input id="ring" class="mono" type="number" min="0" max="511" value="0" />
        <span>stands still</span>
        <button class="last" aria-label="Inject a stalled ring" @click=${this.#stall}>Inject</button>
      </div>
      <div class="line">
        <span title="Until it is renewed, rings drop what is received for them, and none can be set up"
          >Lease on guest memory expires</span
        >
        <button
          class="last"
          aria-label="Inject an expired lease"
          ?disabled=${faults.some(({ kind }) => kind === 'lease')}
          @click=${() => this.#inject({ kind: 'lease' })}
        >
          Inject
        </button>
      </div>
    `;
  }

  #chooseIoctl(event: Event): void {
    this.name = (event.target as HTMLSelectElement).value;
    const codes = faultCodes(this.name);
    this.code = codes.find((code) => code === this.code) ?? codes[0] ?? '';
  }

  #stall(): void {
    const ring = Number(this.renderRoot.querySelector<HTMLInputElement>('#ring')?.value);
    void this.#inject({ kind: 'ring-stall', ring });
  }

  #inject(fault: Fault): Promise<void> {
    return this.#do(() => this.#actions.actions?.fault(fault), `Injected: ${faultText(fault)}.`);
  }

  #clear(kind: FaultKind | undefined): Promise<void> {
    const model = this.#store.store?.model;
    const faults = model ? injectedFaults(model) : [];
    const count = faults.filter((fault) => kind === undefined || fault.kind === kind).length;
    return this.#do(() => this.#actions.actions?.clearFaults(kind), `${plural(count, 'fault')} taken back.`);
  }

  async #do(action: () => Promise<void> | undefined, done: string): Promise<void> {
    this.problem = '';
    this.report = '';
    try {
      await action();
      this.report = done;
    } catch (error) {
      this.problem = messageOf(error);
    }
  }
}

function injected(faults: readonly Fault[], clear: (kind: FaultKind) => void): unknown {
  if (faults.length === 0)
    return html`<p class="muted" role="status" aria-label="Injected faults">Nothing is injected.</p>`;
  const kinds = (Object.keys(FAULT_STATES) as FaultKind[]).filter((kind) => faults.some((each) => each.kind === kind));
  return html`
    <div role="status" aria-label="Injected faults">
      <ul>
        ${kinds.map((kind) => {
          const { when, undo } = FAULT_STATES[kind];
          const texts = faults.filter((fault) => fault.kind === kind).map(faultText);
          return html`<li>
            <span><b class="loss">${when}</b> ${texts.join('; ')}</span>
            <button title=${undo} aria-label="Undo: ${undo}" @click=${() => clear(kind)}>Undo</button>
          </li>`;
        })}
      </ul>
    </div>
  `;
}

customElements.define('lab-faults', LabFaults);
