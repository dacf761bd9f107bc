import { css, html, LitElement, nothing } from 'lit';
import { chooseColdBoot, wantsColdBoot } from './boot-choice.ts';
import { dialogStyles } from './dialog-styles.ts';
import { formatBytes, plural } from './format.ts';
import { ActionsController, StoreController } from './store.ts';
import type { PackageManifest } from './store.ts';
import { controls, shared, tables } from './styles.ts';

/** What the guest is made of: stock Debian packages, each with the hash it was checked against. */
export class LabGuestDialog extends LitElement {
  static override styles = [
    shared,
    controls,
    tables,
    dialogStyles,
    css`
      .hash {
        max-width: 132px;
        overflow: hidden;
        text-overflow: ellipsis;
        color: var(--muted);
      }
      .hash:is(:hover, :focus) {
        white-space: normal;
        overflow-wrap: anywhere;
      }
      h3 {
        margin-top: 12px;
      }
      td.licence {
        white-space: normal;
        overflow-wrap: anywhere;
        width: 60%;
      }
    `,
  ];

  readonly #actions = new ActionsController(this);
  readonly #store = new StoreController(this, ({ model }) => model.snapshots);

  override render(): unknown {
    const manifest = this.#actions.actions?.manifest ?? null;
    return html`
      <dialog aria-label="Guest image">
        <div class="top">
          <h2>Guest image</h2>
          <button @click=${() => this.renderRoot.querySelector('dialog')?.close()}>Close</button>
        </div>
        <div class="content">
          ${this.#start()}
          ${
            manifest
              ? this.#content(manifest)
              : html`<p class="muted">
                  The image’s manifest could not be read. Build the guest image (see README) and reload the page.
                </p>`
          }
        </div>
      </dialog>
    `;
  }

  show(): void {
    this.renderRoot.querySelector('dialog')?.showModal();
  }

  #start(): unknown {
    const model = this.#store.store?.model;
    const told = model?.snapshots.filter(({ detail }) => detail !== '') ?? [];
    const used = model?.snapshots.find(({ outcome }) => outcome === 'used');
    const source = used?.from === 'storage' ? 'stored in this browser' : 'from this server';
    return html`
      <h3>How it starts</h3>
      <p>
        When this page opened, the guest
        ${used ? `went on from a snapshot ${source}, in which it had booted without a network device.` : 'booted from power-on.'}
        ${told.map(({ detail }) => detail).join(' ')}
      </p>
      <p>
        <label
          ><input
            type="checkbox"
            .checked=${wantsColdBoot(new URLSearchParams())}
            @change=${(event: Event) => chooseColdBoot((event.target as HTMLInputElement).checked)}
          />
          Boot from power-on whenever this page opens</label
        >
        <span class="muted">Restart always does.</span>
      </p>
    `;
  }

  #content({ suite, built, kernel, files, packages }: PackageManifest): unknown {
    return html`
      <p>
        Debian ${suite}, kernel <code>${kernel}</code>, dated ${built.slice(0, 10)}.
        ${plural(packages.length, 'package')}, unmodified, each checked against the archive’s signed index.
      </p>
      <h3>Files</h3>
      <table aria-label="Files">
        <tbody>
          ${files.map(
            ({ name, bytes, sha256 }) =>
              html`<tr>
                <td class="mono">${name}</td>
                <td class="number mono">${formatBytes(bytes)}</td>
                <td class="mono hash" title=${sha256}>${sha256}</td>
              </tr>`,
          )}
        </tbody>
      </table>
      <h3>Packages</h3>
      <table aria-label="Packages of the guest">
        <thead>
          <tr>
            <th>Package</th>
            <th>Version</th>
            <th>Licence</th>
            <th>SHA-256 of the .deb</th>
          </tr>
        </thead>
        <tbody>
          ${
            packages.length === 0
              ? html`<tr>
                  <td colspan="4" class="muted">none listed</td>
                </tr>`
              : nothing
          }
          ${packages.map(
            ({ name, version, licence, sha256 }) =>
              html`<tr>
                <td class="mono">${name}</td>
                <td class="mono">${version}</td>
                <td class="licence">${licence}</td>
                <td class="mono hash" title=${sha256}>${sha256}</td>
              </tr>`,
          )}
        </tbody>
      </table>
    `;
  }
}

customElements.define('lab-guest-dialog', LabGuestDialog);

declare global {
  interface HTMLElementTagNameMap {
    'lab-guest-dialog': LabGuestDialog;
  }
}
