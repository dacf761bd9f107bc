/**
 * Which rows of a long list are in view, all rows being equally high: arithmetic on the scroll position. Nothing
 * is measured per row, and nothing is read from the document while it is out of date, so that a list in a flood
 * of packets is laid out once per display frame.
 */
import type { ReactiveController, ReactiveControllerHost } from 'lit';

/** Rows beyond either edge, for what is scrolled into view before it is drawn. */
const OVERSCAN = 4;

export interface RowRange {
  readonly first: number;
  /** Behind the last row. */
  readonly end: number;
}

/** @param top scroll position, and `height` of the view, in pixels */
export function rowsInView(count: number, rowHeight: number, top: number, height: number): RowRange {
  const first = Math.floor(top / rowHeight) - OVERSCAN;
  const end = Math.ceil((top + height) / rowHeight) + OVERSCAN;
  return { first: Math.max(0, Math.min(first, count)), end: Math.max(0, Math.min(end, count)) };
}

/** Watches the element that scrolls, and updates its host when rows come into view that it has not drawn. */
export class RowWindow implements ReactiveController {
  readonly #host: ReactiveControllerHost;
  readonly #body: () => HTMLElement | null;
  readonly #rowHeight: number;
  readonly #sizes = new ResizeObserver(() => {
    this.#read();
    this.#host.requestUpdate();
  });
  #watched: HTMLElement | null = null;
  #top = 0;
  #height = 0;
  /** What was drawn last. */
  #drawn: RowRange = { first: 0, end: 0 };

  constructor(host: ReactiveControllerHost, body: () => HTMLElement | null, rowHeight: number) {
    this.#host = host;
    this.#body = body;
    this.#rowHeight = rowHeight;
    host.addController(this);
  }

  /** What its host draws now, of `count` rows. At the end it is the last ones, wherever the view is still. */
  range(count: number, atEnd: boolean): RowRange {
    const end = count * this.#rowHeight - this.#height;
    const top = atEnd ? end : Math.min(this.#top, end);
    this.#drawn = rowsInView(count, this.#rowHeight, Math.max(0, top), this.#height);
    return this.#drawn;
  }

  /** Rows that fit into the view. */
  get page(): number {
    return Math.max(1, Math.floor(this.#height / this.#rowHeight));
  }

  hostUpdated(): void {
    const body = this.#body();
    if (body === this.#watched) return;
    this.#leave();
    this.#watched = body;
    if (!body) return;
    this.#sizes.observe(body);
    body.addEventListener('scroll', this.#scrolled, { passive: true });
  }

  hostDisconnected(): void {
    this.#leave();
  }

  #leave(): void {
    this.#sizes.disconnect();
    this.#watched?.removeEventListener('scroll', this.#scrolled);
    this.#watched = null;
  }

  #read(): void {
    this.#top = this.#watched?.scrollTop ?? 0;
    this.#height = this.#watched?.clientHeight ?? 0;
  }

  readonly #scrolled = (): void => {
    this.#read();
    const { first, end } = this.#drawn;
    const drawn = first * this.#rowHeight <= this.#top && this.#top + this.#height <= end * this.#rowHeight;
    if (!drawn) this.#host.requestUpdate();
  };
}
