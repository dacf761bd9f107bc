/** How the packet list looks: its columns, which give way as it gets narrow, and its rows. */
import { css } from 'lit';

export const columnStyles = css`
  :host {
    --strip: 98px;
  }
  .row {
    display: grid;
    grid-template-columns: 40px 80px 113px 113px 32px 46px minmax(90px, 1fr) 34px 76px 134px 36px var(--strip);
    column-gap: 8px;
    align-items: center;
    height: var(--row);
    padding: 0 8px;
    white-space: nowrap;
  }
  /* Each clipped cell is a layer's worth of work: only what can be too long is. */
  .head > *,
  .dst,
  .proto,
  .info,
  .rule {
    overflow: hidden;
    text-overflow: ellipsis;
  }
  .no,
  .time,
  .len,
  .vlan {
    text-align: right;
  }
  .cost {
    text-align: center;
  }
  [role='gridcell'].info {
    font-family: var(--font);
  }
  /* Source and verdict tell the direction too. */
  .dir {
    display: none;
  }
  /* Roomy: numbers of a long session, and some air. */
  @container (min-width: 1200px) {
    .dir {
      display: block;
    }
    .row {
      grid-template-columns: 56px 84px 24px 118px 118px 34px 60px minmax(90px, 1fr) 40px 84px 140px 44px var(--strip);
      column-gap: 12px;
    }
  }
  @container (max-width: 939px) {
    .cost {
      display: none;
    }
    .row {
      grid-template-columns: 40px 80px 113px 113px 32px 46px minmax(60px, 1fr) 34px 76px 134px var(--strip);
    }
  }
  @container (max-width: 839px) {
    .src,
    .len {
      display: none;
    }
    .row {
      grid-template-columns: 40px 80px 113px 32px 46px minmax(60px, 1fr) 76px 134px var(--strip);
    }
  }
  @container (max-width: 699px) {
    .no,
    .vlan,
    .proto,
    .rule {
      display: none;
    }
    .row {
      grid-template-columns: 80px 113px minmax(60px, 1fr) 76px var(--strip);
    }
  }
  /* A phone: what it was, what became of it, and what the models say. */
  @container (max-width: 459px) {
    .dst {
      display: none;
    }
    .row {
      grid-template-columns: 80px minmax(60px, 1fr) 76px var(--strip);
    }
  }
  .strip {
    display: inline-flex;
    gap: 1px;
    vertical-align: middle;
  }
  .strip span {
    width: 14px;
    line-height: 16px;
    text-align: center;
    border-radius: 3px;
  }
  .strip .active {
    box-shadow: inset 0 0 0 1px currentcolor;
  }
`;

export const listStyles = css`
  section {
    container-type: inline-size;
    position: relative;
  }
  /* Rows lie over the grid, so its focus ring lies over them. */
  .body:focus-visible {
    outline: none;
  }
  .body:focus-visible + .ring {
    position: absolute;
    inset: 30px 0 0;
    border: 2px solid var(--accent);
    pointer-events: none;
  }
  .head {
    flex: none;
    border-bottom: 1px solid var(--line);
    color: var(--muted);
    font-size: var(--text-s);
    scrollbar-gutter: stable;
    overflow-y: hidden;
  }
  .body {
    position: relative;
    font: var(--text-s) / var(--row) var(--mono);
    font-variant-numeric: tabular-nums;
    scrollbar-gutter: stable;
    contain: strict;
    overflow-anchor: none;
  }
  .body .row {
    contain: layout size style;
    cursor: default;
  }
  .space {
    position: relative;
    overflow: hidden;
  }
  .shown {
    position: absolute;
    inset: 0 0 auto;
  }
  .row.is-drop {
    color: var(--drop);
  }
  .row.is-sent,
  .row.is-muted {
    color: var(--muted);
  }
  .row.is-leak {
    background: var(--leak-tint);
  }
  .row.is-loss {
    background: var(--loss-tint);
  }
  .body .row:hover {
    background: var(--hover);
  }
  .body .row[aria-selected='true'] {
    background: var(--chosen);
    box-shadow: inset 3px 0 var(--accent);
  }
  .empty {
    position: absolute;
    inset: 0;
    font: var(--text-m) / 1.5 var(--font);
    white-space: normal;
  }
`;
