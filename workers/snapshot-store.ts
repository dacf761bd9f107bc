/**
 * Where a snapshot of the booted guest comes from: this browser's own storage, else the server, which has one beside
 * the guest image.
 *
 * The server's `snapshot.json` says which snapshot is right; what is stored counts only if it is that one, byte for
 * byte. Whatever is not right is refused and said, and the next source is tried. With none left there is no
 * snapshot, and the guest boots from power-on.
 *
 * All of it is a thread of its own (snapshot.worker.ts): the machine's has the emulator to compile meanwhile. Nothing
 * waits for the whole: what has come is unpacked, hashed in pieces and handed to the machine while the rest is on its
 * way, and what the machine has no memory for yet queues here. The server's copy is packed, because a network is slower
 * than unpacking it. The stored one is not: unpacking takes longer than reading twice as much from a disk.
 */
import type { SnapshotSink } from '../src/protocol/api.ts';
import { chunksOf } from './chunks.ts';
import { hexDigest, matches } from './guest-image.ts';
import { paced } from './progress.ts';
import { MACHINE_IDENTITY } from './v86/snapshot.ts';

/** What snapshot.json says. */
export interface SnapshotRecord {
  /** `MACHINE_IDENTITY` of the machine that was saved. */
  readonly machine: string;
  /** SHA-256 of the manifest of the image that it booted, in hexadecimal. */
  readonly image: string;
  /** SHA-256 of what was done in the guest before it was saved. */
  readonly maker: string;
  /** Of snapshot.img as it lies there. */
  readonly sha256: string;
  /** snapshot.img as it lies there: a gzip. */
  readonly packed: Described;
  /** What it unpacks to, which is what is stored. */
  readonly unpacked: Described;
}

/** Bytes that can be told from any others while they come. */
export interface Described {
  readonly bytes: number;
  /** SHA-256 of each `PIECE_BYTES` of them; the last piece is shorter. */
  readonly pieces: readonly string[];
}

export interface SnapshotOptions {
  /** Directory of the guest image, absolute URL with a trailing slash. */
  readonly baseUrl: string;
  readonly sink: SnapshotSink;
  /** Null where the browser has none: private windows, plain HTTP. */
  readonly storage: CacheStorage | null;
}

/** Small enough that the last one's hash is not waited for, large enough that there are few. */
export const PIECE_BYTES = 2 * 1024 * 1024;
const CACHE = 'virtio-net-lab-snapshot';
const FILE = 'snapshot.img';

type Source = 'storage' | 'server';

type Piece = Uint8Array<ArrayBuffer>;
type Body = ReadableStream<Piece>;
/** `PIECE_BYTES` each, but for the last. It throws if they are not what they should be, at the latest at its end. */
type Pieces = AsyncGenerator<Piece>;

/** What the server says, and what is stored of it. */
interface Begun {
  readonly record: SnapshotRecord;
  readonly cache: Cache | null;
  readonly stored: Body | null;
}

/** Brings the snapshot to its sink, and puts it into the browser's storage if it did not come from there. Never rejects. */
export async function bringSnapshot(options: SnapshotOptions): Promise<void> {
  const { sink } = options;
  const begun = await begin(options);
  const pieces = begun && (await deliver(options, begun));
  await sink.settle(pieces !== null);
  if (!begun || !pieces || pieces.length === 0) return;
  await sink.idle();
  await keep(options, begun, new Blob(pieces));
}

/** What there is to store of it, null if no snapshot is right. */
async function deliver(options: SnapshotOptions, { record, cache, stored }: Begun): Promise<Piece[] | null> {
  if (stored) {
    void options.sink.restoring();
    const pieces = verified(inLargeReads(stored), record.unpacked);
    if (await tried('storage', options, () => pour(pieces, options))) return [];
    await cache?.delete(keyOf(options, record)).catch(() => undefined);
  }
  return tried('server', options, async () => pour(await fromServer(options, record), options));
}

async function begin(options: SnapshotOptions): Promise<Begun | null> {
  const [record, { cache, urls }] = await Promise.all([findRecord(options), openCache(options)]);
  if (!record) return null;
  const key = keyOf(options, record);
  for (const url of urls) {
    if (url === key) continue;
    refuse(options.sink, 'storage', 'The stored snapshot is of another guest image or another machine.');
    // If it stays it is in nobody's way, and the next visit tries again.
    cache?.delete(url).catch(() => undefined);
  }
  const found = urls.includes(key) ? await cache?.match(key).catch(() => undefined) : undefined;
  return { record, cache, stored: found?.body ?? null };
}

