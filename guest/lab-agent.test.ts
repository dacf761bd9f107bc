/** The guest's agent as it is, in the bash of this machine, with pipes in place of the serial line. */
import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ExecAgent } from '../workers/exec-agent.ts';

const AGENT = fileURLToPath(new URL('rootfs/usr/sbin/lab-agent', import.meta.url));

describe('lab-agent', { timeout: 30_000 }, () => {
  let bash: ChildProcessWithoutNullStreams;
  let agent: ExecAgent;
  /** Lines that it wrote. */
  let said = '';

  beforeEach(async () => {
    bash = spawn('bash', [AGENT]);
    said = '';
    await new Promise<void>((ready) => {
      agent = new ExecAgent((bytes) => bash.stdin.write(bytes), ready);
      bash.stdout.on('data', (data: Buffer) => {
        said += data.toString('latin1');
        for (const byte of data) agent.receive(byte);
      });
    });
  });

  afterEach(() => {
    bash.kill('SIGKILL');
  });

  it.each<[what: string, command: string, output: string, exitCode: number]>([
    ['nothing', 'true', '', 0],
    ['an empty command', '', '', 0],
    ['a line', 'echo hello', 'hello\n', 0],
    ['no line feed at the end', 'printf hello', 'hello', 0],
    ['both outputs, in the order written', 'echo 1; echo 2 >&2; echo 3', '1\n2\n3\n', 0],
    ['an exit code', 'echo before; exit 3', 'before\n', 3],
    ['a signal', 'kill -TERM $$', '', 143],
    ['several lines, and a here document', 'cat <<END\n  one\n\ntwo\nEND', '  one\n\ntwo\n', 0],
    [
      'what shells and printf treat in a special way',
      `printf '%s' ' \\ \\0101 %s $HOME \`x\` "\t" '`,
      ' \\ \\0101 %s $HOME `x` "\t" ',
      0,
    ],
    ['characters beyond ASCII', 'printf "é€😀"; printf é | wc -c', 'é€😀2\n', 0],
    ['control characters', `printf '\\a\\b\\033\\r\\v\\f\\177'`, '\x07\b\x1b\r\v\f\x7f', 0],
    ['zero bytes', `printf 'a\\0\\0b\\0'`, 'a\0\0b\0', 0],
    ['a zero byte alone', `printf '\\0'`, '\0', 0],
    ['a variable that nobody set', 'echo "<$1$id$command>"; set', expect.stringMatching(/^<>\n/), 0],
    ['a session of its own', '[ $(ps -o sid= $$) = $$ ] && echo leads', 'leads\n', 0],
    ['no input', 'cat; echo end', 'end\n', 0],
    ['what looks like a message', 'echo "#exit 1 7"; echo "=x"', '#exit 1 7\n=x\n', 0],
  ])('runs a command with %s', async (_what, command, output, exitCode) => {
    expect(await agent.exec(command)).toEqual({ output, exitCode });
  });

  it.each([1, 1023, 1024, 1025, 2048, 5000, 65_535, 65_536, 65_537, 1_000_000])(
    'has all %d bytes of output',
    async (size) => {
      const command = `head -c ${size} /dev/zero | tr '\\0' x`;
      const { output } = await agent.exec(command);
      expect(output.length).toBe(size);
      expect(output).toBe('x'.repeat(size));
      const zeros = await agent.exec(`head -c ${size} /dev/zero`);
      expect(zeros.output).toBe('\0'.repeat(size));
    },
  );

  it('starts no process for a little output', async () => {
    await agent.exec('seq 100');
    expect(said).toMatch(/^=/m);
    expect(said.split('\n').filter((line) => /^[A-Za-z0-9+/]+=*$/.test(line))).toEqual([]);
  });

  it('says a syntax error as a shell says it', async () => {
    const { output, exitCode } = await agent.exec('echo (');
    expect([output, exitCode]).toEqual([expect.stringMatching(/syntax error/i), 2]);
  });

  it('has output while a command runs', async () => {
    const running = agent.exec(
      'echo early; until [ -e /tmp/lab-agent-go.$PPID ]; do sleep 0.05; done; echo late; rm /tmp/lab-agent-go.$PPID',
    );
    while (!said.includes(Buffer.from('early\n').toString('base64')))
      await new Promise((again) => setTimeout(again, 20));
    // Its parent is the shell that waits for it, of which the agent is the parent.
    const parents = spawnSync('pgrep', ['-P', String(bash.pid)])
      .stdout.toString()
      .trim()
      .split('\n');
    for (const parent of parents) spawnSync('touch', [`/tmp/lab-agent-go.${parent}`]);
    expect((await running).output).toBe('early\nlate\n');
    for (const parent of parents) spawnSync('rm', ['-f', `/tmp/lab-agent-go.${parent}`]);
  });

  it('does not wait for what a command leaves running, and drops what that prints', async () => {
    const { output } = await agent.exec('(while echo noise; do sleep 0.02; done) & echo $!');
    const survivor = Number(/^\d+$/m.exec(output)?.[0]);
    expect((await agent.exec('sleep 0.2; echo quiet')).output).toBe('quiet\n');
    expect((await agent.exec(`kill ${survivor} && echo lived`)).output).toBe('lived\n');
  });

  it('kills a command with all that it started', async () => {
    const running = agent.exec('sleep 1000 & sleep 1000; echo never');
    await new Promise((again) => setTimeout(again, 300));
    bash.stdin.write('#kill 1\n');
    expect(await running).toEqual({ output: '', exitCode: 137 });
    expect((await agent.exec('echo next')).output).toBe('next\n');
  });

  it('runs what was asked for meanwhile afterwards, and says what is no request', async () => {
    const first = agent.exec('sleep 0.3; echo first');
    bash.stdin.write('x1 echo  in between \n\n#kill 77\n');
    expect((await first).output).toBe('first\n');
    await agent.exec('true');
    const refused = agent.exec('sleep 0.3');
    bash.stdin.write('nonsense\n');
    expect(await refused).toEqual({ output: '', exitCode: 0 });
    await vi.waitFor(() => expect(said).toContain('#error not a request: nonsense'), { timeout: 10_000 });
    expect(said).toContain("=$'\\nin between\\n'");
    expect(said).toContain('#exit x1 0');
  });

  it('refuses what is nearly a request', async () => {
    const ids = ['x;y true', 'x ', ' true', `${'x'.repeat(33)} true`];
    const resumes = ['#resume', '#resume 1', '#resume 1;2 ff', '#resume 1a ff', '#resume 1 fg', '#resume 1 f f'];
    const longest = 'y'.repeat(32);
    bash.stdin.write(`${[...ids, ...resumes].join('\n')}\n${longest} true\n`);
    await vi.waitFor(() => expect(said).toContain(`#exit ${longest} 0`), { timeout: 10_000 });
    const errors = said.split('\n').filter((line) => line.startsWith('#error not a request: '));
    expect(errors).toHaveLength(ids.length + resumes.length);
  });
});
