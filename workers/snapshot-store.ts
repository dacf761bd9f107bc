/**
 * Where a snapshot of the booted guest comes from: this browser's own storage, else the server, which has one beside
 * the guest image.
 *
 * The server's `snapshot.json` says which snapshot is right; what is stored counts only if it is that one, byte for
 * byte. Whatever is not right is refused and said, and the next source is tried. With none left there is no
 * snapshot, and the guest boots from power-on.
 *
 * Nothing waits for the whole: what has come is unpacked, hashed in pieces and written into the machine's memory while
 * the rest is on its way. Nor does it wait for the memory: the emulator comes at the same time, and the pieces queue
 * for it. The server's copy is packed, because a network is slower than unpacking it. The stored one is not: unpacking
 * takes longer than reading twice as much from a disk.
 */
import type { SnapshotEvent } from '../src/core/trace/event.ts';
import { hexDigest, matches } from './guest-image.ts';
import { MACHINE_IDENTITY, SnapshotReader, type BlankMemory, type Snapshot } from './v86/snapshot.ts';

/** What snapshot.json says. */
export interface SnapshotRecord {
  /** `MACHINE_IDENTITY` of the machine that was saved. */
  readonly machine: string;
  /** SHA-256 of the manifest of the image that it booted, in hexadecimal. */
  readonly image: string;
  /** SHA-256 of what was done in the guest before it was saved. */
  readonly maker: string;
  /** Of snapshot.img as it lies there: a gzip. */
  readonly bytes: number;
  readonly sha256: string;
  readonly unpackedBytes: number;
  /** SHA-256 of each `PIECE_BYTES` of what it unpacks to; the last piece is shorter. */
  readonly pieces: readonly string[];
}

export interface SnapshotOptions {
  /** Directory of the guest image, absolute URL with a trailing slash. */
  readonly baseUrl: string;
  /** Bytes so far, bytes in all, as they come from the server. */
  readonly progress: (loaded: number, total: number) => void;
  /** Nothing has to come from the server, or everything has come. */
  readonly restoring: () => void;
  readonly emit: (event: SnapshotEvent) => void;
  /** Null where the browser has none: private windows, plain HTTP. */
  readonly storage: CacheStorage | null;
}

/** A snapshot that is on its way since this was made. */
export interface SnapshotSource {
  /** Fills the memory; the rest is what it resolves with. Null if no snapshot is right: the memory is good for nothing then. */
  restore(memory: BlankMemory): Promise<Snapshot | null>;
  /** Puts it into the browser's storage, if it did not come from there. Never rejects. */
  keep(): Promise<void>;
}

/** Small enough that the last one's hash is not waited for, large enough that there are few. */
export const PIECE_BYTES = 2 * 1024 * 1024;
const CACHE = 'virtio-net-lab-snapshot';
const FILE = 'snapshot.img';

type Source = 'storage' | 'server';

/** What the snapshot unpacks to, on its way. It ends when every piece is known to be right, and fails if one is not. */
type Pieces = ReadableStream<Uint8Array<ArrayBuffer>>;

/** What there is to read from: one of the two. */
interface Begun {
  readonly record: SnapshotRecord;
  readonly cache: Cache | null;
  readonly stored: Pieces | null;
  readonly served: Promise<Pieces> | null;
}

export function openSnapshot(options: SnapshotOptions): SnapshotSource {
  const begun = begin(options);
  begun.catch(() => undefined);
  /** What came from the server, until it is stored. */
  let pieces: Uint8Array<ArrayBuffer>[] = [];
  return {
    async restore(memory) {
      const found = await begun;
      if (!found) return null;
      const { record, cache, stored, served } = found;
      if (stored) {
        options.restoring();
        const snapshot = await tried('storage', options, () => pour(stored, memory));
        if (snapshot) return snapshot;
        memory.clear();
        await cache?.delete(keyOf(options, record));
      }
      return tried('server', options, async () => {
        const kept: typeof pieces = [];
        const snapshot = await pour(await (served ?? fromServer(options, record)), memory, kept);
        pieces = kept;
        return snapshot;
      });
    },
    async keep() {
      const found = await begun;
      if (!found || pieces.length === 0) return;
      const kept = new Blob(pieces);
      pieces = [];
      await keep(options, found, kept);
    },
  };
}

