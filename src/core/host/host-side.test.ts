import { beforeEach, describe, expect, it } from 'vitest';
import { EchoStation } from '../net/echo-station.ts';
import { JOIN, lab, type Lab, NEGOTIATED, PRESETS, PROMISC_OFF, PROMISC_ON } from './host-side.test-kit.ts';
import { verdictOf } from './verdict.ts';

let side: Lab;
beforeEach(() => (side = lab()));

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
    expect(seen.verdicts.map((code) => verdictOf(code)?.rule)).toEqual([
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

  it('over the MTU are dropped and counted as rx_drop_over_mtu, error and drop', () => {
    expect(side.inject('oversize').fate).toBe('rx_drop_over_mtu');
    expect(side.host.describe().kstats).toMatchObject({
      rx_drop_over_mtu: 1,
      rx_errors: 1,
      rx_drops: 1,
      rx_packets: 0,
    });
    side.host.ioctl('SET_MTU', 9000);
    expect(side.inject('oversize').fate).toBe('pending');
  });

  it('that find the channel full are dropped and counted', () => {
    side.fill(1);
    expect([side.inject('broadcast').fate, side.inject('broadcast').fate]).toEqual(['pending', 'channel_full']);
    expect(side.host.describe().kstats).toMatchObject({ rx_packets: 1, rx_drops: 1, rx_errors: 0 });
  });

  it('that are short reach the guest padded, counted with their padding', () => {
    side.inject('runt');
    expect(side.delivered[0]?.bytes).toHaveLength(60);
    expect([...side.delivered[0]!.bytes.slice(42)].every((byte) => byte === 0)).toBe(true);
    expect(side.host.describe().kstats).toMatchObject({ rx_pad_short: 1, rx_packets: 1, rx_bytes: 60 });
  });

  it('lose their tag on viona’s promiscuous path, and keep it without viona (NET-VLAN-01)', () => {
    side.host.rxEvent(NEGOTIATED);
    side.host.rxEvent(PROMISC_ON);
    side.inject('vlan-own-unicast');
    const tagged = PRESETS.get('vlan-own-unicast')!;
    expect([...side.delivered[0]!.bytes]).toEqual([...tagged.slice(0, 12), ...tagged.slice(16)]);
    side.host.setModel('exact');
    side.inject('vlan-own-unicast');
    expect(side.delivered[1]!.bytes).toEqual(tagged);
    side.inject('runt');
    expect(side.delivered[2]!.bytes).toEqual(PRESETS.get('runt'));
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
        acks: { 'propolis-before-1125': 'ERR', 'propolis-372a574': 'OK', exact: 'OK' },
        generation: answer.generation,
      },
    ]);
  });

  it('grow the generation when a filter changes, and only then', () => {
    const generations = [NEGOTIATED, NEGOTIATED, PROMISC_ON, PROMISC_ON, PROMISC_OFF].map(
      (event) => side.host.rxEvent(event).generation,
    );
    expect(generations).toEqual([1, 1, 2, 2, 3]);
  });

  it('are answered by the ruling model', () => {
    side.host.rxEvent(NEGOTIATED);
    side.host.setModel('propolis-before-1125');
    expect(side.host.rxEvent(PROMISC_ON)).toMatchObject({ ack: 'ERR', reason: expect.stringMatching(/knows no RX/) });
    side.host.setModel('propolis-372a574');
    expect(side.host.describe().level).toBe('ALL'); // its shadow has seen the command
  });
});

