/** The verdict matrix: a packet beside what every host model says of it. Templates, as in the list. */
import { html } from 'lit';
import type { HostModelId } from '../core/host/host-model.ts';
import { PATHS, RULES } from '../core/host/verdict.ts';
import { formatMac } from '../core/net/mac.ts';
import type { ModelTotals } from '../core/trace/frame-counters.ts';
import type { FrameRow, ModelVerdict, ReceivedRow } from '../core/trace/frame-row.ts';
import { groupName } from '../core/trace/group-names.ts';
import type { FrameSummary } from '../core/trace/summary.ts';
import { formatCount, formatTime, plural } from './format.ts';
import { MODEL_ORDER, modelDisplay } from './model-display.ts';
import { sameChoice } from './verdict-choice.ts';
import type { VerdictChoice } from './verdict-choice.ts';
import { opinion, outcome, reasonOf, ruleText } from './verdict-marks.ts';

export interface MatrixHead {
  readonly active: HostModelId | null;
  readonly totals: readonly ModelTotals[];
  readonly choice: VerdictChoice;
  /** The full name of a model. */
  readonly title: (id: HostModelId) => string;
  readonly choose: (choice: VerdictChoice) => void;
}

/** Column heads: each model with its totals, which are switches that show just those packets. */
export function matrixHead(head: MatrixHead): unknown {
  return html`
    <div class="head matrix row" style="--models:${MODEL_ORDER.length}" role="group" aria-label="Verdicts by model">
      <span class="no">No.</span><span class="time">Time</span><span class="dst">Destination</span
      ><span class="info">Info</span
      ><span class="fate" title="What became of the frame under the model in force">Fate</span>
      ${MODEL_ORDER.map((id) => modelHead(id, head))}
    </div>
  `;
}

function modelHead(id: HostModelId, { active, totals, choice, title, choose }: MatrixHead): unknown {
  const { short, tiny } = modelDisplay(id);
  const sums = totals.find(({ model }) => model === id);
  const state = id === active ? ', in force' : id === 'exact' ? ', the yardstick' : '';
  return html`
    <span class="model ${id === active ? 'active' : ''} ${id}">
      <span class="name" title="${title(id)}${state}"
        ><span class="long">${short}</span><span class="tiny">${tiny}</span></span
      >
      <span class="sums">${id === 'exact' ? YARDSTICK : [sumButton('leak'), sumButton('loss')]}</span>
    </span>
  `;

  function sumButton(kind: 'leak' | 'loss'): unknown {
    const count = sums?.[kind] ?? 0;
    const own: VerdictChoice = { kind, model: id };
    const pressed = sameChoice(choice, own);
    const text = plural(count, kind, kind === 'leak' ? 'leaks' : 'losses');
    return html`<button
      class="${count > 0 ? kind : 'none'}"
      aria-pressed=${pressed}
      aria-label="${text} of ${title(id)}: show only these"
      title="${text} of ${title(id)}. ${pressed ? 'Shown; press to show all again.' : 'Press to show only these.'}"
      @click=${() => choose(pressed ? { kind: 'all', model: null } : own)}
    >
      ${kind === 'leak' ? '▲' : '▼'}<span class="count">${compact(count)}</span>
    </button>`;
  }
}

const YARDSTICK = html`<span class="muted yardstick">yardstick</span>`;

/** Four characters at most: `9999`, `12k`, `1.2M`. */
export function compact(count: number): string {
  if (count < 10_000) return String(count);
  if (count < 1_000_000) return `${Math.floor(count / 1000)}k`;
  const millions = count / 1_000_000;
  return `${millions < 10 ? (Math.floor(millions * 10) / 10).toFixed(1) : formatCount(Math.floor(millions))}M`;
}

export function matrixCells(row: FrameRow, summary: FrameSummary): unknown {
  const { dst, protocol, info } = summary;
  const known = protocol !== 'short';
  return html`
    <span role="gridcell" class="no">${row.number + 1}</span>
    <span role="gridcell" class="time">${formatTime(row.time)}</span>
    <span role="gridcell" class="dst">${known ? formatMac(dst) : ''}</span>
    <span role="gridcell" class="info">${protocol} ${info}</span>
    ${row.toGuest ? verdictCells(row) : sentCells()}
  `;
}

function verdictCells(row: ReceivedRow): unknown {
  const { sign, tone } = outcome(row);
  return html`
    <span role="gridcell" class="fate ${tone}">${sign} ${fateText(row)}</span>
    ${MODEL_ORDER.map((id) => cell(row.verdicts.find(({ model }) => model === id)))}
  `;
}

/** The word of a frame that was lost behind the filter is where. */
function fateText(row: ReceivedRow): string {
  const byFilter = row.fate === 'delivered' || row.fate === 'filtered' || row.fate === 'pending';
  return byFilter ? outcome(row).word : reasonOf(row);
}

function cell(opinionOf: ModelVerdict | undefined): unknown {
  if (!opinionOf) return html`<span role="gridcell"></span>`;
  const { model, active } = opinionOf;
  const { sign, word, tone } = opinion(opinionOf);
  return html`<span
    role="gridcell"
    class="model ${tone} ${model} ${active ? 'active' : ''}"
    aria-label=${`${modelDisplay(model).short}: ${word}`}
    ><span class="sign">${sign}</span><span class="word">${WORDS[word] ?? word}</span></span
  >`;
}

const WORDS: Readonly<Record<string, string>> = { accepted: 'accept', dropped: 'drop' };

/** What a cell says to whoever points at it. */
export function matrixTitle(row: FrameRow, { dst, info }: FrameSummary, cell: Element): string {
  const at = cell.closest('[role="gridcell"]');
  if (at?.classList.contains('dst')) return groupName(dst) ?? '';
  if (at?.classList.contains('info')) return info;
  if (!row.toGuest) return '';
  if (at?.classList.contains('fate')) return ruleText(row);
  const id = MODEL_ORDER.find((model) => at?.classList.contains(model));
  const found = row.verdicts.find(({ model }) => model === id);
  if (!found) return '';
  const { rule, path, cost } = found.verdict;
  return (
    `${found.model}${found.active ? ', in force' : ''}: ${opinion(found).word} by ${rule}. ${RULES[rule].text} ` +
    `Path: ${PATHS[path]}. Cost: ${plural(cost.looked, 'look')}, ${plural(cost.copied, 'copy', 'copies')}, ` +
    `${cost.discarded} thrown away.`
  );
}

function sentCells(): unknown {
  return html`
    <span role="gridcell" class="fate">→ sent</span>
    ${MODEL_ORDER.map((id) => html`<span role="gridcell" class="model sent ${id}"></span>`)}
  `;
}
