/** A machine with several queue pairs, and flows between two hosts. Constants declared again on purpose. */
import { newFrameMeta } from '../ring/frames.ts';
import { DeviceBench } from '../testing/device-bench.ts';
import type { FakeDriver } from '../testing/fake-driver.ts';
import { type IpEnds, ipFrame } from '../testing/ip-frames.ts';

const TCP = 6;
export const PAIRS = 4;

/** Flow `n` between two hosts, from the driver's side; `back` is what answers it. */
export const flow = (n: number): IpEnds => ({
  src: [10, 0, 0, 1],
  dst: [10, 0, 0, 2],
  protocol: TCP,
  srcPort: 1000 + n,
  dstPort: 80,
});
export const back = (n: number): Uint8Array =>
  ipFrame({ src: [10, 0, 0, 2], dst: [10, 0, 0, 1], protocol: TCP, srcPort: 80, dstPort: 1000 + n });

export interface Machine {
  readonly bench: DeviceBench;
  readonly driver: FakeDriver;
}

export function machine(offers: bigint, queuePairs = PAIRS): Machine {
  const bench = new DeviceBench({ offers, queuePairs, memorySize: 0x80_0000 });
  const driver = bench.driver();
  for (let pair = 0; pair < driver.pairs; pair++) driver.postReceive(50, 1526, { pair });
  return { bench, driver };
}

/** The answer to a command. */
export const ack = ({ driver }: Machine, message: Uint8Array): number => driver.ask(message, 1).bytes[0] ?? -1;

/** The pair on which a frame comes in, or null if it does not. */
export function arrival({ bench, driver }: Machine, frame: Uint8Array, named?: number): number | null {
  const meta = newFrameMeta();
  if (named !== undefined) meta.pair = named;
  bench.device.receive(2, frame, 0, frame.length, meta);
  bench.device.flush();
  const pairs = Array.from({ length: driver.pairs }, (_, pair) => (driver.collect(pair).length > 0 ? pair : -1));
  return pairs.find((pair) => pair >= 0) ?? null;
}
