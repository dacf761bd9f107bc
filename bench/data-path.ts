/**
 * The data path of one thread after the other, set up for measuring: rings are laid out once and the driver
 * does no more than to move its available index, so what is measured is the device and the host.
 */
import { HostSide } from '../src/core/host/host-side.ts';
import { frameFromSpec } from '../src/core/net/frame-spec.ts';
import { GUEST_MAC, trafficPresets } from '../src/core/net/traffic.ts';
import type { FrameSender } from '../src/core/ring/frames.ts';
import { FakeDriver, RX, TX } from '../src/core/testing/fake-driver.ts';
import { PackedWriter } from '../src/core/trace/packed.ts';
import { VirtioNetPci } from '../src/core/virtio-net/virtio-net-pci.ts';
import { GuestRam } from '../workers/v86/guest-ram.ts';
import type { V86Cpu } from '../workers/v86/internals.ts';

const MEMORY = 4 * 1024 * 1024;
const MTU = 1500;
const NET_HEADER = 12;
const nothing = (): void => undefined;
const SINK: FrameSender = { send: () => true, flush: nothing };

/** Guest memory as in the browser, with nobody's translated code in it. */
function guestRam(): GuestRam {
  const cpu = {
    memory_size: Int32Array.of(MEMORY),
    mem8: { byteOffset: 0 },
    wasm_memory: new WebAssembly.Memory({ initial: MEMORY / 65536 }),
    jit_dirty_cache: nothing,
    instruction_counter: { byteOffset: 0 },
  };
  return new GuestRam(cpu as unknown as V86Cpu);
}

const trace = (): PackedWriter => new PackedWriter(nothing, () => 0);

export class DataPath {
  readonly #device: VirtioNetPci;
  readonly #driver: FakeDriver;
  readonly #avail = [0, 0];
  readonly #frame = new Uint8Array(2048).fill(0x55);

  /** @param length bytes of each frame, in either direction */
  constructor(length: number) {
    const memory = guestRam();
    this.#device = new VirtioNetPci({
      memory,
      interrupt: { raise: nothing, lower: nothing },
      host: { rxEvent: () => ({ ack: 'OK', reason: null, needsReset: false, generation: 1 }) },
      wire: SINK,
      trace: trace(),
      emit: nothing,
      now: () => 0,
      mac: GUEST_MAC,
      mtu: MTU,
      offers: 1n << 18n,
    });
    const device = this.#device;
    this.#driver = new FakeDriver({
      memory,
      ports: {
        configRead: (offset, width) =>
          device.pciConfigRead(offset, width) ?? Buffer.from(device.pciSpace).readUIntLE(offset, width),
        configWrite: (offset, width, value) => void device.pciConfigWrite(offset, width, value),
        barRead: (bar, offset, width) => device.barRead(bar, offset, width),
        barWrite: (bar, offset, width, value) => device.barWrite(bar, offset, width, value),
      },
    });
    if (!this.#driver.initialise()) throw new Error('the device refused the features');
    for (const queue of [RX, TX]) {
      const ring = this.#driver.splitRing(queue);
      for (let head = 0; head < ring.size; head++) {
        const addr = this.#driver.heap.allocate(2048);
        ring.writeDescriptor(head, addr, queue === RX ? 1526 : NET_HEADER + length, queue === RX ? 2 : 0, 0);
        memory.writeU16(ring.avail + 4 + 2 * head, head);
      }
    }
  }

  /** So many frames into the guest, 32 to a flush. */
  receive(frames: number, length: number): void {
    for (let i = 0; i < frames; i++) {
      if (i % 32 === 0) this.#offer(RX, 32);
      this.#device.receive(2 * i, this.#frame, 0, length);
      if (i % 32 === 31) this.#device.flush();
    }
  }

  /** So many frames out of it, 32 to a kick. */
  transmit(frames: number): void {
    for (let i = 0; i < frames; i += 32) {
      this.#offer(TX, 32);
      this.#driver.kick(TX);
    }
  }

  get counters(): Readonly<Record<string, number>> {
    return this.#device.describe().counters;
  }

  #offer(queue: number, count: number): void {
    const next = ((this.#avail[queue] ?? 0) + count) & 0xffff;
    this.#avail[queue] = next;
    this.#driver.splitRing(queue).setAvailIdx(next);
  }
}

/** Frames of every class that a filter tells apart, as bytes. */
export const FRAMES: readonly Uint8Array[] = trafficPresets(GUEST_MAC, MTU).flatMap(({ frame }) => {
  const made = frameFromSpec(frame);
  return made.ok ? [made.bytes] : [];
});

export class HostPath {
  readonly #host = new HostSide({
    mac: GUEST_MAC,
    mtu: MTU,
    model: 'propolis-372a574',
    trace: trace(),
    emit: nothing,
    deliver: SINK,
  });

  constructor() {
    for (const to of ['enabled', 'kicked'] as const) this.#host.rxEvent({ type: 'queue', queue: 0, to, size: 256 });
  }

  /** The whole way through the host: header, every model, trace record, channel. */
  input(frames: number): void {
    for (let i = 0; i < frames; i++) {
      const bytes = FRAMES[i % FRAMES.length] as Uint8Array;
      this.#host.input(bytes, 0, bytes.length);
    }
  }
}
