import { html, LitElement, nothing } from 'lit';
import type { FrameRow } from '../core/trace/frame-row.ts';
import './lab-packet-bar.ts';
import { matrixCells, matrixHead, matrixTitle } from './matrix-row.ts';
import { matrixStyles } from './matrix-styles.ts';
import { MODEL_ORDER } from './model-display.ts';
import { emptyList } from './packet-empty.ts';
import { COLUMNS, packetCells, packetTitle, rowTone } from './packet-row.ts';
import { columnStyles, listStyles } from './packet-styles.ts';
import { PacketView } from './packet-view.ts';
import { RedrawBudget } from './redraw-budget.ts';
import { RowWindow } from './row-window.ts';
import { ActionsController, StoreController } from './store.ts';
import { controls, pane, shared } from './styles.ts';
import { ALL_VERDICTS, judgedMask } from './verdict-choice.ts';
import { ViewController } from './view-state.ts';

const ROW_HEIGHT = 22;
/** However cheap drawing is: nobody reads faster. */
const REDRAW_MS = 100;

/**
 * The packets: a grid with one cursor, that follows the newest packet until the user scrolls away. As a list it
 * has the verdict in force, as a matrix everybody's; rows, cursor and filters are the same.
 */
export class LabPackets extends LitElement {
  static override properties = { follow: { state: true } };
  declare follow: boolean;

  static override styles = [shared, pane, controls, columnStyles, listStyles, matrixStyles];

  readonly #store = new StoreController(this, ({ pulse, model }) => `${pulse} ${model.host ?? ''}`, REDRAW_MS);
  readonly #actions = new ActionsController(this);
  readonly #viewState = new ViewController(this);
  readonly #window = new RowWindow(this, () => this.#body, ROW_HEIGHT);
  #view: PacketView | null = null;
  /** A filter over all rows is quick; one that does not keep up with a flood must not take the guest's time. */
  readonly #searching = new RedrawBudget(0.05, 2000);
  #searchBegan: number | null = null;
  #searchTimer: ReturnType<typeof setTimeout> | undefined;
  #filter = '';
  #verdicts = ALL_VERDICTS;
  #first = 0;
  /** The rows are others now, so the one with the cursor may be out of sight. */
  #lostCursor = false;

  constructor() {
    super();
    this.follow = true;
  }

