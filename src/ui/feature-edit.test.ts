import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { choosePersonality } from '../core/virtio-net/personality-request.ts';
import { HOST_MODELS } from '../core/host/models.ts';
import { switchFeature } from '../core/virtio-net/feature-rules.ts';
import { editRows, modelOffers, POSSIBLE, requestOf } from './feature-edit.ts';

const VERSION_1 = 32;
const CTRL_MAC_ADDR = 23;
const PCI = { transitional: true, msix: false };

describe('the feature editor', () => {
  it('asks for what was edited: the device offers just that, under every model', () => {
    const switches = fc.array(fc.tuple(fc.integer({ min: 0, max: 70 }), fc.boolean()), { maxLength: 20 });
    fc.assert(
      fc.property(fc.constantFrom(...HOST_MODELS), switches, ({ offers }, steps) => {
        const base = modelOffers(offers);
        let edited = base;
        for (const [bit, on] of steps) edited = switchFeature(edited, bit, on, POSSIBLE).features;
        const { personality } = choosePersonality(offers, requestOf(base, edited, PCI));
        expect(personality.features).toBe(edited);
        expect(personality).toMatchObject(PCI);
      }),
    );
  });

  it('asks for nothing if nothing was edited', () => {
    for (const { offers } of HOST_MODELS) {
      const base = modelOffers(offers);
      expect(requestOf(base, base, PCI)).toEqual({ add: [], remove: [], ...PCI });
    }
  });

  it('shows every bit that can be switched, and says of the others why not', () => {
    const rows = editRows(1n << 62n, 1n << BigInt(VERSION_1));
    const row = (bit: number) => rows.find((each) => each.bit === bit);
    expect(row(VERSION_1)).toMatchObject({ on: true, fixed: expect.stringContaining('specification') as string });
    expect(row(CTRL_MAC_ADDR)).toEqual({ bit: CTRL_MAC_ADDR, byModel: false, on: false, fixed: null });
    expect(row(62)).toMatchObject({
      byModel: true,
      on: false,
      fixed: expect.stringContaining('this device') as string,
    });
  });
});
