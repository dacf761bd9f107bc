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
import type { Timer } from '../src/core/virtio-net/coalescing.ts';
import { VirtioNetPci } from '../src/core/virtio-net/virtio-net-pci.ts';
import type { HostApi, MachineApi, MachineInit, PersonalityMessage } from '../src/protocol/api.ts';
import { frameReceiver, frameSender, type FrameEnd } from '../src/protocol/frame-channel.ts';
import { ExecAgent } from './exec-agent.ts';
import { ImageError, loadGuestImage, type GuestImage } from './guest-image.ts';
import { HostRequests } from './host-requests.ts';
import { paced, type Progress } from './progress.ts';
import { SnapshotIntake } from './snapshot-intake.ts';
import { openTrace, reportRejections, type WorkerTrace } from './trace-port.ts';
import type { Machine, MachineParts, MachineSurroundings, RefilledMachine } from './v86/machine.ts';

/** Console bytes are collected this long before they are sent to the page, in milliseconds. */
const CONSOLE_FLUSH = 10;
/** So long after the guest is ready, in milliseconds, others may take time: storing a snapshot takes some. */
const IDLE_AFTER = 1000;
/** Bytes that a guest from a snapshot is given for its random number generator. */
const RANDOM_BYTES = 32;
const NOT_STARTED = 'The machine has not started yet; await lab.ready first.';

/** The page's first message, before anything else. Ports and channel ends are transferred. */
export interface MachinePorts {
  /** `Date.now()`-scale milliseconds at which the lab's clock reads 0. */
  readonly epoch: number;
  /** Directory of the guest image, absolute URL with a trailing slash. */
  readonly guestUrl: string;
  /** comlink endpoint for what brings the snapshot (SnapshotSink); null to boot from power-on. */
  readonly snapshot: MessagePort | null;
  readonly trace: MessagePort;
  readonly console: MessagePort;
  /** comlink endpoint of the host side. */
  readonly host: MessagePort;
  readonly toGuest: FrameEnd<MessagePort>;
  readonly fromGuest: FrameEnd<MessagePort>;
}

/** The emulator is most of this thread's script, and its code is a file of its own: both come while the guest does. */
const emulatorScript = import('./v86/machine.ts');
const emulatorCode = compile(wasm);
for (const promise of [emulatorScript, emulatorCode]) promise.catch(() => undefined);

class MachineWorker implements MachineApi {
  readonly #ports: MachinePorts;
  readonly #agent: ExecAgent;
  readonly #trace: WorkerTrace;
  readonly #toGuest: FrameReceiver;
  /** Of the device, that run: they would not come while the thread dozes. */
  #timers = 0;
  /** From the first moment on: it does not wait for the page. */
  readonly #refilled: Promise<RefilledMachine | null>;
  readonly #idle: Promise<void>;
  #onIdle!: () => void;
  #machine: Machine | null = null;
  #device: VirtioNetPci | null = null;
  #console: number[] = [];
  #stage: BootStage = 'download';
  /** Chosen before there was a device. */
  #personality: PersonalityMessage | null = null;

  constructor(ports: MachinePorts) {
    this.#ports = ports;
    this.#toGuest = frameReceiver(ports.toGuest);
    this.#idle = new Promise((resolve) => (this.#onIdle = resolve));
    this.#trace = openTrace(ports.trace, ports.epoch, () => this.#machine?.instructions() ?? 0);
    this.#refilled = this.#refill(ports.snapshot);
    this.#refilled.catch(() => undefined);
    this.#agent = new ExecAgent(
      (bytes) => {
        this.#machine?.sendSerial(1, bytes);
      },
      () => {
        this.#boot('ready');
        setTimeout(this.#onIdle, IDLE_AFTER);
      },
    );
    ports.console.onmessage = (message: MessageEvent<Uint8Array>) => {
      this.#machine?.sendSerial(0, message.data);
    };
  }

