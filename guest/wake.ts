/**
 * `lab-wake`, a program for the guest: waits on its standard input for a line `<seconds> <anything random>`, sets the
 * clock to that time (Unix, decimal), writes what is random to the kernel's pool, and has the random number generator
 * seeded anew from it.
 *
 * It is running already when the guest is saved. Programs of the image's own would have to be started when it has been
 * restored, which took a fifth of all that the guest executed until it was ready. And for the last step there is none:
 * that is an ioctl, and the kernel does it by itself only once a minute, until when guests of one snapshot would draw
 * the same numbers. Exit status: 0, or the errno of what failed. The whole of it:
 */

const BASE = 0x0804_8000;
const FILE_HEADER = 52;
const PROGRAM_HEADER = 32;
const CODE_AT = BASE + FILE_HEADER + PROGRAM_HEADER;

/** Longer than the line. */
const ROOM = 0x100;
const PATH = [...new TextEncoder().encode('/dev/urandom'), 0];

/** Intel syntax, i386; the system calls are those of Linux. */
const WAIT = [
  [0x81, 0xec, 0x00, ROOM >> 8, 0x00, 0x00], // sub esp, ROOM
  [0x31, 0xdb], //                         xor ebx, ebx         standard input
  [0x89, 0xe1], //                         mov ecx, esp
  [0xba, 0x00, ROOM >> 8, 0x00, 0x00], //  mov edx, ROOM
  [0x6a, 0x03, 0x58], //                   push 3; pop eax      read
  [0xcd, 0x80], //                         int 0x80             returns how many bytes, or the negative errno
].flat();
const PARSE = [
  [0x89, 0xe6], //                         mov esi, esp
  [0x8d, 0x3c, 0x04], //                   lea edi, [esp + eax]  where the line ends
  // digit:
  [0x0f, 0xb6, 0x06], //                   movzx eax, byte [esi]
  [0x46], //                               inc esi
  [0x83, 0xe8, 0x30], //                   sub eax, '0'
  [0x72, 0x07], //                         jb time              a space or the end of the line
  [0x6b, 0xdb, 0x0a], //                   imul ebx, ebx, 10
  [0x01, 0xc3], //                         add ebx, eax
  [0xeb, 0xf0], //                         jmp digit
].flat();
const SET_CLOCK = [
  // time:
  [0x6a, 0x00], //                         push 0               nanoseconds
  [0x53], //                               push ebx             seconds
  [0x31, 0xdb], //                         xor ebx, ebx         CLOCK_REALTIME
  [0x89, 0xe1], //                         mov ecx, esp
  [0xb8, 0x08, 0x01, 0x00, 0x00], //       mov eax, 264         clock_settime
  [0xcd, 0x80], //                         int 0x80             returns 0, or the negative errno
].flat();
/** @param path address of PATH */
const open = (path: number): number[] =>
  [
    [0xbb, ...littleEndian(path)], //      mov ebx, path
    [0x6a, 0x01, 0x59], //                 push 1; pop ecx      O_WRONLY
    [0x6a, 0x05, 0x58], //                 push 5; pop eax      open
    [0xcd, 0x80], //                       int 0x80             returns the file, or the negative errno
  ].flat();
const SEED = [
  [0x89, 0xc3], //                         mov ebx, eax
  [0x89, 0xf1], //                         mov ecx, esi         behind the time
  [0x89, 0xfa], //                         mov edx, edi
  [0x29, 0xf2], //                         sub edx, esi
  [0x6a, 0x04, 0x58], //                   push 4; pop eax      write
  [0xcd, 0x80], //                         int 0x80             returns how many bytes, or the negative errno
].flat();
const RESEED = [
  [0xb9, 0x07, 0x52, 0x00, 0x00], //       mov ecx, 0x5207      RNDRESEEDCRNG (linux/random.h)
  [0x6a, 0x36, 0x58], //                   push 54; pop eax     ioctl
  [0xcd, 0x80], //                         int 0x80             returns 0, or the negative errno
].flat();
const EXIT = [
  [0xf7, 0xd8], //                         neg eax
  [0x89, 0xc3], //                         mov ebx, eax
  [0x31, 0xc0, 0x40], //                   xor eax, eax; inc eax  exit
  [0xcd, 0x80], //                         int 0x80
].flat();
/** What follows is left out if the call before failed. */
const orExit = (steps: readonly number[]): number[] => [
  ...[0x85, 0xc0], //                      test eax, eax
  ...[0x78, steps.length], //              js                   behind the steps
  ...steps,
];

const program = (path: number): number[] => {
  const seed = orExit([...SEED, ...orExit(RESEED)]);
  const all = orExit([...PARSE, ...SET_CLOCK, ...orExit([...open(path), ...seed])]);
  return [...WAIT, ...all, ...EXIT];
};
/** The path lies behind the code, whose length does not depend on where. */
const CODE = [...program(CODE_AT + program(0).length), ...PATH];

function littleEndian(value: number): number[] {
  return [value, value >> 8, value >> 16, value >> 24].map((byte) => byte & 0xff);
}

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

export const WAKE_PROGRAM = executable(CODE);
