/** Packed trace records, folded into what the models said of each frame and where it ended: one fate per frame. */
import type { HostModelId } from '../host/host-model.ts';
import { HOST_MODEL_IDS } from '../host/host-model.ts';
import type { Fate, Verdict } from '../host/verdict.ts';
import { FATES } from '../host/verdict.ts';
import { verdictOf } from '../host/verdicts.ts';
import { AT, RECORD } from '../trace/packed.ts';
import type { FrameOutcome } from './scenarios-types.ts';

interface Judged {
  readonly active: HostModelId;
  readonly verdicts: Record<HostModelId, Verdict>;
}

export class FrameLedger {
  /** Of all frames towards the guest, by id. The pieces of a frame that was split are among them. */
  readonly fates = new Map<number, Fate>();
  readonly #judged = new Map<number, Judged>();
  /** Frames of which nothing but a record was seen. */
  readonly #pending = new Set<number>();

  /** Frames that have no fate yet. */
  get pending(): number {
    return this.#pending.size;
  }

  /** What became of a frame that was judged. @throws Error if it has no fate */
  outcome(id: number): FrameOutcome {
    const judged = this.#judged.get(id);
    const fate = this.fates.get(id);
    if (!judged || !fate) throw new Error(`frame ${id} has no fate`);
    return { fate, ...judged };
  }

  read(chunk: ArrayBuffer, used: number): void {
    const view = new DataView(chunk);
    for (let at = 0; at < used; at += view.getUint32(at + AT.length, true)) {
      const kind = view.getUint16(at + AT.kind, true);
      const id = view.getUint32(at + AT.id, true);
      if (kind === RECORD.FRAME_RX) {
        // A piece was judged with the frame that it is of.
        if (view.getUint8(at + AT.rxModels) > 0) this.#judged.set(id, readVerdicts(view, at));
        this.#pending.add(id);
        this.#settle(id, view.getUint16(at + AT.rxFate, true));
      } else if (kind === RECORD.FRAME_FATE) {
        this.#settle(id, view.getUint16(at + AT.fateCode, true));
      }
    }
  }

  #settle(id: number, code: number): void {
    const fate = FATES[code];
    if (fate === undefined || fate === 'pending') return;
    const first = this.fates.get(id);
    if (first !== undefined) throw new Error(`frame ${id} was ${first}, and then it was ${fate}`);
    this.fates.set(id, fate);
    this.#pending.delete(id);
  }
}

function readVerdicts(view: DataView, at: number): Judged {
  const active = HOST_MODEL_IDS[view.getUint8(at + AT.rxActive)] as HostModelId;
  const verdicts = HOST_MODEL_IDS.map((model, index) => {
    return [model, verdictOf(view.getUint16(at + AT.rxVerdicts + 2 * index, true))] as const;
  });
  return { active, verdicts: Object.fromEntries(verdicts) as Judged['verdicts'] };
}
