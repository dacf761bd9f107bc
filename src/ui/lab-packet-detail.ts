import { css, html, LitElement, nothing } from 'lit';
import { FATE_TEXT, PATHS, RULES } from '../core/host/verdict.ts';
import type { Cost } from '../core/host/verdict.ts';
import { formatMac } from '../core/net/mac.ts';
import type { FrameRow, ModelVerdict, ReceivedRow } from '../core/trace/frame-row.ts';
import { groupName } from '../core/trace/group-names.ts';
import { summarize } from '../core/trace/summary.ts';
import { formatSpan, formatTime, plural } from './format.ts';
import { inDisplayOrder, shortModel } from './model-display.ts';
import './lab-hex.ts';
import { ActionsController, StoreController } from './store.ts';
import { shared, tables } from './styles.ts';
import { opinion, outcome } from './verdict-marks.ts';
import { ViewController } from './view-state.ts';

/** Why one packet fared as it did, step by step, and its bytes. */
export class LabPacketDetail extends LitElement {
  static override styles = [
    shared,
    tables,
    css`
      :host {
        display: block;
        padding: 10px;
      }
      .head {
        display: flex;
        align-items: baseline;
        gap: 8px;
        margin-bottom: 8px;
      }
      .head strong {
        font-size: var(--text-l);
      }
      ol {
        display: grid;
        gap: 8px;
        margin-bottom: 12px;
        list-style: none;
        counter-reset: step;
      }
      li {
        position: relative;
        padding-left: 24px;
        counter-increment: step;
      }
      li::before {
        content: counter(step);
        position: absolute;
        left: 0;
        top: 1px;
        width: 16px;
        height: 16px;
        border-radius: 50%;
        background: var(--bar);
        border: 1px solid var(--line);
        color: var(--muted);
        font-size: 10px;
        line-height: 14px;
        text-align: center;
      }
      p {
        overflow-wrap: anywhere;
      }
      table {
        margin-bottom: 12px;
      }
      tr.active td:first-child {
        font-weight: 600;
      }
      td.rule {
        width: 100%;
      }
    `,
  ];

  readonly #store = new StoreController(this, ({ pulse }) => pulse);
  readonly #actions = new ActionsController(this);
  readonly #view = new ViewController(this);

  override render(): unknown {
    const store = this.#store.store;
    const id = this.#view.view?.selectedId ?? null;
    if (!store || id === null) return EMPTY;
    const row = store.frames.byId(id);
    if (!row)
      return html`<p class="empty">
        This packet is no longer in the list: newer packets took its room. Choose another.
      </p>`;
    const bytes = store.log.captured(row.seq);
    return html`
      ${row.toGuest ? this.#received(row, bytes) : this.#sent(row, bytes)}
      <lab-hex .bytes=${bytes} .wire=${row.wire}></lab-hex>
    `;
  }

