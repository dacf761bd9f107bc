import { html, LitElement } from 'lit';
import { injectedFaults } from './fault-text.ts';
import './lab-cost.ts';
import './lab-counters.ts';
import './lab-host.ts';
import './lab-packet-detail.ts';
import './lab-tabs.ts';
import './lab-traffic.ts';
import { StoreController } from './store.ts';
import { pane, shared } from './styles.ts';
import { ViewController } from './view-state.ts';
import type { InspectorTab } from './view-state.ts';

/** Beside the packet list: the chosen packet, the counts, what they cost, the traffic to send, the host by hand. */
export class LabInspector extends LitElement {
  static override styles = [shared, pane];

  readonly #store = new StoreController(this, ({ model }) => `${model.faults.length} ${model.shortage}`);
  readonly #view = new ViewController(this);

  override render(): unknown {
    const view = this.#view.view;
    const model = this.#store.store?.model;
    const faults = model ? injectedFaults(model).length : 0;
    const selected = view?.inspector ?? 'counters';
    return html`
      <section aria-label="Inspector">
        <lab-tabs
          label="Inspector"
          .tabs=${[
            { id: 'packet', label: 'Packet' },
            { id: 'counters', label: 'Counters' },
            { id: 'cost', label: 'Cost' },
            { id: 'traffic', label: 'Traffic' },
            { id: 'host', label: 'Host', count: faults, alert: true },
          ]}
          .selected=${selected}
          @tab-change=${(event: CustomEvent<InspectorTab>) => view?.inspect(event.detail)}
        >
          ${selected === 'packet' ? html`<lab-packet-detail slot="packet"></lab-packet-detail>` : null}
          ${selected === 'counters' ? html`<lab-counters slot="counters"></lab-counters>` : null}
          ${selected === 'cost' ? html`<lab-cost slot="cost"></lab-cost>` : null}
          <lab-traffic slot="traffic"></lab-traffic>
          ${selected === 'host' ? html`<lab-host slot="host"></lab-host>` : null}
        </lab-tabs>
      </section>
    `;
  }

  override focus(): void {
    this.renderRoot.querySelector('lab-tabs')?.shadowRoot?.querySelector<HTMLElement>('[aria-selected=true]')?.focus();
  }
}

customElements.define('lab-inspector', LabInspector);
