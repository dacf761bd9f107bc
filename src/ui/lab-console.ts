import { FitAddon } from '@xterm/addon-fit';
import { Terminal } from '@xterm/xterm';
import xtermCss from '@xterm/xterm/css/xterm.css?inline';
import { css, html, LitElement, nothing, unsafeCSS } from 'lit';
import './lab-boot-guide.ts';
import './lab-next.ts';
import { ActionsController } from './store.ts';
import { pane, shared } from './styles.ts';
import { terminalColours } from './terminal-colours.ts';
import { themeChanges } from './theme.ts';

const encoder = new TextEncoder();

/**
 * The guest's serial console. The terminal takes every key but F6 and Shift+Tab, which leave it: Tab belongs to
 * the guest's shell.
 */
export class LabConsole extends LitElement {
  static override properties = { silent: { state: true } };
  /** The guest has not written anything. */
  declare silent: boolean;

  static override styles = [
    unsafeCSS(xtermCss),
    shared,
    pane,
    css`
      :host {
        background: var(--terminal);
        color: var(--terminal-text);
      }
      .screen {
        flex: 1;
        min-height: 0;
        padding: 6px 0 2px 10px;
        overflow: hidden;
      }
      lab-boot-guide {
        position: absolute;
        inset: 30px 0 0;
        background: var(--terminal);
      }
      .bar .push {
        flex: none;
      }
      @media (max-width: 599px) {
        .bar .push {
          display: none;
        }
      }
      section {
        position: relative;
      }
      .screen:focus-within {
        box-shadow: inset 0 0 0 1px var(--accent);
      }
    `,
  ];

  readonly #actions = new ActionsController(this);
  readonly #terminal = new Terminal({
    cursorBlink: false,
    fontSize: 12,
    lineHeight: 1.15,
    scrollback: 5000,
    fontFamily: 'ui-monospace, "SF Mono", "Cascadia Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace',
    screenReaderMode: false,
  });
  readonly #fit = new FitAddon();
  readonly #resized = new ResizeObserver(() => this.#resize());
  readonly #recolour = (): void => {
    this.#terminal.options.theme = terminalColours(this);
  };
  #leave: (() => void) | null = null;

  constructor() {
    super();
    this.silent = true;
  }

  override render(): unknown {
    return html`
      <section aria-label="Serial console">
        <div class="bar">
          <h2>Serial console</h2>
          <lab-next @typed=${() => this.focus()}></lab-next>
          <span class="muted push"><kbd>F6</kbd> leaves</span>
        </div>
        <div class="screen"></div>
        ${this.silent ? html`<lab-boot-guide></lab-boot-guide>` : nothing}
      </section>
    `;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    themeChanges.addEventListener('change', this.#recolour);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    themeChanges.removeEventListener('change', this.#recolour);
    this.#resized.disconnect();
    this.#leave?.();
    this.#leave = null;
  }

  override firstUpdated(): void {
    const screen = this.renderRoot.querySelector<HTMLElement>('.screen');
    if (!screen) return;
    const terminal = this.#terminal;
    terminal.loadAddon(this.#fit);
    terminal.open(screen);
    terminal.textarea?.setAttribute('aria-label', 'Serial console input. F6 leaves.');
    terminal.attachCustomKeyEventHandler(({ key, shiftKey }) => key !== 'F6' && !(key === 'Tab' && shiftKey));
    terminal.onData((text) => this.#actions.actions?.consoleWrite(encoder.encode(text)));
    terminal.onResize(({ cols, rows }) => this.#actions.actions?.consoleResize(cols, rows));
    this.#recolour();
    this.#resized.observe(screen);
  }

  override updated(): void {
    // What was written before comes at once, and it changes what is shown.
    void this.updateComplete.then(() => this.#listen());
  }

  #listen(): void {
    const actions = this.#actions.actions;
    if (!actions || this.#leave || !this.isConnected) return;
    this.#leave = actions.onConsole((bytes) => {
      if (bytes.length > 0) this.silent = false;
      this.#terminal.write(bytes);
    });
    actions.consoleResize(this.#terminal.cols, this.#terminal.rows);
  }

  override focus(): void {
    this.#terminal.focus();
  }

  /** The screen as text, for tests and for copying. */
  get text(): string {
    const buffer = this.#terminal.buffer.active;
    return Array.from({ length: buffer.length }, (_, i) => buffer.getLine(i)?.translateToString(true) ?? '').join('\n');
  }

  #resize(): void {
    const screen = this.renderRoot.querySelector('.screen');
    // A pane that is hidden behind a tab has no size to fit to.
    if (screen && screen.clientWidth > 0 && screen.clientHeight > 0) this.#fit.fit();
  }
}

customElements.define('lab-console', LabConsole);
