import { css, html, LitElement, nothing } from 'lit';
import type { BoundedLog, LabModel, Logged } from '../core/trace/model.ts';
import { formatCount, formatTime } from './format.ts';
import './lab-tabs.ts';
import { commandRow, guestErrorRow, ioctlRow, negotiationRow } from './log-rows.ts';
import type { LogRow } from './log-rows.ts';
import { StoreController } from './store.ts';
import { controls, pane, shared, tables } from './styles.ts';

/** Newest first, so what just happened is in view; older entries are in the trace. */
const SHOWN = 200;

/** What happened at control rate: link ioctls, control commands, negotiation, mistakes of the guest. */
export class LabLogs extends LitElement {
  static override properties = { selected: { state: true }, rings: { state: true } };
  declare selected: string;
  /** Show ring ioctls too: every probe makes dozens, and the filter's few drown in them. */
  declare rings: boolean;

  static override styles = [
    shared,
    pane,
    tables,
    controls,
    css`
      [slot='actions'] {
        min-height: 20px;
        padding: 0 7px;
        font-size: var(--text-s);
      }
      table {
        margin: 0 10px 6px;
        width: calc(100% - 20px);
      }
      td {
        font: var(--text-s) / 19px var(--mono);
        font-variant-numeric: tabular-nums;
      }
      th:nth-child(-n + 2) {
        width: 1%;
      }
      td.wide {
        overflow-wrap: anywhere;
        width: 50%;
      }
      .problem {
        color: var(--loss);
      }
      tbody tr:hover {
        background: var(--hover);
      }
    `,
  ];

  readonly #store = new StoreController(this, (store) => store.model);

  constructor() {
    super();
    this.selected = 'ioctls';
    this.rings = false;
  }

  override render(): unknown {
    const model = this.#store.store?.model;
    if (!model) return nothing;
    const { ioctls, commands, negotiation, guestErrors } = model;
    return html`
      <section aria-label="Logs">
        <lab-tabs
          label="Logs"
          .selected=${this.selected}
          .tabs=${[
            { id: 'ioctls', label: 'Ioctls', count: size(this.rings ? ioctls : withoutRings(ioctls)) },
            { id: 'commands', label: 'Control commands', count: size(commands) },
            { id: 'negotiation', label: 'Negotiation', count: size(negotiation) },
            { id: 'errors', label: 'Guest errors', count: size(guestErrors), alert: true },
          ]}
          @tab-change=${(event: CustomEvent<string>) => (this.selected = event.detail)}
        >
          ${this.selected === 'ioctls' && ioctls.entries.some(isRingIoctl) ? this.#ringSwitch() : nothing}
          ${this.#panel('ioctls', 'Link ioctls', model)} ${this.#panel('commands', 'Control commands', model)}
          ${this.#panel('negotiation', 'Negotiation', model)} ${this.#panel('errors', 'Guest errors', model)}
        </lab-tabs>
      </section>
    `;
  }

  #panel(id: string, label: string, model: LabModel): unknown {
    if (id !== this.selected) return nothing;
    const [rows, dropped] = newest(id, model, this.rings);
    return html`
      <div slot=${id}>
        ${rows.length === 0 ? html`<p class="empty">${EMPTY[id]}</p>` : this.#table(label, rows)}
        ${dropped > 0 ? html`<p class="empty">${formatCount(dropped)} older entries are not shown.</p>` : nothing}
      </div>
    `;
  }

  #ringSwitch(): unknown {
    return html`<button
      slot="actions"
      aria-pressed=${this.rings}
      title="RING_INIT, RING_KICK and the like: what every probe and reset brings for each ring"
      @click=${() => (this.rings = !this.rings)}
    >
      Ring ioctls
    </button>`;
  }

  #table(label: string, rows: readonly LogRow[]): unknown {
    return html`
      <table aria-label=${label}>
        <thead>
          <tr>
            <th class="number">Time</th>
            <th>Name</th>
            <th>Argument</th>
            <th>Result</th>
          </tr>
        </thead>
        <tbody>
          ${rows.map(
            ({ time, name, arg, result, tone }) => html`
              <tr>
                <td class="number muted">${formatTime(time)}</td>
                <td>${name}</td>
                <td class="wide">${arg}</td>
                <td class="wide ${tone}">${result}</td>
              </tr>
            `,
          )}
        </tbody>
      </table>
    `;
  }

  override focus(): void {
    this.renderRoot.querySelector('lab-tabs')?.shadowRoot?.querySelector<HTMLElement>('[aria-selected=true]')?.focus();
  }
}

const EMPTY: Readonly<Record<string, unknown>> = {
  ioctls: html`No ioctl yet. The VMM issues VNA_IOC_SET_PROMISC when the driver changes its filter: try
    <code>ip link set eth0 promisc on</code> in the console.`,
  commands: html`No control command yet. Try <code>ip maddr add 33:33:00:00:00:42 dev eth0</code> in the console.`,
  negotiation: html`Nothing yet: this starts when the guest’s driver finds the device.`,
  errors: html`None: the guest has kept to the specification.`,
};

interface Stamp {
  readonly time: number;
  readonly seq: number;
}

const withoutRings = ({ entries, dropped }: LabModel['ioctls']): LabModel['ioctls'] => ({
  entries: entries.filter((entry) => !isRingIoctl(entry)),
  dropped,
});

function size(log: BoundedLog<unknown>): number {
  return log.entries.length + log.dropped;
}

const isRingIoctl = ({ event }: Logged<'ioctl'>): boolean => event.name.startsWith('VNA_IOC_RING_');

function newest(id: string, model: LabModel, rings: boolean): readonly [LogRow[], number] {
  const take = <T extends Stamp>(log: BoundedLog<T>, row: (entry: T) => LogRow): readonly [LogRow[], number] => {
    // Two threads report: what arrived last need not have happened last.
    const shown = log.entries.slice(-SHOWN).sort((a, b) => b.time - a.time || b.seq - a.seq);
    return [shown.map(row), size(log) - shown.length];
  };
  switch (id) {
    case 'ioctls':
      return take(rings ? model.ioctls : withoutRings(model.ioctls), ioctlRow);
    case 'commands':
      return take(model.commands, commandRow);
    case 'negotiation':
      return take(model.negotiation, negotiationRow);
    default:
      return take(model.guestErrors, guestErrorRow);
  }
}

customElements.define('lab-logs', LabLogs);
