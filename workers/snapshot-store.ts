/**
 * Where a snapshot of the booted guest comes from: this browser's own storage, else the server, which has one beside
 * the guest image.
 *
 * The server's `snapshot.json` says which snapshot is right; what is stored counts only if it is that one, byte for
 * byte. Whatever is not right is refused and said, and the next source is tried. With none left there is no
 * snapshot, and the guest boots from power-on.
 */
import type { SnapshotEvent } from '../src/core/trace/event.ts';
import { download, gunzip, matches } from './guest-image.ts';
import { MACHINE_IDENTITY, unpackSnapshot, type Snapshot } from './v86/snapshot.ts';

/** What snapshot.json says. */
export interface SnapshotRecord {
  /** `MACHINE_IDENTITY` of the machine that was saved. */
  readonly machine: string;
  /** SHA-256 of the manifest of the image that it booted, in hexadecimal. */
  readonly image: string;
  /** Of snapshot.img as it lies there: a gzip. */
  readonly bytes: number;
  readonly sha256: string;
  readonly unpackedBytes: number;
}

export interface SnapshotOptions {
  /** Directory of the guest image, absolute URL with a trailing slash. */
  readonly baseUrl: string;
  /** Bytes so far, bytes in all, as they come from the server. */
  readonly progress: (loaded: number, total: number) => void;
  readonly emit: (event: SnapshotEvent) => void;
  /** Null where the browser has none: private windows, plain HTTP. */
  readonly storage: CacheStorage | null;
}

export interface LoadedSnapshot {
  readonly snapshot: Snapshot;
  /** Puts it into the browser's storage, if it did not come from there. Never rejects. */
  readonly keep: () => Promise<void>;
}

const CACHE = 'virtio-net-lab-snapshot';
const FILE = 'snapshot.img';

type Source = 'storage' | 'server';

/** Null if there is none that is right. */
export async function loadSnapshot(options: SnapshotOptions): Promise<LoadedSnapshot | null> {
  const record = await findRecord(options);
  if (!record) return null;
  const cache = await openCache(options, record);
  const stored = await (cache?.match(keyOf(options, record)) ?? Promise.resolve(undefined)).catch(() => undefined);
  if (stored) {
    const packed = new Uint8Array(await stored.arrayBuffer());
    const snapshot = await verified(packed, record, 'storage', options);
    if (snapshot) return { snapshot, keep: () => Promise.resolve() };
    await cache?.delete(keyOf(options, record));
  }
  const packed = await fetchPacked(options, record);
  const snapshot = packed && (await verified(packed, record, 'server', options));
  if (!snapshot) return null;
  return { snapshot, keep: () => keep(options, record, cache, packed) };
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

/** Without what is stored there of other snapshots. Null if the browser refuses. */
async function openCache(options: SnapshotOptions, record: SnapshotRecord): Promise<Cache | null> {
  if (!options.storage) return null;
  try {
    const cache = await options.storage.open(CACHE);
    const stale = (await cache.keys()).filter(({ url }) => url !== keyOf(options, record));
    for (const request of stale) {
      refuse(options.emit, 'storage', 'The stored snapshot is of another guest image or another machine.');
      await cache.delete(request);
    }
    return cache;
  } catch {
    return null;
  }
}

async function fetchPacked(
  { baseUrl, progress, emit }: SnapshotOptions,
  { bytes, sha256 }: SnapshotRecord,
): Promise<Uint8Array<ArrayBuffer> | null> {
  let loaded = 0;
  try {
    return await download(baseUrl, { name: FILE, bytes, sha256 }, (more) => {
      loaded += more;
      progress(loaded, bytes);
    });
  } catch (error) {
    refuse(emit, 'server', error instanceof Error ? error.message : String(error));
    return null;
  }
}

/** The snapshot, if these are its bytes. What comes from the server is checked already, when it is downloaded. */
async function verified(
  packed: Uint8Array<ArrayBuffer>,
  { bytes, sha256, unpackedBytes }: SnapshotRecord,
  from: Source,
  { emit }: SnapshotOptions,
): Promise<Snapshot | null> {
  try {
    const [right, unpacked] = await Promise.all([
      from === 'server' || (packed.length === bytes && matches(packed, sha256)),
      gunzip(packed, unpackedBytes),
    ]);
    if (!right) throw new Error('its checksum is another');
    const snapshot = unpackSnapshot(unpacked);
    emit({ type: 'snapshot', outcome: 'used', from, detail: '' });
    return snapshot;
  } catch (error) {
    const whose = from === 'storage' ? 'The stored snapshot' : 'The server’s snapshot';
    refuse(emit, from, `${whose} is damaged: ${error instanceof Error ? error.message : String(error)}.`);
    return null;
  }
}

async function keep(
  options: SnapshotOptions,
  record: SnapshotRecord,
  cache: Cache | null,
  packed: Uint8Array<ArrayBuffer>,
): Promise<void> {
  let detail = 'This browser has no storage for the snapshot here; the next visit downloads it again.';
  if (cache) {
    try {
      await cache.put(keyOf(options, record), new Response(packed));
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
