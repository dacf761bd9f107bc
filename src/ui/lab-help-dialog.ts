import { css, html, LitElement } from 'lit';
import { dialogStyles } from './dialog-styles.ts';
import { controls, shared, tables } from './styles.ts';

const KEYS: readonly (readonly [string, string])[] = [
  ['F6 / Shift+F6', 'Next or previous pane; the way out of the console'],
  ['/', 'Filter the packets'],
  ['↑ ↓ PgUp PgDn', 'Move in the packet list'],
  ['Home End', 'First or newest packet; End also follows'],
  ['Enter', 'Explain the packet'],
  ['Escape', 'Clear the filter or the choice'],
  ['← → ↑ ↓ on a line between panes', 'Resize'],
  ['← → on the chart of costs', 'Read it out'],
  ['?', 'This help'],
];

const FILTERS: readonly (readonly [string, string])[] = [
  ['delivered dropped filtered pending', 'what became of the frame'],
  ['leak loss', 'more or less than asked for, in the model in force; leak:qemu for another'],
  ['differ', 'the models disagree'],
  ['in out unicast multicast broadcast', 'direction and kind of destination'],
  ['rule:multicast-table-miss fate:no_space', 'by rule, by fate'],
  ['dst:33:33 src:02:00 vlan:5 proto:arp len>200', 'by header'],
  ['10.0.2.2', 'text in any column'],
  ['-dropped', 'not; words are joined by “and”'],
];

const SIGNS: readonly (readonly [string, string])[] = [
  ['✓ delivered   ✕ dropped   → sent', 'towards the guest and taken; not taken; from the guest'],
  ['▲ leak', 'delivered although the guest did not ask for it: legal'],
  ['▼ loss', 'asked for and not delivered: a bug'],
  ['Cost 3·1·1', 'the host looked 3 times, copied once, threw 1 away'],
  ['Models ▲ ▲ ✕', 'what each host model says, in the order of the matrix; the one in force has a border'],
];

/** Signs, keys and filter words. */
export class LabHelpDialog extends LitElement {
  static override styles = [
    shared,
    controls,
    tables,
    dialogStyles,
    css`
      h3 + table {
        margin: 4px 0 14px;
      }
      td:first-child {
        width: 44%;
      }
      td {
        white-space: pre-wrap;
      }
      table:last-child {
        margin-bottom: 0;
      }
    `,
  ];

  override render(): unknown {
    const table = (label: string, rows: readonly (readonly [string, string])[]): unknown => html`
      <table aria-label=${label}>
        <tbody>
          ${rows.map(
            ([what, does]) =>
              html`<tr>
                <td class="mono">${what}</td>
                <td>${does}</td>
              </tr>`,
          )}
        </tbody>
      </table>
    `;
    return html`
      <dialog aria-label="Keys and filters">
        <div class="top">
          <h2>Keys and filters</h2>
          <button @click=${() => this.renderRoot.querySelector('dialog')?.close()}>Close</button>
        </div>
        <div class="content">
          <h3>Signs in the packet list</h3>
          ${table('Signs', SIGNS)}
          <h3>Keys</h3>
          ${table('Keys', KEYS)}
          <h3>Filter words</h3>
          ${table('Filter words', FILTERS)}
        </div>
      </dialog>
    `;
  }

  show(): void {
    this.renderRoot.querySelector('dialog')?.showModal();
  }
}

customElements.define('lab-help-dialog', LabHelpDialog);

declare global {
  interface HTMLElementTagNameMap {
    'lab-help-dialog': LabHelpDialog;
  }
}
