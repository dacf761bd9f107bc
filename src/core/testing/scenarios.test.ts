import { describe, expect, it } from 'vitest';
import { HOST_MODEL_IDS, type HostModelId } from '../host/host-model.ts';
import { HOST_MODELS } from '../host/models.ts';
import { RULES } from '../host/verdict.ts';
import { FAULT_KINDS } from '../viona/faults.ts';
import { FakeLinux } from './scenarios-fake-guest.ts';
import type { Expectation, Scenario, Step } from './scenarios-types.ts';
import { sideBySide } from './scenarios-words.ts';
import { runScenario, SCENARIOS } from './scenarios.ts';
import { TestLab } from './test-lab.ts';
import { type Variant, variantName, VARIANTS } from './variants.ts';

function world(model: HostModelId, variant?: Variant) {
  const lab = new TestLab(model, variant);
  const guest = new FakeLinux(lab, variant);
  return { lab, guest, host: lab };
}

/** Plain, or with everything taken apart and put together again from snapshots between steps. */
async function run(scenario: Scenario, snapshots: boolean, variant?: Variant): Promise<void> {
  const { lab, guest, host } = world(scenario.model, variant);
  await runScenario(scenario, { guest, host }, snapshots ? { between: () => lab.roundTrip() } : {});
  expect(lab.frames.pending).toBe(0);
}

describe('scenarios with the fake driver', () => {
  it.each(
    SCENARIOS.map((scenario) => [scenario.id, [...scenario.covers, scenario.title].join(' '), scenario] as const),
  )('%s: %s', (_id, _title, scenario) => run(scenario, false));

  it.each(SCENARIOS.map((scenario) => [scenario.id, scenario] as const))(
    '%s, with snapshot and restore between steps',
    (_id, scenario) => run(scenario, true),
  );
});

describe.each(VARIANTS.map((variant, index) => [variantName(variant), variant, index] as const))(
  'the same table with a driver that is %s',
  (_name, variant, number) => {
    const possible = SCENARIOS.filter(({ needs }) => needs !== 'mergeable' || variant.mergeable);

    it.each(HOST_MODEL_IDS)('%s: every scenario', async (model) => {
      const scenarios = possible.filter((scenario) => scenario.model === model);
      for (const scenario of scenarios) await run(scenario, false, variant);
      expect(scenarios.length).toBeGreaterThan(0);
    });

    it('with snapshots between steps', async () => {
      // Each kind of driver takes another part of the table.
      const scenarios = possible.filter((_, index) => index % VARIANTS.length === number);
      for (const scenario of scenarios) await run(scenario, true, variant);
      expect(scenarios.length).toBeGreaterThan(5);
    });
  },
);

