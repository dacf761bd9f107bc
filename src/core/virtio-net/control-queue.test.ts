import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { HostAnswer, RxEvent } from '../host/host-model.ts';
import { coalesceQueueGet, coalesceSet, macTableSet, pairsSet, rxModeCommand, vlan } from '../testing/command-bytes.ts';
import { DeviceBench, HOST_OK } from '../testing/device-bench.ts';
import { CTRL, TX } from '../testing/fake-driver.ts';
import type { ChainLayout } from '../testing/fake-ring.ts';

const OK = 0;
const ERR = 1;
const NEEDS_RESET = 64;
const CTRL_RX = 1n << 18n;
const CTRL_RX_EXTRA = 1n << 20n;
const MQ = 1n << 22n;
const VQ_NOTF_COAL = 1n << 52n;
const NOTF_COAL = 1n << 53n;
const UNICAST = '02:00:00:00:00:05';
const MULTICAST = '01:00:5e:00:00:01';

/** A host that answers commands only when told to, and everything else at once. */
function slowHost(): {
  answer: (event: RxEvent) => HostAnswer | Promise<HostAnswer>;
  pending: { event: RxEvent; resolve: (answer: HostAnswer) => void; reject: (error: Error) => void }[];
} {
  const pending: ReturnType<typeof slowHost>['pending'] = [];
  return {
    pending,
    answer: (event) =>
      event.type === 'command' ? new Promise((resolve, reject) => pending.push({ event, resolve, reject })) : HOST_OK,
  };
}

const turn = async (): Promise<void> => {
  for (let i = 0; i < 5; i++) await Promise.resolve();
};

