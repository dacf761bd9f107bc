/**
 * What holds whatever happens: over 100,000 random lives of a machine under all six models at once, and in
 * `properties-lab.test.ts` 2,000 of the whole lab. A life is a list of numbers, each an act of `properties.test-kit.ts`, so that lives are cheap.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { HostModelId } from '../host/host-model.ts';
import { HOST_MODEL_IDS } from '../host/host-model.ts';
import { knownLosses } from '../host/known-losses.ts';
import { judge } from '../host/verdict.ts';
import type { LinkKind, LinkState } from '../viona/link.ts';
import * as Kit from './properties.test-kit.ts';

/** Every run of the suite lives the same lives; another number lives others. */
const SEED = 1125;

const KINDS: readonly LinkKind[] = ['physical', 'physical', 'vnic'];
const COMMANDS_TWICE = [...Kit.COMMANDS, ...Kit.COMMANDS];

interface Life {
  readonly models: Kit.Models;
  /** Some of the frames, another part of them in each life. */
  readonly frames: readonly Kit.Frame[];
}

interface Lives {
  readonly runs: number;
  /** What may happen in them. */
  readonly acts: readonly Kit.Act[];
  /** Default: all six. */
  readonly ids?: readonly HostModelId[];
  /** In the middle of each life. */
  readonly halfway?: Kit.Act;
  /** The longest life. Default: 5 acts. */
  readonly most?: number;
}

/** Lives begin with a driver that comes. `end` is called at the end of each. */
function live({ runs, acts, ids, halfway, most = 5 }: Lives, end: (life: Life) => void): void {
  fc.assert(
    fc.property(fc.array(fc.nat(0xffff), { minLength: 2, maxLength: 2 + most }), ([first = 0, second = 0, ...rest]) => {
      const models = new Kit.Models(KINDS[first % KINDS.length] ?? 'physical', ids);
      pick(Kit.DRIVERS, second)(models);
      for (const [index, each] of rest.entries()) {
        if (index === rest.length >> 1) halfway?.(models);
        pick(acts, each)(models);
      }
      end({ models, frames: Kit.FRAMES.filter((_, index) => (index + first) % 3 === 0) });
    }),
    { numRuns: runs, seed: SEED },
  );
}

const pick = (acts: readonly Kit.Act[], number: number): Kit.Act => acts[number % acts.length] as Kit.Act;

/** When each known loss may happen: the sentence of its reason, as a condition on what went before. */
const CONDITIONS: Readonly<Record<string, (asked: Kit.Asked, frame: Kit.Frame, models: Kit.Models) => boolean>> = {
  'tagged-frames': (_asked, { vid }) => vid > 0,
  'rings-not-kicked': ({ features, before }) => (((features ?? 0n) | before) & Kit.MQ) !== 0n,
  'cannot-ask': ({ commands }) => commands.some(({ type }) => type === 'rx' || type === 'mac-table-set'),
  'no-extra-modes': ({ modes }) => modes.get('alluni') === true,
  'no-address-change': ({ own }) => own !== Kit.OWN,
  'vnic-filtered': (_asked, _frame, { kind }) => kind === 'vnic',
  'inherited-none': ({ features, before }) => ((features ?? 0n) & Kit.CTRL_RX) === 0n && (before & Kit.CTRL_RX) !== 0n,
  'failed-ioctl': (_asked, _frame, { meddled }) => meddled,
  'qemu-vlan-map': ({ features, before }, { vid }) =>
    vid >= 0 && ((features ?? 0n) & Kit.CTRL_VLAN) === 0n && (before & Kit.CTRL_VLAN) !== 0n,
  'qemu-takes-what-is-wrong': ({ commands }) => commands.some(Kit.isWrong),
};

