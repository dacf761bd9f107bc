/** Small settings that outlive the page. A browser without storage just forgets them. */
const PREFIX = 'virtio-net-lab.';

export function recall(key: string): string | null {
  try {
    return localStorage.getItem(PREFIX + key);
  } catch {
    return null;
  }
}

export function remember(key: string, value: string): void {
  try {
    localStorage.setItem(PREFIX + key, value);
  } catch {
    // Storage is off or full: the setting lasts as long as the page.
  }
}
