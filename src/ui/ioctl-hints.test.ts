import { expect, test } from 'vitest';
import { parseIoctlArgument } from '../core/viona/ioctl-arguments.ts';
import { IOCTL_HINTS } from './ioctl-hints.ts';

test('every ioctl of the link is there, by its name', () => {
  expect(IOCTL_HINTS.length).toBeGreaterThan(25);
  expect(IOCTL_HINTS.map(({ short }) => short)).toEqual(
    expect.arrayContaining(['CREATE', 'SET_PROMISC', 'SET_MAC_FILTERS']),
  );
});

test.each(IOCTL_HINTS.filter(({ takes }) => takes))('what is shown for $name can be written', ({ name, example }) => {
  const text = example
    .replace(/^a number, for example |^a number; | if left out$|, or nothing$/g, '')
    .replace(/^NONE, .*/, 'NONE');
  expect(parseIoctlArgument(name, text)).toMatchObject({ ok: true });
});
