/** How the verdict matrix looks. What the models agree on is calm; a leak and a loss differ in shape, word and tint. */
import { css } from 'lit';

export const matrixStyles = css`
  .matrix .row,
  .matrix.row {
    grid-template-columns: 40px 84px 122px minmax(60px, 1fr) 84px repeat(var(--models), 82px);
    column-gap: 0;
    padding: 0 8px 0 0;
  }
  .matrix .row > *,
  .matrix.row > * {
    padding: 0 4px;
  }
  .matrix.head {
    height: 38px;
    align-items: end;
    line-height: 18px;
  }
  .matrix.head > * {
    overflow: visible;
  }
  .matrix .fate {
    overflow: hidden;
    text-overflow: ellipsis;
  }
  .matrix .model {
    height: 100%;
    border-left: 1px solid var(--line);
    text-align: center;
  }
  /* The yardstick stands apart. */
  .matrix .model.exact {
    border-left: 3px double var(--line-strong);
  }
  .matrix.head .model {
    display: flex;
    flex-direction: column;
    justify-content: end;
    padding: 0 2px;
    min-width: 0;
  }
  .matrix.head .name {
    overflow: hidden;
    text-overflow: ellipsis;
    color: var(--text);
  }
  .matrix.head .active {
    background: var(--chosen);
    box-shadow: inset 0 2px var(--accent);
  }
  .matrix.head .active .name {
    font-weight: 700;
  }
  .matrix.head .tiny {
    display: none;
  }
  .sums {
    display: flex;
    justify-content: center;
    gap: 4px;
    line-height: 16px;
  }
  .sums button {
    min-width: 22px;
    min-height: 16px;
    padding: 0 3px;
    border-color: transparent;
    border-radius: 3px;
    background: none;
    font: var(--text-s) / 14px var(--mono);
  }
  .sums button.none {
    color: var(--muted);
  }
  .sums button[aria-pressed='true'] {
    border-color: currentcolor;
    background: var(--pane);
  }
  .yardstick {
    font-style: italic;
  }
  .matrix .body .model {
    color: var(--muted);
  }
  .matrix .body .model.active {
    background: color-mix(in srgb, var(--chosen) 55%, transparent);
    font-weight: 700;
  }
  .matrix .body .model.accept {
    color: var(--text);
  }
  .matrix .body .model.leak {
    background: var(--leak-tint);
    color: var(--leak);
  }
  .matrix .body .model.loss {
    background: var(--loss-tint);
    color: var(--loss);
  }
  .matrix .body .model.active:is(.leak, .loss) {
    box-shadow: inset 0 0 0 1px currentcolor;
  }
  .matrix .sign {
    display: inline-block;
    width: 14px;
  }
  .matrix .word {
    display: inline-block;
    width: 48px;
    text-align: left;
  }
  .matrix .row.is-leak,
  .matrix .row.is-loss {
    background: none;
  }
  .matrix .row.is-drop {
    color: inherit;
  }
  .matrix .body .row:hover {
    background: var(--hover);
  }
  .matrix .body .row[aria-selected='true'] {
    background: var(--chosen);
  }
  @container (max-width: 939px) {
    .matrix .fate {
      display: none;
    }
    .matrix .row,
    .matrix.row {
      grid-template-columns: 40px 84px 122px minmax(60px, 1fr) repeat(var(--models), 74px);
    }
    .matrix .sign {
      width: 12px;
    }
  }
  @container (max-width: 839px) {
    .matrix .word,
    .matrix.head .long {
      display: none;
    }
    .matrix.head .tiny {
      display: inline;
    }
    .matrix .row,
    .matrix.row {
      grid-template-columns: 40px 84px 122px minmax(60px, 1fr) repeat(var(--models), 50px);
    }
    .matrix.head {
      height: 62px;
    }
    .sums {
      flex-direction: column;
      align-items: center;
      gap: 8px;
    }
    .yardstick {
      display: none;
    }
  }
  /* The list hides other columns than the matrix does. */
  .matrix .dst {
    display: block;
  }
  @container (max-width: 699px) {
    .matrix .row,
    .matrix.row {
      grid-template-columns: 84px 122px minmax(60px, 1fr) repeat(var(--models), 46px);
    }
  }
  /* Marks first, and whom the frame is for. */
  @container (max-width: 599px) {
    .matrix .info {
      display: none;
    }
    .matrix .row,
    .matrix.row {
      grid-template-columns: 84px minmax(100px, 1fr) repeat(var(--models), 44px);
    }
    .matrix.head .model {
      padding: 0;
    }
    .sums button {
      padding: 0 1px;
    }
  }
  @container (max-width: 459px) {
    .matrix .time {
      display: none;
    }
    .matrix .row,
    .matrix.row {
      grid-template-columns: minmax(60px, 1fr) repeat(var(--models), 42px);
    }
  }
`;
