/**
 * The link's ioctls as data: number, interface version, how the argument travels, and its layout.
 *
 * Layouts are those of the C structures of version 6 and 7 (native endian, natural alignment), checked
 * against the ones that Propolis' `viona-api` crate declares. The padding of the legacy RING_INIT is not
 * verified: Propolis uses only the modern one.
 *
 * @source viona_io.h; propolis crates/viona-api/src/ffi.rs
 */
import type { InterfaceVersion } from './link.ts';

/** `('V' << 16) | ('C' << 8)`. */
export const VNA_IOC = 0x56_43_00;

/** One field of a structure: its name in the lab, its name in viona_io.h, offset and size in bytes. */
export interface IoctlField {
  readonly name: string;
  readonly source: string;
  readonly offset: number;
  readonly size: number;
  /** Elements, for an array. */
  readonly count?: number;
  /** Written as hexadecimal. */
  readonly hex?: boolean;
  /** What a caller who leaves it away means. */
  readonly otherwise?: number;
}

/** How people write the argument. */
export type ArgumentForm =
  /** There is none. */
  | 'none'
  | 'number'
  /** NONE, MULTI, ALL or a number. */
  | 'level'
  | 'features'
  /** All fields of the layout. */
  | 'fields'
  /** All fields of the layout, or none. */
  | 'fields-or-none'
  | 'params'
  | 'mac'
  | 'macs';

export interface IoctlEntry {
  /** The lowest byte of the number. */
  readonly n: number;
  readonly since: InterfaceVersion;
  /** By value in the call's argument word, or as a structure of that many bytes that it points to. */
  readonly bytes: number | 'value' | 'none';
  readonly form: ArgumentForm;
  readonly layout: readonly IoctlField[];
  /** The number that a caller who writes nothing means. */
  readonly otherwise?: number;
}

const field = (
  name: string,
  source: string,
  offset: number,
  size: number,
  rest: Partial<IoctlField> = {},
): IoctlField => ({ name, source, offset, size, ...rest });
const hex = { hex: true };

const plain = (n: number): IoctlEntry => ({ n, since: 6, bytes: 'none', form: 'none', layout: [] });
const value = (n: number, form: ArgumentForm = 'number'): IoctlEntry => ({
  n,
  since: 6,
  bytes: 'value',
  form,
  layout: [],
});
const struct = (n: number, bytes: number, form: ArgumentForm, layout: readonly IoctlField[]): IoctlEntry => ({
  n,
  since: 6,
  bytes,
  form,
  layout,
});

const CREATE = [
  field('linkid', 'c_linkid', 0, 4, { otherwise: 1 }),
  // A descriptor of the VM; 3 is the first that a process opens itself.
  field('vmfd', 'c_vmfd', 4, 4, { otherwise: 3 }),
];
const RING_INIT = [
  field('index', 'ri_index', 0, 2),
  field('size', 'ri_qsize', 2, 2),
  field('address', 'ri_qaddr', 8, 8, hex),
];
const RING_INIT_MODERN = [
  field('index', 'rim_index', 0, 2),
  field('size', 'rim_qsize', 2, 2),
  field('desc', 'rim_qaddr_desc', 8, 8, hex),
  field('driver', 'rim_qaddr_avail', 16, 8, hex),
  field('device', 'rim_qaddr_used', 24, 8, hex),
];
const RING_STATE = [
  field('index', 'vrs_index', 0, 2),
  field('availIdx', 'vrs_avail_idx', 2, 2, { otherwise: 0 }),
  field('usedIdx', 'vrs_used_idx', 4, 2, { otherwise: 0 }),
  field('size', 'vrs_qsize', 6, 2),
  field('desc', 'vrs_qaddr_desc', 8, 8, hex),
  field('driver', 'vrs_qaddr_avail', 16, 8, hex),
  field('device', 'vrs_qaddr_used', 24, 8, hex),
];
const RING_MSI = [
  field('index', 'rm_index', 0, 2),
  field('address', 'rm_addr', 8, 8, hex),
  field('message', 'rm_msg', 16, 8, hex),
];
const INTR_POLL = [field('status', 'vip_status', 0, 4, { count: 2 })];
const INTR_POLL_MQ = [field('nrings', 'vipm_nrings', 0, 2), field('status', 'vipm_status', 4, 4, { count: 16 })];
const FEATURES = [field('features', 'uint64_t', 0, 8, hex)];
const GET_PARAMS = [field('param', 'vgp_param', 0, 8, hex), field('size', 'vgp_param_sz', 8, 8)];
const SET_PARAMS = [
  field('param', 'vsp_param', 0, 8, hex),
  field('size', 'vsp_param_sz', 8, 8),
  field('error', 'vsp_error', 16, 8, hex),
  field('errorSize', 'vsp_error_sz', 24, 8),
];
const NOTIFY_MMIO = [field('address', 'vim_address', 0, 8, hex), field('size', 'vim_size', 8, 4)];
const MAC_FILTERS = [
  field('nmcast', 'vmf_nmcast', 0, 4),
  field('err', 'vmf_err', 4, 4),
  field('erraddr', 'vmf_erraddr', 8, 6),
  field('addrs', 'vmf_addrs', 16, 8, hex),
];
const MAC_ADDR = [
  field('addr', 'vma_addr', 0, 6),
  field('present', 'vma_present', 6, 1),
  field('err', 'vma_err', 8, 4),
];

