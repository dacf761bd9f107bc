/** Runs a scenario against any world. The first step that does not come out as it says ends it with an Error. */
import { STATUS } from './driver-ports.ts';
import { HOST_MODEL_IDS } from '../host/host-model.ts';
import { judge } from '../host/verdict.ts';
import { LEVEL_CALLBACKS, NO_CALLBACKS } from '../viona/link.ts';
import type {
  CallbacksName,
  Expectation,
  Intervention,
  Membership,
  RawGuest,
  RawStep,
  Scenario,
  ScenarioWorld,
  Step,
  Wish,
} from './scenarios-types.ts';

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
    case 'bare-driver':
    case 'command':
    case 'past-device':
      return world.guest.raw ? raw(step, world.guest.raw) : 'this guest does what it likes';
    case 'model':
    case 'personality':
    case 'link-kind':
    case 'ioctl':
    case 'fault':
    case 'no-fault':
    case 'clear-faults':
    case 'migrate':
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
      return guest.join(step.groups);
    case 'leave':
      return guest.leave(step.groups);
    case 'add-unicast':
      return guest.addUnicast(step.addresses);
    case 'remove-unicast':
      return guest.removeUnicast(step.addresses);
    case 'add-vlan':
      return guest.addVlan(step.vid);
    case 'remove-vlan':
      return guest.removeVlan(step.vid);
    case 'set-address':
      return guest.setAddress(step.address);
    case 'set-pairs':
      return guest.setPairs(step.pairs);
  }
}

function raw(step: RawStep, guest: RawGuest): string | null {
  switch (step.do) {
    case 'bare-driver':
      guest.bareDriver(step.kicks);
      return null;
    case 'command':
      return differs('ack', guest.command(step.send), step.ack);
    case 'past-device': {
      const { ack, gaveUp } = guest.pastDevice(step.send);
      return differs('ack', ack, step.ack) ?? differs('giving up', gaveUp, step.gaveUp);
    }
  }
}

async function intervene(step: Intervention, { host }: ScenarioWorld): Promise<string | null> {
  switch (step.do) {
    case 'model':
      await host.setModel(step.model);
      return null;
    case 'personality': {
      const { add = [], remove = [] } = step;
      await host.setPersonality({ add, remove });
      return null;
    }
    case 'link-kind':
      await host.setLinkKind(step.kind);
      return null;
    case 'fault':
      return host.fault(step.fault);
    case 'no-fault':
      return (await host.fault(step.fault)) === null ? 'the fault was taken' : null;
    case 'clear-faults':
      await host.clearFaults(step.kind);
      return null;
    case 'migrate':
      return differs('ack', await host.migrate(), step.ack);
    case 'machine-reset':
      await host.machineReset();
      return null;
    case 'ioctl': {
      const { errno, value } = await host.ioctl(step.name, step.arg ?? null);
      return differs('errno', errno, step.errno) ?? differsInPart('value', value, step.value);
    }
  }
}

async function checkStep(step: Expectation, { host }: ScenarioWorld): Promise<string | null> {
  switch (step.expect) {
    case 'link':
      return checkLink(step, await host.link());
    case 'rx-mode':
      return differsInPart('RX mode', (await host.nic()).rxMode, step.modes);
    case 'table': {
      const { unicast, multicast, vlans } = (await host.nic()).tables;
      return (
        misses('unicast', unicast, step.unicast) ??
        misses('multicast', multicast, step.multicast) ??
        misses('VLAN', vlans, step.vlans)
      );
    }
    case 'device': {
      const { pairs, mac, status } = await host.nic();
      return (
        differs('pairs', pairs.inUse, step.pairs) ??
        differs('MAC address', mac, step.mac) ??
        differs('NEEDS_RESET', (status & STATUS.NEEDS_RESET) !== 0, step.needsReset)
      );
    }
    case 'ack':
      return differs('ack', await host.lastAck(step.name), step.ack);
    case 'acks':
      return differsInPart('acks', await host.lastAcks(), step.acks);
    case 'ioctls': {
      const calls = (await host.ioctls()).map(({ name, arg, errno }) => {
        return [name.replace('VNA_IOC_', ''), arg, errno].filter((part) => part !== '').join(' ');
      });
      let found = 0;
      for (const call of calls) {
        const wanted = step.inOrder[found];
        if (call === wanted || (wanted !== undefined && call.startsWith(`${wanted} `) && !wanted.includes(' ')))
          found++;
      }
      return found === step.inOrder.length ? null : `step ${found + 1} is missing among ${JSON.stringify(calls)}`;
    }
    case 'count': {
      const counts: Readonly<Record<string, number>> = (await host.link())[step.of];
      const count = counts[step.name];
      return count !== undefined && count >= step.atLeast ? null : `${step.name} is ${count}`;
    }
    case 'frame':
      return checkFrame(step, { host });
  }
}

function checkLink(
  step: Extract<Expectation, { expect: 'link' }>,
  link: Awaited<ReturnType<ScenarioWorld['host']['link']>>,
): string | null {
  const rings = Object.fromEntries(link.rings.map(({ index, state }) => [index, state]));
  return (
    differs('level', link.level, step.level) ??
    differs('callbacks', link.callbacks, callbacksOf(step.callbacks)) ??
    differs('existence', link.exists, step.exists) ??
    differs('address', link.address, step.address) ??
    differs('pairs in use', link.usePairs, step.usePairs) ??
    differsInPart('rings', rings, step.rings) ??
    differs('number of filters', link.filters.length, step.filterCount) ??
    misses('filter', link.filters, step.filters)
  );
}

function callbacksOf(name: CallbacksName | undefined): unknown {
  if (name === undefined || name === null) return name;
  return name === 'cleared' ? NO_CALLBACKS : LEVEL_CALLBACKS[name];
}

async function checkFrame(
  step: Extract<Expectation, { expect: 'frame' }>,
  { host }: Pick<ScenarioWorld, 'host'>,
): Promise<string | null> {
  const { fate, active, verdicts } = await host.send(step.send);
  const rules = Object.fromEntries(HOST_MODEL_IDS.map((model) => [model, verdicts[model].rule]));
  const wrong =
    differsInPart('rules', rules, step.rules) ??
    differs('fate', fate, step.fate) ??
    differs('path', verdicts[active].path, step.path);
  if (wrong !== null) return wrong;
  for (const model of HOST_MODEL_IDS) {
    const judgement = judge(verdicts[model], verdicts.exact);
    const found = differs(`judgement of ${model}`, judgement, step.judged?.[model]);
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

/** The first field of `wanted` that `found` has not, if it is an object; else the whole. */
function differsInPart(what: string, found: unknown, wanted: unknown): string | null {
  if (typeof wanted !== 'object' || wanted === null || Array.isArray(wanted)) return differs(what, found, wanted);
  const fields = (found ?? {}) as Readonly<Record<string, unknown>>;
  for (const [name, value] of Object.entries(wanted)) {
    const wrong = differs(`${what}: ${name}`, fields[name], value);
    if (wrong !== null) return wrong;
  }
  return null;
}

function misses<T>(what: string, table: readonly T[], { has = [], lacks = [] }: Membership<T> = {}): string | null {
  const missing = has.filter((entry) => !table.includes(entry));
  const extra = lacks.filter((entry) => table.includes(entry));
  if (missing.length + extra.length === 0) return null;
  return `the ${what} table ${JSON.stringify(table)} lacks [${missing.join()}] and has [${extra.join()}]`;
}
