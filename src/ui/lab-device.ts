import { css, html, LitElement } from 'lit';
import './lab-device-state.ts';
import './lab-features.ts';
import './lab-link.ts';
import './lab-queues.ts';
import './lab-receive-filter.ts';
import './lab-status.ts';
import { PollController } from './poll.ts';
import { pane, shared } from './styles.ts';

/** The state of device and host side in one view: link, filter, negotiation, queues, steering and offloads. */
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
        lab-queues,
        lab-device-state {
          grid-column: 1 / -1;
        }
      }
      /* Everything at a glance: features beside the rest. */
      @container (min-width: 660px) {
        .content {
          grid-template: auto auto 1fr / minmax(0, 1fr) minmax(0, 1fr) minmax(210px, 0.8fr);
        }
        lab-queues {
          grid-area: 3 / 1 / 4 / 3;
        }
        lab-device-state {
          grid-area: 2 / 1 / 3 / 3;
        }
        lab-features:not([open]) {
          grid-area: 1 / 3 / 4 / 4;
        }
        lab-features[open] {
          grid-row: 4;
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

  // What the driver has set up changes with its commands, resets and negotiations, all of which are in the trace.
  readonly #nic = new PollController(
    this,
    (actions) => actions.nic(),
    ({ model }) => model.seq,
  );

  override render(): unknown {
    const nic = this.#nic.value;
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
            <lab-device-state .nic=${nic} @changed=${() => this.#nic.refresh()}></lab-device-state>
            <lab-queues .pairsInUse=${nic?.pairs.inUse ?? null}></lab-queues>
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