  get #body(): HTMLElement | null {
    return this.hasUpdated ? this.renderRoot.querySelector<HTMLElement>('.body') : null;
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#view?.release();
    this.#view = null;
  }

  override willUpdate(): void {
    const store = this.#store.store;
    if (!store) return;
    this.#view ??= new PacketView(store.frames, store.log);
    const { filter = '', verdicts = ALL_VERDICTS } = this.#viewState.view ?? {};
    if (filter !== this.#filter || verdicts !== this.#verdicts) {
      this.#view.setFilter(filter, judgedMask(verdicts));
      this.#filter = filter;
      this.#verdicts = verdicts;
      this.#lostCursor = true;
    }
    const began = performance.now();
    this.#searchBegan = this.#view.update() ? null : began;
  }

  override updated(): void {
    if (this.#searchBegan !== null) this.#goOnSearching(this.#searchBegan);
    const body = this.#body;
    const frames = this.#store.store?.frames;
    if (!body || !frames) return;
    const evicted = frames.first - this.#first;
    this.#first = frames.first;
    const cursor = this.#lostCursor && !this.follow ? this.#selectedIndex() : -1;
    this.#lostCursor = false;
    const rows = this.#view?.length ?? 0;
    // Scrolling has the page laid out.
    if (rows === 0) return;
    if (this.follow) body.scrollTop = rows * ROW_HEIGHT;
    else if (cursor >= 0) this.#reveal(cursor);
    // Evicted rows leave from the top: what the user reads stays where it is.
    else if (evicted > 0 && !this.#narrows) body.scrollTop -= evicted * ROW_HEIGHT;
  }

  /** In the next display frame, as long as searching does not take more than its share. */
  #goOnSearching(began: number): void {
    const now = performance.now();
    this.#searching.spend(now, now - began);
    clearTimeout(this.#searchTimer);
    this.#searchTimer = setTimeout(() => {
      if (this.isConnected) requestAnimationFrame(() => this.requestUpdate());
    }, this.#searching.wait(now));
  }

  get #narrows(): boolean {
    return this.#filter !== '' || this.#verdicts.kind !== 'all';
  }

  override render(): unknown {
    const view = this.#view;
    const frames = this.#store.store?.frames;
    const matrix = this.#viewState.view?.mode === 'matrix';
    return html`
      <section aria-label="Packets" class=${matrix ? 'matrix' : ''}>
        <lab-packet-bar
          .shown=${view?.length ?? 0}
          .all=${frames?.length ?? 0}
          .progress=${view?.progress ?? 1}
          .follow=${this.follow}
          @to-list=${() => this.#body?.focus()}
          @follow=${this.#toggleFollow}
          @clear=${this.#clear}
        ></lab-packet-bar>
        ${matrix ? this.#matrixHead() : LIST_HEAD}
        <div
          class="body"
          role="grid"
          aria-label="Packets"
          aria-rowcount=${view?.length ?? 0}
          aria-readonly="true"
          aria-activedescendant=${this.#selectedIndex() >= 0 ? 'cursor' : nothing}
          tabindex="0"
          @keydown=${this.#key}
          @click=${this.#clicked}
          @dblclick=${this.#open}
          @wheel=${this.#unfollow}
          @scroll=${this.#scrolled}
          @pointerover=${this.#explain}
          @pointerout=${this.#unexplain}
        >
          ${view && view.length > 0 ? this.#rows(view, matrix) : emptyList(frames?.length ?? 0, this.#verdicts.kind !== 'all')}
        </div>
        <div class="ring"></div>
      </section>
    `;
  }

  #matrixHead(): unknown {
    const store = this.#store.store;
    const models = this.#actions.actions?.hostModels;
    return matrixHead({
      active: store?.model.host ?? null,
      totals: store?.frames.counters.models() ?? [],
      choice: this.#verdicts,
      title: (id) => models?.find((model) => model.id === id)?.title ?? id,
      choose: (choice) => this.#viewState.view?.setVerdicts(choice),
    });
  }

  /** Not keyed: in a flood every row is another one each frame, and its nodes are best used again. */
  #rows(view: PacketView, matrix: boolean): unknown {
    const selected = this.#viewState.view?.selectedId;
    const { first, end } = this.#window.range(view.length, this.follow);
    return html`
      <div class="space" style="height:${view.length * ROW_HEIGHT}px;--models:${MODEL_ORDER.length}">
        <div class="shown" role="rowgroup" style="transform:translateY(${first * ROW_HEIGHT}px)">
          ${Array.from({ length: end - first }, (_, i) => {
            const row = this.#rowAt(first + i);
            if (!row) return nothing;
            const chosen = row.id === selected;
            return html`<div
              role="row"
              class="row ${rowTone(row)}"
              id=${chosen ? 'cursor' : nothing}
              aria-rowindex=${first + i + 1}
              aria-selected=${chosen}
            >
              ${matrix ? matrixCells(row, view.summary(row.seq)) : packetCells(row, view.summary(row.seq))}
            </div>`;
          })}
        </div>
      </div>
    `;
  }

  #rowAt(index: number): FrameRow | undefined {
    return this.#view ? this.#store.store?.frames.row(this.#view.numberAt(index)) : undefined;
  }

  #selectedIndex(): number {
    const frames = this.#store.store?.frames;
    const id = this.#viewState.view?.selectedId ?? null;
    const number = id === null || !frames ? -1 : frames.numberOf(id);
    if (number < 0 || !this.#view) return -1;
    const index = this.#view.indexOf(number);
    return this.#view.numberAt(index) === number ? index : -1;
  }

  #choose(index: number): void {
    const view = this.#view;
    if (!view || view.length === 0) return;
    const at = Math.max(0, Math.min(view.length - 1, index));
    const row = this.#rowAt(at);
    if (!row) return;
    this.follow = false;
    this.#viewState.view?.select(row.id);
    this.#viewState.view?.inspect('packet');
    this.#reveal(at);
  }

  #clicked(event: Event): void {
    const index = indexOf(event);
    if (index >= 0) this.#choose(index);
  }

  /** Tooltips are made for the cell under the pointer, not for every one that flies past. */
  #explain(event: Event): void {
    const cell = (event.target as Element).closest<HTMLElement>('[role="gridcell"] span, [role="gridcell"]');
    const row = this.#rowAt(indexOf(event));
    if (!cell || !row || !this.#view) return;
    const titleOf = this.#viewState.view?.mode === 'matrix' ? matrixTitle : packetTitle;
    const title = titleOf(row, this.#view.summary(row.seq), cell);
    if (title) cell.title = title;
  }

  #unexplain(event: Event): void {
    (event.target as Element).closest('[title]')?.removeAttribute('title');
  }

  #reveal(index: number): void {
    const body = this.#body;
    if (!body) return;
    const top = index * ROW_HEIGHT;
    if (top < body.scrollTop) body.scrollTop = top;
    else if (top + ROW_HEIGHT > body.scrollTop + body.clientHeight)
      body.scrollTop = top + ROW_HEIGHT - body.clientHeight;
  }

  #key(event: KeyboardEvent): void {
    const view = this.#view;
    if (!view || event.ctrlKey || event.metaKey || event.altKey) return;
    const page = Math.max(1, this.#window.page - 1);
    const at = this.#selectedIndex();
    const from = at < 0 ? view.length - 1 : at;
    const moves: Readonly<Record<string, number>> = {
      ArrowUp: at < 0 ? from : from - 1,
      ArrowDown: from + 1,
      PageUp: from - page,
      PageDown: from + page,
      Home: 0,
      End: view.length - 1,
    };
    const to = moves[event.key];
    if (to !== undefined) {
      this.#choose(to);
      if (event.key === 'End') this.follow = true;
    } else if (event.key === 'Enter') this.#open();
    else if (event.key === 'Escape') this.#viewState.view?.select(null);
    else return;
    event.preventDefault();
  }

  #open(): void {
    this.#viewState.view?.inspect('packet');
    this.dispatchEvent(new CustomEvent('open-packet', { bubbles: true, composed: true }));
  }

  #clear(): void {
    this.#viewState.view?.select(null);
    this.follow = true;
    this.#actions.actions?.clearTrace();
  }

  #toggleFollow(): void {
    this.follow = !this.follow;
  }

  #unfollow(event: WheelEvent): void {
    if (event.deltaY < 0) this.follow = false;
  }

  #scrolled(): void {
    const body = this.#body;
    if (!body || this.follow) return;
    // Scrolled back to the end by hand: follow again, unless a packet is being read.
    const atEnd = body.scrollTop + body.clientHeight >= body.scrollHeight - 2;
    if (atEnd && body.scrollHeight > body.clientHeight && this.#viewState.view?.selectedId === null) this.follow = true;
  }

  override focus(): void {
    this.#body?.focus();
  }

  focusFilter(): void {
    this.renderRoot.querySelector('lab-packet-bar')?.focus();
  }
}

/** Of the row that an event is about, in the view; or -1. */
function indexOf(event: Event): number {
  return Number((event.target as Element).closest('[aria-rowindex]')?.getAttribute('aria-rowindex') ?? 0) - 1;
}

const LIST_HEAD = html`
  <div class="head row" aria-hidden="true">
    ${COLUMNS.map(({ id, title, hint }) => html`<span class=${id} title=${hint}>${title}</span>`)}
  </div>
`;

customElements.define('lab-packets', LabPackets);

declare global {
  interface HTMLElementTagNameMap {
    'lab-packets': LabPackets;
  }
}
