import { css, html, LitElement } from 'lit';
import './lab-features.ts';
import './lab-link.ts';
import './lab-queues.ts';
import './lab-receive-filter.ts';
import './lab-status.ts';
import { pane, shared } from './styles.ts';

/** The state of device and host side in one view: link, filter, negotiation, queues. */
export class LabDevice extends LitElement {
  static override styles = [
    shared,
    pane,
    css`
      .body {
        container-type: inline-size;
      }
      .content {
        display: grid;
        gap: 14px 16px;
        padding: 8px 10px;
      }
      .content > * {
        min-width: 0;
      }
      @container (min-width: 480px) {
        .content {
          grid-template-columns: minmax(0, 1fr) minmax(0, 1fr);
        }
        lab-features,
        lab-queues {
          grid-column: 1 / -1;
        }
      }
      /* Everything at a glance: features beside the rest. */
      @container (min-width: 660px) {
        .content {
          grid-template: auto 1fr / minmax(0, 1fr) minmax(0, 1fr) minmax(210px, 0.8fr);
        }
        lab-queues {
          grid-area: 2 / 1 / 3 / 3;
        }
        lab-features:not([open]) {
          grid-area: 1 / 3 / 3 / 4;
        }
        lab-features[open] {
          grid-row: 3;
        }
      }
      @container (max-width: 479px) {
        .content {
          grid-template-columns: minmax(0, 1fr);
        }
      }
      @media (max-width: 599px) {
        .bar {
          flex-wrap: wrap;
          gap: 0 8px;
          height: auto;
          padding-block: 5px;
        }
        .bar .push {
          margin-left: 0;
        }
      }
      .body:focus-visible {
        outline: 2px solid var(--accent);
      }
    `,
  ];

  override render(): unknown {
    return html`
      <section aria-label="Device">
        <div class="bar">
          <h2>Device</h2>
          <lab-status class="push"></lab-status>
        </div>
        <div class="body" tabindex="0" aria-label="Device and host link" role="group">
          <div class="content">
            <lab-link></lab-link>
            <lab-receive-filter></lab-receive-filter>
            <lab-features></lab-features>
            <lab-queues></lab-queues>
          </div>
        </div>
      </section>
    `;
  }

  override focus(): void {
    this.renderRoot.querySelector<HTMLElement>('.body')?.focus();
  }
}

customElements.define('lab-device', LabDevice);
