/** One line of the packet list. A template, not an element: rows come and go by the dozen per frame. */
import { html } from 'lit';
import { formatMac } from '../core/net/mac.ts';
import type { FrameRow, ReceivedRow } from '../core/trace/frame-row.ts';
import { groupName } from '../core/trace/group-names.ts';
import type { FrameSummary } from '../core/trace/summary.ts';
import { formatTime } from './format.ts';
import { inDisplayOrder } from './model-display.ts';
import { opinion, outcome, reasonOf, ruleText } from './verdict-marks.ts';

interface Column {
  readonly id: string;
  readonly title: string;
  readonly hint: string;
}

export const COLUMNS: readonly Column[] = [
  { id: 'no', title: 'No.', hint: 'Position in the list' },
  { id: 'time', title: 'Time', hint: 'Seconds since the lab was opened, to the microsecond' },
  { id: 'dir', title: 'Dir', hint: 'in: towards the guest, out: from the guest' },
  { id: 'src', title: 'Source', hint: 'Source MAC address' },
  { id: 'dst', title: 'Destination', hint: 'Destination MAC address' },
  { id: 'vlan', title: 'VLAN', hint: 'VLAN id of an 802.1Q tag' },
  { id: 'proto', title: 'Proto', hint: 'Protocol of the payload' },
  { id: 'info', title: 'Info', hint: 'What the frame says' },
  { id: 'len', title: 'Len', hint: 'Bytes on the wire' },
  { id: 'verdict', title: 'Verdict', hint: 'What became of the frame' },
  { id: 'rule', title: 'Rule or reason', hint: 'The rule of the filter, or where on the way the frame was lost' },
  { id: 'cost', title: 'Cost', hint: 'Times the host looked at the frame · copies it made · hand-overs it discarded' },
  { id: 'models', title: 'Models', hint: 'Each host model: ✓ accepts, ✕ drops, ▲ leak, ▼ loss' },
];

/** Classes that tint a whole row. */
export function rowTone(row: FrameRow): string {
  return row.toGuest ? `is-${outcome(row).tone}` : 'is-sent';
}

export function packetCells(row: FrameRow, summary: FrameSummary): unknown {
  const { dst, src, vid, protocol, info } = summary;
  const known = protocol !== 'short';
  return html`
    <span role="gridcell" class="no">${row.number + 1}</span>
    <span role="gridcell" class="time">${formatTime(row.time)}</span>
    <span role="gridcell" class="dir">${row.toGuest ? 'in' : 'out'}</span>
    <span role="gridcell" class="src">${known ? formatMac(src) : ''}</span>
    <span role="gridcell" class="dst">${known ? formatMac(dst) : ''}</span>
    <span role="gridcell" class="vlan">${vid ?? ''}</span>
    <span role="gridcell" class="proto">${protocol}</span>
    <span role="gridcell" class="info">${info}</span>
    <span role="gridcell" class="len">${row.wire}</span>
    ${row.toGuest ? verdictCells(row) : SENT_CELLS}
  `;
}

const SENT_CELLS = html`
  <span role="gridcell" class="verdict">→ sent</span>
  <span role="gridcell" class="rule"></span>
  <span role="gridcell" class="cost"></span>
  <span role="gridcell" class="models"></span>
`;

function verdictCells(row: ReceivedRow): unknown {
  const { sign, word, tone } = outcome(row);
  const cost = row.ruling?.verdict.cost;
  return html`
    <span role="gridcell" class="verdict ${tone}">${sign} ${word}</span>
    <span role="gridcell" class="rule">${reasonOf(row)}</span>
    <span role="gridcell" class="cost">${cost ? `${cost.looked}·${cost.copied}·${cost.discarded}` : ''}</span>
    <span role="gridcell" class="models"
      ><span class="strip" role="img" aria-label=${stripText(row)}
        >${inDisplayOrder(row.verdicts).map((each) => {
          const mark = opinion(each);
          return html`<span class="${mark.tone} ${each.active ? 'active' : ''}">${mark.sign}</span>`;
        })}</span
      ></span
    >
  `;
}

function stripText(row: ReceivedRow): string {
  return inDisplayOrder(row.verdicts)
    .map((each) => `${each.model}${each.active ? ' (in force)' : ''} ${opinion(each).word}`)
    .join(', ');
}

/** What a cell says to whoever points at it. */
export function packetTitle(row: FrameRow, { dst, info }: FrameSummary, cell: Element): string {
  if (cell.classList.contains('dst')) return groupName(dst) ?? '';
  if (cell.classList.contains('info')) return info;
  if (!row.toGuest) return '';
  if (cell.classList.contains('rule')) return ruleText(row);
  if (!cell.parentElement?.classList.contains('strip')) return '';
  const each = inDisplayOrder(row.verdicts)[[...cell.parentElement.children].indexOf(cell)];
  return each ? `${each.model}${each.active ? ' (in force)' : ''}: ${opinion(each).word} by ${each.verdict.rule}` : '';
}
