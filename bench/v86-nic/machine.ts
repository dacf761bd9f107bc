/**
 * v86 as its users have it: its own virtio NIC, nothing of ours. The guest, its memory and its command line are the
 * lab's.
 *
 * ACPI is left off, which is v86's default. With it on a stock v86 tells this guest some seconds after boot that all PCI
 * slots are empty, and the NIC is gone (docs/architecture.md, the v86 seam); the lab mends that, v86's users have not.
 */
import { V86, type V86Options } from 'v86';
import { GUEST_CMDLINE, GUEST_MEMORY_BYTES } from '../../guest/boot.ts';
import { ExecAgent } from '../../workers/exec-agent.ts';
import { V86_VERSION } from '../../workers/v86/snapshot.ts';

/** What must be the same in the machine that is saved and in the one that goes on. */
export const NIC_MACHINE_IDENTITY = `v86 ${V86_VERSION}, its own NIC, format 1, ${GUEST_MEMORY_BYTES} bytes, ${GUEST_CMDLINE}`;

export interface NicMachineOptions {
  /** Where v86.wasm is: a URL in a browser, a path in Node. */
  readonly wasm: string;
  /** What to boot, or what to go on from. */
  readonly media: Partial<V86Options>;
  /** Connects all machines of this browser that are so made, as v86 does it: over a BroadcastChannel. */
  readonly network: boolean;
}

export interface NicMachine {
  readonly emulator: V86;
  readonly agent: ExecAgent;
  /** Resolves when an agent reports for work: after a boot, not after a restore. */
  readonly booted: Promise<void>;
}

export async function nicMachine({ wasm, media, network }: NicMachineOptions): Promise<NicMachine> {
  const emulator = new V86({
    wasm_path: wasm,
    memory_size: GUEST_MEMORY_BYTES,
    ...media,
    uart1: true,
    autostart: false,
    disable_keyboard: true,
    disable_mouse: true,
    disable_speaker: true,
    net_device: { type: 'virtio', ...(network ? { relay_url: 'inbrowser' } : {}) },
  });
  await new Promise<void>((resolve) => {
    emulator.add_listener('emulator-loaded', () => {
      resolve();
    });
  });
  let onReady = (): void => undefined;
  const booted = new Promise<void>((resolve) => (onReady = resolve));
  const agent = new ExecAgent(
    (bytes) => {
      emulator.serial_send_bytes(1, bytes);
    },
    () => {
      onReady();
    },
  );
  emulator.add_listener('serial1-output-byte', (byte) => {
    agent.receive(byte);
  });
  return { emulator, agent, booted };
}