/** The server's record, if it is for this image and this machine. */
async function findRecord({ baseUrl, sink }: SnapshotOptions): Promise<SnapshotRecord | null> {
  const get = async (name: string): Promise<Uint8Array<ArrayBuffer> | null> => {
    const response = await fetch(baseUrl + name, { cache: 'no-cache' });
    return response.ok ? new Uint8Array(await response.arrayBuffer()) : null;
  };
  try {
    const [text, manifest] = await Promise.all([get('snapshot.json'), get('manifest.json')]);
    if (!text || !manifest) {
      void sink.emit({
        type: 'snapshot',
        outcome: 'absent',
        from: 'server',
        detail: 'This server has no snapshot of the guest.',
      });
      return null;
    }
    const record = JSON.parse(new TextDecoder().decode(text)) as SnapshotRecord;
    if (record.machine === MACHINE_IDENTITY && (await matches(manifest, record.image))) return record;
    refuse(sink, 'server', 'The server’s snapshot is of another guest image or another machine.');
  } catch (error) {
    refuse(sink, 'server', `The server’s description of its snapshot cannot be read (${String(error)}).`);
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
  const { readable, writable } = new DecompressionStream('gzip');
  void feed(chunksOf(response.body), writable.getWriter(), record, options);
  // Bytes that are right unpack to what is right; the gzip's own checksum says so, too.
  return cut(chunksOf(readable), record.unpacked.bytes);
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

async function tried(from: Source, { sink }: SnapshotOptions, bring: () => Promise<Piece[]>): Promise<Piece[] | null> {
  void sink.emit({ type: 'snapshot', outcome: 'found', from, detail: '' });
  try {
    const pieces = await bring();
    void sink.emit({ type: 'snapshot', outcome: 'used', from, detail: '' });
    return pieces;
  } catch (error) {
    const whose = from === 'storage' ? 'The stored snapshot' : 'The server’s snapshot';
    // Browsers end a sentence of theirs with a full stop, or do not.
    const why = (error instanceof Error ? error.message : String(error)).replace(/\.$/, '');
    refuse(sink, from, `${whose} cannot be used: ${why}.`);
    return null;
  }
}

/** Unpacks what comes, and reports it. If that is not right, what it unpacks to fails. Never rejects. */
async function feed(
  chunks: AsyncIterable<Piece>,
  writer: WritableStreamDefaultWriter<BufferSource>,
  { packed }: SnapshotRecord,
  { sink }: SnapshotOptions,
): Promise<void> {
  try {
    for await (const piece of verified(reported(chunks, packed.bytes, sink), packed)) await writer.write(piece);
    void sink.restoring();
    await writer.close();
  } catch (error) {
    await writer.abort(error).catch(() => undefined);
  }
}

/** Over a slow network a piece takes seconds: its chunks are what is counted. */
async function* reported(chunks: AsyncIterable<Piece>, bytes: number, sink: SnapshotSink): AsyncGenerator<Piece> {
  const progress = paced((loaded, total) => void sink.progress(loaded, total));
  let loaded = 0;
  for await (const chunk of chunks) {
    loaded += chunk.length;
    progress(loaded, bytes);
    yield chunk;
  }
}

/**
 * The same bytes, a piece at a time, read to where they are wanted: twice as fast as taking them as they come (measured
 * with Chromium's Cache). Where a browser has no such reads, they come as they come.
 */
async function* inLargeReads(body: Body): AsyncGenerator<Piece> {
  let reader: ReadableStreamBYOBReader;
  try {
    reader = body.getReader({ mode: 'byob' });
  } catch {
    yield* chunksOf(body);
    return;
  }
  for (let ended = false; !ended;) {
    let piece = new Uint8Array(PIECE_BYTES);
    let filled = 0;
    while (filled < PIECE_BYTES && !ended) {
      const { done, value } = await reader.read(piece.subarray(filled));
      // The buffer comes back as another one.
      if (value) piece = new Uint8Array(value.buffer);
      if (done) ended = true;
      else filled += value.length;
    }
    yield piece.subarray(0, filled);
  }
}

async function* cut(chunks: AsyncIterable<Piece>, bytes: number): Pieces {
  let piece = new Uint8Array(PIECE_BYTES);
  let filled = 0;
  let total = 0;
  for await (const chunk of chunks) {
    total += chunk.length;
    if (total > bytes) throw new Error(`it has more than ${bytes} bytes`);
    if (filled === 0 && chunk.length === PIECE_BYTES) {
      yield chunk;
      continue;
    }
    for (let at = 0; at < chunk.length;) {
      const taken = Math.min(chunk.length - at, PIECE_BYTES - filled);
      piece.set(chunk.subarray(at, at + taken), filled);
      at += taken;
      filled += taken;
      if (filled < PIECE_BYTES) continue;
      yield piece;
      piece = new Uint8Array(PIECE_BYTES);
      filled = 0;
    }
  }
  if (filled > 0) yield piece.subarray(0, filled);
  if (total !== bytes) throw new Error(`it has ${total} bytes instead of ${bytes}`);
}

/** A piece is there before its hash is known. */
async function* verified(chunks: AsyncIterable<Piece>, { bytes, pieces }: Described): Pieces {
  const digests: Promise<string | null>[] = [];
  for await (const piece of cut(chunks, bytes)) {
    digests.push(hexDigest(piece));
    yield piece;
  }
  const found = await Promise.all(digests);
  // Without crypto.subtle (plain HTTP) nothing is hashed: the lab still works, unverified.
  if (found.every((digest, index) => digest === null || digest === pieces[index])) return;
  throw new Error('its checksum is another');
}

/**
 * Resolves with the pieces when all were right and the sink has used them; rejects if one was not. No piece waits for
 * the answer to the one before: this thread is too busy to hear it.
 */
async function pour(pieces: Pieces, { sink }: SnapshotOptions): Promise<Piece[]> {
  const used: Promise<Piece>[] = [];
  const begun = sink.begin();
  for await (const piece of pieces) {
    const taken = sink.take(piece);
    taken.catch(() => undefined);
    used.push(taken);
  }
  await begun;
  const taken = await Promise.all(used);
  await sink.end();
  return taken;
}

async function keep(options: SnapshotOptions, { record, cache }: Begun, unpacked: Blob): Promise<void> {
  let detail = 'This browser has no storage for the snapshot here; the next visit downloads it again.';
  if (cache) {
    try {
      await cache.put(keyOf(options, record), new Response(unpacked));
      void options.sink.emit({ type: 'snapshot', outcome: 'kept', from: 'storage', detail: '' });
      return;
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      detail = `The snapshot could not be stored (${why}); the next visit downloads it again.`;
    }
  }
  void options.sink.emit({ type: 'snapshot', outcome: 'not-kept', from: 'storage', detail });
}

function refuse(sink: SnapshotSink, from: Source, detail: string): void {
  void sink.emit({ type: 'snapshot', outcome: 'refused', from, detail });
}