describe('the table of scenarios', () => {
  const steps = SCENARIOS.flatMap((scenario) => scenario.steps);
  const expected = <K extends Expectation['expect']>(kind: K): Extract<Expectation, { expect: K }>[] =>
    steps.filter((step): step is Extract<Expectation, { expect: K }> => 'expect' in step && step.expect === kind);
  const done = <K extends Exclude<Step, Expectation>['do']>(kind: K): Extract<Step, { do: K }>[] =>
    steps.filter((step): step is Extract<Step, { do: K }> => 'do' in step && step.do === kind);
  const frames = expected('frame');

  it('has at least 60 with unique ids, of which a stock Linux can run at least 50', () => {
    expect(new Set(SCENARIOS.map(({ id }) => id)).size).toBe(SCENARIOS.length);
    expect(SCENARIOS.length).toBeGreaterThanOrEqual(60);
    expect(SCENARIOS.filter(({ fakeOnly }) => !fakeOnly).length).toBeGreaterThanOrEqual(50);
    for (const { fakeOnly, steps } of SCENARIOS) {
      expect(fakeOnly ?? 'a sentence.').toMatch(/\.$/);
      const raw = steps.some((step) => 'do' in step && ['bare-driver', 'command', 'past-device'].includes(step.do));
      if (raw) expect(fakeOnly).toBeDefined();
    }
  });

  it('every rule decides in some scenario', () => {
    expect(new Set(frames.flatMap(({ rules }) => Object.values(rules)))).toEqual(new Set(Object.keys(RULES)));
  });

  it('every scenario says of a frame what all six models make of it', () => {
    for (const { id, steps } of SCENARIOS) {
      expect(
        steps.some((step) => 'expect' in step && step.expect === 'frame'),
        id,
      ).toBe(true);
    }
    for (const { rules } of frames) expect(Object.keys(rules).sort()).toEqual([...HOST_MODEL_IDS].sort());
  });

  it('every trap has a scenario of its id, in which a model that has it is in force', () => {
    for (const { id } of HOST_MODELS.flatMap(({ traps }) => traps)) {
      const scenario = SCENARIOS.find((each) => each.id === id);
      expect(scenario, id).toBeDefined();
      const inForce = [
        scenario?.model,
        ...(scenario?.steps ?? []).flatMap((step) => ('do' in step && step.do === 'model' ? [step.model] : [])),
      ];
      const trapped = HOST_MODELS.filter(({ traps }) => traps.some((trap) => trap.id === id));
      expect(
        trapped.some((model) => inForce.includes(model.id)),
        id,
      ).toBe(true);
    }
  });

  it('covers every level, with its callbacks and without, and every model', () => {
    const levels = expected('link').filter(({ callbacks }) => callbacks !== undefined);
    expect(new Set(levels.map(({ level, callbacks }) => `${level}/${callbacks}`))).toEqual(
      new Set(['ALL/ALL', 'MULTI/MULTI', 'MULTI/NONE', 'NONE/NONE', 'null/null', 'undefined/cleared']),
    );
    expect(new Set(SCENARIOS.map(({ model }) => model))).toEqual(new Set(HOST_MODEL_IDS));
  });

  it('covers every kind of fault, migration of every model, and both kinds of link', () => {
    expect(new Set(done('fault').map(({ fault }) => fault.kind))).toEqual(new Set([...FAULT_KINDS, 'shortage']));
    expect(new Set(done('link-kind').map(({ kind }) => kind))).toEqual(new Set(['physical', 'vnic']));
    const moved = SCENARIOS.filter(({ steps }) => steps.some((step) => 'do' in step && step.do === 'migrate'));
    expect(new Set(moved.map(({ model }) => model))).toEqual(new Set(HOST_MODEL_IDS));
  });

  it('shows leaks and losses, and a loss of everything that can lose', () => {
    const judged = frames.flatMap(({ rules }) =>
      HOST_MODEL_IDS.map((model) => {
        const [own, yardstick] = [RULES[rules[model]].accept, RULES[rules.exact].accept];
        return own === yardstick ? `${model}: agree` : `${model}: ${own ? 'leak' : 'loss'}`;
      }),
    );
    for (const model of HOST_MODEL_IDS) {
      if (model !== 'exact') expect(judged).toContain(`${model}: leak`);
      if (!['exact', 'cloud-hypervisor'].includes(model)) expect(judged).toContain(`${model}: loss`);
    }
  });

  it('a wrong expectation is reported with its step', async () => {
    const scenario: Scenario = {
      ...(SCENARIOS[0] as Scenario),
      id: 'wrong',
      steps: [{ expect: 'link', level: 'ALL', callbacks: 'ALL' }],
    };
    await expect(run(scenario, false)).rejects.toThrow(
      'wrong, step 1 {"expect":"link","level":"ALL","callbacks":"ALL"}: level is "NONE", not "ALL"',
    );
  });

  it.each<[string, Step]>([
    ['a fate', { expect: 'frame', send: 'broadcast', fate: 'delivered', rules: sideBySide({ all: 'broadcast' }) }],
    ['an ack', { do: 'command', send: { mode: 'promisc', value: 1 }, ack: 'ERR' }],
    ['an errno', { do: 'ioctl', name: 'SET_PROMISC', arg: 'ALL', errno: 'EINVAL' }],
    ['a value', { do: 'ioctl', name: 'GET_MTU', errno: 0, value: 1499 }],
    ['a table', { expect: 'table', multicast: { has: ['33:33:00:00:00:01'] } }],
    ['an ioctl', { expect: 'ioctls', inOrder: ['SET_PROMISC NONE 0', 'SET_PROMISC NONE 0'] }],
    ['a count', { expect: 'count', of: 'kstats', name: 'rx_packets', atLeast: 1 }],
    ['a ring', { expect: 'link', rings: { 0: 'RUN' } }],
    ['a mode', { expect: 'rx-mode', modes: { promisc: false } }],
    ['a refusal', { do: 'no-fault', fault: { kind: 'lease' } }],
    ['an answer', { do: 'migrate', ack: 'ERR' }],
  ])('%s that is another one is reported', async (_what, step) => {
    const scenario: Scenario = { id: 'wrong', title: '', covers: [], model: 'propolis-372a574', steps: [step] };
    await expect(run(scenario, false)).rejects.toThrow(/^wrong, step 1 /);
  });
});

describe('the whole lab in one thread', () => {
  it('the guest pings the station: its ARP request is answered into its ring', () => {
    const { lab, guest } = world('propolis-372a574');
    guest.up();
    const arp = [0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 0x15, 10, 0, 2, 15, 0, 0, 0, 0, 0, 0, 10, 0, 2, 2];
    guest.driver.transmit(Uint8Array.from([255, 255, 255, 255, 255, 255, 2, 0, 0, 0, 0, 0x15, 8, 6, ...arp]));
    let frame: Uint8Array | undefined;
    lab.onDelivered = () => void (frame = guest.driver.collect()[0]?.frame);
    lab.pump();
    expect([...frame!.slice(0, 22)]).toEqual([2, 0, 0, 0, 0, 0x15, 2, 0, 0, 0, 0, 2, 8, 6, 0, 1, 8, 0, 6, 4, 0, 2]);
  });
});
