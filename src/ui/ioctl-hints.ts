/** The ioctls of viona's link for people: which there are, and what to write for the argument. */
import type { IoctlName } from '../core/viona/ioctl-table.ts';
import { IOCTL_NAMES, IOCTLS } from '../core/viona/ioctl-table.ts';

export interface IoctlHint {
  readonly name: IoctlName;
  /** Without the prefix VNA_IOC_. */
  readonly short: string;
  readonly since: number;
  /** False if there is no argument. */
  readonly takes: boolean;
  /** What it looks like. */
  readonly example: string;
}

export const IOCTL_HINTS: readonly IoctlHint[] = IOCTL_NAMES.map((name) => ({
  name,
  short: name.replace('VNA_IOC_', ''),
  since: IOCTLS[name].since,
  takes: IOCTLS[name].form !== 'none',
  example: exampleFor(name),
}));

function exampleFor(name: IoctlName): string {
  const { form, layout, otherwise } = IOCTLS[name];
  switch (form) {
    case 'none':
      return '';
    case 'number':
      return otherwise === undefined ? 'a number, for example 0' : `a number; ${otherwise} if left out`;
    case 'level':
      return 'NONE, MULTI, ALL';
    case 'features':
      return '0x100018000';
    case 'fields':
    case 'fields-or-none': {
      const fields = layout.map((field) => `${field.name}=${field.otherwise ?? (field.hex ? '0x1000' : '0')}`);
      return `${fields.join(' ')}${form === 'fields' ? '' : ', or nothing'}`;
    }
    case 'params':
      return '{"tx_header_pad": 64}';
    case 'mac':
      return '02:00:00:00:00:15';
    case 'macs':
      return '01:00:5e:00:00:fb 33:33:00:00:00:fb';
  }
}
