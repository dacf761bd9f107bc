import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LinkConfig } from '../viona/link.ts';
import type { HostModelId } from './host-model.ts';
import { KNOWN_LOSSES, knownLosses } from './known-losses.ts';
import { HOST_MODELS, type hostModel } from './models.ts';
import { commandOf, commandsOf, frames, isGroup, type Session, session } from './drivers.test-kit.ts';
import {
  address,
  after,
  afterOn,
  BROADCAST,
  CONFIG,
  CTRL_MAC_ADDR,
  CTRL_RX,
  CTRL_RX_EXTRA,
  CTRL_VLAN,
  CTRL_VQ,
  DRIVER_RESET,
  FOREIGN,
  frame,
  from,
  JOINED,
  MQ,
  negotiated,
  OWN,
  queue,
  rx,
  type Step,
  tables,
  take,
  VERSION_1,
  withFaults,
} from './models.test-kit.ts';
import { judge } from './verdict.ts';

const VNIC: LinkConfig = { ...CONFIG, kind: 'vnic' };
interface Case {
  readonly config: LinkConfig;
  readonly sessions: readonly Session[];
  readonly dst: number;
  readonly vid: number;
}

/** When each known loss may happen: the sentence of its reason, as a condition. */
const CONDITIONS: Readonly<Record<string, (now: Session, earlier: readonly Session[], given: Case) => boolean>> = {
  'tagged-frames': (_now, _earlier, given) => given.vid > 0,
  'rings-not-kicked': (now, earlier) => [now, ...earlier].some(({ features }) => (features & MQ) !== 0n),
  'cannot-ask': (now) => commandsOf(now).some(({ type }) => type === 'rx' || type === 'mac-table-set'),
  'no-extra-modes': (now) =>
    commandsOf(now).some((wish) => wish.type === 'rx' && wish.flag === 'alluni' && wish.value === 1),
  'no-address-change': (now) => commandsOf(now).some(({ type }) => type === 'mac-addr-set'),
  'vnic-filtered': (_now, _earlier, { config }) => config.kind === 'vnic',
  'inherited-none': (now, earlier) =>
    !(now.features & CTRL_RX) && earlier.some(({ features }) => (features & CTRL_RX) !== 0n),
  'qemu-vlan-map': (now, earlier, given) =>
    given.vid >= 0 && !(now.features & CTRL_VLAN) && earlier.some(({ features }) => (features & CTRL_VLAN) !== 0n),
  'qemu-takes-what-is-wrong': (now) =>
    commandsOf(now).some(
      (wish) =>
        (wish.type === 'rx' && wish.value > 1) ||
        (wish.type === 'mac-addr-set' && isGroup(wish.mac)) ||
        (wish.type === 'mac-table-set' && (wish.unicast.some(isGroup) || !wish.multicast.every(isGroup))),
    ),
};

describe('NET-CTRLRX-18: no model loses anything but what is listed', () => {
  it.each([
    ['well-behaved drivers on a physical link', CONFIG, false],
    ['well-behaved drivers on a VNIC', VNIC, false],
    ['drivers that send what they must not', CONFIG, true],
  ])('%s', (_name, config, wild) => {
    fc.assert(
      fc.property(
        fc.array(session(wild), { minLength: 1, maxLength: 3 }),
        fc.array(frames, { minLength: 4, maxLength: 12 }),
        (sessions, sent) => {
          const steps = sessions.flatMap(({ steps, ends }, at) =>
            at === sessions.length - 1 ? steps : [...steps, ends],
          );
          const states = HOST_MODELS.map((model) =>
            steps.reduce<unknown>((state, step) => take(model, state, step).state, model.init(config)),
          );
          const now = sessions.at(-1) as Session;
          const earlier = sessions.slice(0, -1);
          for (const { dst, vid, flow } of sent) {
            const header = frame(dst, vid, flow);
            const verdicts = HOST_MODELS.map((model, index) => model.decide(states[index], header));
            const yardstick = verdicts[2];
            for (const [index, model] of HOST_MODELS.entries()) {
              const verdict = verdicts[index];
              if (!verdict || !yardstick || judge(verdict, yardstick) !== 'loss') continue;
              const known = knownLosses(model.id, verdict.rule).filter((entry) =>
                CONDITIONS[entry.id]?.(now, earlier, { config, sessions, dst, vid }),
              );
              expect(known.length, `${model.id} drops by ${verdict.rule}`).toBeGreaterThan(0);
            }
          }
        },
      ),
      { numRuns: 700 },
    );
  });
});

