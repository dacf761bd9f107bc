import { css, html, LitElement, nothing } from 'lit';
import { live } from 'lit/directives/live.js';
import { groupName } from '../core/trace/group-names.ts';
import { parseMac } from '../core/net/mac.ts';
import { SILENT_TEXT } from '../core/viona/kstat.ts';
import type { LinkInfo, LinkKind } from '../protocol/api.ts';
import { formatCount, messageOf, plural } from './format.ts';
import { formStyles } from './form-styles.ts';
import { PollController } from './poll.ts';
import { rangeText, ringGroups } from './ring-groups.ts';
import type { RingGroup } from './ring-groups.ts';
import { controls, shared, tables } from './styles.ts';

/** The link in full: its rings, what it has joined, what it counts and what it loses in silence. */
export class LabLinkDetail extends LitElement {
  static override properties = { problem: { state: true }, report: { state: true } };
  declare problem: string;
  declare report: string;

  static override styles = [
    shared,
    controls,
    tables,
    formStyles,
    css`
      section {
        display: grid;
        gap: 8px;
      }
      table {
        margin-top: 2px;
      }
      tr.differs td {
        color: var(--leak);
      }
      td.wide {
        color: var(--muted);
      }
      .rings :is(th, td) {
        padding-right: 8px;
        white-space: normal;
      }
    `,
  ];