/** Room for every parameter list and every filter table. */
const PARAMS_ROOM = 4096;
const FILTERS_ROOM = 64;

const TABLE = {
  VNA_IOC_CREATE: struct(0x01, 8, 'fields', CREATE),
  VNA_IOC_DELETE: plain(0x02),
  VNA_IOC_VERSION: plain(0x03),
  VNA_IOC_DEFAULT_PARAMS: { ...struct(0x04, 16, 'number', GET_PARAMS), otherwise: PARAMS_ROOM },
  VNA_IOC_RING_INIT: struct(0x10, 16, 'fields', RING_INIT),
  VNA_IOC_RING_RESET: value(0x11),
  VNA_IOC_RING_KICK: value(0x12),
  VNA_IOC_RING_SET_MSI: struct(0x13, 24, 'fields', RING_MSI),
  VNA_IOC_RING_INTR_CLR: value(0x14),
  VNA_IOC_RING_SET_STATE: struct(0x15, 32, 'fields', RING_STATE),
  VNA_IOC_RING_GET_STATE: struct(0x16, 32, 'number', RING_STATE),
  VNA_IOC_RING_PAUSE: value(0x17),
  VNA_IOC_RING_INIT_MODERN: struct(0x18, 32, 'fields', RING_INIT_MODERN),
  VNA_IOC_INTR_POLL: struct(0x20, 8, 'none', INTR_POLL),
  VNA_IOC_SET_FEATURES: struct(0x21, 8, 'features', FEATURES),
  VNA_IOC_GET_FEATURES: struct(0x22, 8, 'none', FEATURES),
  VNA_IOC_SET_NOTIFY_IOP: value(0x23),
  VNA_IOC_SET_PROMISC: value(0x24, 'level'),
  VNA_IOC_GET_PARAMS: { ...struct(0x25, 16, 'number', GET_PARAMS), otherwise: PARAMS_ROOM },
  VNA_IOC_SET_PARAMS: struct(0x26, 32, 'params', SET_PARAMS),
  VNA_IOC_GET_MTU: plain(0x27),
  VNA_IOC_SET_MTU: value(0x28),
  VNA_IOC_SET_NOTIFY_MMIO: struct(0x29, 16, 'fields-or-none', NOTIFY_MMIO),
  VNA_IOC_INTR_POLL_MQ: struct(0x2a, 68, 'number', INTR_POLL_MQ),
  VNA_IOC_SET_MAC_FILTERS: { ...struct(0x2b, 24, 'macs', MAC_FILTERS), since: 7 },
  VNA_IOC_GET_MAC_FILTERS: { ...struct(0x2c, 24, 'number', MAC_FILTERS), since: 7, otherwise: FILTERS_ROOM },
  VNA_IOC_SET_MAC_ADDR: { ...struct(0x2d, 12, 'mac', MAC_ADDR), since: 7 },
  VNA_IOC_GET_MAC_ADDR: { ...struct(0x2e, 12, 'none', MAC_ADDR), since: 7 },
  VNA_IOC_GET_PAIRS: plain(0x30),
  VNA_IOC_SET_PAIRS: value(0x31),
  VNA_IOC_GET_USEPAIRS: plain(0x32),
  VNA_IOC_SET_USEPAIRS: value(0x33),
} as const satisfies Readonly<Record<string, IoctlEntry>>;

export type IoctlName = keyof typeof TABLE;
export const IOCTLS: Readonly<Record<IoctlName, IoctlEntry>> = TABLE;
/** Of all versions, in the order of their numbers. */
export const IOCTL_NAMES = Object.keys(TABLE) as readonly IoctlName[];

const PREFIX = 'VNA_IOC_';

/** The whole number that ioctl(2) is given: 0x00564324. */
export function ioctlNumber(name: IoctlName): number {
  return VNA_IOC | IOCTLS[name].n;
}

/** True if an interface of that version, or of any, knows the name. */
export function isIoctlName(name: string, version: InterfaceVersion = 7): name is IoctlName {
  return Object.hasOwn(IOCTLS, name) && IOCTLS[name as IoctlName].since <= version;
}

/** The full name: people may leave the prefix away, write in lower case, or give the number. */
export function ioctlName(text: string): string {
  const name = text.trim().toUpperCase();
  const number = /^(0X[0-9A-F]+|\d+)$/.test(name) ? Number(name) : null;
  const numbered = IOCTL_NAMES.find((known) => ioctlNumber(known) === number);
  return numbered ?? (name.startsWith(PREFIX) ? name : PREFIX + name);
}
