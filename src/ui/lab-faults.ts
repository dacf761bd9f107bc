import { css, html, LitElement, nothing } from 'lit';
import type { Fault } from '../protocol/api.ts';
import { faultCodes } from '../core/viona/faults.ts';
import type { Fault as LinkFault, FaultKind } from '../core/viona/faults.ts';
import { messageOf, plural } from './format.ts';
import { IOCTL_HINTS } from './ioctl-hints.ts';
import { formStyles } from './form-styles.ts';
import { ActionsController, StoreController } from './store.ts';
import { controls, shared } from './styles.ts';

/** What of a kind is injected, and whether it lies in wait or acts now. */
const KINDS: Readonly<Record<FaultKind, { readonly when: string; readonly undo: string }>> = {
  ioctl: { when: 'waiting', undo: 'Undo the failing ioctls' },
  'ring-stall': { when: 'in force', undo: 'Let the rings go on' },
  lease: { when: 'in force', undo: 'End the renewal' },
};

/** Makes things go wrong in the host, shows what waits and what is in force, and takes it back. */
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
      li span:first-child {
        flex: 1;
        overflow-wrap: anywhere;
      }
      #ioctl {
        min-width: 190px;
      }
      #ring {
        width: 52px;
      }
    `,
  ];

  readonly #store = new StoreController(this, ({ model }) => model);
  readonly #actions = new ActionsController(this);

  constructor() {
    super();
    this.name = 'VNA_IOC_SET_PROMISC';
    this.code = 'ENOMEM';
    this.report = '';
    this.problem = '';
  }

  override render(): unknown {
    const model = this.#store.store?.model;
    if (!model) return nothing;
    const linkless = model.link !== null && model.link.level === null;
    return html`
      <section role="group" aria-label="Faults">
        <div class="title">
          <h3>Faults</h3>
          ${
            model.faults.length > 1
              ? html`<button @click=${() => this.#clear(undefined)}>Undo all ${model.faults.length}</button>`
              : nothing
          }
        </div>
        ${this.#injected(model.faults)}
        ${
          linkless
            ? html`<p class="muted">
                The host model in force has no viona link, so its ioctls, rings and lease cannot fail.
              </p>`
            : this.#linkFaults(model.host === 'propolis-v7' ? 7 : 6)
        }
        <div class="line">
          <span>The next packet that needs several buffers</span>
          <button
            class="last"
            title="In the device: the receive ring runs dry in the middle of a merged packet"
            @click=${() => this.#inject({ kind: 'shortage' }, 'The next packet that needs several buffers runs short of them.')}
          >
            Runs short
          </button>
        </div>
        <output aria-label="Fault result" class=${this.problem ? 'problem' : 'muted'}
          >${this.problem || this.report}</output
        >
      </section>
    `;
  }

  #injected(faults: readonly LinkFault[]): unknown {
    if (faults.length === 0)
      return html`<p class="muted" role="status" aria-label="Injected faults">Nothing is injected.</p>`;
    const kinds = (Object.keys(KINDS) as FaultKind[]).filter((kind) => faults.some((fault) => fault.kind === kind));
    return html`
      <ul role="status" aria-label="Injected faults">
        ${kinds.map((kind) => {
          const { when, undo } = KINDS[kind];
          const texts = faults.filter((fault) => fault.kind === kind).map(faultText);
          return html`<li>
            <span><b class="loss">${when}</b> ${texts.join('; ')}</span>
            <button title=${undo} aria-label=${undo} @click=${() => this.#clear(kind)}>Undo</button>
          </li>`;
        })}
      </ul>
    `;
  }

  #linkFaults(version: number): unknown {
    const known = IOCTL_HINTS.filter(({ since }) => since <= version);
    const codes = faultCodes(this.name);
    return html`
      <div class="line">
        <label for="ioctl">The next</label>
        <select id="ioctl" class="mono grow" @change=${this.#chooseIoctl}>
          ${known.map(({ name, short }) => html`<option value=${name} ?selected=${name === this.name}>${short}</option>`)}
        </select>
        <label for="code">fails with</label>
        <select
          id="code"
          class="mono"
          @change=${(event: Event) => (this.code = (event.target as HTMLSelectElement).value)}
        >
          ${codes.map((code) => html`<option value=${code} ?selected=${code === this.code}>${code}</option>`)}
        </select>
        <button
          class="last"
          @click=${() => this.#inject({ kind: 'ioctl', name: this.name, errno: this.code }, 'It waits for that ioctl.')}
        >
          Inject
        </button>
      </div>
      <div class="line">
        <label for="ring">The worker of ring</label>
        <input id="ring" class="mono" type="number" min="0" max="511" value="0" />
        <button class="last" title="Receive rings are even, transmit rings odd" @click=${this.#stall}>Stalls</button>
      </div>
      <div class="line">
        <span>The lease on guest memory</span>
        <button
          class="last"
          title="Until it is renewed, rings drop what is received for them, and none can be set up"
          @click=${() => this.#inject({ kind: 'lease' }, 'The lease is being renewed until you undo it.')}
        >
          Expires
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
    void this.#inject({ kind: 'ring-stall', ring }, `Ring ${ring} does not come round until you undo it.`);
  }

  #inject(fault: Fault, done: string): Promise<void> {
    return this.#do(() => this.#actions.actions?.fault(fault), done);
  }

  #clear(kind: FaultKind | undefined): Promise<void> {
    const count =
      this.#store.store?.model.faults.filter((fault) => kind === undefined || fault.kind === kind).length ?? 0;
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

function faultText(fault: LinkFault): string {
  switch (fault.kind) {
    case 'ioctl':
      return `next ${fault.name.replace('VNA_IOC_', '')} fails with ${fault.errno}`;
    case 'ring-stall':
      return `worker of ring ${fault.ring} stalls`;
    case 'lease':
      return 'lease on guest memory is being renewed';
  }
}

customElements.define('lab-faults', LabFaults);
