import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { SnapshotEvent } from '../src/core/trace/event.ts';
import { loadSnapshot, type SnapshotRecord } from './snapshot-store.ts';
import { MACHINE_IDENTITY, packSnapshot } from './v86/snapshot.ts';

const BASE = 'http://lab.test/guest/';
const MANIFEST = '{"version":1}';
const sha256 = (data: Uint8Array | string): string => createHash('sha256').update(data).digest('hex');
const text = (value: string): Uint8Array => new TextEncoder().encode(value);

function packed(console: string): Uint8Array {
  const none = new Uint8Array(0);
  const parts = { state: none, bios: none, vgaBios: none, realMode: none, commandLine: none, optionRoms: [] };
  return packSnapshot({ ...parts, console: text(console) });
}

const UNPACKED = packed('hello');
const IMAGE = Uint8Array.from(gzipSync(UNPACKED));
const RECORD: SnapshotRecord = {
  machine: MACHINE_IDENTITY,
  image: sha256(MANIFEST),
  bytes: IMAGE.length,
  sha256: sha256(IMAGE),
  unpackedBytes: UNPACKED.length,
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

describe('loadSnapshot', () => {
  let storage: Storage;
  let events: SnapshotEvent[];
  let downloads: number;

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
  const load = (caches: CacheStorage | null = storage.caches) =>
    loadSnapshot({
      baseUrl: BASE,
      progress: () => undefined,
      emit: (event) => {
        events.push(event);
      },
      storage: caches,
    });
  const outcomes = (): string[] => events.map(({ outcome, from }) => `${outcome} ${from}`);

  beforeEach(() => {
    storage = new Storage();
    events = [];
    downloads = 0;
    serve();
  });

  afterEach(() => {
    vi.unstubAllGlobals();
  });

  it('downloads it the first time, keeps it, and asks the storage the second time', async () => {
    const first = await load();
    expect(first?.snapshot.console).toEqual(text('hello'));
    await first?.keep();
    const second = await load();
    await second?.keep();
    expect(second?.snapshot.console).toEqual(text('hello'));
    expect(downloads).toBe(1);
    expect(outcomes()).toEqual(['used server', 'kept storage', 'used storage']);
  });

  it('refuses and throws away what is stored of another image, and says so', async () => {
    storage.entries.set(`${BASE}snapshot.img?sha256=old`, IMAGE);
    await load();
    expect(outcomes()).toEqual(['refused storage', 'used server']);
    expect(storage.entries.size).toBe(0);
  });

  it.each([
    ['another byte', (bytes: Uint8Array) => bytes.map((byte, at) => (at === bytes.length - 9 ? byte ^ 1 : byte))],
    ['one byte less', (bytes: Uint8Array) => bytes.subarray(1)],
    ['another snapshot', () => gzipSync(packed('hullo'))],
    ['nothing', () => new Uint8Array(0)],
  ])('refuses a stored snapshot with %s, and downloads it again', async (_, spoil) => {
    storage.entries.set(KEY, Uint8Array.from(spoil(IMAGE)));
    const loaded = await load();
    await loaded?.keep();
    expect(outcomes()).toEqual(['refused storage', 'used server', 'kept storage']);
    expect(events[0]?.detail).toContain('damaged');
    expect(storage.entries.get(KEY)).toEqual(IMAGE);
  });

  it.each([
    ['it has none', { 'snapshot.json': undefined }, 'absent server'],
    ['its description is none', { 'snapshot.json': '<html>' }, 'refused server'],
    ['it is of another image', { 'manifest.json': '{"version":2}' }, 'refused server'],
    ['it is of another machine', { 'snapshot.json': JSON.stringify({ ...RECORD, machine: 'v85' }) }, 'refused server'],
    ['the file is missing', { 'snapshot.img': undefined }, 'refused server'],
    ['the file is another one', { 'snapshot.img': 'something else' }, 'refused server'],
  ])('there is no snapshot if, on the server, %s', async (_, files, outcome) => {
    serve(files);
    expect(await load()).toBeNull();
    expect(outcomes()).toEqual([outcome]);
    expect(events[0]?.detail).not.toBe('');
  });

  it('says when there is no room to keep it', async () => {
    storage.full = true;
    await (await load())?.keep();
    expect(outcomes()).toEqual(['used server', 'not-kept storage']);
    expect(events[1]?.detail).toContain('there is no room');
  });

  it.each([
    ['has none', null],
    ['refuses', { open: () => Promise.reject(new DOMException('no', 'SecurityError')) } as unknown as CacheStorage],
  ])('works, and says that nothing is kept, where storage %s', async (_, caches) => {
    const loaded = await load(caches);
    await loaded?.keep();
    expect(outcomes()).toEqual(['used server', 'not-kept storage']);
  });
});
