import { describe, expect, it } from 'vitest';
import { HOST_MODEL_IDS } from './host-model.ts';
import { HOST_MODELS } from './models.ts';
import {
  after,
  CTRL_RX,
  CTRL_VQ,
  DRIVER_RESET,
  FOREIGN,
  JOINED,
  MACHINE_RESET,
  negotiated,
  rulesOf,
  rx,
  tables,
} from './models.test-kit.ts';
import { FATES, FATE_TEXT, PATHS, RULES, verdictOf } from './verdict.ts';

describe('all models', () => {
  it('stand in the order of HOST_MODEL_IDS and can be shown', () => {
    expect(HOST_MODELS.map((model) => model.id)).toEqual([...HOST_MODEL_IDS]);
    for (const model of HOST_MODELS) {
      expect(model.title).not.toBe('');
      expect(model.source).not.toBe('');
      expect(model.summary).toMatch(/\.$/);
    }
  });

  it('offer CTRL_RX, except the one from before #1125', () => {
    expect(HOST_MODELS.map((model) => model.offers)).toEqual([0n, CTRL_RX, CTRL_RX]);
  });

  it('every verdict has its code, rule and path; every fate its text', () => {
    for (let code = 0; ; code++) {
      const verdict = verdictOf(code);
      if (!verdict) {
        expect(code).toBeGreaterThan(20);
        break;
      }
      expect(verdict.code).toBe(code);
      expect(verdict.accept).toBe(RULES[verdict.rule].accept);
      expect(verdict.accept).toBe(verdict.cost.delivered === 1);
      expect(PATHS[verdict.path]).toBeDefined();
    }
    for (const fate of FATES) expect(FATE_TEXT[fate]).not.toBe('');
  });

  it('a command that changes nothing leaves the very same state', () => {
    for (const id of HOST_MODEL_IDS) {
      const { model, state } = after(id, negotiated(), rx('promisc', 1), tables([FOREIGN], [JOINED]));
      expect(model.next(state, rx('promisc', 1)).state).toBe(state);
      expect(model.next(state, tables([FOREIGN], [JOINED])).state).toBe(state);
    }
  });

  it.each([
    ['RX without CTRL_RX', negotiated(CTRL_VQ), rx('promisc', 1)],
    ['TABLE_SET without CTRL_RX', negotiated(CTRL_VQ), tables([], [JOINED])],
    ['a value that is neither 0 nor 1', negotiated(), rx('promisc', 2)],
    ['NOMULTI without CTRL_RX_EXTRA', negotiated(), rx('nomulti', 1)],
    ['a group address among the unicast ones', negotiated(), tables([JOINED], [])],
    ['a unicast address among the groups', negotiated(), tables([], [FOREIGN])],
  ])('refuse %s, saying why, and change nothing', (_name, first, command) => {
    for (const id of HOST_MODEL_IDS) {
      const { model, state } = after(id, first);
      const { state: next, ack, reason } = model.next(state, command);
      expect(ack).toBe('ERR');
      expect(reason).toMatch(/\.$/);
      expect(next).toBe(state);
    }
  });
});

describe('propolis-before-1125', () => {
  it('answers every command ERR and stays in MULTI for ever', () => {
    const events = [negotiated(), rx('promisc', 1), tables([FOREIGN], [JOINED]), DRIVER_RESET, MACHINE_RESET];
    const result = after('propolis-before-1125', ...events);
    expect(result.link?.level).toBe('MULTI');
    expect(result.ioctls).toEqual([]);
    expect(rulesOf(result)).toEqual(['own-unicast', 'unicast-foreign', 'broadcast', 'promisc-multi', 'promisc-multi']);
    expect(after('propolis-before-1125', rx('promisc', 0)).last.ack).toBe('ERR');
  });
});
