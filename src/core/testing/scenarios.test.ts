import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { HostModelId } from '../host/host-model.ts';
import { HOST_MODEL_IDS } from '../host/host-model.ts';
import { RULES } from '../host/verdict.ts';
import { PRESET_IDS } from '../net/traffic.ts';
import { FakeLinux } from './scenarios-fake-guest.ts';
import { runScenario, SCENARIOS } from './scenarios.ts';
import { TestLab } from './test-lab.ts';

function world(model: HostModelId) {
  const lab = new TestLab(model);
  const guest = new FakeLinux(lab);
  return { lab, guest, host: lab };
}

describe('scenarios with the fake driver', () => {
  it.each(
    SCENARIOS.map((scenario) => [scenario.id, [...scenario.covers, scenario.title].join(' '), scenario] as const),
  )('%s: %s', async (_id, _title, scenario) => {
    await runScenario(scenario, world(scenario.model));
  });

  it.each(SCENARIOS.map((scenario) => [scenario.id, scenario] as const))(
    '%s, with snapshot and restore between steps',
    async (_id, scenario) => {
      const { lab, guest, host } = world(scenario.model);
      await runScenario(scenario, { guest, host }, { between: () => lab.migrate() });
    },
  );
});

describe('the table of scenarios', () => {
  it('has unique ids and at least 20 that Linux can run too', () => {
    expect(new Set(SCENARIOS.map(({ id }) => id)).size).toBe(SCENARIOS.length);
    expect(SCENARIOS.filter(({ fakeOnly }) => !fakeOnly).length).toBeGreaterThanOrEqual(20);
  });

  it('covers every rule, every level and every model', () => {
    const steps = SCENARIOS.flatMap((scenario) => scenario.steps);
    const rules = new Set(steps.flatMap((step) => ('expect' in step && step.expect === 'frame' ? [step.rule] : [])));
    expect([...rules].sort()).toEqual(Object.keys(RULES).sort());
    const levels = new Set(
      steps.flatMap((step) => ('expect' in step && step.expect === 'link' ? [`${step.level}/${step.callbacks}`] : [])),
    );
    expect([...levels].sort()).toEqual(['ALL/ALL', 'MULTI/MULTI', 'MULTI/NONE', 'NONE/NONE', 'null/null']);
    expect(new Set(SCENARIOS.map(({ model }) => model))).toEqual(new Set(HOST_MODEL_IDS));
  });

  it('a wrong expectation is reported with its step', async () => {
    const scenario = {
      ...SCENARIOS[0]!,
      id: 'wrong',
      steps: [{ expect: 'link', level: 'ALL', callbacks: 'ALL' } as const],
    };
    await expect(runScenario(scenario, world(scenario.model))).rejects.toThrow(
      'wrong, step 1 {"expect":"link","level":"ALL","callbacks":"ALL"}: level is "NONE", not "ALL"',
    );
  });
});

describe('the whole lab in one thread', () => {
  it('the guest pings the station: its ARP request is answered into its ring', async () => {
    const { lab, guest } = world('propolis-372a574');
    await guest.up();
    const arp = [0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 0x15, 10, 0, 2, 15, 0, 0, 0, 0, 0, 0, 10, 0, 2, 2];
    guest.driver.transmit(Uint8Array.from([255, 255, 255, 255, 255, 255, 2, 0, 0, 0, 0, 0x15, 8, 6, ...arp]));
    let frame: Uint8Array | undefined;
    lab.onDelivered = () => void (frame = guest.driver.collect()[0]?.frame);
    lab.pump();
    expect([...frame!.slice(0, 22)]).toEqual([2, 0, 0, 0, 0, 0x15, 2, 0, 0, 0, 0, 2, 8, 6, 0, 1, 8, 0, 6, 4, 0, 2]);
  });

  it('every frame has exactly one fate over any sequence of wishes, and the sums agree', async () => {
    const wish = fc.constantFrom<(w: ReturnType<typeof world>) => unknown>(
      ({ guest }) => guest.up(),
      ({ guest }) => guest.down(),
      ({ guest }) => guest.reprobe(),
      ({ guest }) => guest.promisc(true),
      ({ guest }) => guest.promisc(false),
      ({ guest }) => guest.join('01:00:5e:01:02:03'),
      ({ lab }) => lab.setModel('exact'),
      ({ lab }) => lab.setModel('propolis-before-1125'),
      ({ lab }) => lab.setModel('propolis-372a574'),
      ({ lab }) => lab.ioctl('SET_PROMISC', 'ALL'),
      ({ lab }) => lab.fault('SET_PROMISC', 'ENOMEM'),
      ({ lab }) => lab.migrate(),
      ({ lab }) => lab.machineReset(),
      ({ lab }) => (lab.channelFrames = 0),
      ({ lab }) => (lab.channelFrames = 100),
    );
    const frame = fc.constantFrom(...PRESET_IDS).map(
      (id) =>
        ({ lab }: ReturnType<typeof world>) =>
          lab.send(id),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(fc.oneof(wish, frame), { maxLength: 30 }), async (acts) => {
        const w = world('propolis-372a574');
        let sent = 0;
        for (const act of acts) {
          const result = await act(w);
          if (typeof result === 'object' && result !== null && 'fate' in result) sent++;
        }
        const fates = [...w.lab.fates.values()];
        expect(fates).toHaveLength(sent);
        expect(fates.filter((fate) => fate === 'delivered')).toHaveLength(w.guest.received);
      }),
      { numRuns: 100 },
    );
  });
});
