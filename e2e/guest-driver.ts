/** Real Linux as the guest of the scenarios, and the lab's facade as the host around it. */
import { judge, type Fate, FATES, type Verdict } from '../src/core/host/verdict.ts';
import { HOST_MODEL_IDS, type Ack, type HostModelId } from '../src/core/host/host-model.ts';
import { trafficPresets } from '../src/core/net/traffic.ts';
import type { InjectResult, ModelOpinion } from '../src/app/lab.ts';
import type { FrameOutcome, ScenarioFault, ScenarioGuest, ScenarioHost } from '../src/core/testing/scenarios-types.ts';
import type { PersonalityRequest } from '../src/core/virtio-net/personality-request.ts';
import type { IoctlRecord } from '../src/core/viona/link.ts';
import type { FaultKind, LinkKind } from '../src/protocol/api.ts';
import type { LabClient } from './lab-client.ts';

const PRESETS = trafficPresets();

/** What a person would type for each wish. A command returns when the device has answered it. */
export class LinuxGuest implements ScenarioGuest {
  /** It sends what it likes. */
  readonly raw = null;
  readonly #lab: LabClient;

  constructor(lab: LabClient) {
    this.#lab = lab;
  }

  up(): Promise<void> {
    return this.#run('ip link set eth0 up');
  }

  down(): Promise<void> {
    return this.#run('ip link set eth0 down');
  }

  /** Down first: the re-probe would put it up again. */
  reprobe(): Promise<void> {
    return this.#run('ip link set eth0 down && lab-reprobe');
  }

  promisc(on: boolean): Promise<void> {
    return this.#run(`ip link set eth0 promisc ${on ? 'on' : 'off'}`);
  }

  allmulti(on: boolean): Promise<void> {
    return this.#run(`ip link set eth0 allmulticast ${on ? 'on' : 'off'}`);
  }

  join(groups: readonly string[]): Promise<void> {
    return this.#maddr('add', groups);
  }

  leave(groups: readonly string[]): Promise<void> {
    return this.#maddr('del', groups);
  }

  /** A macvlan that is up puts its address into the unicast list of the interface below. */
  addUnicast(addresses: readonly string[]): Promise<void> {
    return this.#batch(
      addresses.flatMap((address) => {
        const name = macvlanName(address);
        return [`link add ${name} link eth0 address ${address} type macvlan`, `link set ${name} up`];
      }),
    );
  }

  removeUnicast(addresses: readonly string[]): Promise<void> {
    return this.#batch(addresses.map((address) => `link del ${macvlanName(address)}`));
  }

  addVlan(vid: number): Promise<void> {
    return this.#batch([`link add link eth0 name eth0.${vid} type vlan id ${vid}`, `link set eth0.${vid} up`]);
  }

  removeVlan(vid: number): Promise<void> {
    return this.#batch([`link del eth0.${vid}`]);
  }

  /** Linux fails if the device does: that is the scenario's to judge. */
  async setAddress(address: string): Promise<void> {
    await this.#lab.run(`ip link set eth0 address ${address}`);
  }

  setPairs(pairs: number): Promise<void> {
    return this.#run(`ethtool -L eth0 combined ${pairs}`);
  }

  /** One process for each group: `ip maddr add` exits when it is done, also in the middle of a batch. */
  #maddr(verb: 'add' | 'del', groups: readonly string[]): Promise<void> {
    return this.#run(`for group in ${groups.join(' ')}; do ip maddr ${verb} $group dev eth0 || exit 1; done`);
  }

  #batch(commands: readonly string[]): Promise<void> {
    return this.#run(`ip -batch - << 'END'\n${commands.join('\n')}\nEND`);
  }

  async #run(command: string): Promise<void> {
    await this.#lab.exec(command);
  }
}

function macvlanName(address: string): string {
  return `mv${address.replaceAll(':', '').slice(-6)}`;
}

export class FacadeHost implements ScenarioHost {
  readonly #lab: LabClient;
  #active: HostModelId;

  constructor(lab: LabClient, active: HostModelId) {
    this.#lab = lab;
    this.#active = active;
  }