function expectNoOtherLoss({ models, frames }: Life): void {
  for (const frame of frames) {
    const yardstick = models.decide('exact', frame);
    for (const id of HOST_MODEL_IDS) {
      const verdict = models.decide(id, frame);
      if (judge(verdict, yardstick) !== 'loss') continue;
      const reasons = knownLosses(id, verdict.rule).filter((loss) =>
        CONDITIONS[loss.id]?.(models.asked, frame, models),
      );
      if (reasons.length === 0) {
        expect.unreachable(`${id} drops ${JSON.stringify(frame)} by ${verdict.rule}, for no known reason`);
      }
    }
  }
}

function expectExactIsExact({ models, frames }: Life): void {
  for (const frame of frames) {
    const { accept, rule } = models.decide('exact', frame);
    if (accept !== Kit.isAskedFor(models.asked, frame.dst, frame.vid)) {
      expect.unreachable(`exact says ${rule} to ${JSON.stringify(frame)}`);
    }
  }
}

describe('NET-CTRLRX-18: over 100,000 lives, model by model', () => {
  it('exact never loses, and never leaks: 40,000 lives, against the words of the requests', () => {
    const acts = [...COMMANDS_TWICE, ...Kit.WRONG, ...Kit.LIFE, ...Kit.DRIVERS, ...Kit.MEDDLING];
    live({ runs: 40_000, acts, ids: ['exact'], most: 12 }, expectExactIsExact);
  });

  it('no model that widens loses what exact takes, but for what is listed: 24,000 lives of good drivers', () => {
    live({ runs: 24_000, acts: [...COMMANDS_TWICE, ...Kit.LIFE, ...Kit.DRIVERS] }, expectNoOtherLoss);
  });

  it('the same with many queues, and with drivers that send what they must not: 5,000 lives', () => {
    const acts = [...COMMANDS_TWICE, ...Kit.WRONG, ...Kit.LIFE, ...Kit.DRIVERS, ...Kit.MANY_QUEUES];
    live({ runs: 5_000, acts }, expectNoOtherLoss);
  });

  it('faults and ioctls by hand are felt by links alone: 8,000 lives', () => {
    const ids = ['exact', 'qemu', 'cloud-hypervisor'] as const;
    const acts = [...COMMANDS_TWICE, ...Kit.LIFE, ...Kit.DRIVERS, ...Kit.MEDDLING, ...Kit.MEDDLING];
    live({ runs: 8_000, acts, ids }, ({ models, frames }) => {
      expectExactIsExact({ models, frames });
      for (const frame of frames) {
        if (!models.decide('cloud-hypervisor', frame).accept) expect.unreachable('Cloud Hypervisor felt it');
        if (judge(models.decide('qemu', frame), models.decide('exact', frame)) !== 'loss') continue;
        if (!CONDITIONS['qemu-vlan-map']?.(models.asked, frame, models)) expect.unreachable('QEMU felt it');
      }
    });
  });

  it('a state that went through JSON goes on as the one that did not: 5,000 lives', () => {
    const acts = [...COMMANDS_TWICE, ...Kit.WRONG, ...Kit.LIFE, ...Kit.DRIVERS, ...Kit.MANY_QUEUES, ...Kit.MEDDLING];
    fc.assert(
      fc.property(fc.array(fc.nat(0xffff), { minLength: 2, maxLength: 7 }), (numbers) => {
        const [first = 0, second = 0, ...rest] = numbers;
        const kind = KINDS[first % KINDS.length] ?? 'physical';
        const [stays, moves] = [new Kit.Models(kind), new Kit.Models(kind)];
        for (const [index, each] of [second, ...rest].entries()) {
          const act = index === 0 ? pick(Kit.DRIVERS, each) : pick(acts, each);
          act(stays);
          act(moves);
          if (moves.acks.join() !== stays.acks.join()) expect.unreachable('another answer');
          if (index % 2 === first % 2) moves.roundTrip();
        }
        for (const frame of Kit.FRAMES.filter((_, index) => (index + first) % 4 === 0)) {
          for (const id of HOST_MODEL_IDS) {
            const [a, b] = [stays.decide(id, frame), moves.decide(id, frame)];
            if (a !== b) expect.unreachable(`${id}: ${a.rule} has become ${b.rule}`);
          }
        }
      }),
      { numRuns: 5_000, seed: SEED },
    );
  });
});

