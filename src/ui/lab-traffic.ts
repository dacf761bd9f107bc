import { html, LitElement, nothing } from 'lit';
import { frameFromSpec } from '../core/net/frame-spec.ts';
import type { FrameSpec } from '../core/net/frame-spec.ts';
import { formatCount, messageOf, plural } from './format.ts';
import { ActionsController, StoreController } from './store.ts';
import type { InjectedFrame } from './store.ts';
import { controls, shared } from './styles.ts';
import { trafficStyles } from './traffic-styles.ts';
import { ViewController } from './view-state.ts';

type Kind = 'fields' | 'raw';

/** Sends frames towards the guest: presets, or a frame of the user's own, once or as a stream. */
export class LabTraffic extends LitElement {
  static override properties = {
    kind: { state: true },
    preset: { state: true },
    report: { state: true },
    problem: { state: true },
  };
  declare kind: Kind;
  declare preset: string;
  declare report: string;
  declare problem: string;

  static override styles = [shared, controls, trafficStyles];

  readonly #store = new StoreController(this, ({ traffic }) => traffic);
  readonly #actions = new ActionsController(this);
  readonly #view = new ViewController(this);

  constructor() {
    super();
    this.kind = 'fields';
    this.preset = '';
    this.report = '';
    this.problem = '';
  }

  override render(): unknown {
    const actions = this.#actions.actions;
    if (!actions) return nothing;
    const running = this.#store.store?.traffic ?? null;
    return html`
      <div role="group" aria-label="Presets">
        <h3>Send one at a click</h3>
        <div class="presets">
          ${actions.trafficPresets.map(
            ({ id, title, frame }) =>
              html`<button
                aria-pressed=${this.preset === id}
                title="Send it once, and put it into the form: ${title}"
                @click=${() => this.#usePreset(id, frame)}
              >
                ${title}
              </button>`,
          )}
        </div>
      </div>
      <div class="frame" role="group" aria-label="Frame">
        <div class="line">
          <h3>Or a frame of your own</h3>
          <button aria-pressed=${this.kind === 'fields'} @click=${() => (this.kind = 'fields')}>Fields</button>
          <button aria-pressed=${this.kind === 'raw'} @click=${() => (this.kind = 'raw')}>Raw hex</button>
        </div>
        <form @submit=${this.#sendForm}>
          <div class="fields">${this.kind === 'fields' ? FIELDS : RAW}</div>
          <div class="send">
            <div class="line">
              <button class="primary">Send</button>
              <label for="count">Times</label>
              <input id="count" class="mono" type="number" min="1" max="100000" value="1" />
              ${
                running
                  ? html`<button
                      class="gap"
                      type="button"
                      @click=${() => this.#do(() => actions.stopTraffic(), 'Stream stopped.')}
                    >
                      Stop stream
                    </button>`
                  : html`<button class="gap" type="button" @click=${this.#stream}>Start stream</button>`
              }
              <label for="rate" title="Frames per second of a stream; empty: as many as the guest takes">Rate</label>
              <input id="rate" class="mono" type="number" min="1" max="100000" value="100" placeholder="max" />
            </div>
            ${running ? html`<span role="status">streaming ${speed(running.rate)}</span>` : nothing}
            <output aria-label="Result" class=${this.problem ? 'problem' : 'muted'}
              >${this.problem || this.report}</output
            >
          </div>
        </form>
      </div>
    `;
  }

  #usePreset(id: string, frame: FrameSpec): void {
    this.preset = id;
    this.kind = 'raw' in frame ? 'raw' : 'fields';
    void this.updateComplete.then(() => {
      this.#fill(frame);
      void this.#send([frame], 1);
    });
  }

  #fill(frame: FrameSpec): void {
    const set = (id: string, value: string | undefined): void => {
      const field = this.renderRoot.querySelector<HTMLInputElement | HTMLTextAreaElement>(`#${id}`);
      if (field) field.value = value ?? '';
    };
    if ('raw' in frame) {
      set('raw', frame.raw);
      return;
    }
    set('dst', frame.dst);
    set('src', frame.src);
    set('vlan', frame.vlan === undefined ? '' : String(frame.vlan));
    set('type', frame.etherType === undefined ? '' : `0x${frame.etherType.toString(16).padStart(4, '0')}`);
    set('payload', frame.payload);
  }

  #value(id: string): string {
    return this.renderRoot.querySelector<HTMLInputElement | HTMLTextAreaElement>(`#${id}`)?.value.trim() ?? '';
  }

