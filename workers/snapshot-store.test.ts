import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { describe as describeBytes, sha256 } from '../guest/snapshot/describe.ts';
import type { SnapshotEvent } from '../src/core/trace/event.ts';
import { SnapshotIntake } from './snapshot-intake.ts';
import { bringSnapshot, type SnapshotRecord } from './snapshot-store.ts';
import { MACHINE_IDENTITY, packSnapshot } from './v86/snapshot.ts';

const BASE = 'http://lab.test/guest/';
const MANIFEST = '{"version":1}';
const text = (value: string): Uint8Array => new TextEncoder().encode(value);

function packed(console: string): Uint8Array {
  const none = new Uint8Array(0);
  const parts = { state: none, bios: none, vgaBios: none, realMode: none, commandLine: none, optionRoms: [] };
  return packSnapshot({ ...parts, console: text(console) }, MEMORY);
}

/** Megabytes: `toEqual` would take minutes. */
const same = (one: Uint8Array | undefined, other: Uint8Array): boolean =>
  one !== undefined && Buffer.compare(one, other) === 0;

/** Two pieces and a bit. */
const MEMORY = Uint8Array.from({ length: 5 * 1024 * 1024 }, (_, at) => (at * 31) >> 8);

const UNPACKED = packed('hello');
const IMAGE = Uint8Array.from(gzipSync(UNPACKED));
const RECORD: SnapshotRecord = {
  machine: MACHINE_IDENTITY,
  image: sha256(MANIFEST),
  maker: '',
  sha256: sha256(IMAGE),
  packed: describeBytes(IMAGE),
  unpacked: describeBytes(UNPACKED),
};
const KEY = `${BASE}snapshot.img?sha256=${RECORD.sha256}`;

/** The browser's storage, as much of it as is used. */
class Storage {
  readonly entries = new Map<string, Uint8Array>();
  full = false;

  get caches(): CacheStorage {
    const cache = {
      keys: () => Promise.resolve([...this.entries.keys()].map((url) => ({ url }))),
      match: (url: string) => {
        const found = this.entries.get(url);
        return Promise.resolve(found && new Response(Uint8Array.from(found)));
      },
      delete: (request: string | { url: string }) =>
        Promise.resolve(this.entries.delete(typeof request === 'string' ? request : request.url)),
      put: async (url: string, response: Response) => {
        if (this.full) throw new DOMException('there is no room', 'QuotaExceededError');
        this.entries.set(url, new Uint8Array(await response.arrayBuffer()));
      },
    };
    return { open: () => Promise.resolve(cache) } as unknown as CacheStorage;
  }
}

