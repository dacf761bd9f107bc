/** The present boot on the clock: when it began and when each stage did. */
import type { ReactiveController, ReactiveControllerHost } from 'lit';
import { COLD_STAGES, WARM_STAGES } from '../core/trace/event.ts';
import type { BootStage, StampedEvent } from '../core/trace/event.ts';
import type { LabModel } from '../core/trace/model.ts';
import { recall, remember } from './settings.ts';

/** What happens meanwhile, in one sentence. */
export const STAGE_TEXT: Readonly<Record<BootStage, string>> = {
  download: 'What the guest starts from comes from this server, or from this browser.',
  restore: 'The machine goes on where its guest had booted, but had no network device.',
  firmware: 'SeaBIOS sets up the emulated PC and starts the kernel.',
  kernel: 'Linux unpacks itself and finds its hardware. It is silent, and takes longest.',
  userspace: 'virtio_net finds the device, resets it and negotiates features. Watch Device.',
  ready: 'A root shell, in this pane.',
};

export interface BootTimes {
  /** Nanoseconds since the lab was opened, as are the stages. */
  readonly begun: number;
  readonly stages: ReadonlyMap<BootStage, number>;
}

/** Looks back no further than the last reset of the machine. */
export function bootTimes(events: readonly StampedEvent[]): BootTimes {
  const stages = new Map<BootStage, number>();
  for (let at = events.length - 1; at >= 0; at--) {
    const stamped = events[at];
    if (stamped?.event.type === 'machine-reset') return { begun: stamped.time, stages };
    if (stamped?.event.type === 'boot') stages.set(stamped.event.stage, stamped.time);
  }
  return { begun: 0, stages };
}

/** The stages of the present boot, in order. */
export function stagesOf({ warm, boot }: Pick<LabModel, 'warm' | 'boot'>): readonly BootStage[] {
  return warm || boot?.stage === 'restore' ? WARM_STAGES : COLD_STAGES;
}

/** Seconds that a stage took, or has taken so far; null if it has not begun. */
export function stageSeconds({ stages }: BootTimes, stage: BootStage, now: number): number | null {
  const from = stages.get(stage);
  if (from === undefined) return null;
  const later = [...stages.values()].filter((time) => time > from);
  return (Math.min(now, ...later) - from) / 1e9;
}

export function isBooting(model: LabModel | undefined): boolean {
  return model?.failure === null && model.boot?.stage !== 'ready';
}

const KEY = 'boot-seconds';

/** How long a boot took in this browser, the last time; null if never. */
export function lastBootSeconds(): number | null {
  const seconds = Number(recall(KEY) ?? NaN);
  return Number.isFinite(seconds) ? seconds : null;
}

export function rememberBoot({ begun, stages }: BootTimes): void {
  const ready = stages.get('ready');
  // A start from a snapshot says nothing of how long a boot takes.
  if (ready !== undefined && !stages.has('restore')) remember(KEY, String(Math.round((ready - begun) / 1e9)));
}

/** Renders its host once a second for as long as `running` says so, and never otherwise. */
export class SecondsController implements ReactiveController {
  readonly #host: ReactiveControllerHost;
  readonly #running: () => boolean;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(host: ReactiveControllerHost, running: () => boolean) {
    this.#host = host;
    this.#running = running;
    host.addController(this);
  }

  hostConnected(): void {
    this.#host.requestUpdate();
  }

  hostUpdated(): void {
    if (this.#timer !== undefined || !this.#running()) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#host.requestUpdate();
    }, 1000);
  }

  hostDisconnected(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
