/** The lab's facade (`window.lab`, src/app/lab.ts) from a test's side. */
import type { Page } from '@playwright/test';
import type { GuestLab } from '../src/app/guest-lab.ts';
import type { InjectResult, Lab, TraceQuery } from '../src/app/lab.ts';
import type { PersonalityRequest } from '../src/core/virtio-net/personality-request.ts';
import type { HostModelId } from '../src/core/host/host-model.ts';
import type { StampedEvent, TraceMode } from '../src/core/trace/event.ts';
import type { IoctlRecord } from '../src/core/viona/link.ts';
import type {
  ExecResult,
  Fault,
  FaultKind,
  FrameSpec,
  LinkInfo,
  LinkKind,
  NicInfo,
  TrafficSpec,
} from '../src/protocol/api.ts';

declare global {
  interface Window {
    lab: Lab;
  }
}

/** Removes what a test can have left in the guest. What commands that sends is lost with the link. */
const TIDY_UP = `
  ip link set eth0 down
  for exe in /proc/[0-9]*/exe; do
    if [ "$exe" -ef /usr/bin/tcpdump ] || [ "$exe" -ef /usr/bin/ping ]; then
      exe=\${exe#/proc/}
      kill -9 "\${exe%/exe}"
    fi
  done
  for dev in /sys/class/net/*; do
    case \${dev##*/} in lo | eth0) ;; *) ip link del "\${dev##*/}" ;; esac
  done
  rm -rf /tmp/*`;

/** Frames that one call injects: fewer than the receive ring has buffers. */
const CHUNK = 64;

export class LabClient {
  readonly page: Page;
  /** Position in the trace at which the last reset began. */
  since = 0;
  readonly #guest: number;

  /** @param guest number of the guest that is meant, from 1 on; it need not be there yet */
  constructor(page: Page, guest = 1) {
    this.page = page;
    this.#guest = guest;
  }

  ready(): Promise<void> {
    return this.evaluate((lab) => lab.ready);
  }

  /** Like a new lab, without a boot: the interface is down and freshly probed under that model. */
  async reset(model: HostModelId): Promise<void> {
    await this.evaluate(async (lab, id) => {
      await lab.stopTraffic();
      await lab.setPersonality({});
      await lab.setHostModel(id);
      await lab.setLinkKind('physical');
      await lab.setLinkUp(true);
    }, model);
    await this.exec(TIDY_UP);
    // The interface is down, and what is down sends no commands: the new link stays as new as it is.
    this.since = await this.evaluate(async (lab) => {
      const end = (lab.trace().at(-1)?.seq ?? -1) + 1;
      await lab.recreateLink();
      return end;
    });
    await this.reprobe();
  }

  /** Runs a command in the guest, whatever its exit code. */
  run(command: string): Promise<ExecResult> {
    return this.evaluate((lab, text) => lab.exec(text), command);
  }

  /** The output of a command that must succeed. */
  async exec(command: string): Promise<string> {
    const { output, exitCode } = await this.run(command);
    if (exitCode !== 0) throw new Error(`In the guest, exit ${exitCode}: ${command}\n${output}`);
    return output.trimEnd();
  }

  nic(): Promise<NicInfo> {
    return this.evaluate((lab) => lab.nic());
  }

  link(): Promise<LinkInfo> {
    return this.evaluate((lab) => lab.link());
  }

  /** Injects frames and waits for their fates; in portions that the guest can take. */
  async inject(frames: FrameSpec | readonly FrameSpec[], times = 1): Promise<InjectResult[]> {
    const list = 'length' in frames ? frames : [frames];
    const all = Array.from({ length: times }, () => list).flat();
    const results: InjectResult[] = [];
    for (let at = 0; at < all.length; at += CHUNK) {
      results.push(...(await this.evaluate((lab, chunk) => lab.inject(chunk), all.slice(at, at + CHUNK))));
    }
    return results;
  }

  async injectOne(frame: FrameSpec): Promise<InjectResult> {
    const [result] = await this.inject(frame);
    if (!result) throw new Error('One frame was injected, but there is no result.');
    return result;
  }

  ioctl(name: string, arg: unknown = null): Promise<IoctlRecord> {
    return this.evaluate((lab, [n, a]) => lab.ioctl(n, a), [name, arg] as const);
  }

  fault(fault: Fault): Promise<void> {
    return this.evaluate((lab, f) => lab.fault(f), fault);
  }

  clearFaults(kind?: FaultKind): Promise<void> {
    return this.evaluate((lab, k) => lab.clearFaults(k), kind);
  }

  setLinkKind(kind: LinkKind): Promise<void> {
    return this.evaluate((lab, k) => lab.setLinkKind(k), kind);
  }

  migrate(): Promise<void> {
    return this.evaluate((lab) => lab.migrate());
  }

  async setPersonality(request: PersonalityRequest): Promise<void> {
    await this.evaluate((lab, r) => lab.setPersonality(r).then(() => undefined), request);
  }

  setLinkUp(up: boolean): Promise<void> {
    return this.evaluate((lab, u) => lab.setLinkUp(u), up);
  }

  announce(): Promise<void> {
    return this.evaluate((lab) => lab.announce());
  }

  /** Of the guest, so far, modulo 2^32. */
  instructions(): Promise<number> {
    return this.evaluate((lab) => lab.instructions());
  }

  recreateLink(): Promise<void> {
    return this.evaluate((lab) => lab.recreateLink());
  }

  trace(query: TraceQuery = {}): Promise<StampedEvent[]> {
    return this.evaluate((lab, q) => lab.trace(q), query);
  }

  setTrace(mode: TraceMode): Promise<void> {
    return this.page.evaluate((m) => window.lab.setTrace(m), mode);
  }

  setHostModel(id: HostModelId): Promise<void> {
    return this.evaluate((lab, model) => lab.setHostModel(model), id);
  }

  reprobe(): Promise<void> {
    return this.evaluate((lab) => lab.reprobe());
  }

  startTraffic(spec: TrafficSpec): Promise<void> {
    return this.evaluate((lab, s) => lab.startTraffic(s), spec);
  }

  stopTraffic(): Promise<void> {
    return this.evaluate((lab) => lab.stopTraffic());
  }

  restart(): Promise<void> {
    return this.evaluate((lab) => lab.restart());
  }

  /** SET_PROMISC arguments of the link's ioctls so far, with the errno of those that failed. */
  async promiscCalls(): Promise<string[]> {
    const { ioctls } = await this.link();
    return ioctls
      .filter(({ name }) => name === 'VNA_IOC_SET_PROMISC')
      .map(({ arg, errno }) => (errno === 0 ? arg : `${arg} ${errno}`));
  }

  /** Runs `call` in the page, on this client's guest. */
  evaluate<Result>(call: (lab: GuestLab) => Result | Promise<Result>): Promise<Result>;
  evaluate<Result, Arg>(call: (lab: GuestLab, arg: Arg) => Result | Promise<Result>, arg: Arg): Promise<Result>;
  async evaluate<Result>(call: (lab: GuestLab, arg: unknown) => Result | Promise<Result>, arg?: unknown) {
    const guest = await this.page.evaluateHandle((index) => window.lab.guests[index], this.#guest - 1);
    return guest.evaluate(call as (lab: GuestLab | undefined, arg: unknown) => Result | Promise<Result>, arg);
  }
}
