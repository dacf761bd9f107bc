/** Parsers against what the guest's own programs printed, kept in `captured/`. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { iperfCommand, parseIperf } from './iperf3.ts';
import { parsePing, pingCommand } from './ping.ts';
import { parsePktgen, pktgenCommand } from './pktgen.ts';

const captured = (name: string): string => readFileSync(new URL(`captured/${name}`, import.meta.url), 'utf8');

describe('pktgen', () => {
  it('reads the result of a run', () => {
    const result = parsePktgen(captured('pktgen.txt'));
    expect(result).toMatchObject({ packets: 1000, microseconds: 582_479, size: 58 });
    // pktgen itself rounds down to 1716.
    expect(Math.floor(result.packetsPerSecond)).toBe(1716);
  });

  it('does not take a refused setting for a result', () => {
    expect(() => parsePktgen(captured('pktgen-refused.txt'))).toThrow('No such parameter "nonsense"');
  });

  it('is told everything that another run may have changed', () => {
    const lines = pktgenCommand({ device: 'eth0', size: 60, count: 5, dst: '10.0.2.2', dstMac: '02:00:00:00:00:02' });
    for (const setting of ['count 5', 'pkt_size 60', 'burst 1', 'clone_skb 0', 'delay 0', 'xmit_mode start_xmit']) {
      expect(lines).toContain(`set_to eth0 "${setting}"`);
    }
    const run = { device: 'dummy0', size: 60, count: 5, dst: '10.0.2.2', dstMac: '02:00:00:00:00:02' };
    const upwards = pktgenCommand({ ...run, mode: 'netif_receive', burst: 8 });
    expect(upwards).toContain('set_to dummy0 "xmit_mode netif_receive"');
    expect(upwards).toContain('set_to dummy0 "burst 8"');
  });
});

describe('ping', () => {
  it('reads each round trip', () => {
    expect(parsePing(captured('ping.txt'))).toEqual({ sent: 3, received: 3, times: [0.758, 0.75, 0.687] });
  });

  it('reads that nobody answered', () => {
    expect(parsePing(captured('ping-unanswered.txt'))).toEqual({ sent: 2, received: 0, times: [] });
  });

  it('says what it was given instead', () => {
    expect(() => parsePing('ping: connect: Network is unreachable')).toThrow('Network is unreachable');
  });

  it('prints each reply, by number', () => {
    expect(pingCommand('10.0.2.16', 100)).toMatch(/^ping -n -c 100 .*10\.0\.2\.16 > /);
    expect(pingCommand('10.0.2.16', 100)).not.toContain('-q');
  });
});

describe('iperf3', () => {
  it('reads what arrived over TCP', () => {
    const { received, lostPercent } = parseIperf(captured('iperf3-tcp.txt'));
    const { end } = JSON.parse(captured('iperf3-tcp.txt')) as { end: { sum_received: { bits_per_second: number } } };
    expect(received).toBeCloseTo(end.sum_received.bits_per_second / 1e6, 9);
    expect(received).toBeGreaterThan(0);
    expect(lostPercent).toBe(0);
  });

  it('reads what arrived over UDP, not what was sent', () => {
    expect(parseIperf(captured('iperf3-udp.txt')).received).toBeCloseTo(0.774_540_564_8, 9);
  });

  it('reads how much was lost', () => {
    const text = captured('iperf3-udp.txt').replaceAll('"lost_percent":\t0,', '"lost_percent":\t12.5,');
    expect(parseIperf(text).lostPercent).toBe(12.5);
  });

  it('throws with its words', () => {
    expect(() => parseIperf(captured('iperf3-refused.txt'))).toThrow(
      'iperf3: unable to connect to server: Connection refused',
    );
    expect(() => parseIperf('sh: iperf3: not found')).toThrow('sh: iperf3: not found');
    expect(() => parseIperf('{}')).toThrow('no sums');
  });

  it('sends as fast as it can', () => {
    expect(iperfCommand('10.0.2.16', 'tcp', 2)).toBe('iperf3 -J -c 10.0.2.16 -t 2');
    expect(iperfCommand('10.0.2.16', 'udp', 2)).toBe('iperf3 -J -c 10.0.2.16 -t 2 -u -b 0 -l 1400');
  });
});
