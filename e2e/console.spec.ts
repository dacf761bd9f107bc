/** The two ways to give the guest commands: a terminal for people, exec for scripts. */
import { expect, test } from './fixtures.ts';

test('a command typed into the terminal is run, and its output is seen', async ({ ui }) => {
  await ui.typeInConsole('echo typed-$((6*7)) at $(hostname)');
  await expect(ui.consoleScreen).toContainText('typed-42 at guest');
});

test('editing keys work as in any terminal', async ({ lab, ui }) => {
  const { keyboard } = ui.page;
  await ui.focusPrompt();
  await keyboard.type('echo wrong');
  await keyboard.press('Control+u');
  await keyboard.type('echo tab-done-$((1+1)); ls /usr/sbin/lab-rep');
  await keyboard.press('Tab');
  await keyboard.press('Enter');
  // The screen's lines, one after another.
  await expect(ui.consoleScreen).toContainText('tab-done-2/usr/sbin/lab-reprobe');
  await ui.typeInConsole('sleep 1000');
  // An interrupt throws away what the terminal has not read yet, as on any terminal.
  await expect.poll(() => lab.exec('ps')).toContain('sleep 1000');
  await keyboard.press('Control+c');
  await expect.poll(() => lab.exec('ps')).not.toContain('sleep 1000');
  await ui.typeInConsole('echo after-$((2+1))');
  await expect(ui.consoleScreen).toContainText('after-3');
});

test('the guest is told when the terminal gets another size', async ({ lab, ui }) => {
  const size = (): Promise<string> => lab.exec('stty -F /dev/ttyS0 size');
  const { width, height } = ui.page.viewportSize()!;
  const before = await ui.terminalRows();
  await ui.page.setViewportSize({ width, height: height - 150 });
  await expect.poll(() => ui.terminalRows()).toBeLessThan(before);
  await expect.poll(size).toMatch(new RegExp(`^${await ui.terminalRows()} `));
  await ui.page.setViewportSize({ width, height });
  await expect.poll(size).toMatch(new RegExp(`^${before} `));
});

test('F6 leaves the terminal', async ({ ui }) => {
  await ui.consoleInput.focus();
  await ui.page.keyboard.press('F6');
  await expect(ui.consoleInput).not.toBeFocused();
});

test('exec gives output of both kinds, and the exit code', async ({ lab }) => {
  expect(await lab.run('echo out; echo err >&2; exit 3')).toEqual({ output: 'out\nerr\n', exitCode: 3 });
  expect((await lab.run('kill -9 $$')).exitCode).toBe(137);
  expect((await lab.run('no-such-command')).exitCode).toBe(127);
  expect(await lab.run('printf "no newline: ü € 😀"')).toEqual({ output: 'no newline: ü € 😀', exitCode: 0 });
});

test('calls at the same time are run one after another, in order', async ({ lab }) => {
  const numbers = Array.from({ length: 8 }, (_, i) => i);
  const results = await Promise.all(
    numbers.map((i) => lab.run(`echo ${i} >> /tmp/order; usleep 20000; echo ${i}; exit ${i}`)),
  );
  expect(results).toEqual(numbers.map((i) => ({ output: `${i}\n`, exitCode: i })));
  expect(await lab.exec('cat /tmp/order')).toBe(numbers.join('\n'));
});

test('a megabyte of output arrives whole', async ({ lab }) => {
  await lab.exec('seq 1 170000 > /tmp/long');
  const output = await lab.page.evaluate(async () => {
    const text = (await window.lab.exec('head -c 1000000 /tmp/long')).output;
    return { length: text.length, lines: text.split('\n') };
  });
  expect(output.length).toBe(1_000_000);
  expect(output.lines.slice(0, -1).every((line, i) => line === String(i + 1))).toBe(true);
});

test('bytes that are no text do not disturb what comes after them', async ({ lab }) => {
  const { exitCode, output } = await lab.run(
    'head -c 3000 /dev/urandom; printf "\\0\\001\\377#exit 1 1\\n#ready x\\n"',
  );
  expect(exitCode).toBe(0);
  expect(output.endsWith('#exit 1 1\n#ready x\n')).toBe(true);
  expect(await lab.exec('echo still here')).toBe('still here');
});

test('exec answers while the console is busy', async ({ lab, ui }) => {
  await ui.typeInConsole('i=0; while :; do echo busy $((i+=1)); done');
  await expect(ui.consoleScreen).toContainText('busy');
  expect(await lab.exec('seq 1 2000 | tail -n 1')).toBe('2000');
  await ui.page.keyboard.press('Control+c');
  await ui.typeInConsole('clear; echo calm-$((1+1))');
  await expect(ui.consoleScreen).toContainText('calm-2');
});

test('what exec runs does not show on the console', async ({ lab, ui }) => {
  await lab.exec('echo secret-$((6*7))');
  await ui.typeInConsole('echo visible-$((6*7))');
  await expect(ui.consoleScreen).toContainText('visible-42');
  expect(await ui.consoleText()).not.toContain('secret-42');
});
