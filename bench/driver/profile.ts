/** A CPU profile of a worker, over the DevTools protocol. */
import type { CDPSession, Page } from '@playwright/test';

/** Samples this often, in microseconds. */
const INTERVAL = 500;

interface Answer {
  readonly id: number;
  readonly result?: unknown;
  readonly error?: { readonly message: string };
}

export class WorkerProfile {
  readonly #devtools: CDPSession;
  readonly #session: string;
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  #lastId = 0;

  /** Starts to profile the page's worker of that name. */
  static async start(page: Page, name: string): Promise<WorkerProfile> {
    const devtools = await page.context().newCDPSession(page);
    const attached = new Promise<string>((resolve) => {
      devtools.on('Target.attachedToTarget', ({ sessionId, targetInfo }) => {
        if (targetInfo.type === 'worker' && targetInfo.title === name) resolve(sessionId);
      });
    });
    // Flat sessions would want a connection of their own.
    await devtools.send('Target.setAutoAttach', { autoAttach: true, waitForDebuggerOnStart: false, flatten: false });
    const profile = new WorkerProfile(devtools, await attached);
    await profile.#send('Profiler.enable');
    await profile.#send('Profiler.setSamplingInterval', { interval: INTERVAL });
    await profile.#send('Profiler.start');
    return profile;
  }

  private constructor(devtools: CDPSession, session: string) {
    this.#devtools = devtools;
    this.#session = session;
    devtools.on('Target.receivedMessageFromTarget', ({ message }) => {
      const answer = JSON.parse(message) as Answer;
      this.#waiting.get(answer.id)?.(answer);
      this.#waiting.delete(answer.id);
    });
  }

  /** The profile so far, as a .cpuprofile file has it. */
  async stop(): Promise<string> {
    const { profile } = (await this.#send('Profiler.stop')) as { readonly profile: unknown };
    await this.#devtools.detach();
    return JSON.stringify(profile);
  }

  async #send(method: string, params: object = {}): Promise<unknown> {
    const id = ++this.#lastId;
    const answer = new Promise<Answer>((resolve) => this.#waiting.set(id, resolve));
    await this.#devtools.send('Target.sendMessageToTarget', {
      sessionId: this.#session,
      message: JSON.stringify({ id, method, params }),
    });
    const { result, error } = await answer;
    if (error) throw new Error(`${method}: ${error.message}`);
    return result;
  }
}
