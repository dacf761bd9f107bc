import { beforeEach, describe, expect, it } from 'vitest';
import type { RxEvent } from './host-model.ts';
import { HOST_MODEL_IDS } from './host-model.ts';
import { JOIN, lab, type Lab, NEGOTIATED, PRESETS, PROMISC_OFF, PROMISC_ON } from './host-side.test-kit.ts';
import { verdictOf } from './verdict.ts';

let side: Lab;
beforeEach(() => (side = lab()));

/** Events of some types since the last call. */
function told(...types: readonly string[]): object[] {
  const events = side.events.filter(({ type }) => types.includes(type));
  side.events.length = 0;
  return events;
}

describe('frames', () => {
  it('carry even ids, one after the other, never 0', () => {
    expect([side.inject('broadcast'), side.inject('runt'), side.inject('broadcast')].map(({ id }) => id)).toEqual([
      2, 4, 6,
    ]);
    expect(side.delivered.map(({ id }) => id)).toEqual([2, 4, 6]);
    expect(side.host.restore({ ...side.host.snapshot(), nextId: 0xffff_fffe })).toBeNull();
    expect([side.inject('broadcast').id, side.inject('broadcast').id]).toEqual([0xffff_fffe, 2]);
  });

  it('carry the verdict of every model, in order, and the generation they were judged in', () => {
    side.host.rxEvent(NEGOTIATED);
    const { generation } = side.host.rxEvent(JOIN);
    const seen = side.inject('multicast-v4');
    expect(seen).toMatchObject({ generation, active: 1, fate: 'pending' });
    expect(seen.verdicts).toHaveLength(HOST_MODEL_IDS.length);
    expect(seen.verdicts.slice(0, 3).map((code) => verdictOf(code)?.rule)).toEqual([
      'promisc-multi',
      'promisc-multi',
      'multicast-table-miss',
    ]);
  });

  it('are dropped by the ruling model alone', () => {
    side.host.rxEvent(NEGOTIATED);
    expect(side.inject('all-hosts').fate).toBe('filtered');
    side.host.setModel('propolis-before-1125');
    expect(side.inject('all-hosts').fate).toBe('pending');
    side.host.setModel('exact');
    expect(side.inject('all-hosts').fate).toBe('filtered');
    expect(side.delivered).toHaveLength(1);
  });

  it('keep their tag without viona, and are not padded there (NET-VLAN-01)', () => {
    side.host.setModel('exact');
    side.inject('vlan-own-unicast');
    expect(side.delivered[0]!.bytes).toEqual(PRESETS.get('vlan-own-unicast'));
    side.inject('runt');
    expect(side.delivered[1]!.bytes).toEqual(PRESETS.get('runt'));
  });

  it('flush is the doorbell of the channel', () => {
    side.host.flush();
    expect(side.flushes()).toBe(1);
  });
});

describe('requests', () => {
  it('first the ioctls of the ruling model, then the link, then how all models judged the command', () => {
    side.host.rxEvent(NEGOTIATED);
    side.events.length = 0;
    const answer = side.host.rxEvent(PROMISC_ON);
    expect(answer).toEqual({ ack: 'OK', reason: null, needsReset: false, generation: side.host.generation });
    expect(side.events).toEqual([
      {
        type: 'ioctl',
        name: 'VNA_IOC_SET_PROMISC',
        arg: 'ALL',
        errno: 0,
        by: 'vmm',
        model: 'propolis-372a574',
        generation: answer.generation,
      },
      {
        type: 'link',
        model: 'propolis-372a574',
        level: 'ALL',
        callbacks: { classified: null, promisc: { kind: 'ALL', handler: 'viona_rx_classified' } },
        generation: answer.generation,
      },
      {
        type: 'command-judged',
        acks: expect.objectContaining({ 'propolis-before-1125': 'ERR', 'propolis-372a574': 'OK', exact: 'OK' }),
        generation: answer.generation,
      },
    ]);
    expect(Object.keys((side.events[2] as { acks: object }).acks)).toEqual([...HOST_MODEL_IDS]);
  });

  it('grow the generation when a filter changes, and only then', () => {
    const before = side.host.generation;
    const generations = [NEGOTIATED, PROMISC_ON, PROMISC_ON, PROMISC_OFF].map(
      (event) => side.host.rxEvent(event).generation - before,
    );
    expect(generations).toEqual([1, 2, 2, 3]);
  });

  it('are answered by the ruling model', () => {
    side.host.rxEvent(NEGOTIATED);
    side.host.setModel('propolis-before-1125');
    expect(side.host.rxEvent(PROMISC_ON)).toMatchObject({ ack: 'ERR', reason: expect.stringMatching(/\.$/) });
    side.host.setModel('propolis-372a574');
    expect(side.host.describe().level).toBe('ALL'); // its shadow has seen the command
  });

  it('set rings up and kick them, which the link shows', () => {
    const down = lab('propolis-372a574', { up: false });
    const states = (): string[] => down.host.describe().rings.map(({ state }) => state);
    expect(states()).toEqual(['RESET', 'RESET']);
    const queue = (to: 'enabled' | 'kicked'): RxEvent => ({ type: 'queue', queue: 0, to, size: 256 });
    down.host.rxEvent(queue('enabled'));
    expect(down.host.describe().rings[0]).toMatchObject({ role: 'rx', state: 'INIT', size: 256, inUse: true });
    down.host.rxEvent(queue('kicked'));
    expect(states()).toEqual(['RUN', 'RESET']);
    expect(down.host.describe().ioctls.map(({ name }) => name)).toEqual([
      'VNA_IOC_RING_INIT_MODERN',
      'VNA_IOC_RING_KICK',
    ]);
  });
});

