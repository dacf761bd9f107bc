/** Runs a scenario against any world. The first expectation that does not hold ends it with an Error. */
import { judge } from '../host/verdict.ts';
import { LEVEL_CALLBACKS } from '../viona/link.ts';
import type { Expectation, Intervention, Membership, Scenario, ScenarioWorld, Step, Wish } from './scenarios-types.ts';

export interface RunOptions {
  /** Called between steps: snapshot and restore, for example. */
  readonly between?: () => void | Promise<void>;
  /**
   * How to check an expectation that does not send a frame: a check answers null or what is wrong. By
   * default it is asked once; against a guest that takes its time, poll until null or too late.
   */
  readonly settle?: (check: () => Promise<string | null>) => Promise<string | null>;
}

export async function runScenario(scenario: Scenario, world: ScenarioWorld, options: RunOptions = {}): Promise<void> {
  for (const [index, step] of scenario.steps.entries()) {
    if (index > 0) await options.between?.();
    const wrong = await runStep(step, world, options);
    if (wrong !== null) {
      throw new Error(`${scenario.id}, step ${index + 1} ${JSON.stringify(step)}: ${wrong}`);
    }
  }
}

async function runStep(step: Step, world: ScenarioWorld, options: RunOptions): Promise<string | null> {
  if ('expect' in step) {
    const check = (): Promise<string | null> => checkStep(step, world);
    // A frame is sent once: asking again would send another.
    return step.expect === 'frame' || !options.settle ? check() : options.settle(check);
  }
  switch (step.do) {
    case 'model':
    case 'ioctl':
    case 'fault':
    case 'machine-reset':
      return intervene(step, world);
    default:
      await wish(step, world);
      return null;
  }
}

async function wish(step: Wish, { guest }: ScenarioWorld): Promise<void> {
  switch (step.do) {
    case 'up':
      return guest.up();
    case 'down':
      return guest.down();
    case 'reprobe':
      return guest.reprobe();
    case 'promisc':
      return guest.promisc(step.on);
    case 'allmulti':
      return guest.allmulti(step.on);
    case 'join':
      return guest.join(step.group);
    case 'leave':
      return guest.leave(step.group);
    case 'add-unicast':
      return guest.addUnicast(step.address);
    case 'remove-unicast':
      return guest.removeUnicast(step.address);
  }
}

async function intervene(step: Intervention, { host }: ScenarioWorld): Promise<string | null> {
  switch (step.do) {
    case 'model':
      await host.setModel(step.model);
      return null;
    case 'fault':
      return host.fault(step.name, step.errno);
    case 'machine-reset':
      await host.machineReset();
      return null;
    case 'ioctl': {
      const { errno } = await host.ioctl(step.name, step.arg);
      return differs('errno', errno, step.errno);
    }
  }
}

async function checkStep(step: Expectation, { host }: ScenarioWorld): Promise<string | null> {
  switch (step.expect) {
    case 'link': {
      const { level, callbacks } = await host.link();
      const wanted = step.callbacks && LEVEL_CALLBACKS[step.callbacks];
      return differs('level', level, step.level) ?? differs('callbacks', callbacks, wanted);
    }
    case 'rx-mode': {
      const mode = await host.rxMode();
      return differs('promisc', mode.promisc, step.promisc) ?? differs('allmulti', mode.allmulti, step.allmulti);
    }
    case 'table': {
      const { unicast, multicast } = await host.tables();
      return misses('unicast', unicast, step.unicast) ?? misses('multicast', multicast, step.multicast);
    }
    case 'ack':
      return differs('ack', await host.lastAck(step.name), step.ack);
    case 'needs-reset':
      return differs('NEEDS_RESET', await host.needsReset(), step.is);
    case 'set-promisc': {
      const calls = (await host.ioctls())
        .filter(({ name }) => name === 'VNA_IOC_SET_PROMISC')
        .map(({ arg, errno }) => `${arg} ${errno}`);
      let found = 0;
      for (const call of calls) if (call === step.inOrder[found]) found++;
      return found === step.inOrder.length ? null : `SET_PROMISC was called with ${JSON.stringify(calls)}`;
    }
    case 'frame':
      return checkFrame(step, { host });
  }
}

async function checkFrame(
  step: Extract<Expectation, { expect: 'frame' }>,
  { host }: Pick<ScenarioWorld, 'host'>,
): Promise<string | null> {
  const { fate, active, verdicts } = await host.send(step.send);
  const { rule, path } = verdicts[active];
  const wrong =
    differs('fate', fate, step.fate) ?? differs('rule', rule, step.rule) ?? differs('path', path, step.path);
  if (wrong !== null) return wrong;
  for (const [model, judgement] of Object.entries(step.judged ?? {})) {
    const verdict = verdicts[model as keyof typeof verdicts];
    const found = differs(`judgement of ${model}`, judge(verdict, verdicts.exact), judgement);
    if (found !== null) return found;
  }
  return null;
}

/** Null if equal, or if nothing was wanted. */
function differs(what: string, found: unknown, wanted: unknown): string | null {
  if (wanted === undefined) return null;
  const [a, b] = [JSON.stringify(found), JSON.stringify(wanted)];
  return a === b ? null : `${what} is ${a}, not ${b}`;
}

function misses(what: string, table: readonly string[], { has = [], lacks = [] }: Membership = {}): string | null {
  const missing = has.filter((address) => !table.includes(address));
  const extra = lacks.filter((address) => table.includes(address));
  if (missing.length + extra.length === 0) return null;
  return `the ${what} table ${JSON.stringify(table)} lacks [${missing.join()}] and has [${extra.join()}]`;
}
