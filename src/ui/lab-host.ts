import { css, html, LitElement } from 'lit';
import './lab-faults.ts';
import './lab-ioctl-console.ts';
import './lab-link-detail.ts';
import { shared } from './styles.ts';

/** The host by hand: faults, ioctls past the VMM, and the link in full. */
export class LabHost extends LitElement {
  static override styles = [
    shared,
    css`
      :host {
        display: grid;
        grid-template-columns: repeat(auto-fit, minmax(min(100%, 330px), 1fr));
        gap: 14px 20px;
        padding: 8px 10px;
        align-content: start;
      }
      .column {
        display: grid;
        gap: 14px;
        align-content: start;
        min-width: 0;
      }
    `,
  ];

  override render(): unknown {
    return html`
      <div class="column">
        <lab-faults></lab-faults>
        <lab-ioctl-console></lab-ioctl-console>
      </div>
      <div class="column">
        <lab-link-detail></lab-link-detail>
      </div>
    `;
  }
}

customElements.define('lab-host', LabHost);
