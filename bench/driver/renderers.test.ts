import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { Renderers } from './renderers.ts';

/** As `ps` shows it: T is stopped, S sleeps. */
function stateOf(pid: number): string {
  return /\) (\w)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1] ?? '?';
}

describe('the processes of the side whose turn it is not', () => {
  it('stand still, and go on', async () => {
    const child = spawn('sleep', ['60']);
    onTestFinished(() => void child.kill('SIGKILL'));
    await once(child, 'spawn');
    const pid = child.pid!;
    const renderers = new Renderers([pid]);
    renderers.stop();
    await vi.waitFor(() => {
      expect(stateOf(pid)).toBe('T');
    });
    renderers.goOn();
    await vi.waitFor(() => {
      expect(stateOf(pid)).toBe('S');
    });
  });

  it('may be gone', async () => {
    const child = spawn('true');
    await once(child, 'exit');
    const renderers = new Renderers([child.pid!]);
    expect(() => {
      renderers.stop();
      renderers.goOn();
    }).not.toThrow();
  });
});
