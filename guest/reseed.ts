/**
 * `lab-reseed`, a program for the guest: has the kernel seed its random number generator anew, from its pool.
 *
 * That is one ioctl on a file that is open as standard input, and no program of the image can make it. The kernel
 * does it by itself once a minute; until then, guests restored from one snapshot would draw the same numbers.
 * Exit status: 0, or the errno. The whole of it:
 */

/** Intel syntax, i386; the system calls are those of Linux. */
const CODE = [
  [0x31, 0xdb], //                         xor ebx, ebx         standard input
  [0xb9, 0x07, 0x52, 0x00, 0x00], //       mov ecx, 0x5207      RNDRESEEDCRNG (linux/random.h)
  [0x6a, 0x36, 0x58], //                   push 54; pop eax     ioctl
  [0xcd, 0x80], //                         int 0x80             returns 0, or the negative errno
  [0xf7, 0xd8], //                         neg eax
  [0x89, 0xc3], //                         mov ebx, eax
  [0x31, 0xc0, 0x40], //                   xor eax, eax; inc eax  exit
  [0xcd, 0x80], //                         int 0x80
].flat();

const BASE = 0x0804_8000;
const FILE_HEADER = 52;
const PROGRAM_HEADER = 32;

/** An ELF executable of one segment: both headers, and the code. */
function executable(code: readonly number[]): Uint8Array {
  const start = FILE_HEADER + PROGRAM_HEADER;
  const file = new Uint8Array(start + code.length);
  const view = new DataView(file.buffer);
  const words = (at: number, values: readonly number[]): void => {
    values.forEach((value, index) => {
      view.setUint32(at + 4 * index, value, true);
    });
  };
  file.set([0x7f, 0x45, 0x4c, 0x46, 1, 1, 1]); // 32 bits, little-endian, version 1
  view.setUint16(16, 2, true); // ET_EXEC
  view.setUint16(18, 3, true); // EM_386
  words(20, [1, BASE + start, FILE_HEADER, 0, 0]); // version, entry, program headers, no sections, flags
  view.setUint16(40, FILE_HEADER, true);
  view.setUint16(42, PROGRAM_HEADER, true);
  view.setUint16(44, 1, true); // program headers
  words(FILE_HEADER, [1, 0, BASE, BASE, file.length, file.length, 5, 0x1000]); // PT_LOAD, read and execute
  file.set(code, start);
  return file;
}

export const RESEED_PROGRAM = executable(CODE);
