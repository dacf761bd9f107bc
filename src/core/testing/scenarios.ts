/** The table of scenarios: see scenarios-types.ts for what they mean and scenarios-run.ts for running one. */
import { ADDRESS_SCENARIOS } from './scenarios-address.ts';
import { EXACT_SCENARIOS } from './scenarios-exact.ts';
import { FAULT_SCENARIOS } from './scenarios-faults.ts';
import { LEVEL_SCENARIOS } from './scenarios-levels.ts';
import { LINK_SCENARIOS } from './scenarios-link.ts';
import { MIGRATION_SCENARIOS } from './scenarios-migration.ts';
import { MODE_SCENARIOS } from './scenarios-modes.ts';
import { PROPOLIS_SCENARIOS } from './scenarios-propolis.ts';
import { QEMU_SCENARIOS } from './scenarios-qemu.ts';
import { RING_SCENARIOS } from './scenarios-rings.ts';
import { TRAP_SCENARIOS } from './scenarios-traps.ts';
import type { Scenario } from './scenarios-types.ts';
import { V7_RESET_SCENARIOS } from './scenarios-v7-resets.ts';
import { V7_SCENARIOS } from './scenarios-v7.ts';
import { VLAN_SCENARIOS } from './scenarios-vlan.ts';

export type { Scenario, ScenarioGuest, ScenarioHost, ScenarioWorld, Step } from './scenarios-types.ts';
export { runScenario } from './scenarios-run.ts';

export const SCENARIOS: readonly Scenario[] = [
  ...PROPOLIS_SCENARIOS,
  ...LEVEL_SCENARIOS,
  ...TRAP_SCENARIOS,
  ...RING_SCENARIOS,
  ...V7_SCENARIOS,
  ...V7_RESET_SCENARIOS,
  ...LINK_SCENARIOS,
  ...VLAN_SCENARIOS,
  ...QEMU_SCENARIOS,
  ...EXACT_SCENARIOS,
  ...ADDRESS_SCENARIOS,
  ...MODE_SCENARIOS,
  ...MIGRATION_SCENARIOS,
  ...FAULT_SCENARIOS,
];
