/**
 * The part of a MessagePort that the frame channels use, as a structure: browser windows, workers and Node
 * all have such ports, but the types of each come from a library that the others do not have.
 */
export interface Port {
  postMessage(message: unknown, transfer: ArrayBuffer[]): void;
  addEventListener(type: 'message', listener: (event: { readonly data: unknown }) => void): void;
  /** Messages wait until this is called. */
  start(): void;
  close(): void;
}

/** What `new MessageChannel()` is. */
export interface PortPair<P extends Port = Port> {
  readonly port1: P;
  readonly port2: P;
}

/** A pair of ports that stay in this thread. Every host has the constructor. */
export function newPortPair(): PortPair {
  const { MessageChannel } = globalThis as unknown as { readonly MessageChannel: new () => PortPair };
  return new MessageChannel();
}
