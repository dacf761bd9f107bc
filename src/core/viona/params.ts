/**
 * The link's parameters, which travel as packed nvlists.
 *
 * There are two, and SET_PARAMS applies all of what it is given or nothing: one bad key, and the answer
 * names each bad key with what is wrong about it.
 *
 * @source viona_main.c viona_params_from_nvlist, viona_ioc_get_params, viona_ioc_set_params
 */
import type { Errno } from './link.ts';

export interface LinkParams {
  /** Transmitted frames are copied whole; if not, guest memory is loaned to the NIC. */
  readonly tx_copy_data: boolean;
  /** Bytes left free before a transmitted frame: 0..256. */
  readonly tx_header_pad: number;
}

/** What a caller may write: keys and types are the kernel's to judge. */
export type ParamValue = boolean | number | string;
export type ParamList = Readonly<Record<string, ParamValue>>;

/** @source viona_io.h VIONA_MAX_PARAM_NVLIST_SZ */
export const VIONA_MAX_PARAM_NVLIST_SZ = 4096;
/** @source viona_main.c viona_max_header_pad */
export const VIONA_MAX_HEADER_PAD = 256;
const MAX_U16 = 0xffff;

export function defaultParams(): LinkParams {
  return { tx_copy_data: true, tx_header_pad: 0 };
}

const align8 = (size: number): number => Math.ceil(size / 8) * 8;

/**
 * Bytes of the packed list in libnvpair's native encoding: a header of 4, version and flags of 8, an end of
 * 4; for each pair 16 and the name with its NUL, then the value, each rounded up to 8. Not measured.
 */
export function packedSize(params: ParamList): number {
  let size = 16;
  for (const [name, value] of Object.entries(params)) {
    size += align8(16 + name.length + 1) + align8(typeof value === 'string' ? value.length + 1 : 4);
  }
  return size;
}

export type GetParamsValue =
  | { readonly size: number; readonly params: { readonly tx_copy_data: boolean; readonly tx_header_pad: number } }
  /** E2BIG: the size that is needed. */
  | { readonly size: number };

/** @param room bytes of the caller's buffer */
export function getParams(params: LinkParams, room: number): { errno: Errno; value: GetParamsValue } {
  const { tx_copy_data, tx_header_pad } = params;
  const size = packedSize({ tx_copy_data, tx_header_pad });
  if (size > room) return { errno: 'E2BIG', value: { size } };
  return { errno: 0, value: { size, params: { tx_copy_data, tx_header_pad } } };
}

export interface SetParamsValue {
  /** By key. */
  readonly errors: Readonly<Record<string, string>>;
}

export interface SetParamsResult {
  readonly params: LinkParams;
  readonly errno: Errno;
  readonly value?: SetParamsValue;
}

/** @param given null for a packed size of 0 */
export function setParams(params: LinkParams, given: ParamList | null): SetParamsResult {
  if (given === null) return { params, errno: 'EINVAL' };
  if (packedSize(given) > VIONA_MAX_PARAM_NVLIST_SZ) return { params, errno: 'E2BIG' };
  let { tx_copy_data, tx_header_pad } = params;
  const errors: [string, string][] = [];
  for (const [key, value] of Object.entries(given)) {
    if (key === 'tx_copy_data') {
      if (typeof value === 'boolean') tx_copy_data = value;
      else errors.push([key, 'invalid type']);
    } else if (key === 'tx_header_pad') {
      // A number travels as uint16 if it fits into one, and as something else if not.
      if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > MAX_U16) {
        errors.push([key, 'invalid type']);
      } else if (value > VIONA_MAX_HEADER_PAD) errors.push([key, 'value out of range']);
      else tx_header_pad = value;
    } else errors.push([key, 'unknown key']);
  }
  if (errors.length > 0) return { params, errno: 'EINVAL', value: { errors: Object.fromEntries(errors) } };
  const same = tx_copy_data === params.tx_copy_data && tx_header_pad === params.tx_header_pad;
  return { params: same ? params : { tx_copy_data, tx_header_pad }, errno: 0 };
}
