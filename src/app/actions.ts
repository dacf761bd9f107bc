/** What the page's elements can do, in terms of the lab. */
import type { HostModelId } from '../core/host/host-model.ts';
import { HOST_MODELS } from '../core/host/models.ts';
import { trafficPresets } from '../core/net/traffic.ts';
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
  TrafficSpec,
} from '../protocol/api.ts';
import type { InjectedFrame, LabActions, PackageManifest, TrafficPreset } from '../ui/store.ts';
import type { GuestLab } from './guest-lab.ts';

export class PageActions implements LabActions {
  readonly hostModels = HOST_MODELS;
  readonly trafficPresets: readonly TrafficPreset[];
  readonly manifest: PackageManifest | null;
  readonly #lab: GuestLab;

  constructor(lab: GuestLab, manifest: PackageManifest | null) {
    this.#lab = lab;
    this.manifest = manifest;
    this.trafficPresets = trafficPresets(lab.mac);
  }

  setHostModel(id: HostModelId): Promise<void> {
    return this.#lab.setHostModel(id);
  }

  reprobe(): Promise<void> {
    return this.#lab.reprobe();
  }

  restartGuest(): Promise<void> {
    return this.#lab.restart();
  }

  inject(frames: readonly FrameSpec[], times?: number): Promise<readonly InjectedFrame[]> {
    return this.#lab.inject(frames, times);
  }

  startTraffic(spec: TrafficSpec): Promise<void> {
    return this.#lab.startTraffic(spec);
  }

  stopTraffic(): Promise<void> {
    return this.#lab.stopTraffic();
  }

  link(): Promise<LinkInfo> {
    return this.#lab.link();
  }

  nic(): Promise<NicInfo> {
    return this.#lab.nic();
  }

  ioctl(name: string, arg: unknown): Promise<IoctlRecord> {
    return this.#lab.ioctl(name, arg);
  }

  recreateLink(): Promise<void> {
    return this.#lab.recreateLink();
  }

  setLinkKind(kind: LinkKind): Promise<void> {
    return this.#lab.setLinkKind(kind);
  }

  migrate(): Promise<void> {
    return this.#lab.migrate();
  }

  fault(fault: Fault): Promise<void> {
    return this.#lab.fault(fault);
  }

  clearFaults(kind?: FaultKind): Promise<void> {
    return this.#lab.clearFaults(kind);
  }

  get personality(): LabActions['personality'] {
    return this.#lab.personality;
  }

  setPersonality(request: PersonalityRequest): Promise<unknown> {
    return this.#lab.setPersonality(request);
  }

  setLinkUp(up: boolean): Promise<void> {
    return this.#lab.setLinkUp(up);
  }

  announce(): Promise<void> {
    return this.#lab.announce();
  }

  exec(command: string): Promise<ExecResult> {
    return this.#lab.exec(command);
  }

  consoleWrite(bytes: Uint8Array): void {
    this.#lab.console.write(bytes);
  }

  onConsole(listener: (bytes: Uint8Array) => void): () => void {
    return this.#lab.console.listen(listener);
  }

  consoleResize(columns: number, rows: number): void {
    this.#lab.resizeConsole(columns, rows);
  }

  clearTrace(): void {
    this.#lab.store.clearFrames();
  }
}
