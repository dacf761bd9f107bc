/**
 * The kinds of driver that one scenario can be run with: every legal combination of interface, interrupts, ring
 * layout and merged receive buffers.
 */
import type { PersonalityRequest } from '../virtio-net/personality-request.ts';
import type { DeviceBenchOptions } from './device-bench.ts';
import type { FakeDriverOptions } from './fake-driver.ts';

export interface Variant {
  readonly transport: 'modern' | 'legacy';
  readonly interrupts: 'intx' | 'msix';
  readonly layout: 'split' | 'packed';
  readonly mergeable: boolean;
}

const MRG_RXBUF = 1n << 15n;
const RING_PACKED = 1n << 34n;

/** A legacy driver knows no packed ring. */
export const VARIANTS: readonly Variant[] = (['modern', 'legacy'] as const).flatMap((transport) =>
  (transport === 'modern' ? (['split', 'packed'] as const) : (['split'] as const)).flatMap((layout) =>
    (['intx', 'msix'] as const).flatMap((interrupts) =>
      [false, true].map((mergeable) => ({ transport, interrupts, layout, mergeable })),
    ),
  ),
);

export function variantName({ transport, interrupts, layout, mergeable }: Variant): string {
  return [transport, interrupts, layout, mergeable ? 'mergeable' : 'not mergeable'].join(', ');
}

/** What a bench must offer for every variant to be possible, besides `offers`. */
export function variantBench({ transport }: Variant, offers = 0n): DeviceBenchOptions {
  return { transitional: transport === 'legacy', offers: offers | MRG_RXBUF | RING_PACKED };
}

/** What a machine must be asked to offer for the variant to be possible, whatever its host model offers. */
export function variantPersonality(variant?: Variant): PersonalityRequest {
  if (!variant) return {};
  const { transport, layout, mergeable } = variant;
  const add = [
    ...(mergeable ? ['VIRTIO_NET_F_MRG_RXBUF'] : []),
    ...(layout === 'packed' ? ['VIRTIO_F_RING_PACKED'] : []),
  ];
  return { add, transitional: transport === 'legacy' };
}

export function variantDriver(variant: Variant): Partial<FakeDriverOptions> {
  const { transport, interrupts, layout, mergeable } = variant;
  return { transport, interrupts, layout, refused: mergeable ? 0n : MRG_RXBUF };
}
