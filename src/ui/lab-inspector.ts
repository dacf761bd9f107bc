import { html, LitElement } from 'lit';
import './lab-counters.ts';
import './lab-packet-detail.ts';
import './lab-tabs.ts';
import './lab-traffic.ts';
import { pane, shared } from './styles.ts';
import { ViewController } from './view-state.ts';
import type { InspectorTab } from './view-state.ts';

const TABS = [
  { id: 'packet', label: 'Packet' },
  { id: 'counters', label: 'Counters' },
  { id: 'traffic', label: 'Traffic' },
] as const;

/** Beside the packet list: the chosen packet, the counts, the traffic to send. */
export class LabInspector extends LitElement {
  static override styles = [shared, pane];

  readonly #view = new ViewController(this);

  override render(): unknown {
    const view = this.#view.view;
    const selected = view?.inspector ?? 'counters';
    return html`
      <section aria-label="Inspector">
        <lab-tabs
          label="Inspector"
          .tabs=${TABS}
          .selected=${selected}
          @tab-change=${(event: CustomEvent<InspectorTab>) => view?.inspect(event.detail)}
        >
          ${selected === 'packet' ? html`<lab-packet-detail slot="packet"></lab-packet-detail>` : null}
          ${selected === 'counters' ? html`<lab-counters slot="counters"></lab-counters>` : null}
          <lab-traffic slot="traffic"></lab-traffic>
        </lab-tabs>
      </section>
    `;
  }

  override focus(): void {
    this.renderRoot.querySelector('lab-tabs')?.shadowRoot?.querySelector<HTMLElement>('[aria-selected=true]')?.focus();
  }
}

customElements.define('lab-inspector', LabInspector);