describe('the page’s hands', () => {
  it('opening announces model and link', () => {
    expect(side.events.map(({ type }) => type)).toEqual(['host-model', 'link']);
  });

  it('setModel announces offers and starts a new ioctl history', () => {
    side.host.rxEvent(NEGOTIATED);
    side.events.length = 0;
    side.host.setModel('exact');
    expect(side.events).toEqual([
      { type: 'host-model', model: 'exact', offers: '0x0000000000040000', generation: 2 },
      { type: 'link', model: 'exact', level: null, callbacks: null, generation: 2 },
    ]);
    expect(side.host.describe()).toMatchObject({ model: 'exact', level: null, callbacks: null, ioctls: [] });
    side.host.setModel('exact');
    expect(side.host.generation).toBe(2);
  });

  it('ioctl changes the link behind the VMM’s back, and says so', () => {
    const record = side.host.ioctl('VNA_IOC_SET_PROMISC', 'ALL');
    expect(record).toEqual({ name: 'VNA_IOC_SET_PROMISC', arg: 'ALL', errno: 0 });
    expect(side.events.slice(2)).toMatchObject([
      { type: 'ioctl', by: 'user', generation: 1 },
      { type: 'link', level: 'ALL' },
    ]);
    expect(side.inject('foreign-unicast').fate).toBe('pending');
    expect(side.host.ioctl('set_promisc', 3).errno).toBe('EINVAL');
    expect(side.host.ioctl('nonsense').errno).toBe('ENOTTY');
    expect(side.host.describe().ioctls.map(({ errno }) => errno)).toEqual([0, 'EINVAL', 'ENOTTY']);
    side.host.setModel('exact');
    expect(side.host.ioctl('set_promisc', 2).errno).toBe('ENXIO');
  });

  it('injectFault makes the next ioctl fail; the roll-back trap shows in the link event', () => {
    side.host.rxEvent(NEGOTIATED);
    side.host.rxEvent(JOIN);
    expect(side.host.injectFault('SET_PROMISC', 'ENOMEM')).toBeNull();
    expect(side.host.injectFault('SET_PROMISC', 'EWHAT')).toMatch(/choose one of/);
    side.events.length = 0;
    expect(side.host.rxEvent(PROMISC_ON)).toMatchObject({ ack: 'ERR', needsReset: false });
    expect(side.events).toMatchObject([
      { type: 'ioctl', arg: 'ALL', errno: 'ENOMEM' },
      { type: 'ioctl', arg: 'MULTI', errno: 0 },
      { type: 'link', level: 'MULTI', callbacks: { classified: 'viona_rx_classified', promisc: null } },
      { type: 'command-judged' },
    ]);
    expect(side.inject('all-hosts').fate).toBe('filtered');
  });

  it('keeps a bounded history of ioctls and says what it forgot', () => {
    for (let i = 0; i <= 512; i++) side.host.ioctl('VERSION');
    expect(side.host.describe().ioctls).toHaveLength(257);
    expect(side.events.filter(({ type }) => type === 'lost')).toEqual([
      { type: 'lost', what: 'ioctl history of the link', count: 256 },
    ]);
  });
});

describe('the guest sends', () => {
  const ping = (): number[] => {
    const arp = [0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 0x15, 10, 0, 2, 15, 0, 0, 0, 0, 0, 0, 10, 0, 2, 2];
    return [255, 255, 255, 255, 255, 255, 2, 0, 0, 0, 0, 0x15, 8, 6, ...arp];
  };

  it('and a station answers through the filter', () => {
    side.host.attach(new EchoStation());
    const bytes = Uint8Array.from(ping());
    side.host.transmit(bytes, 0, bytes.length);
    expect(side.delivered).toHaveLength(1);
    expect([...side.delivered[0]!.bytes.slice(0, 6)]).toEqual([2, 0, 0, 0, 0, 0x15]);
    expect(side.host.describe().kstats).toMatchObject({ tx_packets: 1, tx_bytes: 42, rx_packets: 1, rx_bytes: 60 });
  });

  it('and gets nothing of its own back (NO_TX_LOOP)', () => {
    side.host.ioctl('SET_PROMISC', 'ALL');
    const bytes = Uint8Array.from(ping());
    side.host.transmit(bytes, 0, bytes.length);
    expect(side.delivered).toEqual([]);
  });

  it('what is no frame is an error and a drop', () => {
    side.host.transmit(new Uint8Array(70000), 0, 13);
    side.host.transmit(new Uint8Array(70000), 0, 65536);
    expect(side.host.describe().kstats).toMatchObject({ tx_packets: 0, tx_errors: 2, tx_drops: 2 });
  });
});
