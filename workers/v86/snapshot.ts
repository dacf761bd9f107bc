/**
 * A booted machine, kept: what v86 saves of it, and what v86 does not.
 *
 * The machine that is saved has no function of ours on its bus. So nothing of our device is in a snapshot, neither
 * registers nor a driver's view of them; whoever goes on from it plugs the device in and has the guest look for it.
 *
 * v86 saves processor, memory and its own devices. Besides that a reset wants firmware, and what v86 made when it
 * loaded the kernel: the real-mode part with the boot protocol's header filled in, the command line, and the option
 * ROM that starts it. Those are small and are kept; kernel and initramfs are not.
 *
 *     4 bytes   length of the header, little-endian
 *     header    JSON, UTF-8: the parts by name and length, in order
 *     parts     one after another
 */
import { GUEST_CMDLINE, GUEST_MEMORY_BYTES } from '../../guest/boot.ts';
import type { V86OptionRom } from './internals.ts';

/** Goes up whenever the parts, or the state in which a guest is saved, change their meaning. */
const FORMAT = 1;
/** Of the npm package; `seam.test.ts` holds it against what is installed. */
export const V86_VERSION = '0.5.462+g5f9a90f';

/** What must be the same in the machine that is saved and in the one that goes on: else its state means nothing. */
export const MACHINE_IDENTITY = `v86 ${V86_VERSION}, format ${FORMAT}, ${GUEST_MEMORY_BYTES} bytes, ${GUEST_CMDLINE}`;

export interface Snapshot {
  /** As v86 saves it. */
  readonly state: Uint8Array;
  readonly bios: Uint8Array;
  readonly vgaBios: Uint8Array;
  readonly realMode: Uint8Array;
  readonly commandLine: Uint8Array;
  readonly optionRoms: readonly V86OptionRom[];
  /** What the guest had written to its console. */
  readonly console: Uint8Array;
}

interface Part {
  readonly name: string;
  readonly bytes: number;
}

const HEADER_AT = 4;
const ROM_PREFIX = 'rom:';

export function packSnapshot(snapshot: Snapshot): Uint8Array {
  const { optionRoms, ...plain } = snapshot;
  const parts: [string, Uint8Array][] = [
    ...Object.entries(plain),
    ...optionRoms.map(({ name, data }): [string, Uint8Array] => [ROM_PREFIX + name, data]),
  ];
  const directory: Part[] = parts.map(([name, { length }]) => ({ name, bytes: length }));
  const header = new TextEncoder().encode(JSON.stringify(directory));
  let at = HEADER_AT + header.length;
  const packed = new Uint8Array(parts.reduce((sum, [, { length }]) => sum + length, at));
  new DataView(packed.buffer).setUint32(0, header.length, true);
  packed.set(header, HEADER_AT);
  for (const [, data] of parts) {
    packed.set(data, at);
    at += data.length;
  }
  return packed;
}

/** Throws if the bytes are no snapshot. The parts are views of `packed`. */
export function unpackSnapshot(packed: Uint8Array): Snapshot {
  const start = HEADER_AT + new DataView(packed.buffer, packed.byteOffset, packed.length).getUint32(0, true);
  const directory = JSON.parse(new TextDecoder().decode(packed.subarray(HEADER_AT, start))) as Part[];
  const parts = new Map<string, Uint8Array>();
  let at = start;
  for (const { name, bytes } of directory) {
    parts.set(name, packed.subarray(at, at + bytes));
    at += bytes;
  }
  if (at !== packed.length) throw new Error(`a snapshot of ${at} bytes is ${packed.length} bytes long`);
  const part = (name: Exclude<keyof Snapshot, 'optionRoms'>): Uint8Array => {
    const data = parts.get(name);
    if (!data) throw new Error(`a snapshot without its ${name}`);
    return data;
  };
  return {
    state: part('state'),
    bios: part('bios'),
    vgaBios: part('vgaBios'),
    realMode: part('realMode'),
    commandLine: part('commandLine'),
    console: part('console'),
    optionRoms: [...parts]
      .filter(([name]) => name.startsWith(ROM_PREFIX))
      .map(([name, data]) => ({ name: name.slice(ROM_PREFIX.length), data })),
  };
}
