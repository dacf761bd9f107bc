/** The table of scenarios: see scenarios-types.ts for what they mean and scenarios-run.ts for running one. */
import { EXACT_SCENARIOS } from './scenarios-exact.ts';
import { PROPOLIS_SCENARIOS } from './scenarios-propolis.ts';
import { TRAP_SCENARIOS } from './scenarios-traps.ts';
import type { Scenario } from './scenarios-types.ts';

export type { Scenario, ScenarioGuest, ScenarioHost, ScenarioWorld, Step } from './scenarios-types.ts';
export { runScenario } from './scenarios-run.ts';

export const SCENARIOS: readonly Scenario[] = [...PROPOLIS_SCENARIOS, ...TRAP_SCENARIOS, ...EXACT_SCENARIOS];
