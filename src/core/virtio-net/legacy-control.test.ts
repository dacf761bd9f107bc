/** What a legacy driver says to the control queue, and reads of it, in its own byte order: a PC's is little-endian. */
import { beforeEach, describe, expect, it } from 'vitest';
import { DeviceBench } from '../testing/device-bench.ts';
import type { FakeDriver, Framing } from '../testing/fake-driver.ts';

const bit = (...bits: number[]): bigint => bits.reduce((set, n) => set | (1n << BigInt(n)), 0n);
const [GUEST_CSUM, CTRL_GUEST_OFFLOADS, TSO4, TSO6] = [1, 2, 7, 8] as const;
const [CTRL_RX, CTRL_VLAN, MQ] = [18, 19, 22] as const;
const OK = 0;
const ERR = 1;

let bench: DeviceBench;
let driver: FakeDriver;

beforeEach(() => {
  const offers = bit(GUEST_CSUM, CTRL_GUEST_OFFLOADS, TSO4, TSO6, CTRL_RX, CTRL_VLAN, MQ);
  bench = new DeviceBench({ memorySize: 0x40_0000, offers, queuePairs: 5, transitional: true });
  driver = bench.driver({ transport: 'legacy' });
});

const asked = (): unknown[] => bench.hostEvents.flatMap((event) => (event.type === 'command' ? [event.command] : []));

describe.each<[string, Framing]>([
  ['as drivers framed it then, header and data apart', { split: [2] }],
  ['in one descriptor', {}],
  ['in a descriptor for each byte', { split: Array<number>(9).fill(1) }],
  ['in an indirect table', { split: [1, 1, 2], layout: 'indirect' }],
])('a command of a legacy driver, %s', (_name, framing) => {
  const command = (...bytes: number[]): Promise<number> => driver.command(Uint8Array.from(bytes), framing);

  it('LEG-18: the tables are counted in 32 bits', async () => {
    const mac = [2, 0, 0, 0, 0, 7];
    const many = Array.from({ length: 0x102 }, (_, i) => [1, 0, 0x5e, 0, i >> 8, i & 0xff]).flat();
    expect(await command(1, 0, 1, 0, 0, 0, ...mac, 2, 1, 0, 0, ...many)).toBe(OK);
    expect(asked()).toMatchObject([{ type: 'mac-table-set', unicast: [0x02_00_00_00_00_07] }]);
    expect(bench.device.describe().tables.multicast).toHaveLength(0x102);
    expect(await command(1, 0, 0, 0, 0, 1, ...mac, 0, 0, 0, 0)).toBe(ERR);
  });

  it('LEG-20: a VLAN id in 16 bits', async () => {
    expect(await command(2, 0, 0x02, 0x01)).toBe(OK);
    expect(await command(2, 0, 0x03, 0)).toBe(OK);
    expect(await command(2, 1, 0x03, 0)).toBe(OK);
    expect(asked()).toEqual([
      { type: 'vlan', action: 'add', vid: 0x102 },
      { type: 'vlan', action: 'add', vid: 3 },
      { type: 'vlan', action: 'del', vid: 3 },
    ]);
    expect(bench.device.describe().tables.vlans).toEqual([0x102]);
  });

  it('LEG-21: the number of pairs in 16 bits', async () => {
    expect(await command(4, 0, 2, 0)).toBe(OK);
    expect(await command(4, 0, 5, 0)).toBe(OK);
    expect(asked()).toEqual([
      { type: 'mq-pairs', pairs: 2 },
      { type: 'mq-pairs', pairs: 5 },
    ]);
    expect(await command(4, 0, 0, 2)).toBe(ERR);
    expect(bench.errors()).toEqual(['ctrl-bad-pairs']);
  });

  it('LEG-22: offloads in 64 bits', async () => {
    expect(await command(5, 0, 0b1000_0010, 0, 0, 0, 0, 0, 0, 0)).toBe(OK);
    expect(bench.device.describe().offloads).toEqual(['VIRTIO_NET_F_GUEST_CSUM', 'VIRTIO_NET_F_GUEST_TSO4']);
    expect(await command(5, 0, 0b0000_0010, 1, 0, 0, 0, 0, 0, 0)).toBe(OK);
    expect(bench.device.describe().offloads).toEqual(['VIRTIO_NET_F_GUEST_CSUM', 'VIRTIO_NET_F_GUEST_TSO6']);
    expect(await command(5, 0, 0, 0, 0, 0, 0, 0, 0, 0b1000_0010)).toBe(ERR);
  });
});

describe('the configuration of a legacy driver', () => {
  it('LEG-15: status and max_virtqueue_pairs in 16 bits', () => {
    expect([6, 7, 8, 9].map((offset) => driver.device.read(offset, 1))).toEqual([1, 0, 5, 0]);
    expect([6, 8].map((offset) => driver.device.read(offset, 2))).toEqual([1, 5]);
  });
});
