import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { GUEST_FILES } from '../guest/boot.ts';
import { ImageError, loadGuestImage } from './guest-image.ts';

const BASE = 'http://lab.test/guest/';
const UNPACKED = Buffer.from('a cpio archive');

/** A server with an image; `spoil` changes what it serves. */
function serve(
  spoil: (path: string, response: () => Response) => Response | Promise<Response> = (_, ok) => ok(),
): void {
  const files: Record<string, Buffer> = {
    [GUEST_FILES.kernel]: Buffer.from('kernel'),
    [GUEST_FILES.initramfs]: gzipSync(UNPACKED),
    [GUEST_FILES.bios]: Buffer.from('bios'),
    [GUEST_FILES.vgaBios]: Buffer.from('vga'),
  };
  const manifest = {
    files: Object.entries(files).map(([name, bytes]) => ({
      name,
      bytes: bytes.length,
      sha256: createHash('sha256').update(bytes).digest('hex'),
      ...(name === GUEST_FILES.initramfs ? { unpackedBytes: UNPACKED.length } : {}),
    })),
  };
  vi.stubGlobal('fetch', async (url: string) => {
    const path = new URL(url).pathname.replace('/guest/', '');
    return spoil(path, () =>
      path === 'manifest.json' ? Response.json(manifest) : new Response(Uint8Array.from(files[path] ?? [])),
    );
  });
}

const load = () => loadGuestImage(BASE, () => undefined);
const notFound = () => new Response('no', { status: 404 });

describe('loadGuestImage', () => {
  afterEach(() => {
    vi.unstubAllGlobals();
  });

  it('loads all files, unpacks the initramfs, and reports every byte', async () => {
    serve();
    const progress: [number, number][] = [];
    const image = await loadGuestImage(BASE, (loaded, total) => progress.push([loaded, total]));
    expect(Buffer.from(image.kernel).toString()).toBe('kernel');
    expect(Buffer.from(image.initramfs)).toEqual(UNPACKED);
    const total = progress[0]![1];
    expect(progress[0]).toEqual([0, total]);
    expect(progress.at(-1)).toEqual([total, total]);
  });

  it.each([
    ['there is no image', 'manifest.json', notFound, 'no guest image'],
    ['a page comes instead of the manifest', 'manifest.json', () => new Response('<html>'), 'no guest image'],
    ['a file is missing', GUEST_FILES.bios, notFound, 'HTTP 404'],
    ['a file is another one', GUEST_FILES.kernel, () => new Response('kerneI'), 'not the file that the manifest'],
    ['a file is cut short', GUEST_FILES.kernel, () => new Response('kern'), 'not the file that the manifest'],
    ['a file is too long', GUEST_FILES.kernel, () => new Response('kernel and more'), 'not the file that the manifest'],
  ])('when %s, says so and how to mend it', async (_, path, response, message) => {
    serve((asked, ok) => (asked === path ? response() : ok()));
    const error = await load().catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(ImageError);
    expect((error as ImageError).message).toContain(message);
    expect((error as ImageError).mend).toContain('npm run guest');
  });

  it('when the server does not answer, asks whether it still runs', async () => {
    serve(() => Promise.reject(new TypeError('fetch failed')));
    const error = await load().catch((caught: unknown) => caught);
    expect((error as ImageError).mend).toContain('npm start');
  });
});
