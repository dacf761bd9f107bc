import { css } from 'lit';

export const dialogStyles = css`
  dialog {
    width: min(860px, 92vw);
    max-height: 86vh;
    padding: 0;
    border: 1px solid var(--line);
    border-radius: 8px;
    background: var(--pane);
    color: var(--text);
    overflow: hidden;
  }
  dialog[open] {
    display: flex;
    flex-direction: column;
  }
  dialog::backdrop {
    background: rgb(0 0 0 / 0.4);
  }
  .top {
    display: flex;
    align-items: center;
    justify-content: space-between;
    padding: 8px 12px;
    border-bottom: 1px solid var(--line);
    background: var(--bar);
  }
  .content {
    padding: 12px;
    overflow: auto;
  }
`;