describe('control queue', () => {
  it('SPLIT-FRAME-01: any cut of a message means the same', async () => {
    const message = macTableSet([UNICAST, '02:00:00:00:00:06'], [MULTICAST]);
    const layouts: fc.Arbitrary<ChainLayout> = fc.oneof(
      fc.constantFrom<ChainLayout>('direct', 'indirect'),
      fc.record({ direct: fc.nat(6) }),
    );
    const cuts = fc.array(fc.nat(message.length), { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(cuts, layouts, fc.nat(), async (split, layout, seed) => {
        const bench = new DeviceBench({ memorySize: 0x1_0000 });
        const driver = bench.driver({ seed });
        expect(await driver.command(message, { split, layout })).toBe(OK);
        expect(bench.device.describe().tables).toEqual({
          unicast: [UNICAST, '02:00:00:00:00:06'],
          multicast: [MULTICAST],
          vlans: [],
        });
        expect(bench.errors()).toEqual([]);
      }),
      { numRuns: 60 },
    );
  });

  it('header, data and ack may share a buffer cut at every byte', async () => {
    const message = macTableSet([UNICAST], [MULTICAST]);
    const bench = new DeviceBench();
    const driver = bench.driver();
    const split = Array<number>(message.length).fill(1);
    expect(await driver.command(message, { split })).toBe(OK);
    expect(bench.device.describe().tables.unicast).toEqual([UNICAST]);
  });

  it('NET-CTRLRX-01, NET-CTRLRX-04: modes are kept as the host acknowledged them', async () => {
    const bench = new DeviceBench();
    const driver = bench.driver();
    await driver.command(rxModeCommand(0, 1));
    await driver.command(rxModeCommand(1, 0));
    expect(bench.device.describe().rxMode).toMatchObject({ promisc: true, allmulti: false, nouni: null });
    expect(bench.eventsOf('control')).toMatchObject([
      { class: 0, command: 0, name: 'VIRTIO_NET_CTRL_RX_PROMISC', data: '1', ack: 'OK', reason: null },
      { name: 'VIRTIO_NET_CTRL_RX_ALLMULTI', data: '0', ack: 'OK' },
    ]);
    expect(bench.eventsOf('control').every(({ elapsed }) => elapsed > 0)).toBe(true);
    expect(bench.device.describe().counters).toMatchObject({ ctrl_ok: 2, ctrl_err: 0 });
  });

  it('a command takes the time from being taken to being answered', async () => {
    const bench = new DeviceBench();
    const driver = bench.driver();
    bench.time = 1e12;
    await driver.command(rxModeCommand(0, 1));
    expect(bench.eventsOf('control')[0]?.elapsed).toBeLessThan(1e6);
  });

  it('a command the host refuses changes nothing', async () => {
    const refuse: HostAnswer = { ack: 'ERR', reason: 'EINVAL', needsReset: false, generation: 4 };
    const bench = new DeviceBench({ host: (event) => (event.type === 'command' ? refuse : HOST_OK) });
    const driver = bench.driver();
    const states = bench.eventsOf('filter-state').length;
    expect(await driver.command(rxModeCommand(0, 1))).toBe(ERR);
    expect(bench.device.describe().rxMode.promisc).toBeNull();
    expect(bench.eventsOf('filter-state')).toHaveLength(states);
    expect(bench.eventsOf('control')).toMatchObject([{ ack: 'ERR', reason: 'EINVAL' }]);
    expect(bench.device.describe().counters).toMatchObject({ ctrl_ok: 0, ctrl_err: 1 });
  });

  it.each([
    ['ctrl-malformed', Uint8Array.of(0)],
    ['ctrl-unknown', Uint8Array.of(77, 0)],
    ['ctrl-not-negotiated', Uint8Array.of(1, 1, 2, 0, 0, 0, 0, 1)],
  ])('%s: ERR without asking the host', async (code, message) => {
    const bench = new DeviceBench();
    const driver = bench.driver();
    expect(await driver.command(message)).toBe(ERR);
    expect(bench.errors()).toEqual([code]);
    expect(bench.hostEvents.some(({ type }) => type === 'command')).toBe(false);
    expect(bench.eventsOf('control')[0]?.reason).toMatch(/\.$/);
  });

  it('ctrl-not-negotiated: RX commands without CTRL_RX', async () => {
    const bench = new DeviceBench({ offers: 0n });
    const driver = bench.driver();
    expect(driver.features & (1n << 18n)).toBe(0n);
    expect(await driver.command(rxModeCommand(0, 1))).toBe(ERR);
    expect(bench.errors()).toEqual(['ctrl-not-negotiated']);
  });

  it('ctrl-malformed: a command longer than the device takes', async () => {
    const bench = new DeviceBench({ memorySize: 0x40_0000 });
    const driver = bench.driver();
    expect(await driver.command(new Uint8Array(70_000))).toBe(ERR);
    expect(bench.errors()).toEqual(['ctrl-malformed']);
    expect(bench.eventsOf('control')).toMatchObject([{ class: -1, command: -1, name: 'oversized' }]);
  });

  it('the longest command that the device takes: 10,921 addresses', async () => {
    const bench = new DeviceBench({ memorySize: 0x40_0000 });
    const driver = bench.driver();
    const message = macTableSet(Array<string>(10_920).fill(UNICAST), [MULTICAST]);
    expect(message).toHaveLength(65_536);
    expect(await driver.command(message)).toBe(OK);
    expect(bench.device.describe().tables.multicast).toEqual([MULTICAST]);
  });

  it('ctrl-no-ack-space: the buffer comes back with length 0 and the queue goes on', async () => {
    const bench = new DeviceBench();
    const driver = bench.driver();
    driver.ring(CTRL).add(driver.buffers.place(rxModeCommand(0, 1), false));
    driver.kick(CTRL);
    expect(driver.ring(CTRL).poll()?.length).toBe(0);
    expect(bench.errors()).toEqual(['ctrl-no-ack-space']);
    expect(bench.device.describe().rxMode.promisc).toBeNull();
    expect(bench.device.describe().counters).toMatchObject({ ctrl_ok: 0, ctrl_err: 1 });
    expect(await driver.command(rxModeCommand(0, 1))).toBe(OK);
  });

  it('SPLIT-USED-02: the used length is 1, the ack byte, and only that is written', () => {
    const bench = new DeviceBench();
    const driver = bench.driver();
    const ackBytes = [
      { addr: driver.heap.allocate(1), length: 1, write: true },
      { addr: driver.heap.allocate(7), length: 7, write: true },
    ];
    for (const { addr, length } of ackBytes) bench.memory.bytes.fill(0xaa, addr, addr + length);
    driver.ring(CTRL).add([...driver.buffers.place(rxModeCommand(0, 1), false), ...ackBytes]);
    driver.kick(CTRL);
    expect(driver.ring(CTRL).poll()?.length).toBe(1);
    expect([...driver.buffers.read(ackBytes, 8)]).toEqual([0, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa]);
  });

  it('what cannot be done does not hold up the commands behind it', () => {
    const bench = new DeviceBench({ offers: NOTF_COAL | VQ_NOTF_COAL | CTRL_RX | MQ });
    const driver = bench.driver();
    driver.ring(CTRL).add(driver.buffers.place(rxModeCommand(0, 1), false));
    const messages = [
      Uint8Array.of(77, 0),
      coalesceQueueGet(9),
      macTableSet([], []),
      vlan('add', 1),
      pairsSet(99),
      rxModeCommand(0, 1),
    ];
    const sent = messages.map((message) => driver.queueCommand(message));
    driver.kick(CTRL);
    expect(sent.map((command) => driver.ackNow(command))).toEqual([ERR, ERR, OK, ERR, ERR, OK]);
    expect(bench.device.describe().rxMode.promisc).toBe(true);
  });

  it('a ring that cannot be read breaks the device, which says so once', () => {
    const bench = new DeviceBench();
    const driver = bench.driver();
    const ring = driver.splitRing(CTRL);
    bench.memory.write(ring.avail + 2, Uint8Array.of(0xff, 0xff), 0, 2);
    driver.kick(CTRL);
    driver.kick(CTRL);
    expect(bench.eventsOf('guest-error')).toMatchObject([{ code: 'avail-index-jump', queue: CTRL }]);
    expect(driver.status & NEEDS_RESET).toBe(NEEDS_RESET);
  });

  it('SPLIT-USED-02: only VQ_GET has a reply in front of its ack', () => {
    const bench = new DeviceBench({ offers: NOTF_COAL | VQ_NOTF_COAL | CTRL_RX | CTRL_RX_EXTRA });
    const driver = bench.driver();
    expect(driver.ask(coalesceQueueGet(0), 9)).toMatchObject({ used: 9 });
    const answers: [Uint8Array, number][] = [
      [rxModeCommand(3, 1), OK], // RX_NOMULTI: command 3, of another class
      [coalesceSet('rx', 1, 1), OK], // NOTF_COAL, another command
      [Uint8Array.of(6), ERR], // cut off before the command; that of the last message was VQ_GET
      [new Uint8Array(0), ERR],
    ];
    for (const [message, ack] of answers) {
      driver.ask(coalesceQueueGet(0), 9);
      const { bytes, used } = driver.ask(message, 9);
      expect([bytes[0], bytes[8], used]).toEqual([ack, 0xaa, 1]);
    }
    const { bytes, used } = driver.ask(coalesceQueueGet(9), 9);
    expect([...bytes, used]).toEqual([0, 0, 0, 0, 0, 0, 0, 0, ERR, 9]);
    driver.ask(coalesceQueueGet(0), 8);
    expect(bench.eventsOf('control').at(-1)?.reason).toBe('The reply needs 9 writable bytes, there are 8.');
  });

  it('one kick serves every command, in order, each with its interrupt', () => {
    const bench = new DeviceBench();
    const driver = bench.driver();
    const sent = [0, 1, 0].map((value) => driver.queueCommand(rxModeCommand(0, value)));
    driver.kick(CTRL);
    expect(sent.map((command) => driver.ackNow(command))).toEqual([OK, OK, OK]);
    expect(bench.hostEvents.filter(({ type }) => type === 'command').map((event) => commandValue(event))).toEqual([
      0, 1, 0,
    ]);
  });
});

describe('control queue with a host in another thread', () => {
  it('NET-MAC-02: the table is in force before the buffer is returned', async () => {
    const host = slowHost();
    const bench = new DeviceBench({ host: host.answer });
    const driver = bench.driver();
    const sent = driver.sendCommand(macTableSet([UNICAST], []));
    await turn();
    expect(driver.ackNow(sent)).toBeNull();
    expect(bench.device.describe().tables.unicast).toEqual([]);
    const inForceAtInterrupt: string[][] = [];
    bench.onInterrupt = () => inForceAtInterrupt.push([...bench.device.describe().tables.unicast]);
    host.pending[0]?.resolve({ ...HOST_OK, generation: 9 });
    await turn();
    expect(inForceAtInterrupt).toEqual([[UNICAST]]);
    expect(driver.ackNow(sent)).toBe(OK);
    expect(bench.eventsOf('filter-state').at(-1)).toMatchObject({
      generation: 9,
      tables: { unicast: [0x0200_0000_0005] },
    });
  });

  it('one at a time: the next command is taken when the last was answered', async () => {
    const host = slowHost();
    const bench = new DeviceBench({ host: host.answer });
    const driver = bench.driver();
    const first = driver.sendCommand(rxModeCommand(0, 1));
    const second = driver.sendCommand(rxModeCommand(0, 0));
    await turn();
    expect(host.pending).toHaveLength(1);
    host.pending[0]?.resolve(HOST_OK);
    await turn();
    expect(driver.ackNow(first)).toBe(OK);
    expect(driver.ackNow(second)).toBeNull();
    expect(host.pending).toHaveLength(2);
    host.pending[1]?.resolve({ ...HOST_OK, ack: 'ERR', reason: 'no' });
    await turn();
    expect(driver.ackNow(second)).toBe(ERR);
    expect(bench.device.describe().rxMode.promisc).toBe(true);
  });

  it('of several made available together, the second waits for the answer to the first', async () => {
    const host = slowHost();
    const bench = new DeviceBench({ host: host.answer });
    const driver = bench.driver();
    const sent = [1, 0].map((value) => driver.queueCommand(rxModeCommand(0, value)));
    driver.kick(CTRL);
    await turn();
    expect(host.pending).toHaveLength(1);
    host.pending[0]?.resolve({ ...HOST_OK, ack: 'ERR', reason: 'The ioctl failed.', needsReset: true });
    await turn();
    expect(sent.map((command) => driver.ackNow(command))).toEqual([ERR, null]);
    expect(host.pending).toHaveLength(1);
  });

  it('VQ and frames go on while a command waits', async () => {
    const host = slowHost();
    const bench = new DeviceBench({ host: host.answer });
    const driver = bench.driver();
    driver.sendCommand(rxModeCommand(0, 1));
    driver.postReceive(1);
    bench.receive(2, new Uint8Array(60));
    bench.device.flush();
    driver.transmit(new Uint8Array(60));
    await turn();
    expect(driver.collect()).toHaveLength(1);
    expect(bench.sent).toHaveLength(1);
  });

  it.each(['driver', 'machine'] as const)('an answer after a %s reset is dropped', async (kind) => {
    const host = slowHost();
    const bench = new DeviceBench({ host: host.answer });
    const driver = bench.driver();
    driver.sendCommand(rxModeCommand(0, 1));
    await turn();
    if (kind === 'driver') driver.reset();
    else bench.device.machineReset();
    driver.initialise();
    const memory = bench.memory.bytes.slice();
    host.pending[0]?.resolve(HOST_OK);
    await turn();
    expect(Buffer.compare(bench.memory.bytes, memory)).toBe(0);
    expect(bench.device.describe().rxMode.promisc).toBeNull();
    expect(bench.eventsOf('control')).toEqual([]);
    const next = driver.sendCommand(rxModeCommand(1, 1));
    host.pending[1]?.resolve(HOST_OK);
    expect(await driver.ack(next)).toBe(OK);
    expect(bench.device.describe().rxMode).toMatchObject({ promisc: null, allmulti: true });
  });

  it('a host that fails is an ERR, not a driver that waits for ever', async () => {
    const host = slowHost();
    const bench = new DeviceBench({ host: host.answer });
    const driver = bench.driver();
    const sent = driver.sendCommand(rxModeCommand(0, 1));
    host.pending[0]?.reject(new Error('port closed'));
    expect(await driver.ack(sent)).toBe(ERR);
    expect(bench.eventsOf('control')[0]?.reason).toBe('The host did not answer.');
  });

  it('BASE-STATUS-03: a host that gives up raises NEEDS_RESET behind its answer', async () => {
    const giveUp: HostAnswer = { ack: 'ERR', reason: 'The ioctl failed.', needsReset: true, generation: 1 };
    const bench = new DeviceBench({ host: (event) => Promise.resolve(event.type === 'command' ? giveUp : HOST_OK) });
    const driver = bench.driver();
    expect(await driver.command(rxModeCommand(0, 1))).toBe(ERR);
    expect(driver.status & NEEDS_RESET).toBe(NEEDS_RESET);
    expect(bench.eventsOf('needs-reset')).toEqual([{ type: 'needs-reset', reason: 'The ioctl failed.' }]);
    driver.transmit(new Uint8Array(60));
    expect(driver.ring(TX).poll()).toBeNull();
  });
});

it('commands behind the one that broke the device are left alone', () => {
  const giveUp: HostAnswer = { ack: 'ERR', reason: 'The ioctl failed.', needsReset: true, generation: 1 };
  const bench = new DeviceBench({ host: (event) => (event.type === 'command' ? giveUp : HOST_OK) });
  const driver = bench.driver();
  const sent = [1, 0].map((value) => driver.queueCommand(rxModeCommand(0, value)));
  driver.kick(CTRL);
  expect(sent.map((command) => driver.ackNow(command))).toEqual([ERR, null]);
});

describe('what the host is told', () => {
  it('negotiated at FEATURES_OK, reset with its kind', () => {
    const bench = new DeviceBench();
    const driver = bench.driver();
    driver.reset();
    bench.device.machineReset();
    expect(bench.hostEvents.filter(({ type }) => type !== 'queue')).toEqual([
      { type: 'reset', kind: 'driver' },
      { type: 'negotiated', features: 0x1_1007_0028n },
      { type: 'reset', kind: 'driver' },
      { type: 'reset', kind: 'machine' },
    ]);
  });

  it('an answer of before a reset is not heard any more, whatever it says', async () => {
    const late: { type: RxEvent['type']; resolve: (answer: HostAnswer) => void }[] = [];
    const bench = new DeviceBench({ host: ({ type }) => new Promise((resolve) => late.push({ type, resolve })) });
    const driver = bench.driver();
    const before = late.splice(0);
    expect(before.map(({ type }) => type)).toContain('negotiated');
    driver.reset();
    for (const { resolve } of before) resolve({ ...HOST_OK, needsReset: true });
    await turn();
    expect(driver.status).toBe(0);
    expect(bench.eventsOf('filter-state')).toEqual([]);
    for (const { resolve } of late.splice(0)) resolve({ ...HOST_OK, generation: 5 });
    await turn();
    expect(bench.eventsOf('filter-state')).toMatchObject([{ generation: 5 }]);
  });

  it('NET-MAC-01: the table is empty after reset, and the modes are unset', async () => {
    const bench = new DeviceBench();
    const driver = bench.driver();
    await driver.command(macTableSet([UNICAST], [MULTICAST]));
    await driver.command(rxModeCommand(0, 1));
    driver.reset();
    expect(bench.device.describe()).toMatchObject({
      tables: { unicast: [], multicast: [] },
      rxMode: { promisc: null },
    });
    expect(bench.eventsOf('filter-state').at(-1)).toMatchObject({ tables: { unicast: [], multicast: [] } });
  });
});

function commandValue(event: RxEvent): number {
  return event.type === 'command' && event.command.type === 'rx' ? event.command.value : -1;
}
