/** What the page's elements can do to one guest, in terms of the lab. */
import type { HostModelId } from '../core/host/host-model.ts';
import { HOST_MODELS } from '../core/host/models.ts';
import { trafficPresets } from '../core/net/traffic.ts';
import type { TraceMode } from '../core/trace/event.ts';
import type { IoctlRecord } from '../core/viona/link.ts';
import type { PersonalityRequest } from '../core/virtio-net/personality-request.ts';
import type {
  ExecResult,
  Fault,
  FaultKind,
  FrameSpec,
  LinkInfo,
  LinkKind,
  NicInfo,
  SwitchPortInfo,
  TrafficSpec,
} from '../protocol/api.ts';
import type { InjectedFrame, LabActions, PackageManifest, TrafficPreset } from '../ui/store.ts';
import type { GuestLab } from './guest-lab.ts';
import type { Lab } from './lab.ts';

export class PageActions implements LabActions {
  readonly hostModels = HOST_MODELS;
  readonly trafficPresets: readonly TrafficPreset[];
  readonly manifest: PackageManifest | null;
  readonly #lab: Lab;
  readonly #guest: GuestLab;

  constructor(lab: Lab, guest: GuestLab, manifest: PackageManifest | null) {
    this.#lab = lab;
    this.#guest = guest;
    this.manifest = manifest;
    this.trafficPresets = trafficPresets(guest.mac);
  }

  setHostModel(id: HostModelId): Promise<void> {
    return this.#guest.setHostModel(id);
  }

  reprobe(): Promise<void> {
    return this.#guest.reprobe();
  }

  restartGuest(): Promise<void> {
    return this.#guest.restart();
  }

  inject(frames: readonly FrameSpec[], times?: number): Promise<readonly InjectedFrame[]> {
    return this.#guest.inject(frames, times);
  }

  startTraffic(spec: TrafficSpec): Promise<void> {
    return this.#guest.startTraffic(spec);
  }

  stopTraffic(): Promise<void> {
    return this.#guest.stopTraffic();
  }

  link(): Promise<LinkInfo> {
    return this.#guest.link();
  }

  nic(): Promise<NicInfo> {
    return this.#guest.nic();
  }

  switchPorts(): Promise<readonly SwitchPortInfo[]> {
    return this.#lab.switchPorts();
  }

  ioctl(name: string, arg: unknown): Promise<IoctlRecord> {
    return this.#guest.ioctl(name, arg);
  }

  recreateLink(): Promise<void> {
    return this.#guest.recreateLink();
  }

  setLinkKind(kind: LinkKind): Promise<void> {
    return this.#guest.setLinkKind(kind);
  }

  migrate(): Promise<void> {
    return this.#guest.migrate();
  }

  fault(fault: Fault): Promise<void> {
    return this.#guest.fault(fault);
  }

  clearFaults(kind?: FaultKind): Promise<void> {
    return this.#guest.clearFaults(kind);
  }

  get personality(): LabActions['personality'] {
    return this.#guest.personality;
  }

  setPersonality(request: PersonalityRequest): Promise<unknown> {
    return this.#guest.setPersonality(request);
  }

  setLinkUp(up: boolean): Promise<void> {
    return this.#guest.setLinkUp(up);
  }

  announce(): Promise<void> {
    return this.#guest.announce();
  }

  exec(command: string): Promise<ExecResult> {
    return this.#guest.exec(command);
  }

  consoleWrite(bytes: Uint8Array): void {
    this.#guest.console.write(bytes);
  }

  onConsole(listener: (bytes: Uint8Array) => void): () => void {
    return this.#guest.console.listen(listener);
  }

  consoleResize(columns: number, rows: number): void {
    this.#guest.resizeConsole(columns, rows);
  }

  setTrace(mode: TraceMode): Promise<void> {
    return this.#lab.setTrace(mode);
  }

  clearTrace(): void {
    this.#guest.store.clearFrames();
  }
}
