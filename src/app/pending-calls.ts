type Method = (...args: readonly unknown[]) => Promise<unknown>;

/**
 * The calls that a thread has not answered yet. A thread that died answers none, so all of them end with its
 * failure instead of waiting for ever. A call that was answered leaves nothing behind.
 */
export class PendingCalls {
  readonly #rejects = new Set<(error: Error) => void>();

  /** The same remote object; its calls are kept track of. */
  follow<T extends object>(remote: T): T {
    return new Proxy(remote, {
      get: (target, name) => {
        const method = (target as Readonly<Record<PropertyKey, Method>>)[name];
        return method && ((...args: readonly unknown[]) => this.#track(method(...args)));
      },
    });
  }

  fail(error: Error): void {
    for (const reject of this.#rejects) reject(error);
    this.#rejects.clear();
  }

  #track(answer: Promise<unknown>): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#rejects.add(reject);
      answer.then(resolve, reject).finally(() => this.#rejects.delete(reject));
    });
  }
}