describe('bringSnapshot', () => {
  let storage: Storage;
  let events: SnapshotEvent[];
  let downloads: number;
  let progress: [loaded: number, total: number][];
  /** How much progress there was when it was being restored. */
  let stages: number[];

  /** A server with a snapshot, spoiled or whole; undefined is 404. */
  const serve = (files: Record<string, string | Uint8Array | undefined> = {}): void => {
    const all: Partial<Record<string, string | Uint8Array>> = {
      'snapshot.json': JSON.stringify(RECORD),
      'manifest.json': MANIFEST,
      'snapshot.img': IMAGE,
      ...files,
    };
    vi.stubGlobal('fetch', (url: string) => {
      const name = new URL(url).pathname.replace('/guest/', '');
      if (name === 'snapshot.img') downloads++;
      const body = all[name];
      return Promise.resolve(
        body === undefined
          ? new Response('no', { status: 404 })
          : new Response(typeof body === 'string' ? body : Uint8Array.from(body)),
      );
    });
  };
  /** What a machine has of it in the end, null if it has nothing to go on from. */
  const load = async (caches: CacheStorage | null = storage.caches) => {
    let onIdle = (): void => undefined;
    const idle = new Promise<void>((resolve) => (onIdle = resolve));
    const sink = new SnapshotIntake({
      progress: (loaded, total) => {
        progress.push([loaded, total]);
      },
      restoring: () => {
        stages.push(progress.length);
      },
      emit: (event) => {
        events.push(event);
      },
      idle: () => idle,
    });
    const brought = bringSnapshot({ baseUrl: BASE, sink, storage: caches });
    const memory = new Uint8Array(MEMORY.length);
    const snapshot = await sink.restore({
      write: (at, bytes) => {
        memory.set(bytes, at);
      },
      clear: () => memory.fill(0),
    });
    const keep = (): Promise<void> => {
      onIdle();
      return brought;
    };
    return { snapshot, memory, keep };
  };
  /** What became of it: each source that is tried has been found. */
  const outcomes = (): string[] =>
    events.filter(({ outcome }) => outcome !== 'found').map(({ outcome, from }) => `${outcome} ${from}`);

  beforeEach(() => {
    storage = new Storage();
    events = [];
    downloads = 0;
    progress = [];
    stages = [];
    serve();
  });

  afterEach(() => {
    vi.unstubAllGlobals();
  });

  it('downloads it the first time, keeps it unpacked, and asks the storage the second time', async () => {
    const first = await load();
    expect(first.snapshot?.console).toEqual(text('hello'));
    expect(same(first.memory, MEMORY)).toBe(true);
    expect(progress.at(-1)).toEqual([IMAGE.length, IMAGE.length]);
    expect(stages).toEqual([progress.length]);
    await first.keep();
    expect(same(storage.entries.get(KEY), UNPACKED)).toBe(true);
    const second = await load();
    await second.keep();
    expect(second.snapshot?.console).toEqual(text('hello'));
    expect(same(second.memory, MEMORY)).toBe(true);
    expect(downloads).toBe(1);
    expect(stages, 'at once, without a download').toEqual([progress.length, progress.length]);
    expect(outcomes()).toEqual(['used server', 'kept storage', 'used storage']);
  });

  it('refuses and throws away what is stored of another image, and says so', async () => {
    storage.entries.set(`${BASE}snapshot.img?sha256=old`, UNPACKED);
    await load();
    expect(outcomes()).toEqual(['refused storage', 'used server']);
    expect(storage.entries.size).toBe(0);
  });

  it.each([
    ['another byte', (bytes: Uint8Array) => bytes.map((byte, at) => (at === bytes.length - 9 ? byte ^ 1 : byte))],
    ['one byte less', (bytes: Uint8Array) => bytes.subarray(1)],
    ['one byte more', (bytes: Uint8Array) => Uint8Array.from([...bytes, 0])],
    ['another snapshot', () => packed('hullo')],
    ['nothing', () => new Uint8Array(0)],
  ])('refuses a stored snapshot with %s, downloads it again, and nothing of it is left', async (_, spoil) => {
    storage.entries.set(KEY, Uint8Array.from(spoil(UNPACKED)));
    const loaded = await load();
    await loaded.keep();
    expect(outcomes()).toEqual(['refused storage', 'used server', 'kept storage']);
    expect(events.map(({ outcome, from }) => `${outcome} ${from}`).slice(0, 4)).toEqual([
      'found storage',
      'refused storage',
      'found server',
      'used server',
    ]);
    expect(events[1]?.detail).toContain('cannot be used');
    expect(same(loaded.memory, MEMORY)).toBe(true);
    expect(same(storage.entries.get(KEY), UNPACKED)).toBe(true);
  });

  it.each([
    ['it has none', { 'snapshot.json': undefined }, 'absent server'],
    ['its description is none', { 'snapshot.json': '<html>' }, 'refused server'],
    ['it is of another image', { 'manifest.json': '{"version":2}' }, 'refused server'],
    ['it is of another machine', { 'snapshot.json': JSON.stringify({ ...RECORD, machine: 'v85' }) }, 'refused server'],
    ['the file is missing', { 'snapshot.img': undefined }, 'refused server'],
    ['the file is another one', { 'snapshot.img': 'something else' }, 'refused server'],
    ['the file is another snapshot', { 'snapshot.img': gzipSync(packed('hullo')) }, 'refused server'],
    ['the file ends early', { 'snapshot.img': IMAGE.subarray(0, IMAGE.length - 1) }, 'refused server'],
  ])('there is no snapshot if, on the server, %s', async (_, files, outcome) => {
    serve(files);
    const { snapshot, keep } = await load();
    expect(snapshot).toBeNull();
    expect(outcomes()).toEqual([outcome]);
    expect(events.at(-1)?.detail).not.toBe('');
    await keep();
    expect(storage.entries.size, 'what is not right is not kept').toBe(0);
  });

  it('says when there is no room to keep it', async () => {
    storage.full = true;
    await (await load()).keep();
    expect(outcomes()).toEqual(['used server', 'not-kept storage']);
    expect(events.at(-1)?.detail).toContain('there is no room');
  });

  it.each([
    ['has none', null],
    ['refuses', { open: () => Promise.reject(new DOMException('no', 'SecurityError')) } as unknown as CacheStorage],
  ])('works, and says that nothing is kept, where storage %s', async (_, caches) => {
    const loaded = await load(caches);
    await loaded.keep();
    expect(outcomes()).toEqual(['used server', 'not-kept storage']);
  });
});
