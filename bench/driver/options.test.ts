import { describe, expect, it } from 'vitest';
import { CASE_IDS, parseOptions, USAGE } from './options.ts';

describe('options', () => {
  it('runs everything but the charts, seven times, if nothing is asked for', () => {
    const only = CASE_IDS.filter((id) => id !== 'chart');
    expect(parseOptions([])).toEqual({ rounds: 7, only, json: null, profile: null, verbose: false, help: false });
  });

  it.each([
    [['--quick'], { rounds: 3 }],
    [['--rounds', '5'], { rounds: 5 }],
    [['--quick', '--rounds=1'], { rounds: 1 }],
    [['--only', 'ping, transmit'], { only: ['transmit', 'ping'] }],
    [['--only=transmit', '--chart'], { only: ['transmit', 'chart'] }],
    [['--chart'], { only: [...CASE_IDS] }],
    [['--json', 'a.json', '--profile=b.cpuprofile'], { json: 'a.json', profile: 'b.cpuprofile' }],
    [['--help'], { help: true }],
  ])('%j', (args, expected) => {
    expect(parseOptions(args)).toMatchObject(expected);
  });

  it.each([
    [['--fast'], "Unknown option '--fast'"],
    [['quick'], "Unexpected argument 'quick'"],
    [['--json'], "'--json <value>' argument missing"],
    [['--json='], '--json wants the name of a file.'],
    [['--rounds', '0'], '--rounds wants a number from 1 to 999, not “0”.'],
    [['--rounds', 'many'], 'not “many”'],
    [['--only', 'pong'], 'There is no case “pong”; there are transmit, receive'],
    [['--only', ''], 'There is no case “”'],
  ])('%j is refused in words that help', (args, message) => {
    expect(() => parseOptions(args)).toThrow(message);
  });

  it('has usage that names every case', () => {
    for (const id of CASE_IDS) expect(USAGE).toContain(id);
  });
});
