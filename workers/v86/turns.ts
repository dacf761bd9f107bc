/**
 * The moments at which the guest pauses, and how v86 goes on from there.
 *
 * v86 runs the guest in slices of about a millisecond. Within one it asks its timers after every stretch of some
 * hundred thousand instructions, and as soon as the processor halts; then it looks for interrupts. That is a **turn**:
 * whoever has work for the guest does it there, and an interrupt that it raises is taken at once.
 *
 * Between two slices the thread takes its messages. v86 arranges that, in a browser, by a message to a worker of its
 * own that does nothing but answer: each slice waits for another thread to be scheduled, twice. Here the thread posts
 * the message to itself, and not after each slice: what is urgent comes with turns. But a guest that has just started
 * takes twenty milliseconds for a slice, and then messages are looked for after each.
 *
 * While the processor is halted until a timer is due, the thread **dozes**: it waits at the ring of frames for the guest,
 * and takes no messages. Debian's kernel for this processor has its timer tick 250 times a second, so that is never
 * for long, and a timer of the browser's for each of them took twice as much of the processor. If it cannot, it **rests**.
 *
 * A driver's control command is a call in a VMM: the guest **stands still** until the host has answered it. Here the answer
 * is a message, so the stretch is ended, and the thread takes messages until the answer is among them. The driver, which
 * waits for its command in a loop, would otherwise loop for a slice or more before the answer could be taken.
 *
 * @source v86 src/main.js v86.prototype.yield, src/rust/cpu/cpu.rs main_loop
 */
import { endStretch } from './instructions.ts';
import type { V86Scheduler } from './internals.ts';

export interface TurnListener {
  turn(): void;
  /**
   * The processor is halted for so many milliseconds: fewer than messages may wait. Holds the thread that long, or until
   * there is work. False if it did not.
   */
  doze(milliseconds: number): boolean;
  /** The processor is halted, and no turn will come until something wakes it. */
  rest(): void;
}

/** At most so many slices, and so many milliseconds but for the last slice, are between two looks at the thread's messages. */
const SLICES = 4;
const LOOK_AFTER = 4;

/** The longest that a guest stands still, in milliseconds: a host that does not answer must not hold it for ever. */
const STILL_MOST = 100;

export class Turns {
  readonly #scheduler: V86Scheduler;
  readonly #listener: TurnListener;
  readonly #messages = new MessageChannel();
  /** Since messages were looked for. */
  #slices = 0;
  #lookedAt = 0;
  /** What the guest stands still for. */
  readonly #awaited = new Set<Promise<unknown>>();
  /** The processor was halted here, to end the slice. */
  #ended = false;
  /** The slice that is owed when nothing is awaited any more. */
  #owed: number | null = null;
  #patience: ReturnType<typeof setTimeout> | undefined;

  constructor(scheduler: V86Scheduler, listener: TurnListener) {
    this.#scheduler = scheduler;
    this.#listener = listener;
    this.#takeTurns();
    const { port1 } = this.#messages;
    port1.onmessage = (message: { readonly data: number }) => {
      this.#slices = 0;
      this.#lookedAt = performance.now();
      scheduler.yield_callback(message.data);
    };
    scheduler.unregister_yield();
    scheduler.yield = (milliseconds, tick) => {
      this.#yield(milliseconds, tick);
    };
  }

  /** The guest executes hardly anything more until `answer` has settled, or it has waited for long. */
  standStill(answer: Promise<unknown>): void {
    this.#awaited.add(answer);
    endStretch(this.#scheduler.cpu);
    const settled = (): void => {
      this.#awaited.delete(answer);
      if (this.#awaited.size === 0) this.#goOnAfterAll();
    };
    answer.then(settled, settled);
  }

  /** A port that is open keeps a thread alive. */
  end(): void {
    this.#messages.port1.close();
    clearTimeout(this.#patience);
  }

  #takeTurns(): void {
    const { cpu } = this.#scheduler;
    const timers = cpu.run_hardware_timers.bind(cpu);
    cpu.run_hardware_timers = (acpi, now) => {
      this.#listener.turn();
      const due = timers(acpi, now);
      // A halted processor is the only thing that ends a slice early. An interrupt that is taken now has precedence.
      this.#ended = this.#awaited.size > 0 && cpu.in_hlt[0] === 0;
      if (this.#ended) cpu.in_hlt[0] = 1;
      return due;
    };
  }

  #yield(milliseconds: number, tick: number): void {
    if (this.#ended) {
      this.#ended = false;
      this.#scheduler.cpu.in_hlt[0] = 0;
      this.#owe(tick);
      return;
    }
    const mayDoze = this.#awaited.size === 0 && milliseconds > 0 && milliseconds <= LOOK_AFTER;
    if ((mayDoze && this.#listener.doze(milliseconds)) || milliseconds < 1) {
      this.#goOn(tick);
      return;
    }
    this.#listener.rest();
    // By way of a message: a browser holds timers back that are set by timers.
    setTimeout(() => {
      this.#messages.port2.postMessage(tick);
    }, milliseconds);
  }

  #goOn(tick: number): void {
    this.#slices++;
    if (this.#slices < SLICES && performance.now() - this.#lookedAt < LOOK_AFTER) this.#scheduler.yield_callback(tick);
    else this.#messages.port2.postMessage(tick);
  }

  /** v86 takes only the newest tick: one that is owed already is not any more. */
  #owe(tick: number): void {
    if (this.#owed === null) {
      this.#patience = setTimeout(() => {
        this.#awaited.clear();
        this.#goOnAfterAll();
      }, STILL_MOST);
    }
    this.#owed = tick;
  }

  #goOnAfterAll(): void {
    if (this.#owed === null) return;
    clearTimeout(this.#patience);
    // Behind everybody else who hears of the answer: it is not yet in the guest's memory.
    this.#messages.port2.postMessage(this.#owed);
    this.#owed = null;
  }
}
