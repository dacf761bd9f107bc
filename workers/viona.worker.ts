/**
 * The host's side of the lab: one thread with the viona link, the host models, and what else is on the link.
 *
 * The models and the link are src/core/host; this file gives them a clock, wires to the device, a station
 * that answers (so that `ping` has somebody to talk to), and the sources of injected traffic.
 */
import * as Comlink from 'comlink';
import { HostSide } from '../src/core/host/host-side.ts';
import type { HostModelId } from '../src/core/host/host-model.ts';
import { EchoStation } from '../src/core/net/echo-station.ts';
import { frameFromSpec, type FrameSpecResult } from '../src/core/net/frame-spec.ts';
import { TrafficSource } from '../src/core/net/traffic.ts';
import type { FrameSpec, HostApi, LinkInfo, LinkKind, TrafficSpec, VionaApi } from '../src/protocol/api.ts';
import { frameReceiver, frameSender, type FrameEnd } from '../src/protocol/frame-channel.ts';
import { openTrace, reportRejections, type WorkerTrace } from './trace-port.ts';

/** How often a running source is asked for due frames, in milliseconds. */
const SOURCE_INTERVAL = 4;
/** Frames of one `inject`: their ids go back in one list, and meanwhile the thread does nothing else. */
const INJECT_MAX = 1_000_000;

/** Transferred by the page in the first message, before anything else. */
export interface VionaPorts {
  /** `Date.now()`-scale milliseconds at which the lab's clock reads 0. */
  readonly epoch: number;
  readonly trace: MessagePort;
  /** comlink endpoint on which the device finds its host. */
  readonly device: MessagePort;
  readonly toGuest: FrameEnd<MessagePort>;
  readonly fromGuest: FrameEnd<MessagePort>;
}

class VionaWorker implements VionaApi {
  readonly #ports: VionaPorts;
  #trace: WorkerTrace | null = null;
  #hostSide: HostSide | null = null;
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(ports: VionaPorts) {
    this.#ports = ports;
  }

  start(init: Parameters<VionaApi['start']>[0]): void {
    const trace = openTrace(this.#ports.trace, this.#ports.epoch);
    const host = new HostSide({
      mac: init.mac,
      mtu: init.mtu,
      model: init.model,
      trace: trace.writer,
      emit: trace.emit,
      deliver: frameSender(this.#ports.toGuest),
    });
    this.#trace = trace;
    this.#hostSide = host;

    const device: HostApi = { rxEvent: (event) => host.rxEvent(event) };
    Comlink.expose(device, this.#ports.device);

    host.attach(new EchoStation());
    frameReceiver(this.#ports.fromGuest).onFrames(
      (_id, bytes, offset, length, meta) => {
        host.transmit(bytes, offset, length, meta);
      },
      () => {
        host.flush();
      },
    );
  }

  link(): LinkInfo {
    return this.#host.describe();
  }

  ioctl(name: string, arg: unknown): ReturnType<VionaApi['ioctl']> {
    return this.#host.ioctl(name, arg);
  }

  recreateLink(): void {
    this.#host.recreateLink();
  }

  setLinkKind(kind: LinkKind): void {
    this.#host.setLinkKind(kind);
  }

  migrate(): string | null {
    const { ack, reason } = this.#host.migrate();
    return ack === 'OK' ? null : (reason ?? 'The machine could not be moved.');
  }

  fault(fault: Parameters<VionaApi['fault']>[0]): void {
    const refusal = this.#host.fault(fault);
    if (refusal !== null) throw new Error(refusal);
  }

  clearFaults(kind?: Parameters<VionaApi['clearFaults']>[0]): void {
    this.#host.clearFaults(kind);
  }

  setHostModel(model: HostModelId): void {
    this.#host.setModel(model);
  }

  inject(frames: readonly FrameSpec[], times = 1): number[] {
    const host = this.#host;
    if (!Number.isInteger(times) || times < 0 || times * frames.length > INJECT_MAX) {
      throw new Error(`One call injects at most ${INJECT_MAX} frames: use several, or startTraffic.`);
    }
    const built = buildAll(frames);
    const ids: number[] = [];
    for (let time = 0; time < times; time++) {
      for (const { bytes, meta } of built) ids.push(host.input(bytes, 0, bytes.length, meta));
    }
    host.flush();
    return ids;
  }

  startTraffic(spec: TrafficSpec): void {
    const host = this.#host;
    const now = this.#trace?.now ?? ((): number => 0);
    const source = new TrafficSource(buildAll(spec.frames), spec.rate, now());
    this.stopTraffic();
    let reported = 0;
    this.#timer = setInterval(() => {
      for (let due = source.due(now()); due > 0; due--) {
        const { bytes, meta } = source.next();
        host.input(bytes, 0, bytes.length, meta);
      }
      host.flush();
      if (source.skipped > reported) {
        this.#trace?.emit({
          type: 'lost',
          what: 'traffic source: frames not sent in time',
          count: source.skipped - reported,
        });
        reported = source.skipped;
      }
    }, SOURCE_INTERVAL);
  }

  stopTraffic(): void {
    clearInterval(this.#timer);
  }

  get #host(): HostSide {
    if (!this.#hostSide) throw new Error('The host side has not started yet; await lab.ready first.');
    return this.#hostSide;
  }
}

/** All or nothing: a bad frame is reported before any frame is sent. */
function buildAll(specs: readonly FrameSpec[]): Extract<FrameSpecResult, { ok: true }>[] {
  return specs.map((spec, index) => {
    const frame = frameFromSpec(spec);
    if (!frame.ok) throw new Error(specs.length === 1 ? frame.error : `Frame ${index + 1}: ${frame.error}`);
    return frame;
  });
}

reportRejections();

/** The first message brings the ports; comlink serves everything after it. */
addEventListener(
  'message',
  (message: MessageEvent<VionaPorts>) => {
    Comlink.expose(new VionaWorker(message.data));
  },
  { once: true },
);
