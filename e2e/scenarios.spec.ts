/** The scenarios that unit tests run with the fake driver, with real Linux. */
import { SCENARIOS, runScenario } from '../src/core/testing/scenarios.ts';
import { expect, test } from './fixtures.ts';
import { FacadeHost, LinuxGuest } from './guest-driver.ts';

for (const scenario of SCENARIOS.filter(({ fakeOnly }) => fakeOnly === undefined)) {
  test.describe(scenario.id, () => {
    test.use({ hostModel: scenario.model });

    test([scenario.title, ...scenario.covers].join(' '), async ({ lab }) => {
      const world = { guest: new LinuxGuest(lab), host: new FacadeHost(lab, scenario.model) };
      await runScenario(scenario, world, {
        settle: async (check) => {
          let wrong: string | null = null;
          // The error names the step: it is thrown by whoever asked.
          await expect
            .poll(async () => (wrong = await check()), { timeout: 5000 })
            .toBeNull()
            .catch(() => undefined);
          return wrong;
        },
      });
    });
  });
}
