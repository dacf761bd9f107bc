import { css, html, LitElement, nothing } from 'lit';
import type { FeatureSet } from '../core/virtio/features.ts';
import { hasFeature, parseFeatures } from '../core/virtio/features.ts';
import type { FeatureChange } from '../core/virtio-net/feature-rules.ts';
import { switchFeature } from '../core/virtio-net/feature-rules.ts';
import { dialogStyles } from './dialog-styles.ts';
import { editRows, modelOffers, POSSIBLE, requestOf } from './feature-edit.ts';
import type { EditRow } from './feature-edit.ts';
import { featureInfo } from './feature-info.ts';
import { messageOf } from './format.ts';
import { ActionsController, StoreController } from './store.ts';
import { controls, shared, tables } from './styles.ts';

/** What the device offers, bit by bit, on top of the host model; and what kind of PCI function it is. */
export class LabFeatureEditor extends LitElement {
  static override properties = {
    edited: { state: true },
    transitional: { state: true },
    msix: { state: true },
    changes: { state: true },
    problem: { state: true },
    busy: { state: true },
  };
  declare edited: FeatureSet;
  declare transitional: boolean;
  declare msix: boolean;
  /** What followed from the last switch. */
  declare changes: readonly FeatureChange[];
  declare problem: string;
  declare busy: boolean;

  static override styles = [
    shared,
    controls,
    tables,
    dialogStyles,
    css`
      .content {
        display: grid;
        gap: 8px;
        padding-block: 8px 0;
      }
      .pci {
        display: flex;
        flex-wrap: wrap;
        gap: 4px 16px;
        align-items: center;
      }
      input[type='checkbox'],
      input[type='radio'] {
        min-height: 0;
        margin: 0 4px 0 0;
        vertical-align: -2px;
        accent-color: var(--accent);
      }
      fieldset {
        display: contents;
        border: 0;
      }
      .rows {
        min-height: 0;
        overflow: auto;
      }
      thead th {
        z-index: 1;
      }
      td.meaning {
        width: 100%;
        white-space: normal;
        color: var(--muted);
      }
      tr.changed > * {
        background: var(--chosen);
      }
      .foot {
        display: flex;
        flex-wrap: wrap;
        gap: 6px;
        align-items: center;
        padding: 8px 12px;
        border-top: 1px solid var(--line);
        background: var(--bar);
      }
      .foot .say {
        flex: 1 1 240px;
        min-height: 2.9em;
        max-height: 7em;
        overflow: auto;
      }
      @media (max-width: 599px) {
        .meaning {
          display: none;
        }
      }
    `,
  ];

  readonly #store = new StoreController(this, ({ model }) => model);
  readonly #actions = new ActionsController(this);

  constructor() {
    super();
    this.edited = 0n;
    this.transitional = false;
    this.msix = true;
    this.changes = [];
    this.problem = '';
    this.busy = false;
  }

  /** Opens with what was asked for last. */
  show(): void {
    const personality = this.#actions.actions?.personality.personality;
    if (!personality) return;
    this.edited = personality.features;
    this.transitional = personality.transitional;
    this.msix = personality.msix;
    this.changes = [];
    this.problem = '';
    this.#dialog?.showModal();
  }

  override render(): unknown {
    const model = this.#store.store?.model;
    const host = this.#actions.actions?.hostModels.find(({ id }) => id === model?.host);
    return html`
      <dialog aria-label="Device features">
        <div class="top">
          <h2>What the device offers</h2>
          <button @click=${() => this.#dialog?.close()}>Close</button>
        </div>
        ${host && model ? this.#content(host.title, host.offers, model.negotiated) : nothing}
      </dialog>
    `;
  }

