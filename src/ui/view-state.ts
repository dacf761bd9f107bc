/** What the user looks at: belongs to the page alone, never to the lab. */
import { ContextConsumer, createContext } from '@lit/context';
import type { ReactiveControllerHost } from 'lit';

import { ALL_VERDICTS, sameChoice } from './verdict-choice.ts';
import type { VerdictChoice } from './verdict-choice.ts';

export type InspectorTab = 'packet' | 'counters' | 'cost' | 'traffic' | 'host';
/** Packets as a list with the verdict in force, or as a matrix with everybody's. */
export type PacketMode = 'list' | 'matrix';

export class ViewState extends EventTarget {
  #selectedId: number | null = null;
  #inspector: InspectorTab = 'counters';
  #filter = '';
  #verdicts = ALL_VERDICTS;
  #mode: PacketMode = 'list';

  /** Frame id of the row with the cursor. */
  get selectedId(): number | null {
    return this.#selectedId;
  }

  get inspector(): InspectorTab {
    return this.#inspector;
  }

  get filter(): string {
    return this.#filter;
  }

  get verdicts(): VerdictChoice {
    return this.#verdicts;
  }

  get mode(): PacketMode {
    return this.#mode;
  }

  select(id: number | null): void {
    if (this.#selectedId === id) return;
    this.#selectedId = id;
    this.#changed();
  }

  inspect(tab: InspectorTab): void {
    if (this.#inspector === tab) return;
    this.#inspector = tab;
    this.#changed();
  }

  setFilter(filter: string): void {
    if (this.#filter === filter) return;
    this.#filter = filter;
    this.#changed();
  }

  setVerdicts(choice: VerdictChoice): void {
    if (sameChoice(this.#verdicts, choice)) return;
    this.#verdicts = choice;
    this.#changed();
  }

  setMode(mode: PacketMode): void {
    if (this.#mode === mode) return;
    this.#mode = mode;
    this.#changed();
  }

  #changed(): void {
    this.dispatchEvent(new Event('change'));
  }
}

export const viewContext = createContext<ViewState>(Symbol('lab view'));

/** Gives its host the view state and re-renders it on change. */
export class ViewController {
  #view: ViewState | null = null;

  constructor(host: ReactiveControllerHost & HTMLElement) {
    const update = (): void => host.requestUpdate();
    new ContextConsumer(host, {
      context: viewContext,
      callback: (view) => {
        this.#view?.removeEventListener('change', update);
        this.#view = view;
        view.addEventListener('change', update);
        host.requestUpdate();
      },
    });
  }

  get view(): ViewState | null {
    return this.#view;
  }
}