async function begin(options: SnapshotOptions): Promise<Begun | null> {
  const [record, { cache, urls }] = await Promise.all([findRecord(options), openCache(options)]);
  if (!record) return null;
  const key = keyOf(options, record);
  for (const url of urls) {
    if (url === key) continue;
    refuse(options.emit, 'storage', 'The stored snapshot is of another guest image or another machine.');
    // If it stays it is in nobody's way, and the next visit tries again.
    cache?.delete(url).catch(() => undefined);
  }
  const found = urls.includes(key) ? await cache?.match(key).catch(() => undefined) : undefined;
  if (found?.body) return { record, cache, stored: inLargeReads(found.body).pipeThrough(cut(record)), served: null };
  const served = fromServer(options, record);
  served.catch(() => undefined);
  return { record, cache, stored: null, served };
}

/** The server's record, if it is for this image and this machine. */
async function findRecord({ baseUrl, emit }: SnapshotOptions): Promise<SnapshotRecord | null> {
  const get = async (name: string): Promise<Uint8Array<ArrayBuffer> | null> => {
    const response = await fetch(baseUrl + name, { cache: 'no-cache' });
    return response.ok ? new Uint8Array(await response.arrayBuffer()) : null;
  };
  try {
    const [text, manifest] = await Promise.all([get('snapshot.json'), get('manifest.json')]);
    if (!text || !manifest) {
      emit({
        type: 'snapshot',
        outcome: 'absent',
        from: 'server',
        detail: 'This server has no snapshot of the guest.',
      });
      return null;
    }
    const record = JSON.parse(new TextDecoder().decode(text)) as SnapshotRecord;
    if (record.machine === MACHINE_IDENTITY && (await matches(manifest, record.image))) return record;
    refuse(emit, 'server', 'The server’s snapshot is of another guest image or another machine.');
  } catch (error) {
    refuse(emit, 'server', `The server’s description of its snapshot cannot be read (${String(error)}).`);
  }
  return null;
}

function keyOf({ baseUrl }: SnapshotOptions, { sha256 }: SnapshotRecord): string {
  return `${baseUrl}${FILE}?sha256=${sha256}`;
}

async function fromServer(options: SnapshotOptions, record: SnapshotRecord): Promise<Pieces> {
  // The hash in the URL lets the browser's cache keep a snapshot and never serve a stale one.
  const response = await fetch(keyOf(options, record));
  if (!response.ok || !response.body) throw new Error(`${FILE} could not be loaded (HTTP ${response.status})`);
  return response.body
    .pipeThrough(counted(record, options))
    .pipeThrough(new DecompressionStream('gzip'))
    .pipeThrough(cut(record));
}

/** What is stored there, and no cache if the browser refuses. */
async function openCache({ storage }: SnapshotOptions): Promise<{ cache: Cache | null; urls: string[] }> {
  try {
    const cache = (await storage?.open(CACHE)) ?? null;
    return { cache, urls: ((await cache?.keys()) ?? []).map(({ url }) => url) };
  } catch {
    return { cache: null, urls: [] };
  }
}

async function tried(
  from: Source,
  { emit }: SnapshotOptions,
  restore: () => Promise<Snapshot>,
): Promise<Snapshot | null> {
  try {
    const snapshot = await restore();
    emit({ type: 'snapshot', outcome: 'used', from, detail: '' });
    return snapshot;
  } catch (error) {
    const whose = from === 'storage' ? 'The stored snapshot' : 'The server’s snapshot';
    // Browsers end a sentence of theirs with a full stop, or do not.
    const why = (error instanceof Error ? error.message : String(error)).replace(/\.$/, '');
    refuse(emit, from, `${whose} cannot be used: ${why}.`);
    return null;
  }
}

/** Reports what goes through. Fails if it is not as long as it should be. */
function counted(
  { bytes }: SnapshotRecord,
  { progress, restoring }: SnapshotOptions,
): TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>> {
  let loaded = 0;
  const check = (right: boolean): void => {
    if (!right) throw new Error(`it is not the file that snapshot.json describes`);
  };
  return new TransformStream({
    transform(chunk, controller) {
      loaded += chunk.length;
      check(loaded <= bytes);
      progress(loaded, bytes);
      controller.enqueue(chunk);
    },
    flush: () => {
      check(loaded === bytes);
      restoring();
    },
  });
}

type Controller = TransformStreamDefaultController<Uint8Array<ArrayBuffer>>;

