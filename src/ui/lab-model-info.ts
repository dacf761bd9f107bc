import { css, html, LitElement, nothing } from 'lit';
import type { HostModelId } from '../core/host/host-model.ts';
import { plural } from './format.ts';
import type { HostModelInfo } from './store.ts';
import { controls, shared } from './styles.ts';

/** What the model in force does, on one line; pressed, all models in full, with where their behaviour was read and what traps it holds. */
export class LabModelInfo extends LitElement {
  static override properties = { models: { attribute: false }, active: { attribute: false } };
  declare models: readonly HostModelInfo[];
  declare active: HostModelId | null;

  static override styles = [
    shared,
    controls,
    css`
      :host {
        flex: 1 1 0;
        min-width: 0;
      }
      button {
        display: flex;
        gap: 8px;
        max-width: 100%;
        text-align: left;
      }
      .line {
        overflow: hidden;
        text-overflow: ellipsis;
        color: var(--muted);
      }
      .more {
        flex: none;
        color: var(--accent);
      }
      [popover] {
        inset: 44px auto auto 50%;
        translate: -50%;
        width: min(640px, 94vw);
        max-height: 80vh;
        margin: 0;
        padding: 12px 14px;
        overflow: auto;
        border: 1px solid var(--line-strong);
        border-radius: var(--radius);
        background: var(--pane);
        color: var(--text);
        box-shadow: 0 6px 24px rgb(0 0 0 / 0.25);
      }
      dt {
        font-weight: 600;
      }
      dd + dt {
        margin-top: 12px;
      }
      details dl {
        margin: 4px 0 4px 14px;
      }
      details dd + dt {
        margin-top: 6px;
      }
      summary {
        cursor: pointer;
        color: var(--accent);
      }
      .source {
        overflow-wrap: anywhere;
      }
      @media (max-width: 1100px) {
        :host {
          flex: none;
        }
        .line {
          display: none;
        }
      }
    `,
  ];

  constructor() {
    super();
    this.models = [];
    this.active = null;
  }

  override render(): unknown {
    const chosen = this.models.find(({ id }) => id === this.active);
    if (!chosen) return nothing;
    return html`
      <button class="quiet" popovertarget="models" aria-label="About the host models">
        <span class="line">${chosen.summary}</span><span class="more">About</span>
      </button>
      <div id="models" popover role="group" aria-label="The host models">
        <dl>
          ${this.models.map(
            ({ id, title, summary, source, traps }) => html`
              <dt>${title}${id === this.active ? html` <span class="accept">✓ in force</span>` : nothing}</dt>
              <dd>${summary}</dd>
              <dd class="muted source">Read in: ${source}</dd>
              ${
                traps.length > 0
                  ? html`<dd>
                      <details>
                        <summary>${plural(traps.length, 'known trap')}</summary>
                        <dl>
                          ${traps.map(
                            (trap) =>
                              html`<dt>${trap.title}</dt>
                                <dd>
                                  ${trap.text} <span class="muted">Scenario <code>${trap.id}</code>.</span>
                                </dd>`,
                          )}
                        </dl>
                      </details>
                    </dd>`
                  : nothing
              }
            `,
          )}
        </dl>
      </div>
    `;
  }
}

customElements.define('lab-model-info', LabModelInfo);