  // Frames move counters, and ioctls and commands move the rest.
  readonly #link = new PollController(
    this,
    (actions) => actions.link(),
    ({ pulse, model }) => `${pulse} ${model.seq}`,
  );

  constructor() {
    super();
    this.problem = '';
    this.report = '';
  }

  override render(): unknown {
    const link = this.#link.value;
    if (!link) return html`<p class="muted">The link appears when the host side has started.</p>`;
    return html`
      <section role="group" aria-label="Link in full">
        ${this.#head(link)} ${link.exists ? this.#rings(link) : nothing} ${this.#filters(link)} ${this.#counters(link)}
        ${this.#silent(link)}
      </section>
    `;
  }

  #head({ kind, version, exists, address, mtu, level }: LinkInfo): unknown {
    const actions = this.#link.actions;
    return html`
      <div>
        <h3>Link${version === null ? '' : `, interface version ${version}`}</h3>
        ${
          version === null
            ? html`<p class="muted">The host model in force has no viona link.</p>`
            : exists
              ? html`<p>
                  Level <b>${level}</b>, MTU ${mtu}, address <span class="mono">${address ?? ''}</span>${
                    address === null ? html`<b class="loss">▼ lost</b>` : nothing
                  }
                </p>`
              : html`<p class="loss">▼ It was deleted. VNA_IOC_CREATE or “Create again” brings it back.</p>`
        }
        <div class="line">
          <label for="kind">On</label>
          <select
            id="kind"
            title="On a VNIC the MAC layer turns ALL into FILTERED: no foreign unicast"
            @change=${(event: Event) =>
              this.#do(
                () => actions?.setLinkKind((event.target as HTMLSelectElement).value as LinkKind),
                'The link is created again.',
              )}
          >
            ${(['physical', 'vnic'] as const).map(
              (each) =>
                html`<option value=${each} .selected=${live(each === kind)}>
                  ${each === 'vnic' ? 'a VNIC' : 'a physical NIC'}
                </option>`,
            )}
          </select>
          <button
            title="Deletes the link and creates it again: every host model starts anew. Re-probe the driver after it."
            @click=${() => this.#do(() => actions?.recreateLink(), 'Every host model starts anew. Re-probe the driver.')}
          >
            Create again
          </button>
          <button
            title="Moves the guest to another host, under every model as its VMM does it"
            @click=${() => this.#do(() => actions?.migrate(), 'The guest moved to another host.')}
          >
            Migrate
          </button>
        </div>
        <output aria-label="Link result" class=${this.problem ? 'problem' : 'muted'}
          >${this.problem || this.report}</output
        >
      </div>
    `;
  }

  #rings({ rings, pairs, usePairs }: LinkInfo): unknown {
    return html`
      <div>
        <h3>Rings: ${plural(pairs, 'pair')}, ${formatCount(usePairs)} in use</h3>
        <table class="rings" aria-label="Rings">
          <thead>
            <tr>
              <th>Pair</th>
              <th>Receive</th>
              <th>Transmit</th>
              <th class="number">Size</th>
              <th></th>
            </tr>
          </thead>
          <tbody>
            ${ringGroups(rings).map((group) => ringRow(group))}
          </tbody>
        </table>
      </div>
    `;
  }

  #filters({ version, filters }: LinkInfo): unknown {
    if (version !== 7) return nothing;
    return html`
      <div>
        <h3>Multicast filters: ${formatCount(filters.length)} of 64</h3>
        <table aria-label="Multicast filters">
          <tbody>
            ${filters.map((text) => {
              const mac = parseMac(text);
              return html`<tr>
                <td class="mono">${text}</td>
                <td class="wide">${mac === null ? '' : groupName(mac)}</td>
              </tr>`;
            })}
          </tbody>
        </table>
      </div>
    `;
  }

  #counters({ version, kstats, honest, ringStats }: LinkInfo): unknown {
    if (version === null) return nothing;
    const names = Object.keys(honest);
    const quirk = names.some((name) => kstats[name] !== honest[name]);
    const errors = Object.entries(ringStats).filter(([, count]) => count > 0);
    return html`
      <div>
        <h3>kstat viona_stat</h3>
        <table aria-label="kstats">
          <thead>
            <tr>
              <th>Name</th>
              <th class="number" title="As viona shows it">Shown</th>
              <th class="number" title="With every ring in it">True sum</th>
            </tr>
          </thead>
          <tbody>
            ${names.map(
              (name) =>
                html`<tr class=${kstats[name] === honest[name] ? '' : 'differs'}>
                  <td class="mono">${name}</td>
                  <td class="number mono">${formatCount(kstats[name] ?? 0)}</td>
                  <td class="number mono">${formatCount(honest[name] ?? 0)}</td>
                </tr>`,
            )}
            ${errors.map(
              ([name, count]) =>
                html`<tr title="Ring error statistic: not in the kstat, only mdb and DTrace show it">
                  <td class="mono">${name}</td>
                  <td class="number muted">–</td>
                  <td class="number mono">${formatCount(count)}</td>
                </tr>`,
            )}
          </tbody>
        </table>
        ${
          quirk
            ? html`<p class="leak">
                viona’s update assigns where it should add: of the rings that run, only the last pair in use shows.
              </p>`
            : nothing
        }
      </div>
    `;
  }

  #silent({ version, silent }: LinkInfo): unknown {
    const lost = Object.entries(silent).filter(([, count]) => count > 0);
    if (version === null) return nothing;
    return html`
      <div>
        <h3>Counted nowhere in viona</h3>
        ${
          lost.length === 0
            ? html`<p class="muted">Nothing was lost or thrown away in silence.</p>`
            : html`<table aria-label="Silent losses">
                <tbody>
                  ${lost.map(
                    ([name, count]) =>
                      html`<tr title=${name}>
                        <td class="number mono">${formatCount(count)}</td>
                        <td class="wide">${(SILENT_TEXT as Readonly<Record<string, string>>)[name] ?? name}</td>
                      </tr>`,
                  )}
                </tbody>
              </table>`
        }
      </div>
    `;
  }

  async #do(action: () => Promise<unknown> | undefined, done: string): Promise<void> {
    this.problem = '';
    this.report = '';
    try {
      await action();
      this.report = done;
    } catch (error) {
      this.problem = messageOf(error);
    }
    this.#link.refresh();
  }
}

function ringRow({ first, last, rx, tx, loses }: RingGroup): unknown {
  const state = (ring: RingGroup['rx']): unknown => html`
    <td class="mono ${ring.state === 'RUN' && !ring.stalled ? 'accept' : ''}">
      ${ring.state}${ring.stalled ? html` <span class="loss">stalled</span>` : nothing}${
        ring.requests.length > 0 ? html` <span class="muted">+${ring.requests.join(' ')}</span>` : nothing
      }
    </td>
  `;
  return html`<tr>
    <td class="mono">${rangeText(first, last)}</td>
    ${state(rx)} ${state(tx)}
    <td class="number mono">${rx.size === 0 ? '–' : formatCount(rx.size)}</td>
    <td>
      ${
        loses
          ? html`<span class="loss" title="Frames are spread over it, and it drops them without counting"
              >▼ in use, loses</span
            >`
          : html`<span class="muted">${rx.inUse ? 'in use' : 'not in use'}</span>`
      }
    </td>
  </tr>`;
}

customElements.define('lab-link-detail', LabLinkDetail);
