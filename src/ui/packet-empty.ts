/** What stands where packets would. */
import { html, nothing } from 'lit';

/**
 * @param all packets that there are, whatever the filter says
 * @param narrowed packets are chosen by verdict, too
 */
export function emptyList(all: number, narrowed: boolean): unknown {
  if (all > 0)
    return html`<div class="empty">
      <p>
        No packet matches the filter.
        ${narrowed ? 'Choose “All verdicts” to see what the models agree on, too.' : nothing} Escape in the filter box
        clears it; <kbd>?</kbd> lists the words it knows.
      </p>
    </div>`;
  return html`
    <div class="empty">
      <p>No packets yet. Each frame shows up here with its verdict, the rule that decided, and what it cost.</p>
      <p>
        Type <code>ip link set eth0 up</code> and <code>ping -c 3 10.0.2.2</code> in the console. Then send frames that
        the guest did not ask for: Traffic, on the right.
      </p>
    </div>
  `;
}
