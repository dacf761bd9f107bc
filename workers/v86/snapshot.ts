/**
 * A booted machine, kept: what v86 saves of it, and what v86 does not.
 *
 * The machine that is saved has no function of ours on its bus. So nothing of our device is in a snapshot, neither
 * registers nor a driver's view of them; whoever goes on from it plugs the device in and has the guest look for it.
 *
 * v86 saves processor, memory and its own devices. Memory is nearly all of it, and is kept apart, so that it can be
 * written to where it belongs while it is still coming. Besides that a reset wants firmware, and what v86 made when it
 * loaded the kernel: the real-mode part with the boot protocol's header filled in, the command line, and the option
 * ROM that starts it. Those are small and are kept; kernel and initramfs are not.
 *
 *     4 bytes   length of the header, little-endian
 *     header    JSON, UTF-8: the parts by name and length, and the runs of pages, both in order
 *     parts     one after another
 *     pages     those of memory that are not all zeros, one after another
 */
import { GUEST_CMDLINE } from '../../guest/boot.ts';
import { HARDWARE } from './hardware.ts';
import type { V86OptionRom } from './internals.ts';

/** Goes up whenever the parts, their description, or the state in which a guest is saved change their meaning. */
const FORMAT = 3;
/** Of the npm package; `seam.test.ts` holds it against what is installed. */
export const V86_VERSION = '0.5.462+g5f9a90f';

/** What must be the same in the machine that is saved and in the one that goes on: else its state means nothing. */
export const MACHINE_IDENTITY = `v86 ${V86_VERSION}, format ${FORMAT}, ${JSON.stringify(HARDWARE)}, ${GUEST_CMDLINE}`;

export interface Snapshot {
  /** As v86 saves it, without memory. */
  readonly state: Uint8Array;
  readonly bios: Uint8Array;
  readonly vgaBios: Uint8Array;
  readonly realMode: Uint8Array;
  readonly commandLine: Uint8Array;
  readonly optionRoms: readonly V86OptionRom[];
  /** What the guest had written to its console. */
  readonly console: Uint8Array;
}

/** Memory of a machine that has not run: all zeros. */
export interface BlankMemory {
  write(at: number, bytes: Uint8Array): void;
  /** All zeros again. */
  clear(): void;
}

interface Part {
  readonly name: string;
  readonly bytes: number;
}

/** Pages that follow each other in memory: the number of the first, and how many. */
type Run = readonly [first: number, count: number];

interface Header {
  readonly parts: readonly Part[];
  readonly runs: readonly Run[];
}

const HEADER_AT = 4;
const ROM_PREFIX = 'rom:';
const PAGE = 4096;

/** @param memory all of it, a whole number of pages */
export function packSnapshot(snapshot: Snapshot, memory: Uint8Array): Uint8Array {
  const { optionRoms, ...plain } = snapshot;
  const parts: [string, Uint8Array][] = [
    ...Object.entries(plain),
    ...optionRoms.map(({ name, data }): [string, Uint8Array] => [ROM_PREFIX + name, data]),
  ];
  const runs = runsOf(memory);
  const directory: Header = { parts: parts.map(([name, { length }]) => ({ name, bytes: length })), runs };
  const header = new TextEncoder().encode(JSON.stringify(directory));
  const contents = [
    header,
    ...parts.map(([, data]) => data),
    ...runs.map(([first, count]) => memory.subarray(first * PAGE, (first + count) * PAGE)),
  ];
  let at = HEADER_AT;
  const packed = new Uint8Array(contents.reduce((sum, { length }) => sum + length, at));
  new DataView(packed.buffer).setUint32(0, header.length, true);
  for (const data of contents) {
    packed.set(data, at);
    at += data.length;
  }
  return packed;
}

