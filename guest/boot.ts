/**
 * How the guest image wants to be started, and how to talk to it. Pure: the browser's worker imports this.
 *
 * The guest has two serial lines. ttyS0 is a shell for a person. ttyS1 belongs to the **agent**
 * (rootfs/usr/sbin/lab-agent), which runs commands for the page. Everything on that line is ASCII,
 * one message a line, ended by LF; the line is raw, so nothing is echoed or translated.
 *
 *   page -> agent   <id> <shell command>               run it; id is 1-32 of [A-Za-z0-9_-]. Of the command, a
 *                                                      backslash and whatever is not printable ASCII stands as \0nnn,
 *                                                      a byte in octal
 *                   #kill <id>                         SIGKILL the process group of <id>, if it is the one running
 *                   #resume <seconds> <random>         the machine was restored from a snapshot: set the clock (Unix
 *                                                      time), mix in what is random (hexadecimal), find the network
 *                                                      device; answered by #ready
 *   agent -> page   #ready <boot id>                   the agent has started and waits for commands
 *                   <base64>                           the next bytes of the output of the command that runs
 *                   =<quoted>                          likewise, as bash's printf %q has them, behind a line feed
 *                   #exit <id> <code>                  that command has ended; 128 + n if signal n ended it. Its output
 *                                                      ends at the last "\0end of <id>\0", if there is one
 *                   #error <text>                      a line was neither of the above and was ignored
 *
 * Base64 has no `#` and does not begin with `=`, so the first character tells what a line is. Each line of base64 is a whole
 * number of quanta and is decoded by itself. Output is standard output and standard error in
 * the order written. Commands run one after another, in the order received, each by `sh -c` in a
 * session of its own with standard input from /dev/null; what a command leaves running in the
 * background lives on, its output is discarded. `#ready` with the boot id already known means that
 * the agent was restarted, with another one that the guest was: either way what was asked for before
 * will not be answered.
 */

/** The firmware's and the kernel's needs plus room for packet captures; the image itself unpacks to about a fifth of it. */
export const GUEST_MEMORY_BYTES = 256 * 1024 * 1024;

/**
 * Each word is worth seconds under emulation: no messages, no clock calibration against the slow timer, no
 * mitigations, no wait for entropy, no self-tests of ciphers.
 */
export const GUEST_CMDLINE =
  'console=ttyS0 quiet loglevel=3 tsc=reliable mitigations=off random.trust_cpu=on cryptomgr.notests';

/**
 * Names beside manifest.json. The initramfs is a gzip that the page unpacks: the emulated processor would take
 * far longer. It is not called .gz, because servers then announce it as an encoding and browsers unpack it
 * before the page can verify it.
 */
export const GUEST_FILES = {
  kernel: 'vmlinuz',
  initramfs: 'initramfs.img',
  bios: 'seabios.bin',
  vgaBios: 'vgabios.bin',
} as const;

/** The longest command that one line may carry, in bytes as sent. The guest's terminal layer buffers 64 KiB and then drops. */
export const AGENT_MAX_COMMAND_BYTES = 60_000;
