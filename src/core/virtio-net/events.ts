/** Trace events of the network device. */
import type { FilterCopy } from './rx-mode.ts';

export type DeviceEvent =
  /** One control command, answered. `name` as in the specification: `VIRTIO_NET_CTRL_RX_PROMISC`. */
  | {
      readonly type: 'control';
      readonly class: number;
      readonly command: number;
      readonly name: string;
      /** The decoded data, for people: `1`, or `1 unicast, 2 multicast: …`. */
      readonly data: string;
      readonly ack: 'OK' | 'ERR';
      /** Why ERR, one sentence; null when OK. */
      readonly reason: string | null;
      /** Nanoseconds between taking the buffer and answering it. */
      readonly elapsed: number;
    }
  /**
   * The link as the driver finds it in the status field, after the host changed it: up or down, and whether the
   * driver is asked to announce itself. (The host's own link, with its promiscuity level, is another: `link`.)
   */
  | { readonly type: 'carrier'; readonly up: boolean; readonly announce: boolean }
  /** A shortage of receive buffers waits for the next packet that needs several, or no longer does: an injected fault. */
  | { readonly type: 'shortage'; readonly waiting: boolean }
  /** What the driver has asked for, after a command was answered OK or a reset cleared it. */
  | ({ readonly type: 'filter-state'; readonly generation: number } & FilterCopy);
