/**
 * One guest's place in the viona worker: its link with all host models, its port of the switch, its own trace, and
 * the sources of traffic that is injected into its link.
 *
 * What the guest sends goes through its link to the switch, as it is; what the switch has for it comes in through
 * its link. Injected frames come in there too, as if the wire had brought them: no other guest sees them.
 */
import * as Comlink from 'comlink';
import type { HostModelId } from '../src/core/host/host-model.ts';
import { HostSide } from '../src/core/host/host-side.ts';
import { frameFromSpec, type FrameSpecResult } from '../src/core/net/frame-spec.ts';
import type { LearningSwitch, SwitchPort } from '../src/core/net/learning-switch.ts';
import { TrafficSource } from '../src/core/net/traffic.ts';
import type { FrameMeta } from '../src/core/ring/frames.ts';
import type { FrameSpec, HostApi, LinkInfo, LinkKind, PortInit, TrafficSpec, VionaApi } from '../src/protocol/api.ts';
import {
  type ClosableFrameReceiver,
  type ClosableFrameSender,
  type FrameEnd,
  frameReceiver,
  frameSender,
} from '../src/protocol/frame-channel.ts';
import { openTrace, type WorkerTrace } from './trace-port.ts';

/** How often a running source is asked for due frames, in milliseconds. */
const SOURCE_INTERVAL = 4;
/** Frames of one `inject`: their ids go back in one list, and meanwhile the thread does nothing else. */
const INJECT_MAX = 1_000_000;

/** This thread's ends of everything that a guest is wired with. */
export interface GuestEnds {
  /** comlink endpoint of the page: VionaApi. */
  readonly control: MessagePort;
  readonly trace: MessagePort;
  /** comlink endpoint on which the device finds its host. */
  readonly device: MessagePort;
  readonly toGuest: FrameEnd<MessagePort>;
  readonly fromGuest: FrameEnd<MessagePort>;
}

export class GuestPort implements VionaApi, SwitchPort {
  readonly name: string;
  /** Its number on the switch. */
  readonly number: number;
  readonly #ends: GuestEnds;
  readonly #network: LearningSwitch;
  readonly #trace: WorkerTrace;
  readonly #host: HostSide;
  readonly #sender: ClosableFrameSender;
  readonly #receiver: ClosableFrameReceiver;
  #timer: ReturnType<typeof setInterval> | undefined;

  /** Plugs itself in. Throws if the switch has no port left. */
  constructor(network: LearningSwitch, init: PortInit, ends: GuestEnds) {
    const { trace: port, control, device, toGuest, fromGuest } = ends;
    const number = network.plug(this);
    const trace = openTrace(port, init.epoch);
    const sender = frameSender(toGuest);
    const host = new HostSide({
      mac: init.mac,
      mtu: init.mtu,
      model: init.model,
      trace: trace.writer,
      emit: trace.emit,
      deliver: sender,
    });
    this.name = init.name;
    this.number = number;
    this.#ends = ends;
    this.#network = network;
    this.#trace = trace;
    this.#host = host;
    this.#sender = sender;
    this.#receiver = frameReceiver(fromGuest);

    const requests: HostApi = { rxEvent: (event) => host.rxEvent(event) };
    Comlink.expose(requests, device);
    Comlink.expose(this, control);
    host.connect((bytes, offset, length, meta) => {
      network.forward(number, bytes, offset, length, meta);
    });
    this.#receiver.onFrames(
      (_id, bytes, offset, length, meta) => {
        host.transmit(bytes, offset, length, meta);
      },
      () => {
        // What MAC looped back went past the switch.
        host.flush();
        network.flush();
      },
    );
  }

  /** The guest is gone: nothing here moves any more. */
  close(): void {
    this.stopTraffic();
    this.#network.unplug(this.number);
    this.#receiver.close();
    this.#sender.close();
    this.#trace.close();
    this.#ends.device.close();
    this.#ends.control.close();
  }

  // SwitchPort. What becomes of a frame is its fate in this guest's trace.

  take(bytes: Uint8Array, offset: number, length: number, meta: Readonly<FrameMeta>): boolean {
    this.#host.input(bytes, offset, length, meta);
    return true;
  }

  flush(): void {
    this.#host.flush();
  }

  // VionaApi

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

  setRecording(on: boolean): void {
    this.#trace.writer.recording = on;
  }

  inject(frames: readonly FrameSpec[], times = 1): number[] {
    if (!Number.isInteger(times) || times < 0 || times * frames.length > INJECT_MAX) {
      throw new Error(`One call injects at most ${INJECT_MAX} frames: use several, or startTraffic.`);
    }
    const built = buildAll(frames);
    const ids: number[] = [];
    // Whoever injects a frame wants to know what became of it.
    this.#trace.writer.always(() => {
      for (let time = 0; time < times; time++) {
        for (const { bytes, meta } of built) ids.push(this.#host.input(bytes, 0, bytes.length, meta));
      }
    });
    this.#host.flush();
    return ids;
  }

  startTraffic(spec: TrafficSpec): void {
    const { now, emit } = this.#trace;
    const source = new TrafficSource(buildAll(spec.frames), spec.rate, now());
    const room = spec.rate === Infinity ? () => this.#sender.roomy() : () => true;
    this.stopTraffic();
    let reported = 0;
    this.#timer = setInterval(() => {
      for (let due = source.due(now()); due > 0 && room(); due--) {
        const { bytes, meta } = source.next();
        this.#host.input(bytes, 0, bytes.length, meta);
      }
      this.#host.flush();
      if (source.skipped > reported) {
        emit({ type: 'lost', what: 'traffic source: frames not sent in time', count: source.skipped - reported });
        reported = source.skipped;
      }
    }, SOURCE_INTERVAL);
  }

  stopTraffic(): void {
    clearInterval(this.#timer);
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
