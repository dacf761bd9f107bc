import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import * as features from '../src/core/virtio/features.ts';
import { CAPABLE_FEATURES } from '../src/core/virtio-net/feature-rules.ts';
import { idsIn, type Judgement, ledger, markdown, type Requirement, summary } from './ledger.ts';

const requirement = (id: string, level = 'MUST'): Requirement => ({
  id,
  level,
  section: '2.1',
  when: 'always',
  text: `What ${id} wants.`,
  group: 'Group',
});
const test = (title: string, passed = true) => ({ title, file: 'a.test.ts', passed });
const statuses = (...args: Parameters<typeof ledger>) => ledger(...args).rows.map(({ status }) => status);

describe('ids in a title', () => {
  it('are found one by one, and in the short forms', () => {
    expect(idsIn('VQ-RESET-01, NET-RX-01, -05 and -07 to -09: text')).toEqual([
      'VQ-RESET-01',
      'NET-RX-01',
      'NET-RX-05',
      'NET-RX-07',
      'NET-RX-08',
      'NET-RX-09',
    ]);
    expect(idsIn('nothing here, not even -05')).toEqual([]);
  });

  it('are not those of requirements that a host model is shown to break', () => {
    expect(idsIn('NET-MAC-01 is not met: tables survive (NET-VLAN-01 not met), but NET-RX-02 is')).toEqual([
      'NET-RX-02',
    ]);
  });
});

describe('the ledger', () => {
  it('covers what a passing test names, and only that', () => {
    const rows = [requirement('A-X-01'), requirement('A-X-02'), requirement('A-X-03')];
    expect(statuses(rows, {}, [test('A-X-01: works'), test('A-X-02: fails', false)])).toEqual([
      'covered',
      'open',
      'open',
    ]);
  });

  it('does not count a requirement of which one test fails', () => {
    expect(statuses([requirement('A-X-01')], {}, [test('A-X-01'), test('A-X-01 again', false)])).toEqual(['open']);
  });

  it('takes a judgement for what no test names, and calls one stale that tests have overtaken', () => {
    const na: Judgement = { status: 'not-applicable', reason: 'never offered' };
    expect(statuses([requirement('A-X-01')], { 'A-X-01': na }, [])).toEqual(['not-applicable']);
    const overtaken = ledger([requirement('A-X-01')], { 'A-X-01': na }, [test('A-X-01')]);
    expect(overtaken.rows[0]?.status).toBe('covered');
    expect(overtaken.problems).toEqual(['A-X-01: the judgement “not-applicable” is stale, tests name it.']);
    expect(ledger([], { 'A-X-01': na }, []).problems).toHaveLength(1);
  });

  it('counts end-to-end tests against a requirement, never for it', () => {
    const rows = [requirement('A-X-01'), requirement('A-X-02')];
    expect(statuses(rows, {}, [test('A-X-01')], [test('A-X-01'), test('A-X-02')])).toEqual(['covered', 'open']);
    expect(statuses(rows, {}, [test('A-X-01')], [test('A-X-01 in Linux', false)])).toEqual(['open', 'open']);
    expect(ledger(rows, {}, [test('A-X-01, -02')], [test('A-X-03')]).problems).toHaveLength(1);
  });

  it('complains of an id that does not exist in a family that does', () => {
    expect(ledger([requirement('A-X-01')], {}, [test('A-X-01, -02')]).problems).toHaveLength(1);
    expect(ledger([requirement('A-X-01')], {}, [test('A-X-01 UTF-16')]).problems).toEqual([]);
  });

  it('sums up, and writes one row for each requirement', () => {
    const found = ledger([requirement('A-X-01'), requirement('A-X-02', 'SHOULD')], {}, [test('A-X-01')]);
    expect(summary(found)).toEqual({
      total: 2,
      covered: 1,
      notApplicable: 0,
      open: [{ id: 'A-X-02', level: 'SHOULD', reason: 'no unit test names it' }],
    });
    expect(
      markdown(found, '')
        .split('\n')
        .filter((line) => /^\| [✓–○] \|/.test(line)),
    ).toHaveLength(2);
  });

  it('complains of a requirement that nobody speaks of', () => {
    expect(ledger([requirement('A-X-01', 'MAY')], {}, []).problems).toEqual([
      'A-X-01 is neither named by a unit test nor judged.',
    ]);
  });

  it('writes the same document whatever order the tests ran in, and however many there are', () => {
    const rows = [requirement('A-X-01')];
    const tests = ['b.test.ts', 'a.test.ts', 'b.test.ts'].map((file) => ({ ...test('A-X-01'), file }));
    const text = markdown(ledger(rows, {}, tests), '');
    expect(text).toContain('| a.test.ts, b.test.ts |');
    expect(markdown(ledger(rows, {}, tests.toReversed().slice(0, 2)), '')).toBe(text);
  });
});

describe('the requirements', () => {
  const read = (name: string): unknown =>
    JSON.parse(readFileSync(new URL(`../docs/conformance/${name}.json`, import.meta.url), 'utf8'));
  const requirements = read('requirements') as Requirement[];

  it('are 302 and 27 of the legacy interface, each with an id of its own', () => {
    expect(new Set(requirements.map(({ id }) => id)).size).toBe(329);
    expect(requirements).toHaveLength(329);
    expect(requirements.filter(({ id }) => id.startsWith('LEG-'))).toHaveLength(27);
  });

  it('have a level each, and a reason for each judgement', () => {
    const levels = ['MUST', 'MUST NOT', 'SHOULD', 'SHOULD NOT', 'MAY', 'DESC'];
    expect(requirements.filter(({ level }) => !levels.includes(level))).toEqual([]);
    const judgements = Object.values(read('judgements') as Record<string, Judgement>);
    expect(judgements.filter(({ status, reason }) => !['not-applicable', 'open'].includes(status) || !reason)).toEqual(
      [],
    );
  });

  it('are not called impossible for want of a feature that the device can offer', () => {
    const judgements = Object.entries(read('judgements') as Record<string, Judgement>);
    const named = judgements.flatMap(([id, { reason }]) =>
      [...reason.matchAll(/(VIRTIO_\w+) is not offered/g)].map(([, name = '']) => [id, name] as const),
    );
    expect(named.length).toBeGreaterThan(20);
    const bits = features as unknown as Record<string, number>;
    const wrong = named.filter(([, name]) => {
      const bit = bits[name];
      return bit === undefined || features.hasFeature(CAPABLE_FEATURES, bit);
    });
    expect(wrong).toEqual([]);
  });
});
