import { describe, expect, it } from 'vitest';
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

  it('takes a judgement for what no test names, and complains of one that tests contradict', () => {
    const na: Judgement = { status: 'not-applicable', reason: 'never offered' };
    expect(statuses([requirement('A-X-01')], { 'A-X-01': na }, [])).toEqual(['not-applicable']);
    expect(ledger([requirement('A-X-01')], { 'A-X-01': na }, [test('A-X-01')]).problems).toHaveLength(1);
    expect(ledger([], { 'A-X-01': na }, []).problems).toHaveLength(1);
  });

  it('complains of an id that does not exist in a family that does', () => {
    expect(ledger([requirement('A-X-01')], {}, [test('A-X-02')]).problems).toHaveLength(1);
    expect(ledger([requirement('A-X-01')], {}, [test('A-X-01 UTF-16')]).problems).toEqual([]);
  });

  it('sums up, and writes one row for each requirement', () => {
    const found = ledger([requirement('A-X-01'), requirement('A-X-02', 'SHOULD')], {}, [test('A-X-01')]);
    expect(summary(found)).toEqual({
      total: 2,
      covered: 1,
      notApplicable: 0,
      open: [{ id: 'A-X-02', level: 'SHOULD', reason: 'no test names it' }],
    });
    expect(
      markdown(found, '')
        .split('\n')
        .filter((line) => /^\| [✓–○] \|/.test(line)),
    ).toHaveLength(2);
  });
});