  async setModel(model: HostModelId): Promise<void> {
    await this.#lab.setHostModel(model);
    this.#active = model;
  }

  setPersonality(request: PersonalityRequest): Promise<void> {
    return this.#lab.setPersonality(request);
  }

  setLinkKind(kind: LinkKind): Promise<void> {
    return this.#lab.setLinkKind(kind);
  }

  ioctl(name: string, arg: unknown): Promise<IoctlRecord> {
    return this.#lab.ioctl(name, arg);
  }

  fault(fault: ScenarioFault): Promise<string | null> {
    return this.#lab.fault(fault).then(() => null, String);
  }

  clearFaults(kind?: FaultKind): Promise<void> {
    return this.#lab.clearFaults(kind);
  }

  /** A machine that could not be moved is a rejection. */
  migrate(): Promise<Ack> {
    return this.#lab.migrate().then(
      () => 'OK',
      () => 'ERR',
    );
  }

  machineReset(): Promise<void> {
    return this.#lab.restart();
  }

  link(): ReturnType<LabClient['link']> {
    return this.#lab.link();
  }

  nic(): ReturnType<LabClient['nic']> {
    return this.#lab.nic();
  }

  async ioctls(): Promise<Pick<IoctlRecord, 'name' | 'arg' | 'errno'>[]> {
    const events = await this.#lab.trace({ type: 'ioctl', since: this.#lab.since });
    return events.flatMap(({ event }) => (event.type === 'ioctl' && event.by === 'vmm' ? [event] : []));
  }

  async lastAck(name: string): Promise<Ack | null> {
    const events = await this.#lab.trace({ type: 'control', since: this.#lab.since });
    const last = events.findLast(({ event }) => event.type === 'control' && event.name === name)?.event;
    return last?.type === 'control' ? last.ack : null;
  }

  async lastAcks(): Promise<Readonly<Partial<Record<HostModelId, Ack>>>> {
    const last = (await this.#lab.trace({ type: 'command-judged', since: this.#lab.since })).at(-1)?.event;
    return last?.type === 'command-judged' ? last.acks : {};
  }

  async send(frame: Parameters<ScenarioHost['send']>[0]): Promise<FrameOutcome> {
    const spec = typeof frame === 'string' ? PRESETS.find(({ id }) => id === frame)?.frame : frame;
    if (!spec) throw new Error(`There is no preset ${JSON.stringify(frame)}.`);
    return outcomeOf(await this.#lab.injectOne(spec), this.#active);
  }
}

/** The facade's answer in the words of the scenarios. Checks on the way that it says the same everywhere. */
function outcomeOf(result: InjectResult, active: HostModelId): FrameOutcome {
  const verdicts = Object.fromEntries(
    HOST_MODEL_IDS.map((model) => [model, verdictFrom(model, result.byModel[model])]),
  ) as Record<HostModelId, Verdict>;
  for (const model of HOST_MODEL_IDS) {
    const told = result.byModel[model]?.judgement;
    const judged = judge(verdicts[model], verdicts.exact);
    if (told !== judged)
      throw new Error(`Frame ${result.id}: ${model} is told to be ${String(told)}, but it is ${judged}.`);
  }
  if (result.rule !== verdicts[active].rule) {
    throw new Error(
      `Frame ${result.id}: the rule is ${String(result.rule)}, but ${active} says ${verdicts[active].rule}.`,
    );
  }
  return { fate: fateOf(result), active, verdicts };
}

function verdictFrom(model: HostModelId, opinion: ModelOpinion | undefined): Verdict {
  if (!opinion) throw new Error(`There is no verdict by ${model}.`);
  const { accept, rule, path, cost } = opinion;
  // The facade tells neither the code nor whether a tag comes off, and no scenario asks.
  return { code: -1, accept, rule, path, cost, stripTag: false };
}

/** A drop by the filter is given by its rule, any other by where on the way the frame ended. */
function fateOf({ fate, reason }: InjectResult): Fate {
  if (fate === 'delivered') return 'delivered';
  return FATES.find((each) => each === reason) ?? 'filtered';
}