/**
 * How often MAC hands a frame to the guest through that link: each registered callback that it comes to, and
 * that does not throw it away. From the table of callbacks, frame by frame.
 */
function deliveries({ callbacks, filters, unicast, config }: LinkState, { dst, vid }: Kit.Frame): number {
  const group = Kit.isGroup(dst);
  const broadcast = dst === Kit.BROADCAST;
  const fits = vid <= 0;
  const joined = group && !broadcast && filters.includes(dst);
  const { classified, promisc } = callbacks;
  let times = 0;
  if (classified !== null && fits && (dst === unicast || broadcast || joined)) {
    // In MULTI the callback for multicast delivers a group, so version 7 throws the classified copy away.
    if (!(joined && promisc?.kind === 'MULTI')) times++;
  }
  if (promisc?.kind === 'MULTI' && group && !broadcast && fits) times++;
  if (promisc?.kind === 'ALL' && (config.kind !== 'vnic' || (fits && (group || dst === unicast)))) times++;
  return times;
}

describe('version 7: what MAC delivers is conserved', () => {
  const id: HostModelId = 'propolis-v7';
  const quiet = [...COMMANDS_TWICE, ...Kit.LIFE, ...Kit.DRIVERS];

  /** Tables that Propolis has in force: the driver's last good one, of which the link holds up to 64. */
  const isListed = ({ listed }: Kit.Asked, dst: number): boolean => listed.includes(dst);

  const check = ({ models, frames }: Life, settled: boolean): void => {
    const link = models.link(id);
    if (link === null) throw new Error('version 7 has a link');
    for (const frame of frames) {
      if (frame.vid > 0) continue;
      const { cost, rule } = models.decide(id, frame);
      const times = deliveries(link, frame);
      const what = `${rule}, ${times} times, ${JSON.stringify(frame)} at ${link.level}`;
      if (cost.delivered !== times) expect.unreachable(`MAC delivers otherwise: ${what}`);
      const { looked, copied, delivered, discarded } = cost;
      if (looked > 0 && 1 + copied !== delivered + discarded) expect.unreachable(`not conserved: ${what}`);
      if (looked === 0 && copied + delivered + discarded > 0) expect.unreachable(`out of nothing: ${what}`);
      if (times > 1) expect.unreachable(`twice: ${what}`);
      const { dst } = frame;
      const always = dst === Kit.OWN || dst === Kit.BROADCAST;
      const listed = Kit.isGroup(dst) && isListed(models.asked, dst);
      const every = settled && link.level === 'MULTI' && Kit.isGroup(dst);
      if ((always || listed || every) && times !== 1) expect.unreachable(`not once: ${what}`);
    }
    if (settled && link.level === 'NONE') {
      for (const { dst } of frames) {
        const wanted = dst === Kit.OWN || dst === Kit.BROADCAST || isListed(models.asked, dst);
        const times = deliveries(link, { dst, vid: -1, flow: 0 });
        if (times !== (wanted ? 1 : 0)) expect.unreachable(`${times} times under NONE: ${dst.toString(16)}`);
      }
    }
  };

  it('own unicast and broadcast once in every settled state, listed groups under NONE, all under MULTI: 14,000 lives', () => {
    live({ runs: 14_000, acts: quiet, ids: [id], most: 9 }, (life) => {
      check(life, true);
    });
  });

  it('filters that MAC refuses cost nothing that was asked for: MULTI stands in, 6,000 lives', () => {
    const halfway: Kit.Act = (models) => {
      models.fault({ kind: 'ioctl', name: 'SET_MAC_FILTERS', errno: 'VMF_ERR_INSTALL' });
      models.fault({ kind: 'ioctl', name: 'SET_MAC_FILTERS', errno: 'VMF_ERR_INSTALL' });
    };
    live({ runs: 6_000, acts: quiet, ids: [id], halfway }, (life) => {
      check(life, false);
    });
  });
});
