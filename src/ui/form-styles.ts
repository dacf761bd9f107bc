/** Lines of labels, fields and buttons in a narrow pane. */
import { css } from 'lit';

export const formStyles = css`
  :host {
    display: block;
  }
  .title {
    display: flex;
    align-items: center;
    gap: 8px;
    min-height: 24px;
  }
  .title h3 {
    margin-right: auto;
  }
  .line {
    display: flex;
    flex-wrap: wrap;
    gap: 4px 6px;
    align-items: center;
    margin-top: 4px;
  }
  .line .grow {
    flex: 1;
    min-width: 90px;
  }
  .line .last {
    margin-left: auto;
  }
  select.mono {
    font-family: var(--mono);
    font-size: var(--text-s);
  }
  output {
    display: block;
    min-height: 1.45em;
    margin-top: 2px;
    overflow-wrap: anywhere;
  }
`;
