import { createHash } from 'node:crypto';
import { type Described, PIECE_BYTES } from '../../workers/snapshot-store.ts';

/** In lower-case hexadecimal. */
export const sha256 = (data: Uint8Array | string): string => createHash('sha256').update(data).digest('hex');

/** What `snapshot.json` says of a snapshot, packed or not, so that it can be told from others while it comes. */
export function describe(data: Uint8Array): Described {
  const pieces: string[] = [];
  for (let at = 0; at < data.length; at += PIECE_BYTES) pieces.push(sha256(data.subarray(at, at + PIECE_BYTES)));
  return { bytes: data.length, pieces };
}
