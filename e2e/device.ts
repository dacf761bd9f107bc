/** Steps that the specs of the device share: a personality, and what the guest says of its interface. */
import type { PersonalityRequest } from '../src/core/virtio-net/personality-request.ts';
import { type FrameSummary, summarize } from '../src/core/trace/summary.ts';
import { expect } from './fixtures.ts';
import type { LabClient } from './lab-client.ts';

/** The device offers this from the next probe on, which is now. */
export async function offer(lab: LabClient, request: PersonalityRequest): Promise<void> {
  await lab.setPersonality(request);
  await lab.reprobe();
}

/** Feature bits in force, as Linux shows them: a string of 0 and 1, bit 0 first. */
export async function featuresInGuest(lab: LabClient): Promise<number[]> {
  const word = await lab.exec('cat /sys/class/net/eth0/device/features');
  return Array.from(word, (digit, bit) => (digit === '1' ? bit : -1)).filter((bit) => bit >= 0);
}

/** Succeeds if three pings of each size are answered. */
export async function expectTraffic(lab: LabClient): Promise<void> {
  await lab.exec('ip link set eth0 up');
  for (const size of [56, 1400]) {
    await lab.exec(`ping -n -q -c 3 -i 0.2 -w 20 -s ${size} 10.0.2.2`);
    await lab.exec(`ping -6 -n -q -c 3 -i 0.2 -w 20 -s ${size} fd00:0:0:2::2`);
  }
}

/** Lines of /proc/interrupts that belong to the device: name to count. */
export async function interrupts(lab: LabClient): Promise<Record<string, number>> {
  const lines = (await lab.exec("grep -E 'virtio[0-9]' /proc/interrupts")).split('\n');
  return Object.fromEntries(
    lines.map((line) => {
      const fields = line.trim().split(/\s+/);
      return [(fields.at(-1) ?? '').replace(/^virtio\d+-?/, '') || 'intx', Number(fields[1])] as const;
    }),
  );
}

/** A frame from the guest. */
export interface SentFrame {
  readonly summary: FrameSummary;
  /** virtio_net_hdr. */
  readonly flags: number;
  readonly gsoType: number;
  readonly wire: number;
}

/** Frames that the guest has sent since `from`. */
export async function sentSince(lab: LabClient, from: number): Promise<SentFrame[]> {
  const rows = await lab.evaluate(({ store: { frames, log } }, first) => {
    const found: { flags: number; gsoType: number; wire: number; bytes: number[] }[] = [];
    for (let number = Math.max(first, frames.first); number < frames.end; number++) {
      const row = frames.row(number);
      if (!row || row.toGuest) continue;
      const { flags, gsoType, wire, seq } = row;
      found.push({ flags, gsoType, wire, bytes: [...(log.captured(seq) ?? [])] });
    }
    return found;
  }, from);
  return rows.map(({ bytes, ...rest }) => ({ ...rest, summary: summarize(Uint8Array.from(bytes)) }));
}

export const framesSoFar = (lab: LabClient): Promise<number> => lab.evaluate(({ store }) => store.frames.end);

/** Control commands of that name since the last reset of the lab: their acks, oldest first. */
async function acks(lab: LabClient, name: string): Promise<string[]> {
  const events = await lab.trace({ type: 'control', since: lab.since });
  return events.flatMap(({ event }) => (event.type === 'control' && event.name === name ? [event.ack] : []));
}

export async function expectAck(lab: LabClient, name: string, ack: 'OK' | 'ERR'): Promise<void> {
  await expect.poll(async () => (await acks(lab, name)).at(-1)).toBe(ack);
}