describe('the page’s hands', () => {
  it('opening announces model and link', () => {
    expect(lab('propolis-372a574', { up: false }).events.map(({ type }) => type)).toEqual(['host-model', 'link']);
  });

  it('setModel announces offers and starts a new ioctl history', () => {
    side.host.rxEvent(NEGOTIATED);
    side.events.length = 0;
    const before = side.host.generation;
    side.host.setModel('exact');
    const generation = before + 1;
    expect(side.events).toEqual([
      { type: 'host-model', model: 'exact', offers: expect.stringMatching(/^0x[0-9a-f]{16}$/), generation },
      { type: 'link', model: 'exact', level: null, callbacks: null, generation },
    ]);
    expect(side.host.describe()).toMatchObject({ model: 'exact', level: null, version: null, rings: [], ioctls: [] });
    side.host.setModel('exact');
    expect(side.host.generation).toBe(generation);
  });

  it('ioctl changes the link behind the VMM’s back, and says so', () => {
    side.events.length = 0;
    const record = side.host.ioctl('VNA_IOC_SET_PROMISC', 'ALL');
    expect(record).toEqual({ name: 'VNA_IOC_SET_PROMISC', arg: 'ALL', errno: 0 });
    const { generation } = side.host;
    expect(side.events).toMatchObject([
      { type: 'ioctl', by: 'user', generation },
      { type: 'link', level: 'ALL', generation },
    ]);
    expect(side.inject('foreign-unicast').fate).toBe('pending');
    expect(side.host.ioctl('set_promisc', 3).errno).toBe('EINVAL');
    expect(side.host.ioctl('nonsense').errno).toBe('ENOTTY');
    expect(
      side.host
        .describe()
        .ioctls.slice(-3)
        .map(({ errno }) => errno),
    ).toEqual([0, 'EINVAL', 'ENOTTY']);
    side.host.setModel('exact');
    expect(side.host.ioctl('set_promisc', 2).errno).toBe('ENXIO');
  });

  it('ioctl takes structures as objects and as text', () => {
    side.host.ioctl('RING_RESET', 0);
    expect(
      side.host.ioctl('RING_INIT_MODERN', { index: 0, size: 128, desc: 4096, driver: 8192, device: 12288 }),
    ).toEqual(expect.objectContaining({ errno: 0 }));
    expect(side.host.ioctl('RING_SET_MSI', 'index=0 address=0xfee00000 message=1').errno).toBe(0);
    expect(side.host.describe().rings[0]).toMatchObject({ state: 'INIT', size: 128 });
    expect(side.host.ioctl('RING_GET_STATE', 0).value).toMatchObject({ size: 128, desc: 4096 });
  });

  it('deleting the link leaves nothing to receive, creating it again starts in MULTI', () => {
    side.host.ioctl('DELETE');
    expect(side.host.describe()).toMatchObject({ exists: false, address: null, rings: [] });
    expect(side.inject('own-unicast').fate).toBe('filtered');
    side.host.ioctl('CREATE', { linkid: 1, vmfd: 3 });
    expect(side.host.describe()).toMatchObject({ exists: true, level: 'MULTI', address: '02:00:00:00:00:15' });
  });

  it('fault makes the next ioctl fail; the roll-back trap shows in the link event', () => {
    side.host.rxEvent(NEGOTIATED);
    side.host.rxEvent(JOIN);
    side.events.length = 0;
    expect(side.host.fault({ kind: 'ioctl', name: 'SET_PROMISC', errno: 'ENOMEM' })).toBeNull();
    expect(side.host.fault({ kind: 'ioctl', name: 'SET_PROMISC', errno: 'EWHAT' })).toMatch(/choose one of/);
    const waiting = [{ kind: 'ioctl', name: 'VNA_IOC_SET_PROMISC', errno: 'ENOMEM' }];
    expect(side.events).toEqual([
      { type: 'faults', model: 'propolis-372a574', faults: waiting, generation: side.host.generation },
    ]);
    expect(side.host.describe().faults).toEqual(waiting);
    side.events.length = 0;
    expect(side.host.rxEvent(PROMISC_ON)).toMatchObject({ ack: 'ERR', needsReset: false });
    expect(side.events).toMatchObject([
      { type: 'ioctl', arg: 'ALL', errno: 'ENOMEM' },
      { type: 'ioctl', arg: 'MULTI', errno: 0 },
      { type: 'link', level: 'MULTI', callbacks: { classified: 'viona_rx_classified', promisc: null } },
      { type: 'faults', faults: [] },
      { type: 'command-judged' },
    ]);
    expect(side.inject('all-hosts').fate).toBe('filtered');
  });

  it('clearFaults takes back what was injected, all or one kind', () => {
    side.host.fault({ kind: 'ioctl', name: 'SET_PROMISC', errno: 'EIO' });
    side.host.fault({ kind: 'lease' });
    side.host.fault({ kind: 'ring-stall', ring: 1 });
    expect(told('faults')).toHaveLength(3);
    side.host.clearFaults('lease');
    expect(told('faults')).toMatchObject([{ faults: [{ kind: 'ioctl' }, { kind: 'ring-stall', ring: 1 }] }]);
    side.host.clearFaults();
    expect(told('faults')).toMatchObject([{ faults: [] }]);
    side.host.clearFaults();
    expect(told('faults')).toEqual([]);
    expect(side.host.ioctl('SET_PROMISC', 'ALL').errno).toBe(0);
  });

  it('faults belong to the model in force: a change of model tells of another set', () => {
    side.host.fault({ kind: 'lease' });
    side.events.length = 0;
    side.host.setModel('propolis-before-1125');
    expect(told('faults')).toMatchObject([{ model: 'propolis-before-1125', faults: [] }]);
    side.host.setModel('propolis-372a574');
    expect(told('faults')).toMatchObject([{ model: 'propolis-372a574', faults: [{ kind: 'lease' }] }]);
    side.host.setModel('exact');
    expect(side.host.fault({ kind: 'lease' })).toMatch(/\.$/);
  });

  it('setLinkKind opens every model’s link anew, on a VNIC: ALL brings no foreign unicast there', () => {
    side.host.ioctl('SET_PROMISC', 'ALL');
    side.host.setLinkKind('vnic');
    expect(side.host.describe()).toMatchObject({ kind: 'vnic', level: 'MULTI', ioctls: [] });
    side.host.ioctl('SET_PROMISC', 'ALL');
    const rule = verdictOf(side.inject('foreign-unicast').verdicts[1]!)!.rule;
    expect(rule).toBe('filtered-foreign');
    side.host.setLinkKind('physical');
    side.host.ioctl('SET_PROMISC', 'ALL');
    expect(verdictOf(side.inject('foreign-unicast').verdicts[1]!)!.rule).toBe('promisc-all');
    const { generation } = side.host;
    side.host.setLinkKind('physical');
    expect(side.host.generation).toBe(generation);
  });

  it('migrate moves the machine under every model, and says how it went', () => {
    side.host.rxEvent(NEGOTIATED);
    side.host.rxEvent(JOIN);
    side.events.length = 0;
    const answer = side.host.migrate();
    expect(answer).toMatchObject({ ack: 'OK', reason: null });
    const last = side.events.at(-1);
    expect(last).toMatchObject({ type: 'migrated', reason: null, generation: answer.generation });
    expect(Object.keys((last as { acks: object }).acks)).toEqual([...HOST_MODEL_IDS]);
    expect(side.events.some(({ type }) => type === 'ioctl')).toBe(true);
    expect(side.host.describe()).toMatchObject({ level: 'MULTI', rings: [{ state: 'RUN' }, { state: 'RUN' }] });
    expect(side.inject('own-unicast').fate).toBe('pending');
  });

  it('keeps a bounded history of ioctls and says what it forgot', () => {
    side = lab('propolis-372a574', { up: false });
    for (let i = 0; i <= 512; i++) side.host.ioctl('VERSION');
    expect(side.host.describe().ioctls).toHaveLength(257);
    expect(side.events.filter(({ type }) => type === 'lost')).toEqual([
      { type: 'lost', what: 'ioctl history of the link', count: 256 },
    ]);
  });
});