/**
 * The same bytes, a piece at a time, read to where they are wanted: twice as fast as taking them as they come (measured
 * with Chromium's Cache). Where a browser has no such reads, they come as they come.
 */
function inLargeReads(body: ReadableStream<Uint8Array<ArrayBuffer>>): ReadableStream<Uint8Array<ArrayBuffer>> {
  let reader: ReadableStreamBYOBReader;
  try {
    reader = body.getReader({ mode: 'byob' });
  } catch {
    return body;
  }
  return new ReadableStream({
    async pull(controller) {
      let piece = new Uint8Array(PIECE_BYTES);
      for (let filled = 0; filled < PIECE_BYTES;) {
        const { done, value } = await reader.read(piece.subarray(filled));
        // The buffer comes back as another one.
        if (value) piece = new Uint8Array(value.buffer);
        if (done) {
          controller.enqueue(piece.subarray(0, filled));
          controller.close();
          return;
        }
        filled += value.length;
      }
      controller.enqueue(piece);
    },
    cancel: (reason) => reader.cancel(reason),
  });
}

/** Makes pieces of what the snapshot unpacks to, as many as there are, whether anybody takes them or not. */
function cut({
  pieces,
  unpackedBytes,
}: SnapshotRecord): TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>> {
  const digests: Promise<string | null>[] = [];
  let piece = new Uint8Array(PIECE_BYTES);
  let filled = 0;
  let total = 0;
  const done = (bytes: Uint8Array<ArrayBuffer>, controller: Controller): void => {
    digests.push(hexDigest(bytes));
    controller.enqueue(bytes);
  };
  const end = (controller: Controller): void => {
    done(piece.subarray(0, filled), controller);
    piece = new Uint8Array(PIECE_BYTES);
    filled = 0;
  };
  return new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>(
    {
      transform(chunk, controller) {
        total += chunk.length;
        if (total > unpackedBytes) throw new Error(`it unpacks to more than ${unpackedBytes} bytes`);
        if (filled === 0 && chunk.length === PIECE_BYTES) {
          done(chunk, controller);
          return;
        }
        for (let at = 0; at < chunk.length;) {
          const taken = Math.min(chunk.length - at, PIECE_BYTES - filled);
          piece.set(chunk.subarray(at, at + taken), filled);
          at += taken;
          filled += taken;
          if (filled === PIECE_BYTES) end(controller);
        }
      },
      async flush(controller) {
        if (filled > 0) end(controller);
        if (total !== unpackedBytes) throw new Error(`it unpacks to ${total} bytes instead of ${unpackedBytes}`);
        const found = await Promise.all(digests);
        // Without crypto.subtle (plain HTTP) nothing is hashed: the lab still works, unverified.
        if (found.every((digest, index) => digest === null || digest === pieces[index])) return;
        throw new Error('its checksum is another');
      },
    },
    undefined,
    new CountQueuingStrategy({ highWaterMark: pieces.length + 1 }),
  );
}

/**
 * Fills memory. Resolves with the rest when every piece is known to be right, and rejects if one is not.
 * @param kept gets the pieces, if they are still wanted
 */
async function pour(
  body: Pieces,
  memory: BlankMemory,
  kept: Uint8Array<ArrayBuffer>[] | null = null,
): Promise<Snapshot> {
  const reader = new SnapshotReader((at, bytes) => {
    memory.write(at, bytes);
  });
  for await (const piece of chunksOf(body)) {
    reader.push(piece);
    kept?.push(piece);
  }
  return reader.finish();
}

/** Not every browser iterates a stream by itself. */
async function* chunksOf(body: Pieces): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const reader = body.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    // Of what is not read to its end the rest is not wanted.
    void reader.cancel().catch(() => undefined);
  }
}

async function keep(options: SnapshotOptions, { record, cache }: Begun, unpacked: Blob): Promise<void> {
  let detail = 'This browser has no storage for the snapshot here; the next visit downloads it again.';
  if (cache) {
    try {
      await cache.put(keyOf(options, record), new Response(unpacked));
      options.emit({ type: 'snapshot', outcome: 'kept', from: 'storage', detail: '' });
      return;
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      detail = `The snapshot could not be stored (${why}); the next visit downloads it again.`;
    }
  }
  options.emit({ type: 'snapshot', outcome: 'not-kept', from: 'storage', detail });
}

function refuse(emit: SnapshotOptions['emit'], from: Source, detail: string): void {
  emit({ type: 'snapshot', outcome: 'refused', from, detail });
}
