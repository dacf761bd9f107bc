import { VirtualizerController } from '@tanstack/lit-virtual';
import { html, LitElement, nothing } from 'lit';
import './lab-packet-bar.ts';
import { matrixCells, matrixHead } from './matrix-row.ts';
import { matrixStyles } from './matrix-styles.ts';
import { MODEL_ORDER } from './model-display.ts';
import { COLUMNS, packetCells, rowTone } from './packet-row.ts';
import { columnStyles, listStyles } from './packet-styles.ts';
import { PacketView } from './packet-view.ts';
import { ActionsController, StoreController } from './store.ts';
import { controls, pane, shared } from './styles.ts';
import { ALL_VERDICTS, judgedMask } from './verdict-choice.ts';
import { ViewController } from './view-state.ts';

const ROW_HEIGHT = 22;
/** The virtualizer lays out every row again when their number changes, so it is told a number that moves in steps. */
const COUNT_STEP = 8192;

/**
 * The packets: a grid with one cursor, that follows the newest packet until the user scrolls away. As a list it
 * has the verdict in force, as a matrix everybody's; rows, cursor and filters are the same.
 */
export class LabPackets extends LitElement {
  static override properties = { follow: { state: true } };
  declare follow: boolean;

  static override styles = [shared, pane, controls, columnStyles, listStyles, matrixStyles];

  readonly #store = new StoreController(this, ({ frames, model }) => `${frames.version} ${model.host ?? ''}`);
  readonly #actions = new ActionsController(this);
  readonly #viewState = new ViewController(this);
  readonly #virtual = new VirtualizerController<HTMLElement, HTMLElement>(this, {
    count: 0,
    getScrollElement: () => this.#body,
    estimateSize: () => ROW_HEIGHT,
    overscan: 4,
  });
  #view: PacketView | null = null;
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
    if (!this.#view.update()) requestAnimationFrame(() => this.requestUpdate());
    const virtualizer = this.#virtual.getVirtualizer();
    const count = Math.ceil(this.#view.length / COUNT_STEP) * COUNT_STEP;
    if (virtualizer.options.count !== count) virtualizer.setOptions({ ...virtualizer.options, count });
  }

  override updated(): void {
    const body = this.#body;
    const frames = this.#store.store?.frames;
    if (!body || !frames) return;
    const evicted = frames.first - this.#first;
    this.#first = frames.first;
    const cursor = this.#lostCursor && !this.follow ? this.#selectedIndex() : -1;
    if (this.follow) body.scrollTop = body.scrollHeight;
    else if (cursor >= 0) this.#reveal(cursor);
    // Evicted rows leave from the top: what the user reads stays where it is.
    else if (evicted > 0 && !this.#narrows) body.scrollTop -= evicted * ROW_HEIGHT;
    this.#lostCursor = false;
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
        >
          ${view && view.length > 0 ? this.#rows(view, matrix) : this.#empty(frames?.length ?? 0)}
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
    const frames = this.#store.store?.frames;
    const selected = this.#viewState.view?.selectedId;
    const items = this.#virtual.getVirtualizer().getVirtualItems();
    return html`
      <div class="space" role="rowgroup" style="height:${view.length * ROW_HEIGHT}px;--models:${MODEL_ORDER.length}">
        ${items
          .filter(({ index }) => index < view.length)
          .map(({ index, start }) => {
            const row = frames?.row(view.numberAt(index));
            if (!row) return nothing;
            const chosen = row.id === selected;
            return html`<div
              role="row"
              class="row ${rowTone(row)}"
              id=${chosen ? 'cursor' : nothing}
              aria-rowindex=${index + 1}
              aria-selected=${chosen}
              style="transform:translateY(${start}px)"
            >
              ${matrix ? matrixCells(row, view.summary(row.seq)) : packetCells(row, view.summary(row.seq))}
            </div>`;
          })}
      </div>
    `;
  }

  #empty(all: number): unknown {
    if (all > 0)
      return html`<div class="empty">
        <p>
          No packet matches the filter.
          ${this.#verdicts.kind === 'all' ? nothing : 'Choose “All verdicts” to see what the models agree on, too.'}
          Escape in the filter box clears it; <kbd>?</kbd> lists the words it knows.
        </p>
      </div>`;
    return html`
      <div class="empty">
        <p>No packets yet. Each frame shows up here with its verdict, the rule that decided, and what it cost.</p>
        <p>
          Type <code>ip link set eth0 up</code> and <code>ping -c 3 10.0.2.2</code> in the console. Then send frames
          that the guest did not ask for: Traffic, on the right.
        </p>
      </div>
    `;
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
    const row = this.#store.store?.frames.row(view.numberAt(at));
    if (!row) return;
    this.follow = false;
    this.#viewState.view?.select(row.id);
    this.#viewState.view?.inspect('packet');
    this.#reveal(at);
  }

  #clicked(event: Event): void {
    const row = (event.target as Element).closest('[aria-rowindex]');
    if (row) this.#choose(Number(row.getAttribute('aria-rowindex')) - 1);
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
    const page = Math.max(1, Math.floor((this.#body?.clientHeight ?? 0) / ROW_HEIGHT) - 1);
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
