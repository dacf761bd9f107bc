import { css, html, LitElement, nothing } from 'lit';
import type { SwitchPortInfo } from '../protocol/api.ts';
import { formatCount } from './format.ts';
import { ActionsController } from './store.ts';
import { shared, tables } from './styles.ts';

/** Frames of the other guest and of the station change nothing that this guest's trace tells of: ask by the clock. */
const INTERVAL_MS = 1000;

/** The switch that guests and station are on: what it has learned, and what each port's frames came to. */
export class LabSwitch extends LitElement {
  static override properties = { ports: { state: true } };
  declare ports: readonly SwitchPortInfo[];

  static override styles = [
    shared,
    tables,
    css`
      table {
        margin-top: 2px;
      }
      tbody th {
        color: var(--text);
        font-size: inherit;
      }
      .more {
        padding: 0 0 4px;
        color: var(--muted);
      }
      .more.mono {
        white-space: normal;
      }
    `,
  ];

  readonly #actions = new ActionsController(this);
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor() {
    super();
    this.ports = [];
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.#timer = setInterval(() => void this.#ask(), INTERVAL_MS);
    // Not at once: whether it is shown would have the whole page laid out, before there is anything else on it.
    requestAnimationFrame(() => void this.#ask());
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    clearInterval(this.#timer);
  }

  override render(): unknown {
    return html`
      <section role="group" aria-label="Switch">
        <h3>Switch between the guests</h3>
        <table aria-label="Ports of the switch">
          <thead>
            <tr>
              <th>Port</th>
              <th class="number" title="Frames that came in by this port">In</th>
              <th class="number" title="Frames that left by this port. What became of them there, its link knows">
                Out
              </th>
              <th
                class="number"
                title="Came in and went out of every other port: to a group, or to an address not seen yet"
              >
                Flooded
              </th>
            </tr>
          </thead>
          <tbody>
            ${this.ports.map((port) => portRows(port))}
          </tbody>
        </table>
      </section>
    `;
  }

  async #ask(): Promise<void> {
    const { actions } = this.#actions;
    if (!actions || this.getClientRects().length === 0) return;
    try {
      this.ports = await actions.switchPorts();
    } catch {
      // A thread that has died is told of elsewhere: the last answer stays.
    }
  }
}

function portRows({ name, addresses, framesIn, framesOut, flooded, ...rest }: SwitchPortInfo): unknown {
  const others = OTHERS.flatMap(({ key, text }) => (rest[key] > 0 ? [`${formatCount(rest[key])} ${text}`] : []));
  return html`
    <tr>
      <th scope="row">${name}</th>
      <td class="number mono">${formatCount(framesIn)}</td>
      <td class="number mono">${formatCount(framesOut)}</td>
      <td class="number mono">${formatCount(flooded)}</td>
    </tr>
    <tr>
      <td class="more mono" colspan="4">${addresses.length === 0 ? 'no address learned' : addresses.join(', ')}</td>
    </tr>
    ${
      others.length === 0
        ? nothing
        : html`<tr>
            <td class="more wide leak" colspan="4">${others.join('; ')}</td>
          </tr>`
    }
  `;
}

const OTHERS = [
  { key: 'filtered', text: 'stayed: their destination is behind this port' },
  { key: 'malformed', text: 'lost: too short to have two addresses' },
  { key: 'refused', text: 'not taken by what hangs there' },
  { key: 'notLearned', text: 'source addresses not learned: the port has its 64' },
] as const;

customElements.define('lab-switch', LabSwitch);