  /** The frame of the form, or null after saying what is wrong with it. */
  #frame(): FrameSpec | null {
    const frame = this.kind === 'raw' ? { raw: this.#value('raw') } : this.#fields();
    const made = frameFromSpec(frame);
    if (made.ok) return frame;
    this.problem = made.error;
    return null;
  }

  #fields(): FrameSpec {
    const [src, vlan, type, payload] = ['src', 'vlan', 'type', 'payload'].map((id) => this.#value(id));
    return {
      dst: this.#value('dst'),
      ...(src ? { src } : {}),
      ...(vlan ? { vlan: Number(vlan) } : {}),
      ...(type ? { etherType: Number(type) } : {}),
      ...(payload ? { payload } : {}),
    };
  }

  #sendForm(event: Event): void {
    event.preventDefault();
    const frame = this.#frame();
    if (frame) void this.#send([frame], Math.max(1, Number(this.#value('count')) || 1));
  }

  async #send(frames: readonly FrameSpec[], times: number): Promise<void> {
    const actions = this.#actions.actions;
    if (!actions) return;
    this.report = 'Sending…';
    this.problem = '';
    try {
      const settled = await actions.inject(frames, times);
      this.report = describe(settled);
      const last = settled.at(-1);
      if (last && this.#view.view) this.#view.view.select(last.id);
    } catch (error) {
      this.problem = messageOf(error);
    }
  }

  #stream(): void {
    const frame = this.#frame();
    const wanted = this.#value('rate');
    const rate = wanted === '' ? Infinity : Math.max(1, Number(wanted) || 1);
    if (frame) void this.#do(() => this.#actions.actions?.startTraffic({ frames: [frame], rate }), 'Stream started.');
  }

  async #do(action: () => Promise<unknown> | undefined, done: string): Promise<void> {
    this.problem = '';
    try {
      await action();
      this.report = done;
    } catch (error) {
      this.problem = messageOf(error);
    }
  }
}

const FIELDS = html`
  <label for="dst">Destination</label>
  <input id="dst" class="mono" placeholder="33:33:00:00:00:fb" value="ff:ff:ff:ff:ff:ff" spellcheck="false" />
  <label for="vlan">VLAN</label>
  <input id="vlan" class="mono" placeholder="untagged" inputmode="numeric" />
  <label for="src">Source</label>
  <input id="src" class="mono" placeholder="station" spellcheck="false" />
  <label for="type">EtherType</label>
  <input id="type" class="mono" placeholder="0x88b5" spellcheck="false" />
  <label for="payload">Payload</label>
  <input id="payload" class="mono whole" placeholder="hex: 01 02 03" spellcheck="false" />
`;

const RAW = html`
  <label for="raw">Bytes</label>
  <textarea
    id="raw"
    class="mono whole"
    placeholder="hex of the whole frame, spaces and colons allowed"
    spellcheck="false"
  ></textarea>
`;

/** `3 frames: 2 delivered, 1 multicast-table-miss`. */
function describe(settled: readonly InjectedFrame[]): string {
  const counts = new Map<string, number>();
  for (const { fate, reason } of settled) counts.set(reason ?? fate, (counts.get(reason ?? fate) ?? 0) + 1);
  const parts = [...counts].map(([end, count]) => `${formatCount(count)} ${end}`).join(', ');
  return `${plural(settled.length, 'frame')}: ${parts}.`;
}

function speed(rate: number): string {
  return rate === Infinity ? 'as many frames as the guest takes' : `${formatCount(rate)} frames/s`;
}

customElements.define('lab-traffic', LabTraffic);
