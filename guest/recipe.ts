/** What the guest image is made of. Change it here; the rest of the builder only follows. */

export const RELEASE = 'bookworm'; // the last Debian with an i386 kernel
export const ARCHITECTURE = 'i386';
export const COMPONENT = 'main';

/** Depends on the real kernel package, whose name has the version in it. */
export const KERNEL_METAPACKAGE = 'linux-image-686';

export const FIRMWARE_PACKAGE = 'seabios';
/** Name in the image's directory -> path in the package. */
export const FIRMWARE: Readonly<Record<string, string>> = {
  'seabios.bin': 'usr/share/seabios/bios.bin',
  'vgabios.bin': 'usr/share/seabios/vgabios-stdvga.bin',
};

/**
 * Packages and the files taken from each (a `*` stands for anything but a slash). Shared libraries are not
 * listed: they follow from the programs.
 *
 * Busybox is there for the small everyday commands only. Built as Debian builds it, it prefers its own `ip`
 * and `ping` to those on PATH whenever it starts a program, so nothing that starts programs may come from
 * it: the shells are dash and bash, and env, xargs, timeout and their like are the full ones.
 */
export const PROGRAMS: Readonly<Record<string, readonly string[]>> = {
  'busybox-static': ['usr/bin/busybox'],
  dash: ['usr/bin/dash'],
  bash: ['usr/bin/bash'],
  coreutils: [
    'usr/bin/env',
    'usr/bin/nice',
    'usr/bin/nohup',
    'usr/bin/timeout',
    'usr/bin/stdbuf',
    'usr/libexec/coreutils/libstdbuf.so',
  ],
  findutils: ['usr/bin/find', 'usr/bin/xargs'],
  'util-linux': ['usr/bin/setsid'],
  iproute2: [
    'usr/bin/ip',
    'usr/bin/ss',
    'usr/bin/nstat',
    'usr/sbin/bridge',
    'usr/sbin/tc',
    'etc/iproute2/*',
    'usr/lib/i386-linux-gnu/tc/*.dist',
  ],
  ethtool: ['usr/sbin/ethtool'],
  tcpdump: ['usr/bin/tcpdump'],
  iperf3: ['usr/bin/iperf3'],
  'iputils-ping': ['usr/bin/ping', 'usr/bin/ping4', 'usr/bin/ping6'],
  netbase: ['etc/protocols', 'etc/services', 'etc/ethertypes'],
  'ncurses-base': [
    'usr/lib/terminfo/l/linux',
    'usr/lib/terminfo/v/vt100',
    'usr/lib/terminfo/x/xterm',
    'usr/lib/terminfo/x/xterm-256color',
  ],
  'libc-bin': ['usr/lib/locale/C.utf8/*', 'usr/lib/locale/C.utf8/LC_MESSAGES/*'],
};

/** Links to busybox, in usr/bin unless the image has a program of that name. See PROGRAMS for what may not be here. */
export const APPLETS: readonly string[] = `
  [ ar arp arping awk base64 basename bc bunzip2 bzcat cat chgrp chmod chown clear cmp cp cut date dc dd df dirname
  dmesg du echo egrep expand expr false fgrep fold free grep groups gunzip gzip halt head hexdump hostname id ifconfig
  insmod ipcalc kill killall less ln logname ls lsmod md5sum mkdir mkfifo mknod mktemp modinfo more mount mv
  nc netstat nproc nslookup od paste pidof poweroff printf ps pwd readlink realpath reboot reset rev rm rmdir rmmod
  route sed seq sha1sum sha256sum shuf sleep sort stat strings stty sync sysctl tac tail tar tee test top touch tr
  traceroute traceroute6 true truncate tty umount uname uniq uptime usleep vi watch wc wget which whoami xxd yes zcat
`
  .trim()
  .split(/\s+/);

/** What the lab's guest can do with its interface; dependencies follow from the modules themselves. */
export const MODULES: readonly string[] = [
  'virtio_pci',
  'virtio_pci_legacy_dev',
  'virtio_pci_modern_dev',
  'virtio_ring',
  'virtio_net',
  'net_failover',
  'failover',
  'af_packet',
  'af_packet_diag',
  'ipv6',
  'inet_diag',
  'tcp_diag',
  'udp_diag',
  'raw_diag',
  'unix_diag',
  'netlink_diag',
  'macvlan',
  'macvtap',
  'ipvlan',
  '8021q',
  'bridge',
  'stp',
  'llc',
  'dummy',
  'ifb',
  'veth',
  'tun',
  'tap',
  'pktgen',
  'bonding',
  'vrf',
  'sch_netem',
  'sch_ingress',
  'sch_fq',
  'sch_fq_codel',
  'sch_htb',
  'sch_prio',
  'sch_tbf',
  'sch_mqprio',
  'sch_multiq',
  'cls_basic',
  'cls_flower',
  'cls_fw',
  'cls_matchall',
  'cls_u32',
  'act_gact',
  'act_mirred',
  'act_pedit',
  'act_police',
  'act_skbedit',
  'act_vlan',
];

/** Directories of the kernel package that the modules above and their dependencies lie in; the rest is not unpacked. */
export const MODULE_DIRECTORIES =
  /\/kernel\/(arch|crypto|lib|net|drivers\/(net\/(bonding\/|ipvlan\/)?[^/]+\.ko$|virtio))/;