  #content(title: string, offers: FeatureSet, negotiated: string | null): unknown {
    const base = modelOffers(offers);
    const inForce = negotiated === null ? 0n : parseFeatures(negotiated);
    const pci = this.#actions.actions?.personality.personality;
    const restart = pci !== undefined && (pci.transitional !== this.transitional || pci.msix !== this.msix);
    return html`
      <div class="content">
        <p class="muted">
          On top of ${title}. A feature brings what it needs with it, and takes along what needs it. The driver
          negotiates the new set at its next re-probe; another PCI function wants a restart of the guest.
        </p>
        <div class="pci">
          <fieldset aria-label="PCI function">
            <span>PCI function</span>
            ${[false, true].map(
              (transitional) =>
                html`<label
                  ><input
                    type="radio"
                    name="function"
                    .checked=${transitional === this.transitional}
                    @change=${() => (this.transitional = transitional)}
                  />${transitional ? 'transitional (1af4:1000), for legacy drivers too' : 'modern (1af4:1041)'}</label
                >`,
            )}
          </fieldset>
          <label
            ><input
              type="checkbox"
              .checked=${this.msix}
              @change=${(event: Event) => (this.msix = (event.target as HTMLInputElement).checked)}
            />MSI-X</label
          >
        </div>
        <div class="rows">
          <table aria-label="Features to offer">
            <thead>
              <tr>
                <th>Offer</th>
                <th class="number">Bit</th>
                <th title="The host model offers it">Model</th>
                <th title="Negotiated by the driver that runs now">In force</th>
                <th class="meaning">Meaning</th>
              </tr>
            </thead>
            <tbody>
              ${editRows(offers, this.edited).map((row) => this.#row(row, base, hasFeature(inForce, row.bit)))}
            </tbody>
          </table>
        </div>
      </div>
      ${this.#foot(base, restart)}
    `;
  }

  #row({ bit, byModel, on, fixed }: EditRow, base: FeatureSet, inForce: boolean): unknown {
    const { name, meaning } = featureInfo(bit);
    return html`<tr class=${on === hasFeature(base, bit) ? '' : 'changed'} title=${fixed ?? nothing}>
      <td class="mono">
        <label
          ><input
            type="checkbox"
            .checked=${on}
            ?disabled=${fixed !== null}
            @change=${(event: Event) => this.#switch(bit, (event.target as HTMLInputElement).checked)}
          />${name}</label
        >
      </td>
      <td class="number mono">${bit}</td>
      <td class=${byModel ? 'accept' : 'muted'} aria-label=${byModel ? 'yes' : 'no'}>${byModel ? '✓' : '–'}</td>
      <td class=${inForce ? 'accept' : 'muted'} aria-label=${inForce ? 'yes' : 'no'}>${inForce ? '✓' : '–'}</td>
      <td class="meaning">${meaning}${fixed ? html` <em>${fixed}</em>` : nothing}</td>
    </tr>`;
  }

  #foot(base: FeatureSet, restart: boolean): unknown {
    return html`
      <div class="foot">
        <div class="say" role="status" aria-label="What follows">
          ${
            this.problem
              ? html`<span class="problem">${this.problem}</span>`
              : this.changes.map(
                  ({ bit, on, reason }) =>
                    html`<div><b class="mono">${on ? '+' : '−'} ${featureInfo(bit).name}</b> ${reason}</div>`,
                )
          }
        </div>
        <button ?disabled=${this.edited === base} @click=${() => this.#to(base)}>As the model</button>
        <button ?disabled=${this.busy} @click=${() => this.#apply(null)}>Apply</button>
        <button class="primary" ?disabled=${this.busy} @click=${() => this.#apply(restart ? 'restart' : 'reprobe')}>
          Apply and ${restart ? 'restart' : 're-probe'}
        </button>
      </div>
    `;
  }

  #switch(bit: number, on: boolean): void {
    const { features, changes } = switchFeature(this.edited, bit, on, POSSIBLE);
    this.#to(features);
    this.changes = changes;
    // A switch that could not be thrown shows as it was: its box has moved by itself.
    this.requestUpdate('edited', null);
  }

  #to(features: FeatureSet): void {
    this.edited = features;
    this.changes = [];
    this.problem = '';
  }

  async #apply(then: 'reprobe' | 'restart' | null): Promise<void> {
    const actions = this.#actions.actions;
    const host = actions?.hostModels.find(({ id }) => id === this.#store.store?.model.host);
    if (!actions || !host) return;
    const { transitional, msix } = this;
    this.busy = true;
    this.problem = '';
    try {
      await actions.setPersonality(requestOf(modelOffers(host.offers), this.edited, { transitional, msix }));
      this.#dialog?.close();
      if (then === 'reprobe') await actions.reprobe();
      if (then === 'restart') await actions.restartGuest();
    } catch (error) {
      this.problem = messageOf(error);
      if (!this.#dialog?.open) this.#dialog?.showModal();
    } finally {
      this.busy = false;
    }
  }

  get #dialog(): HTMLDialogElement | null {
    return this.renderRoot.querySelector('dialog');
  }
}

customElements.define('lab-feature-editor', LabFeatureEditor);

declare global {
  interface HTMLElementTagNameMap {
    'lab-feature-editor': LabFeatureEditor;
  }
}
