/**
 * The guest's side of the lab: one thread with the emulated machine, our virtio-net device and nothing else.
 *
 * Everything that knows virtio is in src/core; this file gives it guest memory, an interrupt line, a clock,
 * and the two wires to the host side: control requests over comlink (the round trip is the ioctl) and
 * frames over a FrameChannel in each direction.
 */
import * as Comlink from 'comlink';
import wasm from 'v86/build/v86.wasm?url';
import type { FrameReceiver } from '../src/core/ring/frames.ts';
import { parseFeatures } from '../src/core/virtio/features.ts';
import type { BootStage } from '../src/core/trace/event.ts';
import { VirtioNetPci } from '../src/core/virtio-net/virtio-net-pci.ts';
import type { HostApi, MachineApi, MachineInit, PersonalityMessage } from '../src/protocol/api.ts';
import { frameReceiver, frameSender, type FrameEnd } from '../src/protocol/frame-channel.ts';
import { ExecAgent } from './exec-agent.ts';
import { ImageError, loadGuestImage, type GuestImage } from './guest-image.ts';
import { HostRequests } from './host-requests.ts';
import { loadSnapshot, type LoadedSnapshot } from './snapshot-store.ts';
import { openTrace, reportRejections, type WorkerTrace } from './trace-port.ts';
import type { Machine } from './v86/machine.ts';

/** Console bytes are collected this long before they are sent to the page, in milliseconds. */
const CONSOLE_FLUSH = 10;
/** Download progress is reported this often, in milliseconds. */
const PROGRESS_INTERVAL = 100;
/** What a browser rounds to a millisecond: coalescing waits a little longer than asked, as it may. */
const TIMER = {
  after: (microseconds: number, callback: () => void): unknown => setTimeout(callback, microseconds / 1000),
  cancel: (handle: unknown): void => {
    clearTimeout(handle as ReturnType<typeof setTimeout>);
  },
};
/** Bytes that a guest from a snapshot is given for its random number generator. */
const RANDOM_BYTES = 64;
const NOT_STARTED = 'The machine has not started yet; await lab.ready first.';

/** Transferred by the page in the first message, before anything else. */
export interface MachinePorts {
  readonly trace: MessagePort;
  readonly console: MessagePort;
  /** comlink endpoint of the host side. */
  readonly host: MessagePort;
  readonly toGuest: FrameEnd<MessagePort>;
  readonly fromGuest: FrameEnd<MessagePort>;
}

class MachineWorker implements MachineApi {
  readonly #ports: MachinePorts;
  readonly #agent: ExecAgent;
  #trace: WorkerTrace | null = null;
  #machine: Machine | null = null;
  #device: VirtioNetPci | null = null;
  readonly #toGuest: FrameReceiver;
  #console: number[] = [];
  #stage: BootStage = 'download';
  #recording = true;
  /** Chosen before there was a device. */
  #personality: PersonalityMessage | null = null;

