/** The guest's console as the page sees it: what was written is kept for a listener that comes late. */

/** Bytes kept for late listeners. */
const HISTORY_BYTES = 256 * 1024;

export class GuestConsole {
  readonly #port: MessagePort;
  readonly #listeners = new Set<(bytes: Uint8Array) => void>();
  #history: Uint8Array[] = [];
  #historyBytes = 0;

  constructor(port: MessagePort) {
    this.#port = port;
    port.onmessage = (message: MessageEvent<Uint8Array>) => {
      this.#receive(message.data);
    };
  }

  write(bytes: Uint8Array): void {
    this.#port.postMessage(bytes);
  }

  listen(listener: (bytes: Uint8Array) => void): () => void {
    for (const bytes of this.#history) listener(bytes);
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  #receive(bytes: Uint8Array): void {
    this.#history.push(bytes);
    this.#historyBytes += bytes.length;
    while (this.#historyBytes > HISTORY_BYTES) this.#historyBytes -= this.#history.shift()?.length ?? 0;
    for (const listener of this.#listeners) listener(bytes);
  }
}
