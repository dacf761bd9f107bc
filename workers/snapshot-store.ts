/**
 * Where a snapshot of the booted guest comes from: this browser's own storage, else the server, which has one beside
 * the guest image.
 *
 * The server's `snapshot.json` says which snapshot is right; what is stored counts only if it is that one, byte for
 * byte. Whatever is not right is refused and said, and the next source is tried. With none left there is no
 * snapshot, and the guest boots from power-on.
 *
 * Nothing waits for the whole: what has come is unpacked, hashed in pieces and written into the machine's memory while
 * the rest is on its way. The server's copy is packed, because a network is slower than unpacking it. The stored one
 * is not: unpacking takes longer than reading twice as much from a disk.
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

/** What there is to read from. */
interface Begun {
  readonly record: SnapshotRecord;
  readonly cache: Cache | null;
  readonly stored: Response | undefined;
  readonly served: Promise<Response> | null;
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
        const snapshot = await tried('storage', options, () => pour(stored.body, record, memory));
        if (snapshot) return snapshot;
        memory.clear();
        await cache?.delete(keyOf(options, record));
      }
      return tried('server', options, async () => {
        const response = await (served ?? request(options, record));
        if (!response.ok || !response.body) throw new Error(`${FILE} could not be loaded (HTTP ${response.status})`);
        const packed = response.body.pipeThrough(counted(record, options));
        const kept: typeof pieces = [];
        const snapshot = await pour(packed.pipeThrough(new DecompressionStream('gzip')), record, memory, kept);
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
  const stored = urls.includes(key) ? await cache?.match(key).catch(() => undefined) : undefined;
  const served = stored ? null : request(options, record);
  served?.catch(() => undefined);
  return { record, cache, stored, served };
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

/** The hash in the URL lets the browser's cache keep a snapshot and never serve a stale one. */
function request(options: SnapshotOptions, record: SnapshotRecord): Promise<Response> {
  return fetch(keyOf(options, record));
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

/**
 * Memory from a stream of what the snapshot unpacks to, and the rest when every piece is known to be right. Rejects if
 * one is not.
 * @param kept gets the pieces, if they are still wanted
 */
async function pour(
  body: ReadableStream<Uint8Array> | null,
  { pieces, unpackedBytes }: SnapshotRecord,
  memory: BlankMemory,
  kept: Uint8Array<ArrayBuffer>[] | null = null,
): Promise<Snapshot> {
  if (!body) throw new Error('it is empty');
  const reader = new SnapshotReader((at, bytes) => {
    memory.write(at, bytes);
  });
  const digests: Promise<string | null>[] = [];
  let piece = new Uint8Array(PIECE_BYTES);
  let filled = 0;
  const pieceEnds = (): void => {
    const bytes = piece.subarray(0, filled);
    // Whoever hashes it has a copy of its own from here on.
    digests.push(hexDigest(bytes));
    reader.push(bytes);
    filled = 0;
    if (kept?.push(bytes)) piece = new Uint8Array(PIECE_BYTES);
  };
  let total = 0;
  for await (const chunk of chunksOf(body)) {
    total += chunk.length;
    if (total > unpackedBytes) throw new Error(`it unpacks to more than ${unpackedBytes} bytes`);
    for (let at = 0; at < chunk.length;) {
      const taken = Math.min(chunk.length - at, PIECE_BYTES - filled);
      piece.set(chunk.subarray(at, at + taken), filled);
      at += taken;
      filled += taken;
      if (filled === PIECE_BYTES) pieceEnds();
    }
  }
  if (filled > 0) pieceEnds();
  if (total !== unpackedBytes) throw new Error(`it unpacks to ${total} bytes instead of ${unpackedBytes}`);
  const found = await Promise.all(digests);
  // Without crypto.subtle (plain HTTP) nothing is hashed: the lab still works, unverified.
  if (!found.every((digest, index) => digest === null || digest === pieces[index])) {
    throw new Error('its checksum is another');
  }
  return reader.finish();
}

/** Not every browser iterates a stream by itself. */
async function* chunksOf(body: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
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
