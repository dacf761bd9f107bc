import { css, html, LitElement, nothing } from 'lit';
import { parseIoctlArgument } from '../core/viona/ioctl-arguments.ts';
import type { IoctlRecord } from '../core/viona/link.ts';
import { PROMISC_LEVELS } from '../core/viona/link.ts';
import { messageOf } from './format.ts';
import { formStyles } from './form-styles.ts';
import { IOCTL_HINTS } from './ioctl-hints.ts';
import { ActionsController, StoreController } from './store.ts';
import { controls, shared } from './styles.ts';

/** Any ioctl of the link, past the VMM, which does not know of it and may undo it at the driver's next command. */
export class LabIoctlConsole extends LitElement {
  static override properties = { name: { state: true }, result: { state: true }, problem: { state: true } };
  declare name: string;
  declare result: string;
  declare problem: string;

  static override styles = [
    shared,
    controls,
    formStyles,
    css`
      form {
        display: grid;
        grid-template-columns: minmax(0, 1fr) max-content;
        gap: 4px 6px;
        margin-top: 4px;
      }
      input {
        min-width: 0;
      }
      .levels button {
        min-height: 22px;
        padding: 0 7px;
        font: var(--text-s) / 1.4 var(--mono);
      }
      output {
        font: var(--text-s) / 1.45 var(--mono);
      }
    `,
  ];

  readonly #store = new StoreController(this, ({ model }) => `${model.host ?? ''} ${model.link?.level ?? ''}`);
  readonly #actions = new ActionsController(this);

  constructor() {
    super();
    this.name = 'VNA_IOC_SET_PROMISC';
    this.result = '';
    this.problem = '';
  }

  override render(): unknown {
    const model = this.#store.store?.model;
    if (!model) return nothing;
    const linkless = model.link !== null && model.link.level === null;
    const hint = IOCTL_HINTS.find(({ name }) => name === this.name);
    return html`
      <section role="group" aria-label="Ioctl by hand">
        <h3>Ioctl by hand</h3>
        <p class="muted">
          ${
            linkless
              ? 'The host model in force has no viona link: every ioctl is ENXIO.'
              : 'Past the VMM: it does not know of it, and may undo it at the driver’s next command.'
          }
        </p>
        <div class="line levels">
          ${PROMISC_LEVELS.map(
            (level) =>
              html`<button ?disabled=${linkless} @click=${() => this.#issue('VNA_IOC_SET_PROMISC', level)}>
                SET_PROMISC ${level}
              </button>`,
          )}
        </div>
        <form @submit=${this.#submit}>
          <select
            class="mono"
            aria-label="Ioctl"
            @change=${(event: Event) => {
              this.name = (event.target as HTMLSelectElement).value;
              this.problem = '';
            }}
          >
            ${IOCTL_HINTS.map(
              ({ name, short, since }) =>
                html`<option value=${name} ?selected=${name === this.name}>
                  ${short}${since > 6 ? ` (version ${since})` : ''}
                </option>`,
            )}
          </select>
          <button>Issue</button>
          <input
            class="mono"
            aria-label="Argument"
            spellcheck="false"
            autocomplete="off"
            placeholder=${hint?.takes ? hint.example : 'no argument'}
            title=${hint?.takes ? hint.example : 'This ioctl takes none.'}
            ?disabled=${!hint?.takes}
            style="grid-column: 1 / -1"
          />
        </form>
        <output aria-label="Ioctl result" class=${this.problem ? 'problem' : ''}>${this.problem || this.result}</output>
      </section>
    `;
  }

  #submit(event: Event): void {
    event.preventDefault();
    const field = this.renderRoot.querySelector<HTMLInputElement>('input');
    const text = field && !field.disabled ? field.value : '';
    const parsed = parseIoctlArgument(this.name, text);
    if (parsed.ok) void this.#issue(this.name, text);
    else this.problem = parsed.error;
  }

  async #issue(name: string, arg: string): Promise<void> {
    this.problem = '';
    try {
      const record = await this.#actions.actions?.ioctl(name, arg);
      if (!record) return;
      this.result = recordText(record);
      if (record.errno !== 0) this.problem = this.result;
    } catch (error) {
      this.problem = messageOf(error);
    }
  }
}

/** `SET_PROMISC ALL: OK.`, `GET_MTU: OK, 1500.`, `RING_KICK 9: EINVAL.` */
function recordText({ name, arg, errno, value, hint }: IoctlRecord): string {
  const call = `${name.replace('VNA_IOC_', '')}${arg === '' ? '' : ` ${arg}`}`;
  const answer = value === undefined ? '' : `, ${typeof value === 'string' ? value : JSON.stringify(value)}`;
  return `${call}: ${errno === 0 ? 'OK' : errno}${answer}.${hint === undefined ? '' : ` ${hint}`}`;
}

customElements.define('lab-ioctl-console', LabIoctlConsole);
