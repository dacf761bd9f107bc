/** What surrounds a device that is treated badly: memory that counts, a host with moods, an editor of snapshots. */
import type { HostAnswer, RxEvent } from '../host/host-model.ts';
import { ArrayMemory } from '../testing/array-memory.ts';
import { HOST_OK } from '../testing/device-bench.ts';

/** Guest memory that counts how often it is asked. */
export class CountingMemory extends ArrayMemory {
  accesses = 0;

  override readU16(addr: number): number {
    this.accesses++;
    return super.readU16(addr);
  }
  override readU32(addr: number): number {
    this.accesses++;
    return super.readU32(addr);
  }
  override readU64(addr: number): number {
    this.accesses++;
    return super.readU64(addr);
  }
  override write(addr: number, from: Uint8Array, offset: number, length: number): void {
    this.accesses++;
    super.write(addr, from, offset, length);
  }
}

interface Waiting {
  readonly resolve: (answer: HostAnswer) => void;
  readonly reject: (reason: Error) => void;
}

/** A host that answers at once, later, with a refusal, or never. */
export class MoodyHost {
  mood: 'prompt' | 'late' | 'refuses' | 'breaks' = 'prompt';
  readonly waiting: Waiting[] = [];

  readonly answer = (event: RxEvent): HostAnswer | Promise<HostAnswer> => {
    const { mood } = this;
    if (mood === 'late') return new Promise((resolve, reject) => this.waiting.push({ resolve, reject }));
    if (mood === 'prompt' || event.type !== 'command') return HOST_OK;
    return { ...HOST_OK, ack: 'ERR', reason: 'no', needsReset: mood === 'breaks' };
  };
}

/** Replaces one value somewhere inside. */
export function mutate(root: unknown, where: number, what: number): void {
  const places: { holder: Record<string, unknown>; key: string }[] = [];
  const visit = (holder: unknown): void => {
    if (typeof holder !== 'object' || holder === null) return;
    for (const key of Object.keys(holder)) {
      places.push({ holder: holder as Record<string, unknown>, key });
      visit((holder as Record<string, unknown>)[key]);
    }
  };
  visit(root);
  const chosen = places[where % places.length];
  if (!chosen) return;
  const old = chosen.holder[chosen.key];
  const wrong = [
    null,
    -1,
    NaN,
    1e99,
    2 ** 53,
    0.5,
    'x',
    '0x',
    [],
    {},
    true,
    undefined,
    new Array(3),
    0,
    1,
    4,
    255,
    65535,
  ];
  const near = typeof old === 'number' ? [old + 1, old - 1, old ^ 4, 0x1_0000 - old] : [];
  const values = [...wrong, ...near, ...near];
  chosen.holder[chosen.key] = values[what % values.length];
}
