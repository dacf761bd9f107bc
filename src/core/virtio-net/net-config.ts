/**
 * `struct virtio_net_config`, as a driver reads it.
 *
 * Fields of features that are not offered read zero. Those of an offered feature can be read before it is
 * negotiated (@spec 2.5.2 MUST, BASE-CFG-01), so the fields follow the offer and change with it at a reset.
 * Speed and duplex never change, so they cannot change while the link is up (NET-CFG-12).
 *
 * @spec 5.1.4
 */
import { type Mac, macAt, writeMac } from '../net/mac.ts';
import * as F from '../virtio/features.ts';
import * as L from './layout.ts';
import { RSS_MAX_KEY_SIZE, RSS_MAX_TABLE_LENGTH, SUPPORTED_HASH_TYPES } from './rss.ts';

export interface NetConfigOptions {
  readonly mac: Mac;
  /** Bytes of layer-3 payload: 68..65535. */
  readonly mtu: number;
  readonly queuePairs: number;
  /** Mbit/s, or SPEED_UNKNOWN. */
  readonly speed: number;
  readonly duplex: keyof typeof L.DUPLEX;
}

export class NetConfig {
  readonly #options: NetConfigOptions;
  readonly #bytes = new Uint8Array(L.CONFIG_SIZE);
  readonly #view = new DataView(this.#bytes.buffer);
  #linkUp = true;

  /** RangeError for options that no device can have. */
  constructor(options: NetConfigOptions, offers: F.FeatureSet) {
    const { mtu, speed, queuePairs } = options;
    if (!isWhole(mtu, L.MTU_MIN, L.MTU_MAX)) throw new RangeError(`MTU ${mtu}`);
    if (!isWhole(queuePairs, 1, L.MAX_QUEUE_PAIRS)) throw new RangeError(`${queuePairs} queue pairs`);
    if (!isWhole(speed, 0, L.SPEED_MAX) && speed !== L.SPEED_UNKNOWN) throw new RangeError(`speed ${speed}`);
    this.#options = options;
    this.reset(offers);
  }

  /** As after power-on under this offer; the link stays as it is. True if a field changed. */
  reset(offers: F.FeatureSet): boolean {
    const before = this.#bytes.slice();
    const { mac, mtu, queuePairs, speed, duplex } = this.#options;
    const offered = (...bits: readonly number[]): boolean => bits.some((bit) => F.hasFeature(offers, bit));
    this.#bytes.fill(0);
    writeMac(mac, this.#bytes, L.CONFIG_MAC); // laid out whether MAC is offered or not (NET-CFG-15)
    this.#bytes[L.CONFIG_STATUS] = this.#linkUp ? L.VIRTIO_NET_S_LINK_UP : 0;
    if (offered(F.VIRTIO_NET_F_MQ, F.VIRTIO_NET_F_RSS)) {
      this.#view.setUint16(L.CONFIG_MAX_VIRTQUEUE_PAIRS, queuePairs, true);
    }
    if (offered(F.VIRTIO_NET_F_MTU)) this.#view.setUint16(L.CONFIG_MTU, mtu, true);
    if (offered(F.VIRTIO_NET_F_SPEED_DUPLEX)) {
      this.#view.setUint32(L.CONFIG_SPEED, speed, true);
      this.#view.setUint8(L.CONFIG_DUPLEX, L.DUPLEX[duplex]);
    }
    if (offered(F.VIRTIO_NET_F_RSS, F.VIRTIO_NET_F_HASH_REPORT)) {
      this.#view.setUint8(L.CONFIG_RSS_MAX_KEY_SIZE, RSS_MAX_KEY_SIZE);
      this.#view.setUint32(L.CONFIG_HASH_TYPES, SUPPORTED_HASH_TYPES, true);
    }
    if (offered(F.VIRTIO_NET_F_RSS)) {
      this.#view.setUint16(L.CONFIG_RSS_MAX_TABLE_LENGTH, RSS_MAX_TABLE_LENGTH, true);
    }
    return before.some((byte, offset) => byte !== this.#bytes[offset]);
  }

  read(offset: number): number {
    return this.#bytes[offset] ?? 0;
  }

  /** The address in force. */
  get mac(): Mac {
    return macAt(this.#bytes, L.CONFIG_MAC);
  }
  set mac(mac: Mac) {
    writeMac(mac, this.#bytes, L.CONFIG_MAC);
  }

  get linkUp(): boolean {
    return this.#linkUp;
  }
  set linkUp(up: boolean) {
    this.#linkUp = up;
    this.#setStatus(L.VIRTIO_NET_S_LINK_UP, up);
  }

  /** The driver is asked to announce itself. */
  get announce(): boolean {
    return (this.read(L.CONFIG_STATUS) & L.VIRTIO_NET_S_ANNOUNCE) !== 0;
  }
  set announce(asked: boolean) {
    this.#setStatus(L.VIRTIO_NET_S_ANNOUNCE, asked);
  }

  #setStatus(bit: number, on: boolean): void {
    const status = this.read(L.CONFIG_STATUS);
    this.#bytes[L.CONFIG_STATUS] = on ? status | bit : status & ~bit;
  }
}

function isWhole(value: number, minimum: number, maximum: number): boolean {
  return Number.isInteger(value) && value >= minimum && value <= maximum;
}
