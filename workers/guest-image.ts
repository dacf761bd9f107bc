/** Downloads the guest image with progress and checks it against its manifest. */
import { GUEST_FILES } from '../guest/boot.ts';
import { chunksOf } from './chunks.ts';
import type { Progress } from './progress.ts';
import type { GuestFile, GuestManifest } from '../guest/manifest.ts';

export interface GuestImage {
  readonly kernel: ArrayBuffer;
  readonly initramfs: ArrayBuffer;
  readonly bios: ArrayBuffer;
  readonly vgaBios: ArrayBuffer;
}

/** A failure that the user can do something about. */
export class ImageError extends Error {
  readonly mend: string;
  constructor(message: string, mend: string) {
    super(message);
    this.mend = mend;
  }
}

const REBUILD = 'Run `npm run guest` in the project folder, then reload this page.';

/** @param progress bytes so far, bytes in all (as they lie on the server) */
export async function loadGuestImage(baseUrl: string, progress: Progress): Promise<GuestImage> {
  const manifest = await loadManifest(baseUrl);
  const total = manifest.files.reduce((sum, file) => sum + file.bytes, 0);
  let loaded = 0;
  const load = async (name: string): Promise<ArrayBuffer> => {
    const file = manifest.files.find((entry) => entry.name === name);
    if (!file) throw new ImageError(`The guest image has no ${name}.`, REBUILD);
    const { buffer } = await download(baseUrl, file, (bytes) => {
      loaded += bytes;
      progress(loaded, total);
    });
    return buffer;
  };
  progress(0, total);
  const [kernel, packed, bios, vgaBios] = await Promise.all([
    load(GUEST_FILES.kernel),
    load(GUEST_FILES.initramfs),
    load(GUEST_FILES.bios),
    load(GUEST_FILES.vgaBios),
  ]);
  const { unpackedBytes } = manifest.files.find(({ name }) => name === GUEST_FILES.initramfs) ?? {};
  const initramfs = await gunzip(new Uint8Array(packed), unpackedBytes ?? 0);
  return { kernel, initramfs: initramfs.buffer, bios, vgaBios };
}

async function loadManifest(baseUrl: string): Promise<GuestManifest> {
  const response = await fetch(`${baseUrl}manifest.json`, { cache: 'no-cache' }).catch((error: unknown) => {
    throw new ImageError(`The server does not answer (${String(error)}).`, 'Is `npm start` still running?');
  });
  if (!response.ok || !response.headers.get('content-type')?.includes('json')) {
    throw new ImageError('This server has no guest image.', REBUILD);
  }
  return (await response.json()) as GuestManifest;
}

/**
 * A file of the image, as its hash says it must be. Throws an `ImageError` if it is not.
 * @param progress more bytes have come
 */
async function download(
  baseUrl: string,
  file: Pick<GuestFile, 'name' | 'bytes' | 'sha256'>,
  progress: (bytes: number) => void,
): Promise<Uint8Array<ArrayBuffer>> {
  // The hash in the URL lets the browser's cache keep an image and never serve a stale one.
  const response = await fetch(`${baseUrl}${file.name}?sha256=${file.sha256}`);
  if (!response.ok || !response.body) {
    throw new ImageError(`${file.name} could not be loaded (HTTP ${response.status}).`, REBUILD);
  }
  const bytes = new Uint8Array(file.bytes);
  let at = 0;
  for await (const chunk of chunksOf(response.body)) {
    if (at + chunk.length > bytes.length) break;
    bytes.set(chunk, at);
    at += chunk.length;
    progress(chunk.length);
  }
  if (at !== bytes.length || !(await matches(bytes, file.sha256))) {
    throw new ImageError(`${file.name} is not the file that the manifest describes.`, REBUILD);
  }
  return bytes;
}

/** @param sha256 lower-case hexadecimal. True as well where nothing can be hashed. */
export async function matches(bytes: Uint8Array<ArrayBuffer>, sha256: string): Promise<boolean> {
  const found = await hexDigest(bytes);
  return found === null || found === sha256;
}

/**
 * SHA-256 of the bytes as they are at the moment of the call, in lower-case hexadecimal. Null without `crypto.subtle`,
 * which exists in secure contexts only; a lab on plain HTTP still works, unverified.
 */
export async function hexDigest(bytes: Uint8Array<ArrayBuffer>): Promise<string | null> {
  const { subtle } = crypto as { readonly subtle?: SubtleCrypto };
  if (!subtle) return null;
  const digest = new Uint8Array(await subtle.digest('SHA-256', bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** Throws if the bytes are no gzip of so many bytes. */
async function gunzip(packed: Uint8Array<ArrayBuffer>, unpackedBytes: number): Promise<Uint8Array<ArrayBuffer>> {
  const unpacked = new Uint8Array(unpackedBytes);
  let at = 0;
  for await (const chunk of chunksOf(new Blob([packed]).stream().pipeThrough(new DecompressionStream('gzip')))) {
    if (at + chunk.length > unpackedBytes) throw new Error(`it unpacks to more than ${unpackedBytes} bytes`);
    unpacked.set(chunk, at);
    at += chunk.length;
  }
  if (at !== unpackedBytes) throw new Error(`it unpacks to ${at} bytes instead of ${unpackedBytes}`);
  return unpacked;
}
