/** Nothing is delivered that the page does not know of, and nothing is lost behind its back. */
import { capture } from './capture.ts';
import { expect, test } from './fixtures.ts';
import { GROUP_V4, GROUP_V6, KINDS, mixedBurst } from './frames.ts';

/** Of each kind. */
const ROUNDS = 80;

for (const [model, promisc] of [
  ['propolis-before-1125', false],
  ['propolis-372a574', false],
  ['propolis-372a574', true],
  ['exact', false],
] as const) {
  test.describe(`${model}, ${promisc ? 'promiscuous' : 'not promiscuous'}`, () => {
    test.use({ hostModel: model });

    test('tcpdump sees exactly the frames that the page calls delivered', async ({ lab }) => {
      const frames = mixedBurst(ROUNDS * KINDS.length);
      expect(frames.length).toBeGreaterThanOrEqual(1000);
      // With 8021q loaded Linux lets VLAN 0 through: priority tags.
      await lab.exec('modprobe 8021q');
      await lab.exec(`ip link set eth0 up; ip maddr add ${GROUP_V4} dev eth0; ip maddr add ${GROUP_V6} dev eth0`);
      const delivered: number[] = [];
      const byKind = new Map<string, Set<string>>();
      const seen = await capture(
        lab,
        async () => {
          for (const [number, { fate, reason }] of (await lab.inject(frames)).entries()) {
            if (fate === 'delivered') delivered.push(number);
            const kind = KINDS[number % KINDS.length] ?? '';
            if (reason !== 'no_space') byKind.set(kind, (byKind.get(kind) ?? new Set()).add(reason ?? fate));
          }
        },
        { promisc },
      );
      // Linux collects frames of a flow before it hands them on: the order is its own.
      expect(seen.toSorted((a, b) => a - b)).toEqual(delivered);
      // The burst went through both ways: something of it was delivered, something dropped, each kind alike.
      expect(Object.fromEntries([...byKind].map(([kind, ends]) => [kind, [...ends].join()]))).toEqual({
        ...DELIVERED,
        oversize: 'rx_drop_over_mtu',
        ...(promisc ? {} : DROPPED[model]),
      });
    });
  });
}

const DELIVERED = Object.fromEntries(KINDS.map((kind) => [kind, 'delivered']));
const BY_LINK = {
  'foreign unicast': 'unicast-foreign',
  'own unicast in a VLAN': 'vid-mismatch',
  'broadcast in a VLAN': 'vid-mismatch',
  'joined v4 in a VLAN': 'vid-mismatch',
};
const DROPPED = {
  'propolis-before-1125': BY_LINK,
  'propolis-372a574': BY_LINK,
  exact: {
    'foreign unicast': 'unicast-table-miss',
    'unjoined v4': 'multicast-table-miss',
    'unjoined v6': 'multicast-table-miss',
    // CTRL_VLAN is negotiated, and there is no VLAN interface.
    'own unicast in a VLAN': 'vlan-table-miss',
    'broadcast in a VLAN': 'vlan-table-miss',
    'joined v4 in a VLAN': 'vlan-table-miss',
  },
};
