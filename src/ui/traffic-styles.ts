/** How the traffic tab looks: presets, the form, and the line that sends. */
import { css } from 'lit';

export const trafficStyles = css`
  :host {
    display: block;
    padding: 8px 10px 0;
  }
  /* So that the line that sends sticks to the pane, not to its group. */
  .frame,
  form {
    display: contents;
  }
  .presets {
    display: grid;
    grid-template-columns: repeat(auto-fill, minmax(150px, 1fr));
    gap: 3px;
    margin-top: 4px;
  }
  .presets button {
    min-height: 22px;
    padding: 1px 7px;
    font-size: var(--text-s);
    line-height: 1.25;
    text-align: left;
    white-space: normal;
  }
  .fields {
    display: grid;
    grid-template-columns: max-content minmax(0, 1.6fr) max-content minmax(0, 1fr);
    gap: 4px 8px;
    align-items: center;
    margin-top: 4px;
  }
  .fields .whole {
    grid-column: 2 / -1;
  }
  /* What sends is in view however short the pane is. */
  .send {
    position: sticky;
    bottom: 0;
    margin: 6px -10px 10px;
    padding: 6px 10px;
    border-top: 1px solid var(--line);
    background: var(--bar);
  }
  .send .line {
    gap: 4px 5px;
    margin: 0;
  }
  .send .gap {
    margin-left: auto;
  }
  input,
  textarea {
    width: 100%;
    min-width: 0;
  }
  textarea {
    resize: vertical;
    min-height: 60px;
  }
  .line {
    display: flex;
    flex-wrap: wrap;
    gap: 6px 8px;
    align-items: center;
    margin-top: 4px;
  }
  .frame > .line {
    margin-top: 10px;
  }
  .line input {
    width: 46px;
    padding: 1px 2px 1px 5px;
  }
  output {
    display: block;
    min-height: 1.45em;
    margin-top: 2px;
  }
`;