describe('exact never loses', () => {
  it('for any sequence of commands of one driver: what it takes is what was asked for', () => {
    const all = negotiated(CTRL_VQ | CTRL_RX | CTRL_RX_EXTRA | CTRL_VLAN | CTRL_MAC_ADDR);
    fc.assert(
      fc.property(fc.array(commandOf(false), { maxLength: 14 }), frames, (commands, { dst, vid }) => {
        // The oracle: what the last words on each subject ask for, taken straight from the commands.
        const mode = new Map<string, boolean>();
        const vlans = new Set<number>();
        let listed: readonly number[] = [];
        let own = OWN;
        for (const [, event] of commands) {
          if (event.type !== 'command') continue;
          const { command } = event;
          if (command.type === 'rx') mode.set(command.flag, command.value === 1);
          else if (command.type === 'mac-table-set') listed = [...command.unicast, ...command.multicast];
          else if (command.type === 'mac-addr-set') own = command.mac;
          else if (command.type === 'vlan') {
            if (command.action === 'add') vlans.add(command.vid);
            else vlans.delete(command.vid);
          }
        }
        const on = (flag: string): boolean => mode.get(flag) ?? false;
        const byAddress =
          dst === BROADCAST
            ? !on('nobcast')
            : isGroup(dst)
              ? !on('nomulti') && (on('allmulti') || listed.includes(dst))
              : !on('nouni') && (on('alluni') || dst === own || listed.includes(dst));
        const asked = on('promisc') || ((vid < 0 || vlans.has(vid)) && byAddress);
        expect(after('exact', all, ...commands.map(([, event]) => event)).accepts(dst, vid)).toBe(asked);
      }),
      { numRuns: 1000 },
    );
  });
});