  constructor(ports: MachinePorts) {
    this.#ports = ports;
    this.#toGuest = frameReceiver(ports.toGuest);
    this.#agent = new ExecAgent(
      (bytes) => {
        this.#machine?.sendSerial(1, bytes);
      },
      () => {
        this.#boot('ready');
      },
    );
    ports.console.onmessage = (message: MessageEvent<Uint8Array>) => {
      this.#machine?.sendSerial(0, message.data);
    };
  }

  async start(init: MachineInit): Promise<void> {
    const trace = openTrace(this.#ports.trace, init.epoch, () => this.#machine?.instructions() ?? 0);
    trace.writer.recording = this.#recording;
    this.#trace = trace;
    try {
      // The emulator is most of this thread's script: it comes while the guest does.
      const emulator = import('./v86/machine.ts');
      const saved = init.cold ? null : await this.#loadSnapshot(init, trace);
      const load = async (): Promise<GuestImage> => {
        const image = await loadGuestImage(init.guestUrl, this.#downloadProgress());
        this.#boot('firmware');
        return image;
      };
      const onMissing = (error: unknown): void => void this.#failed(trace, error);
      const image = saved ? { snapshot: saved.snapshot, load, onMissing } : await load();
      if (saved) this.#boot('restore');
      const { Machine } = await emulator;
      this.#machine = await Machine.create({
        wasm,
        image,
        device: ({ memory, interrupt }) => (this.#device = this.#plugDevice(init, trace, memory, interrupt)),
        onSerial: (line, byte) => {
          if (line === 1) this.#agent.receive(byte);
          else this.#toConsole(byte);
        },
        onReset: () => {
          this.#device?.machineReset();
          this.#agent.reset('The guest was reset while the command ran.');
          trace.emit({ type: 'machine-reset' });
          this.#boot('firmware');
        },
        onKernel: () => {
          this.#boot('kernel');
        },
        turns: {
          turn: () => {
            this.#device?.turn();
            this.#toGuest.poll();
          },
          rest: () => {
            this.#toGuest.rest();
          },
        },
        onPowerOff: () => {
          // Without power there is no device: what still arrives must not count as delivered.
          this.#device?.machineReset();
          this.#agent.reset('The guest switched the machine off.');
          trace.emit({ type: 'machine-off' });
        },
      });
      await this.#machine.run();
      if (saved) this.#resume(saved);
    } catch (error) {
      const message = this.#failed(trace, error);
      this.#agent.fail(message);
      throw new Error(message, { cause: error });
    }
  }

  exec(command: string): ReturnType<MachineApi['exec']> {
    return this.#agent.exec(command);
  }

  nic(): ReturnType<MachineApi['nic']> {
    return this.#started.describe();
  }

  setPersonality(personality: PersonalityMessage): void {
    this.#personality = personality;
    const result = this.#device?.setPersonality(personality);
    if (result?.ok === false) throw new Error(result.reason);
  }

  setLinkUp(up: boolean): void {
    this.#started.setLinkUp(up);
  }

  announce(): void {
    if (this.#started.announce()) return;
    throw new Error(
      'The driver did not negotiate VIRTIO_NET_F_GUEST_ANNOUNCE: let the device offer it, and probe the driver again.',
    );
  }

  shortNextMerge(short: boolean): void {
    if (short) this.#started.shortNextMerge(true);
    else this.#device?.shortNextMerge(false);
  }

  setRecording(on: boolean): void {
    this.#recording = on;
    if (this.#trace) this.#trace.writer.recording = on;
  }

  restart(): void {
    if (!this.#machine) throw new Error(NOT_STARTED);
    this.#machine.reset();
  }

  get #started(): VirtioNetPci {
    if (!this.#device) throw new Error(NOT_STARTED);
    return this.#device;
  }

  #loadSnapshot({ guestUrl: baseUrl }: MachineInit, { emit }: WorkerTrace): Promise<LoadedSnapshot | null> {
    const { caches: storage = null } = globalThis as { readonly caches?: CacheStorage };
    return loadSnapshot({ baseUrl, progress: this.#downloadProgress(), emit, storage });
  }

  #downloadProgress(): (loaded: number, total: number) => void {
    let reportAt = 0;
    return (loaded, total) => {
      if (performance.now() < reportAt && loaded < total) return;
      reportAt = performance.now() + PROGRESS_INTERVAL;
      this.#boot('download', loaded, total);
    };
  }

  /** The console shows what it did, and the guest looks for its device: from here on everything is live. */
  #resume({ snapshot, keep }: LoadedSnapshot): void {
    for (const byte of snapshot.console) this.#toConsole(byte);
    this.#boot('userspace');
    this.#agent.resume(new Date(), crypto.getRandomValues(new Uint8Array(RANDOM_BYTES)));
    void keep();
  }

  /** Tells the page. Returns what to tell a caller. */
  #failed(trace: WorkerTrace, error: unknown): string {
    const message = error instanceof Error ? error.message : String(error);
    const mend = error instanceof ImageError ? error.mend : 'Reload the page; if it stays, please report it.';
    trace.emit({ type: 'machine-failed', message, mend });
    return `${message} ${mend}`;
  }

  #plugDevice(
    init: MachineInit,
    trace: WorkerTrace,
    memory: ConstructorParameters<typeof VirtioNetPci>[0]['memory'],
    interrupt: ConstructorParameters<typeof VirtioNetPci>[0]['interrupt'],
  ): VirtioNetPci {
    const host = Comlink.wrap<HostApi>(this.#ports.host);
    const requests = new HostRequests(
      (event) => host.rxEvent(event),
      (count) => {
        trace.emit({ type: 'lost', what: 'requests that a reset overtook on their way to the host', count });
      },
    );
    const personality = this.#personality ?? init.personality;
    const device = new VirtioNetPci({
      memory,
      interrupt,
      host: requests,
      wire: frameSender(this.#ports.fromGuest),
      trace: trace.writer,
      emit: (event) => {
        // The guest's drivers are modules: the first sign of one is the first sign of its init process.
        if (event.type === 'status-write' && this.#stage === 'kernel') this.#boot('userspace');
        trace.emit(event);
      },
      now: trace.now,
      mac: init.mac,
      mtu: init.mtu,
      offers: parseFeatures(personality.features),
      timer: TIMER,
      turns: true,
    });
    device.setPersonality(personality);
    this.#toGuest.onFrames(
      (id, bytes, offset, length, meta) => device.offer(id, bytes, offset, length, meta),
      () => {
        device.flush();
        trace.writer.endBatch();
      },
    );
    return device;
  }

  #boot(stage: BootStage, loadedBytes = 0, totalBytes = 0): void {
    this.#stage = stage;
    this.#trace?.emit({ type: 'boot', stage, loadedBytes, totalBytes });
  }

  #toConsole(byte: number): void {
    if (this.#console.length === 0)
      setTimeout(() => {
        this.#flushConsole();
      }, CONSOLE_FLUSH);
    this.#console.push(byte);
  }

  #flushConsole(): void {
    const bytes = Uint8Array.from(this.#console);
    this.#console = [];
    this.#ports.console.postMessage(bytes, [bytes.buffer]);
  }
}

reportRejections();

/** The first message brings the ports; comlink serves everything after it. */
addEventListener(
  'message',
  (message: MessageEvent<MachinePorts>) => {
    Comlink.expose(new MachineWorker(message.data));
  },
  { once: true },
);