  async start(init: MachineInit): Promise<void> {
    try {
      const surroundings = this.#surroundings(init);
      const refilled = await this.#refilled;
      const machine = refilled ? await refilled.plug(surroundings) : await this.#powerOn(surroundings);
      this.#machine = machine;
      if (refilled) this.#showConsole(refilled.console);
      await machine.run();
      if (refilled) this.#resume();
    } catch (error) {
      const message = this.#failed(error);
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

  instructions(): number {
    if (!this.#machine) throw new Error(NOT_STARTED);
    return this.#machine.instructions();
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
    this.#trace.writer.recording = on;
  }

  restart(): void {
    if (!this.#machine) throw new Error(NOT_STARTED);
    this.#machine.reset();
  }

  get #started(): VirtioNetPci {
    if (!this.#device) throw new Error(NOT_STARTED);
    return this.#device;
  }

  async #refill(port: MessagePort | null): Promise<RefilledMachine | null> {
    if (!port) return null;
    const intake = new SnapshotIntake({
      progress: this.#onProgress,
      restoring: () => {
        this.#boot('restore');
      },
      emit: this.#trace.emit,
      idle: () => this.#idle,
    });
    Comlink.expose(intake, port);
    const { Machine } = await emulatorScript;
    return Machine.refill(emulatorCode, {
      restore: (memory) => intake.restore(memory),
      load: () => this.#loadImage(),
      onMissing: (error) => void this.#failed(error),
    });
  }

  async #powerOn(surroundings: MachineSurroundings): Promise<Machine> {
    const [{ Machine }, image] = await Promise.all([emulatorScript, this.#loadImage()]);
    return Machine.create({ ...surroundings, wasm: emulatorCode, image });
  }

  #surroundings(init: MachineInit): MachineSurroundings {
    const { emit } = this.#trace;
    return {
      device: (parts) => (this.#device = this.#plugDevice(init, parts)),
      onSerial: (line, byte) => {
        if (line === 1) this.#agent.receive(byte);
        else this.#toConsole(byte);
      },
      onReset: () => {
        this.#device?.machineReset();
        this.#agent.reset('The guest was reset while the command ran.');
        emit({ type: 'machine-reset' });
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
        doze: (milliseconds) => {
          if (this.#timers > 0) return false;
          this.#device?.rest();
          return this.#toGuest.doze(milliseconds);
        },
        rest: () => {
          this.#device?.rest();
          this.#toGuest.rest();
        },
      },
      onPowerOff: () => {
        // Without power there is no device: what still arrives must not count as delivered.
        this.#device?.machineReset();
        this.#agent.reset('The guest switched the machine off.');
        emit({ type: 'machine-off' });
      },
    };
  }

  async #loadImage(): Promise<GuestImage> {
    const image = await loadGuestImage(this.#ports.guestUrl, paced(this.#onProgress));
    this.#boot('firmware');
    return image;
  }

  /** The guest looks for its device: from here on everything is live. */
  #resume(): void {
    this.#boot('userspace');
    this.#agent.resume(new Date(), crypto.getRandomValues(new Uint8Array(RANDOM_BYTES)));
  }

  /** Tells the page. Returns what to tell a caller. */
  #failed(error: unknown): string {
    const message = error instanceof Error ? error.message : String(error);
    const mend = error instanceof ImageError ? error.mend : 'Reload the page; if it stays, please report it.';
    this.#trace.emit({ type: 'machine-failed', message, mend });
    return `${message} ${mend}`;
  }

  #plugDevice(init: MachineInit, { memory, interrupt, standStill }: MachineParts): VirtioNetPci {
    const trace = this.#trace;
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
      host: {
        rxEvent: (event) => {
          const answer = requests.rxEvent(event);
          // The driver waits for nothing else.
          if (event.type === 'command') standStill(answer);
          return answer;
        },
      },
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
      timer: this.#timer,
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

  /** What a browser rounds to a millisecond: coalescing waits a little longer than asked, as it may. */
  readonly #timer: Timer = {
    after: (microseconds, callback) => {
      this.#timers++;
      return setTimeout(() => {
        this.#timers--;
        callback();
      }, microseconds / 1000);
    },
    cancel: (handle) => {
      this.#timers--;
      clearTimeout(handle as ReturnType<typeof setTimeout>);
    },
  };

  readonly #onProgress: Progress = (loaded, total) => {
    this.#boot('download', loaded, total);
  };

  #boot(stage: BootStage, loadedBytes = 0, totalBytes = 0): void {
    this.#stage = stage;
    this.#trace.emit({ type: 'boot', stage, loadedBytes, totalBytes });
  }

  /** At once: it is long done, and somebody may be waiting for the prompt. */
  #showConsole(written: Uint8Array): void {
    this.#ports.console.postMessage(written);
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

/** Some servers do not know what a .wasm is, and then it cannot be compiled while it comes. */
async function compile(url: string): Promise<WebAssembly.Module> {
  try {
    return await WebAssembly.compileStreaming(fetch(url));
  } catch {
    const response = await fetch(url);
    if (!response.ok) throw new Error(`The emulator could not be loaded (HTTP ${response.status}).`);
    return WebAssembly.compile(await response.arrayBuffer());
  }
}

reportRejections();

/** The first message brings the ports; comlink serves everything after it. */
addEventListener(
  'message',
  (message: MessageEvent<MachinePorts>) => {
    Comlink.expose(new MachineWorker(message.data));
    // The guest is on its way.
    postMessage(null);
  },
  { once: true },
);
