/** The lab's guests, as the page shows them. */
import type { GuestView, LabGuests, PackageManifest } from '../ui/store.ts';
import { PageActions } from './actions.ts';
import type { GuestLab } from './guest-lab.ts';
import type { Lab } from './lab.ts';

export class PageGuests implements LabGuests {
  readonly #lab: Lab;
  readonly #views = new Map<GuestLab, GuestView>();
  readonly #listeners = new Set<() => void>();
  #manifest: PackageManifest | null = null;
  #list: readonly GuestView[] = [];

  constructor(lab: Lab) {
    this.#lab = lab;
    this.#follow();
    lab.onGuests(() => {
      this.#follow();
    });
  }

  get list(): readonly GuestView[] {
    return this.#list;
  }

  /** What the guests' image is made of, once it is known. */
  set manifest(manifest: PackageManifest | null) {
    this.#manifest = manifest;
    this.#views.clear();
    this.#follow();
  }

  async add(): Promise<void> {
    await this.#lab.addGuest();
  }

  async remove(guest: GuestView): Promise<void> {
    const found = this.#lab.guests.find(({ store }) => store === guest.store);
    if (found) await this.#lab.removeGuest(found);
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  #follow(): void {
    this.#list = this.#lab.guests.map((guest) => this.#view(guest));
    for (const listener of this.#listeners) listener();
  }

  #view(guest: GuestLab): GuestView {
    const known = this.#views.get(guest);
    if (known) return known;
    const { number, name, addresses, store } = guest;
    const view = { number, name, addresses, store, actions: new PageActions(this.#lab, guest, this.#manifest) };
    this.#views.set(guest, view);
    return view;
  }
}
