/** Rules that every element shares: controls, tables, type. */
import { css } from 'lit';

export const shared = css`
  :host {
    box-sizing: border-box;
    font: var(--text-m) / 1.45 var(--font);
    color: var(--text);
  }
  :host([hidden]) {
    display: none !important;
  }
  *,
  *::before,
  *::after {
    box-sizing: border-box;
  }
  h2,
  h3,
  p,
  dl,
  dd,
  ol,
  ul {
    margin: 0;
    padding: 0;
  }
  h2,
  h3 {
    font-size: var(--text-m);
    font-weight: 600;
  }
  h3 {
    color: var(--muted);
    font-size: var(--text-s);
    letter-spacing: 0.03em;
  }
  .mono,
  code,
  kbd {
    font-family: var(--mono);
    font-size: var(--text-s);
    font-variant-numeric: tabular-nums;
  }
  kbd {
    padding: 0 4px;
    border: 1px solid var(--line);
    border-radius: 3px;
    background: var(--bar);
  }
  .number {
    font-variant-numeric: tabular-nums;
    text-align: right;
  }
  .muted {
    color: var(--muted);
  }
  .accept {
    color: var(--accept);
  }
  .drop {
    color: var(--drop);
  }
  .leak {
    color: var(--leak);
  }
  .loss {
    color: var(--loss);
  }
  .empty {
    padding: 16px;
    color: var(--muted);
    max-width: 56ch;
  }
  .empty p + p {
    margin-top: 6px;
  }
  .problem {
    color: var(--loss);
  }
  :focus-visible {
    outline: 2px solid var(--accent);
    outline-offset: -2px;
    border-radius: 2px;
  }
  .hidden {
    position: absolute;
    width: 1px;
    height: 1px;
    overflow: hidden;
    clip-path: inset(50%);
    white-space: nowrap;
  }
`;

export const controls = css`
  button,
  select,
  input,
  textarea {
    font: inherit;
    color: inherit;
    border: 1px solid var(--line);
    border-radius: var(--radius);
    background: var(--pane);
    min-height: 24px;
    padding: 1px 8px;
  }
  input,
  textarea,
  select {
    border-color: var(--line-strong);
  }
  input.mono,
  textarea.mono {
    font-family: var(--mono);
    font-size: var(--text-s);
  }
  input:disabled,
  button:disabled {
    opacity: 0.55;
  }
  button {
    cursor: pointer;
    white-space: nowrap;
  }
  button:hover:not(:disabled) {
    background: var(--hover);
  }
  button:disabled {
    cursor: default;
  }
  button.primary {
    background: var(--accent);
    border-color: var(--accent);
    color: var(--on-accent);
  }
  button.primary:hover:not(:disabled) {
    background: color-mix(in srgb, var(--accent) 88%, var(--text));
  }
  button.quiet {
    border-color: transparent;
    background: transparent;
  }
  button[aria-pressed='true'] {
    background: var(--chosen);
    border-color: var(--accent);
  }
  ::placeholder {
    color: var(--muted);
    opacity: 1;
  }
`;

export const tables = css`
  table {
    border-collapse: collapse;
    width: 100%;
  }
  th,
  td {
    padding: 1px 10px 1px 0;
    text-align: left;
    vertical-align: baseline;
    white-space: nowrap;
  }
  th {
    color: var(--muted);
    font-size: var(--text-s);
    font-weight: 500;
  }
  thead th {
    position: sticky;
    top: 0;
    background: var(--pane);
    box-shadow: inset 0 -1px var(--line);
  }
  th:last-child,
  td:last-child {
    padding-right: 0;
  }
  th.number,
  td.number {
    text-align: right;
  }
  td.wide {
    white-space: normal;
  }
`;

/** A pane: a bar with a title above a body that scrolls. */
export const pane = css`
  :host {
    display: block;
    min-width: 0;
    min-height: 0;
    height: 100%;
    background: var(--pane);
  }
  section {
    display: flex;
    flex-direction: column;
    height: 100%;
  }
  .bar {
    display: flex;
    align-items: center;
    gap: var(--gap);
    flex: none;
    height: 30px;
    padding: 0 10px;
    background: var(--bar);
    border-bottom: 1px solid var(--line);
    white-space: nowrap;
    overflow: hidden;
  }
  .bar > .push {
    margin-left: auto;
  }
  .body {
    flex: 1;
    min-height: 0;
    overflow: auto;
  }
`;
