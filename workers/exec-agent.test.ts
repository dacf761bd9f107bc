import { beforeEach, describe, expect, it, vi } from 'vitest';
import { ExecAgent } from './exec-agent.ts';

/** The guest's end of the line: collects what arrives, answers when told to. */
class Guest {
  readonly lines: string[] = [];
  readonly onReady = vi.fn();
  readonly agent = new ExecAgent(
    (bytes) => {
      this.lines.push(new TextDecoder().decode(bytes));
    },
    this.onReady,
    OUTPUT_BYTES_MAX,
  );

  says(...lines: string[]): void {
    for (const line of lines) for (const byte of Buffer.from(`${line}\n`)) this.agent.receive(byte);
  }

  get asked(): string[] {
    return this.lines.map((line) => unescaped(/^\S+ (.*)\n$/.exec(line)?.[1] ?? ''));
  }
}

const OUTPUT_BYTES_MAX = 1_000_000;
/** As printf %b does it. */
const unescaped = (text: string): string =>
  Buffer.from(
    text.replace(/\\0(\d{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8))),
    'latin1',
  ).toString();
const base64 = (text: string): string => Buffer.from(text).toString('base64');

describe('ExecAgent', () => {
  let guest: Guest;
  beforeEach(() => {
    guest = new Guest();
  });

  it('waits for the agent, then sends one command a line', async () => {
    const result = guest.agent.exec('echo "é"');
    expect(guest.lines).toEqual([]);
    guest.says('#ready 1234');
    expect(guest.onReady).toHaveBeenCalledOnce();
    expect(guest.asked).toEqual(['echo "é"']);
    expect(guest.lines[0]).toBe('1 echo "\\0303\\0251"\n');
    guest.says(base64('é\n'), '#exit 1 3');
    expect(await result).toEqual({ output: 'é\n', exitCode: 3 });
  });

  it('tells a restored guest the time and something random, and waits until it reports for work', () => {
    guest.agent.resume(new Date(1_795_426_139_600), Uint8Array.of(0x00, 0x0f, 0xff));
    void guest.agent.exec('first');
    expect(guest.lines).toEqual(['#resume 1795426140 000fff\n']);
    guest.says('#ready 1');
    expect(guest.onReady).toHaveBeenCalledOnce();
    expect(guest.lines[1]).toMatch(/^1 /);
  });

  it('runs one at a time, in the order asked', async () => {
    guest.says('#ready 1');
    const first = guest.agent.exec('one');
    const second = guest.agent.exec('two');
    expect(guest.asked).toEqual(['one']);
    guest.says(base64('1'), '#exit 1 0');
    expect(guest.asked).toEqual(['one', 'two']);
    guest.says('#exit 2 0');
    expect((await first).output).toBe('1');
    expect((await second).output).toBe('');
  });

  it('reads what the agent quoted, and no more than the command wrote', async () => {
    guest.says('#ready 1');
    const result = guest.agent.exec('x');
    guest.says(
      "=$'\\na\\tb\\E[1m \\\\ \\' \\303\\251'",
      'AA==',
      '=$(rm)',
      base64('c\0end of 1\0of another'),
      '#exit 1 0',
    );
    expect((await result).output).toBe("a\tb\x1b[1m \\ ' é\0c");
  });

  it('puts a character together that was split over two lines', async () => {
    guest.says('#ready 1');
    const result = guest.agent.exec('x');
    const bytes = Buffer.from('a€b');
    guest.says(bytes.subarray(0, 2).toString('base64'), bytes.subarray(2).toString('base64'), '#exit 1 0');
    expect((await result).output).toBe('a€b');
  });

  it('ignores what is not the protocol’s: other text, an exit of another command', async () => {
    guest.says('#ready 1');
    const result = guest.agent.exec('x');
    guest.says('kernel: oops!', 'abc', '', '#exit 99 1', base64('ok'), '#exit 1 0');
    expect(await result).toEqual({ output: 'ok', exitCode: 0 });
  });

  it('fails the running command when the guest was reset, and keeps those that wait', async () => {
    guest.says('#ready 1');
    const running = guest.agent.exec('reboot');
    const waiting = guest.agent.exec('later');
    guest.agent.reset('The guest was reset.');
    await expect(running).rejects.toThrow('reset');
    guest.says('#ready 2');
    expect(guest.asked).toEqual(['reboot', 'later']);
    guest.says('#exit 2 0');
    expect((await waiting).exitCode).toBe(0);
  });

  it('says how to run a command that is too long', async () => {
    await expect(guest.agent.exec('x'.repeat(60_001))).rejects.toThrow('Write it to a file');
    expect(guest.lines).toEqual([]);
  });

  it('reports a line that the agent did not understand', async () => {
    guest.says('#ready 1');
    const result = guest.agent.exec('x');
    guest.says('#error bad base64');
    await expect(result).rejects.toThrow('bad base64');
  });

  it('keeps a bounded part of an endless output, and says how much it did not keep', async () => {
    const result = guest.agent.exec('cat /dev/zero');
    guest.says('#ready 1');
    const line = Buffer.from(`${base64('x'.repeat(48_000))}\n`);
    const lines = Math.ceil(OUTPUT_BYTES_MAX / 48_000) + 3;
    for (let i = 0; i < lines; i++) for (const byte of line) guest.agent.receive(byte);
    guest.says('#exit 1 0');
    const { output, exitCode } = await result;
    expect(exitCode).toBe(0);
    const kept = Math.floor(OUTPUT_BYTES_MAX / 48_000) * 48_000;
    expect(output.length).toBeLessThan(OUTPUT_BYTES_MAX + 100);
    expect(output.slice(kept)).toBe(`\n[${lines * 48_000 - kept} more bytes of output were not kept]\n`);
  });

  it('passes over a line that never ends', async () => {
    const result = guest.agent.exec('true');
    guest.says('#ready 1', `#exit 1 ${'7'.repeat(200_000)}`, base64('ok'), '#exit 1 0');
    expect(await result).toEqual({ output: 'ok', exitCode: 0 });
  });

  it('of a machine that failed to start answers every command with the reason', async () => {
    const before = guest.agent.exec('true');
    guest.agent.fail('There is no image.');
    await expect(before).rejects.toThrow('There is no image.');
    await expect(guest.agent.exec('true')).rejects.toThrow('There is no image.');
  });
});
