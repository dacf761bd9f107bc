/** ping in the guest: what to type, and what it answers. */

export interface PingResult {
  readonly sent: number;
  readonly received: number;
  /** Round trips in the order of the replies, in milliseconds. */
  readonly times: readonly number[];
}

/** So many, one every 10 ms, each on a line of its own. Nobody reads along: that would be work of the guest’s, too. */
export const pingCommand = (address: string, count: number): string =>
  `ping -n -c ${count} -i 0.01 -W 2 ${address} > /tmp/bench-ping; cat /tmp/bench-ping`;

/** Throws if the text is not what ping prints at its end. */
export function parsePing(text: string): PingResult {
  const [, sent, received] = /(\d+) packets transmitted, (\d+) received/.exec(text) ?? [];
  if (sent === undefined) throw new Error(`ping has no result:\n${text}`);
  const times = [...text.matchAll(/ time=([\d.]+) ms/g)].map(([, time]) => Number(time));
  return { sent: Number(sent), received: Number(received), times };
}