describe('every known loss is real', () => {
  type Meddle = (model: ReturnType<typeof hostModel>, state: unknown) => unknown;
  interface Example {
    readonly entry: string;
    readonly model: HostModelId;
    readonly rule: string;
    readonly steps: readonly Step[];
    readonly dst: number;
    readonly vid?: number;
    readonly flow?: number;
    readonly config?: LinkConfig;
    /** What is done to the model beside the steps. */
    readonly meddle?: Meddle;
    /** After that. */
    readonly then?: readonly Step[];
  }
  const ON = negotiated();
  const EXTRA = negotiated(CTRL_VQ | CTRL_RX | CTRL_RX_EXTRA);
  const ADDRESS = negotiated(CTRL_VQ | CTRL_RX | CTRL_MAC_ADDR);
  const propolis: readonly HostModelId[] = ['propolis-before-1125', 'propolis-372a574', 'propolis-v7'];
  const ioctl =
    (name: string, arg: unknown): Meddle =>
    (model, state) =>
      model.ioctl(state, name, arg).state;
  const fail =
    (name: string, ...errnos: readonly string[]): Meddle =>
    (model, state) =>
      withFaults(model, state, name, ...errnos);

  const EXAMPLES: readonly Example[] = [
    ...propolis.flatMap((model): Example[] => [
      { entry: 'tagged-frames', model, rule: 'vid-mismatch', steps: [ON], dst: OWN, vid: 5 },
      {
        entry: 'rings-not-kicked',
        model,
        rule: 'ring-not-running',
        steps: [negotiated(CTRL_VQ | MQ | VERSION_1), queue(0, 'enabled'), queue(0, 'kicked')],
        dst: OWN,
        flow: 1,
      },
      { entry: 'no-extra-modes', model, rule: 'unicast-foreign', steps: [EXTRA, rx('alluni', 1)], dst: FOREIGN },
      { entry: 'no-address-change', model, rule: 'unicast-foreign', steps: [ADDRESS, address(FOREIGN)], dst: FOREIGN },
      {
        entry: 'failed-ioctl',
        model,
        rule: 'multicast-no-listener',
        steps: [negotiated(CTRL_VQ)],
        meddle: ioctl('VNA_IOC_SET_PROMISC', 'NONE'),
        dst: JOINED,
      },
      { entry: 'failed-ioctl', model, rule: 'no-link', steps: [ON], meddle: ioctl('VNA_IOC_DELETE', null), dst: OWN },
    ]),
    {
      entry: 'cannot-ask',
      model: 'propolis-before-1125',
      rule: 'unicast-foreign',
      steps: [ON, rx('promisc', 1)],
      dst: FOREIGN,
    },
    ...propolis.slice(1).flatMap((model): Example[] => [
      {
        entry: 'vnic-filtered',
        model,
        rule: 'filtered-foreign',
        config: VNIC,
        steps: [ON, rx('promisc', 1)],
        dst: FOREIGN,
      },
      {
        entry: 'failed-ioctl',
        model,
        rule: 'unicast-foreign',
        steps: [ON],
        meddle: fail('VNA_IOC_SET_PROMISC', 'EIO'),
        then: [rx('promisc', 1)],
        dst: FOREIGN,
      },
    ]),
    {
      entry: 'inherited-none',
      model: 'propolis-372a574',
      rule: 'multicast-no-listener',
      steps: [ON, DRIVER_RESET, negotiated(CTRL_VQ)],
      dst: JOINED,
    },
    {
      entry: 'failed-ioctl',
      model: 'propolis-v7',
      rule: 'no-unicast-address',
      steps: [ON, tables([], [])],
      meddle: (model, state) =>
        model.ioctl(
          withFaults(model, state, 'VNA_IOC_SET_MAC_ADDR', 'VMA_ERR_INSTALL', 'VMA_ERR_INSTALL'),
          'VNA_IOC_SET_MAC_ADDR',
          FOREIGN,
        ).state,
      dst: OWN,
    },
    {
      entry: 'qemu-vlan-map',
      model: 'qemu',
      rule: 'vlan-table-miss',
      steps: [negotiated(CTRL_VQ | CTRL_RX | CTRL_VLAN), DRIVER_RESET, ON, rx('promisc', 0)],
      dst: OWN,
      vid: 5,
    },
    ...(
      [
        ['unicast-table-miss', [tables([FOREIGN], []), tables([JOINED], [])], FOREIGN],
        ['multicast-table-miss', [tables([], [JOINED]), tables([], [FOREIGN])], JOINED],
        ['nouni', [rx('nouni', 2)], OWN],
        ['nomulti', [tables([], [JOINED]), rx('nomulti', 2)], JOINED],
        ['nobcast', [rx('nobcast', 2)], BROADCAST],
      ] as const
    ).map(([rule, steps, dst]): Example => {
      const first = [EXTRA, rx('promisc', 0), ...steps];
      return { entry: 'qemu-takes-what-is-wrong', model: 'qemu', rule, steps: first, dst };
    }),
  ];

  it.each(EXAMPLES)('$entry: $model, $rule', ({ model: id, rule, steps, then = [], meddle, ...given }) => {
    const { dst, vid = -1, flow = 0, config = CONFIG } = given;
    const before = afterOn(config, id, ...steps);
    const state = meddle ? meddle(before.model, before.state) : before.state;
    const found = from(before.model, state, ...then);
    expect(found.rule(dst, vid, flow)).toBe(rule);
    expect(found.accepts(dst, vid, flow)).toBe(false);
    expect(after('exact', ...steps, ...then).accepts(dst, vid, flow)).toBe(true);
  });

  it('there is an example for each entry with each of its models, and with each of its rules', () => {
    expect(new Set(KNOWN_LOSSES.map(({ id }) => id)).size).toBe(KNOWN_LOSSES.length);
    for (const { id, models, rules, reason } of KNOWN_LOSSES) {
      const mine = EXAMPLES.filter(({ entry }) => entry === id);
      expect(new Set(mine.map(({ model }) => model))).toEqual(new Set(models));
      expect(new Set(mine.map(({ rule }) => rule))).toEqual(new Set(rules));
      expect(reason).toMatch(/\.$/);
    }
  });
});
