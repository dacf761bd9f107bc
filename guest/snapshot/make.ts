/** Boots the guest image in Node, in the same emulator as in a browser, and keeps the machine when it is at its shell. */
import { createRequire } from 'node:module';
import { setTimeout } from 'node:timers/promises';
import { ExecAgent } from '../../workers/exec-agent.ts';
import type { GuestImage } from '../../workers/guest-image.ts';
import { Machine } from '../../workers/v86/machine.ts';
import { packSnapshot } from '../../workers/v86/snapshot.ts';

const WASM = createRequire(import.meta.url).resolve('v86/build/v86.wasm');
const PROMPT = 'root@guest:~# ';

/**
 * What the kernel has freed still holds what was in it: the packed kernel, above all. Here it is allocated once more, as
 * zeros, but for two megabytes; pages of zeros cost a snapshot nothing. The kernel's own reserves are in the way,
 * that of the first 16 MB most of all, and are put back afterwards. Should memory run out, dd is what dies of it.
 */
const ZERO_FREE_MEMORY = `
  cd /proc/sys/vm
  reserves=$(cat lowmem_reserve_ratio) least=$(cat min_free_kbytes)
  echo 3 > drop_caches
  echo 0 0 0 0 > lowmem_reserve_ratio
  echo 512 > min_free_kbytes
  mount -t tmpfs -o size=100% none /mnt || exit 1
  free=$(awk '/^MemFree:/ { print int($2 / 1024) }' /proc/meminfo)
  sh -c 'echo 1000 > /proc/self/oom_score_adj; exec dd if=/dev/zero of=/mnt/zeros bs=1M count=$0' $((free - 2)) 2> /dev/null || exit 1
  umount /mnt
  echo "$least" > min_free_kbytes
  echo "$reserves" > lowmem_reserve_ratio`;

/** Here it waits for the machine to be restored. What it starts is left time to come to where it waits. */
const AWAIT_RESUME = `
  lab-resume > /dev/null 2>&1 &
  sleep 2
  [ -p /run/resume ]`;

/** What is done to the guest before it is saved. */
const STEPS: readonly string[] = [AWAIT_RESUME, ZERO_FREE_MEMORY];

/** What is left to do for the guest when the last of it has been answered, in milliseconds: all who restore it would do it. */
const REST = 2000;

/** What a snapshot depends on, besides image and machine. */
export const MAKER = [...STEPS, REST].join('\n');

/** A snapshot as it is to be packed. */
export async function makeSnapshot(image: GuestImage): Promise<Uint8Array> {
  const console: number[] = [];
  let onReady = (): void => undefined;
  let onPrompt = (): void => undefined;
  const ready = new Promise<void>((resolve) => (onReady = resolve));
  const prompt = new Promise<void>((resolve) => (onPrompt = resolve));
  const agent = new ExecAgent(
    (bytes) => {
      machine.sendSerial(1, bytes);
    },
    () => {
      onReady();
    },
  );
  const failed = (what: string): never => {
    throw new Error(`the guest ${what} while the snapshot was made`);
  };
  const machine = await Machine.create({
    wasm: WASM,
    image,
    device: null,
    onSerial: (line, byte) => {
      if (line === 1) {
        agent.receive(byte);
        return;
      }
      console.push(byte);
      if (String.fromCharCode(...console.slice(-PROMPT.length)) === PROMPT) onPrompt();
    },
    onReset: () => failed('reset itself'),
    onKernel: () => undefined,
    onPowerOff: () => failed('switched itself off'),
  });
  try {
    await machine.run();
    await Promise.all([ready, prompt]);
    for (const command of STEPS) {
      const { output, exitCode } = await agent.exec(command);
      if (exitCode !== 0) throw new Error(`the guest could not be made ready to be saved: ${command}\n${output}`);
    }
    await setTimeout(REST);
    const { snapshot, memory } = await machine.save(Uint8Array.from(console));
    return packSnapshot(snapshot, memory);
  } finally {
    await machine.stop();
  }
}