  #received(row: ReceivedRow, bytes: Uint8Array | null): unknown {
    const { sign, word, tone } = outcome(row);
    return html`
      <div class="head">
        <strong class=${tone}>${sign} ${word}</strong><span class="muted">packet ${row.number + 1}, id ${row.id}</span>
      </div>
      <ol>
        <li>${this.#arrival(row, bytes)}</li>
        ${row.ruling ? html`<li>${this.#ruling(row.ruling)}</li>` : nothing}
        ${row.ruling?.judgement ? html`<li>${this.#comparison(row.ruling)}</li>` : nothing}
        <li>${this.#ending(row)}</li>
      </ol>
      ${this.#models(row)}
    `;
  }

  #sent(row: FrameRow & { toGuest: false }, bytes: Uint8Array | null): unknown {
    return html`
      <div class="head">
        <strong>→ sent by the guest</strong><span class="muted">packet ${row.number + 1}, id ${row.id}</span>
      </div>
      <ol>
        <li>${this.#arrival(row, bytes)}</li>
        <li>
          <p>
            Taken from transmit queue ${row.queue}, descriptor ${row.head}.
            ${row.flags & 1 ? 'The guest left the checksum to the device. ' : ''}${row.gsoType ? `Segmentation type ${row.gsoType}. ` : ''}
            The receive filter plays no part in this direction.
          </p>
        </li>
      </ol>
    `;
  }

  #arrival(row: FrameRow, bytes: Uint8Array | null): unknown {
    if (!bytes) return html`<p>${row.wire} bytes at ${formatTime(row.time)} s.</p>`;
    const { dst, src, vid, protocol, info } = summarize(bytes);
    const name = groupName(dst);
    return html`
      <p>
        ${row.wire} bytes ${row.toGuest ? 'towards' : 'from'} the guest at
        <span class="mono">${formatTime(row.time)}</span> s, ${vid === null ? 'untagged' : `VLAN ${vid}`}.
      </p>
      <p>
        <span class="mono">${formatMac(src)} → ${formatMac(dst)}</span
        >${name ? html` <span class="muted">(${name})</span>` : nothing}
      </p>
      <p class="muted">${protocol} ${info}</p>
    `;
  }

  #ruling({ model, verdict }: ModelVerdict): unknown {
    const title = this.#actions.actions?.hostModels.find(({ id }) => id === model)?.title ?? model;
    return html`
      <p>
        <b>${title}</b>, in force,
        <b class=${verdict.accept ? 'accept' : 'drop'}>${verdict.accept ? 'accepted' : 'dropped'}</b> it:
        <code>${verdict.rule}</code>
      </p>
      <p>${RULES[verdict.rule].text}</p>
      <p class="muted">Path: ${PATHS[verdict.path]}.${verdict.stripTag ? ' The VLAN tag is taken off here.' : ''}</p>
      <p class="muted">Cost: ${costText(verdict.cost)}.</p>
    `;
  }

  #comparison({ judgement, verdict }: ModelVerdict): unknown {
    if (judgement === 'loss' && verdict.rule === 'vid-mismatch') return VLAN_LOSS;
    switch (judgement) {
      case 'leak':
        return html`<p>
          <b class="leak">▲ leak</b> Read literally, the specification would have dropped it: the guest did not ask for
          this frame. Delivering too much is legal, filtering is best effort.
        </p>`;
      case 'loss':
        return html`<p>
          <b class="loss">▼ loss</b> Read literally, the specification would have accepted it: the guest asked for this
          frame and does not get it. This is a bug of the model.
        </p>`;
      default:
        return html`<p>
          As the specification read literally: ${verdict.accept ? 'it accepts' : 'it drops'} this frame too.
        </p>`;
    }
  }

  #ending({ fate, fateTime, time, placed, generation }: ReceivedRow): unknown {
    const span = fateTime !== null && fateTime > time ? ` after ${formatSpan(fateTime - time)}` : '';
    return html`
      <p><code>${fate}</code>${span}: ${FATE_TEXT[fate]}</p>
      ${
        placed
          ? html`<p class="muted">
              Queue ${placed.queue}, descriptor ${placed.head}, ${plural(placed.buffers, 'buffer')}, used length
              ${placed.used}.
            </p>`
          : nothing
      }
      <p class="muted">Filter generation ${generation}.</p>
    `;
  }

  #models(row: ReceivedRow): unknown {
    return html`
      <table aria-label="Verdict of every host model">
        <thead>
          <tr>
            <th>Model</th>
            <th>Verdict</th>
            <th>Rule</th>
            <th class="number" title="looked · copied · discarded">Cost</th>
          </tr>
        </thead>
        <tbody>
          ${inDisplayOrder(row.verdicts).map((each) => {
            const { sign, word, tone } = opinion(each);
            const { looked, copied, discarded } = each.verdict.cost;
            return html`<tr class=${each.active ? 'active' : ''}>
              <td title=${each.model}>${shortModel(each.model)}</td>
              <td class=${tone}>${sign} ${word}</td>
              <td class="mono rule" title=${RULES[each.verdict.rule].text}>${each.verdict.rule}</td>
              <td class="number mono">${looked}·${copied}·${discarded}</td>
            </tr>`;
          })}
        </tbody>
      </table>
    `;
  }
}

const EMPTY = html`
  <div class="empty">
    <p>
      Choose a packet in the list to see, step by step, who decided about it, by which rule, on which path and at what
      cost.
    </p>
    <p>Arrow keys move in the list, Enter comes here, <kbd>/</kbd> goes to the filter.</p>
  </div>
`;

/** The one loss that is no model's own doing. */
const VLAN_LOSS = html`
  <p>
    <b class="loss">▼ loss</b> The real system does this: the MAC layer keeps the frames of other VLANs to itself. The
    specification entitles a guest without VIRTIO_NET_F_CTRL_VLAN to every tagged frame (NET-VLAN-01, Virtio
    5.1.9.5.3.1), so reading it literally the guest asked for this one.
  </p>
`;

function costText({ looked, copied, delivered, discarded }: Cost): string {
  return `looked at ${plural(looked, 'time')}, ${plural(copied, 'copy', 'copies')}, ${delivered} handed over, ${discarded} thrown away`;
}

customElements.define('lab-packet-detail', LabPacketDetail);
