import { describe, expect, it } from 'vitest';
import { moduleIndexes, moduleName, parseModinfo, selectModules } from './modules.ts';
import type { ModuleInfo } from './modules.ts';

function module(name: string, more: Partial<ModuleInfo> = {}): ModuleInfo {
  return { name, path: `kernel/${name}.ko`, depends: [], aliases: [], softPre: [], ...more };
}

const failover = module('failover');
const netFailover = module('net_failover', { depends: ['failover'] });
const virtioNet = module('virtio_net', { depends: ['net_failover', 'virtio'], aliases: ['virtio:d00000001v*'] });
const crc = module('crc32c_generic', { aliases: ['crc32c', 'crypto-crc32c'] });
const libcrc = module('libcrc32c', { softPre: ['crc32c', 'absent'] });
const all = [failover, netFailover, virtioNet, crc, libcrc, module('unrelated')];
const builtin = 'kernel/drivers/virtio/virtio.ko\nkernel/net/packet/af_packet.ko\n';

describe('moduleName', () => {
  it('has underscores whatever the file has', () => {
    expect(moduleName('kernel/drivers/char/hw_random/virtio-rng.ko')).toBe('virtio_rng');
  });
});

describe('parseModinfo', () => {
  it('reads dependencies, aliases and soft dependencies', () => {
    const section =
      'license=GPL\0alias=one\0alias=rtnl-link-x\0depends=a-b,c\0softdep=pre: crc32c post: late x\0\0intree=Y\0';
    expect(parseModinfo(new TextEncoder().encode(section))).toEqual({
      depends: ['a_b', 'c'],
      aliases: ['one', 'rtnl-link-x'],
      softPre: ['crc32c'],
    });
  });

  it('takes an empty list for none', () => {
    expect(parseModinfo(new TextEncoder().encode('depends=\0'))).toEqual({ depends: [], aliases: [], softPre: [] });
  });
});

describe('selectModules', () => {
  const names = (wanted: string[]): string[] => selectModules(all, builtin, wanted).map(({ name }) => name);

  it('adds what a module depends on, before it', () => {
    expect(names(['virtio-net'])).toEqual(['failover', 'net_failover', 'virtio_net']);
  });

  it('resolves a soft dependency through aliases, and does without an absent one', () => {
    expect(names(['libcrc32c'])).toEqual(['crc32c_generic', 'libcrc32c']);
  });

  it('needs no file for what the kernel has built in', () => {
    expect(names(['af_packet'])).toEqual([]);
  });

  it('refuses a name that is nowhere', () => {
    expect(() => names(['no_such'])).toThrow('kernel module no_such (needed by the recipe)');
  });
});

describe('moduleIndexes', () => {
  const indexes = moduleIndexes(selectModules(all, builtin, ['virtio_net', 'libcrc32c']));

  it('lists all dependencies, the deepest last', () => {
    expect(indexes.dep).toContain('kernel/virtio_net.ko: kernel/net_failover.ko kernel/failover.ko\n');
    expect(indexes.dep).toContain('kernel/failover.ko:\n');
  });

  it('lists soft dependencies too', () => {
    expect(indexes.dep).toContain('kernel/libcrc32c.ko: kernel/crc32c_generic.ko\n');
    expect(indexes.softdep).toBe('softdep libcrc32c pre: crc32c absent\n');
  });

  it('lists aliases', () => {
    expect(indexes.alias).toContain('alias virtio:d00000001v* virtio_net\n');
    expect(indexes.alias).toContain('alias crypto-crc32c crc32c_generic\n');
  });
});
