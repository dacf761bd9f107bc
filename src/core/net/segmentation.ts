/**
 * Software segmentation: one large TCP or UDP segment into packets of at most `gsoSize` bytes of payload, each
 * valid by itself.
 *
 *     IPv4        total length, identification + 1 each, header checksum
 *     IPv6        payload length; extension headers are repeated as they are
 *     TCP         sequence number; FIN and PSH only in the last one, CWR only in the first
 *     UDP         length; each piece is a datagram of its own
 *     both        checksum over pseudo header, header and payload
 *
 * Whatever the bytes are, this ends: at most MAX_SEGMENTS pieces, none longer than what came in. The buffer in
 * which pieces are made is kept for the next call, so nothing is allocated; a call from within `emit` gets
 * another one.
 */
import type { FrameMeta } from '../ring/frames.ts';
import { addWords, checksum } from './checksum.ts';
import { u16At, writeU16 } from './ethernet.ts';
import { IPPROTO_TCP } from './flow.ts';
import {
  completeChecksum,
  finishTransport,
  type GsoHeaders,
  newGsoHeaders,
  type OffloadFault,
  pseudoHeaderOf,
  readGso,
  VIRTIO_NET_HDR_F_NEEDS_CSUM,
} from './gso.ts';

/** Tagged Ethernet header, IPv6 header, and the longest payload that its length field can say. */
const PIECE_MAX = 14 + 4 + 40 + 65_535;
const IPV6_HEADER_SIZE = 40;
const TCP_FIN = 0x01;
const TCP_PSH = 0x08;
const TCP_CWR = 0x80;

interface Bench {
  readonly headers: GsoHeaders;
  readonly piece: Uint8Array;
}

/** Takes one complete frame. Bytes are valid during the call only and must not be changed. */
export type EmitPiece = (bytes: Uint8Array, offset: number, length: number) => void;

const newBench = (): Bench => ({ headers: newGsoHeaders(), piece: new Uint8Array(PIECE_MAX) });
let spare: Bench | null = null;

/**
 * Cuts the frame in `bytes[offset, offset + length)` and hands the pieces to `emit`, in order; at least one.
 * @returns why it cannot be cut, and then nothing was emitted; null if it was
 */
export function segment(
  bytes: Uint8Array,
  offset: number,
  length: number,
  meta: Readonly<FrameMeta>,
  emit: EmitPiece,
): OffloadFault | null {
  const bench = spare ?? newBench();
  spare = null;
  try {
    const fault = readGso(bytes, offset, length, meta, bench.headers);
    if (fault === null) cut(bench, bytes, offset, meta.gsoSize, emit);
    return fault;
  } finally {
    spare = bench;
  }
}

/**
 * For those who take complete frames only: cuts a large segment, finishes a begun checksum, and hands on what is
 * complete already. The checksum is put into the frame itself and taken out again, which saves a copy of the frame;
 * so `bytes` must be the caller's to write while this runs.
 * @returns why it cannot be done, and then nothing was emitted; null if it was
 */
export function finish(
  bytes: Uint8Array,
  offset: number,
  length: number,
  meta: Readonly<FrameMeta>,
  emit: EmitPiece,
): OffloadFault | null {
  if (meta.gsoType !== 0) return segment(bytes, offset, length, meta, emit);
  const at = offset + meta.csumStart + meta.csumOffset;
  const begun = u16At(bytes, at);
  const fault = completeChecksum(bytes, offset, length, meta);
  if (fault !== null) return fault;
  emit(bytes, offset, length);
  if ((meta.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) !== 0) writeU16(bytes, at, begun);
  return null;
}

function cut({ headers, piece }: Bench, bytes: Uint8Array, offset: number, gsoSize: number, emit: EmitPiece): void {
  const { flow } = headers;
  const headerLength = headers.payload - offset;
  const total = headers.end - headers.payload;
  const tcp = flow.protocol === IPPROTO_TCP;
  // From here on positions are those in the piece.
  const network = headers.network - offset;
  const transport = headers.transport - offset;
  const sumAt = headers.checksum - offset;
  flow.srcAt -= offset;
  piece.set(bytes.subarray(offset, headers.payload));
  const identification = u16At(piece, network + 4);
  const sequence = u32At(piece, transport + 4);
  const flags = piece[transport + 13] ?? 0;

  for (let done = 0, index = 0; index === 0 || done < total; done += gsoSize, index++) {
    const size = Math.min(gsoSize, total - done);
    const last = done + size === total;
    piece.set(bytes.subarray(headers.payload + done, headers.payload + done + size), headerLength);
    const end = headerLength + size;
    if (flow.version === 4) {
      writeU16(piece, network + 2, end - network);
      writeU16(piece, network + 4, (identification + index) & 0xffff);
      writeU16(piece, network + 10, 0);
      writeU16(piece, network + 10, checksum(piece, network, ((piece[network] ?? 0) & 0xf) * 4));
    } else {
      writeU16(piece, network + 4, end - network - IPV6_HEADER_SIZE);
    }
    if (tcp) {
      writeU32(piece, transport + 4, sequence + done);
      piece[transport + 13] = flags & ~(last ? 0 : TCP_FIN | TCP_PSH) & ~(index === 0 ? 0 : TCP_CWR);
    } else {
      writeU16(piece, transport + 4, end - transport);
    }
    writeU16(piece, sumAt, 0);
    const sum = addWords(piece, transport, end - transport, pseudoHeaderOf(piece, flow, end - transport));
    writeU16(piece, sumAt, finishTransport(sum));
    emit(piece, 0, end);
  }
}

function u32At(bytes: Uint8Array, offset: number): number {
  return u16At(bytes, offset) * 0x1_0000 + u16At(bytes, offset + 2);
}

function writeU32(bytes: Uint8Array, offset: number, value: number): void {
  writeU16(bytes, offset, value >>> 16);
  writeU16(bytes, offset + 2, value & 0xffff);
}
