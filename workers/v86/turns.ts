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
 * @source v86 src/main.js v86.prototype.yield, src/rust/cpu/cpu.rs main_loop
 */
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

/** Returns what ends it: a port that is open keeps a thread alive. */
export function takeTurns(scheduler: V86Scheduler, listener: TurnListener): () => void {
  const { cpu } = scheduler;
  const timers = cpu.run_hardware_timers.bind(cpu);
  cpu.run_hardware_timers = (acpi, now) => {
    listener.turn();
    return timers(acpi, now);
  };

  const { port1, port2 } = new MessageChannel();
  let slices = 0;
  let lookedAt = 0;
  port1.onmessage = (message: { readonly data: number }) => {
    slices = 0;
    lookedAt = performance.now();
    scheduler.yield_callback(message.data);
  };
  const goOn = (tick: number): void => {
    slices++;
    if (slices < SLICES && performance.now() - lookedAt < LOOK_AFTER) scheduler.yield_callback(tick);
    else port2.postMessage(tick);
  };
  scheduler.unregister_yield();
  scheduler.yield = (milliseconds, tick) => {
    const halted = milliseconds > 0;
    const dozed = halted && milliseconds <= LOOK_AFTER && listener.doze(milliseconds);
    if (dozed || milliseconds < 1) {
      goOn(tick);
      return;
    }
    listener.rest();
    // By way of a message: a browser holds timers back that are set by timers.
    setTimeout(() => {
      port2.postMessage(tick);
    }, milliseconds);
  };
  return () => {
    port1.close();
  };
}