function runsOf(memory: Uint8Array): Run[] {
  const words = new Uint32Array(memory.buffer, memory.byteOffset, memory.length / 4);
  const runs: Run[] = [];
  let first = -1;
  for (let page = 0; page <= memory.length / PAGE; page++) {
    const used = words.subarray((page * PAGE) / 4, ((page + 1) * PAGE) / 4).some((word) => word !== 0);
    if (used && first < 0) first = page;
    if (used || first < 0) continue;
    runs.push([first, page - first]);
    first = -1;
  }
  return runs;
}

/**
 * Reads a snapshot piece by piece as it comes, and hands its pages on at once. Whoever reads knows only at the end
 * whether the pieces were right, and must not use what was made of them before.
 */
export class SnapshotReader {
  readonly #write: (at: number, bytes: Uint8Array) => void;
  /** All before the pages, as far as its length is known. */
  #head = new Uint8Array(HEADER_AT);
  #headFilled = 0;
  #header: Header | null = null;
  #run = 0;
  /** Bytes of this run that have come. */
  #runFilled = 0;

  /** @param write takes bytes of memory; they are good for the length of the call */
  constructor(write: (at: number, bytes: Uint8Array) => void) {
    this.#write = write;
  }

  /** Throws if that cannot belong to a snapshot. */
  push(bytes: Uint8Array): void {
    let rest = bytes;
    while (rest.length > 0) {
      const taken = this.#headFilled < this.#head.length ? this.#takeHead(rest) : this.#takePages(rest);
      rest = rest.subarray(taken);
    }
  }

  /** Throws if something is missing. */
  finish(): Snapshot {
    const header = this.#header;
    if (!header || this.#headFilled < this.#head.length || this.#run < header.runs.length) {
      throw new Error('a snapshot that is cut short');
    }
    const found = new Map<string, Uint8Array>();
    let at = this.#head.length - bytesOf(header.parts);
    for (const { name, bytes } of header.parts) {
      found.set(name, this.#head.subarray(at, at + bytes));
      at += bytes;
    }
    const part = (name: Exclude<keyof Snapshot, 'optionRoms'>): Uint8Array => {
      const data = found.get(name);
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
      optionRoms: [...found]
        .filter(([name]) => name.startsWith(ROM_PREFIX))
        .map(([name, data]) => ({ name: name.slice(ROM_PREFIX.length), data })),
    };
  }

  #takeHead(bytes: Uint8Array): number {
    const taken = Math.min(bytes.length, this.#head.length - this.#headFilled);
    this.#head.set(bytes.subarray(0, taken), this.#headFilled);
    this.#headFilled += taken;
    if (this.#headFilled === this.#head.length && !this.#header) this.#grow();
    return taken;
  }

  /** First the length of the header is known, then the header, and with it the length of the parts. */
  #grow(): void {
    const end = HEADER_AT + new DataView(this.#head.buffer).getUint32(0, true);
    let length = end;
    if (this.#head.length === end) {
      this.#header = JSON.parse(new TextDecoder().decode(this.#head.subarray(HEADER_AT))) as Header;
      length += bytesOf(this.#header.parts);
    }
    if (length > HEAD_MAX) throw new Error(`a snapshot whose parts are ${length} bytes long`);
    const head = new Uint8Array(length);
    head.set(this.#head);
    this.#head = head;
  }

  #takePages(bytes: Uint8Array): number {
    const run = this.#header?.runs[this.#run];
    if (!run) throw new Error('a snapshot with something behind it');
    const [first, count] = run;
    const taken = Math.min(bytes.length, count * PAGE - this.#runFilled);
    this.#write(first * PAGE + this.#runFilled, bytes.subarray(0, taken));
    this.#runFilled += taken;
    if (this.#runFilled === count * PAGE) {
      this.#run++;
      this.#runFilled = 0;
    }
    return taken;
  }
}

/** Against what is no snapshot: the parts are a megabyte. */
const HEAD_MAX = 64 * 1024 * 1024;

function bytesOf(parts: readonly Part[]): number {
  return parts.reduce((sum, { bytes }) => sum + bytes, 0);
}
