/**
 * Speaks with the guest's agent on its second serial line (the protocol is described in guest/boot.ts):
 * runs shell commands one after another and collects what they print.
 */
import { AGENT_MAX_COMMAND_BYTES } from '../guest/boot.ts';
import type { ExecResult } from '../src/protocol/api.ts';

interface Job {
  readonly id: string;
  /** As it is sent. */
  readonly command: string;
  readonly resolve: (result: ExecResult) => void;
  readonly reject: (error: Error) => void;
  output: Uint8Array[];
  outputBytes: number;
}

const LINE_FEED = 10;
const BACKSLASH = 0x5c;
/** bash, lib/sh/strtrans.c ansic_quote */
const QUOTED: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  t: '\t',
  n: '\n',
  v: '\v',
  f: '\f',
  r: '\r',
  E: '\x1b',
};
/** The agent's lines are far shorter. What is longer is noise of another program and is passed over. */
const LINE_BYTES_MAX = 64 * 1024;
/** What is kept of a command's output, if not said otherwise: minutes of printing as fast as the line goes. */
const OUTPUT_BYTES_MAX = 64 * 1024 * 1024;

export class ExecAgent {
  readonly #send: (bytes: Uint8Array) => void;
  readonly #onReady: () => void;
  readonly #outputBytesMax: number;
  readonly #queue: Job[] = [];
  #running: Job | null = null;
  #ready = false;
  #nextId = 1;
  #line: number[] = [];
  /** Why no command will be run any more. */
  #failure: string | null = null;

  /**
   * @param onReady called each time an agent reports for work: after boot, reboot, or its own restart
   * @param outputBytesMax what is kept of one command's output; the rest is counted, and the output ends by saying so
   */
  constructor(send: (bytes: Uint8Array) => void, onReady: () => void, outputBytesMax = OUTPUT_BYTES_MAX) {
    this.#send = send;
    this.#onReady = onReady;
    this.#outputBytesMax = outputBytesMax;
  }

  /** Runs a command in the guest, after those already waiting. Rejects if the guest dies meanwhile. */
  exec(command: string): Promise<ExecResult> {
    const escaped = escape(command) || ' ';
    if (escaped.length > AGENT_MAX_COMMAND_BYTES) {
      return Promise.reject(
        new Error(
          `The command is ${escaped.length} bytes long, as it is sent; one call carries at most ${AGENT_MAX_COMMAND_BYTES}. ` +
            'Write it to a file in several calls, then run that file.',
        ),
      );
    }
    if (this.#failure !== null) return Promise.reject(new Error(this.#failure));
    return new Promise((resolve, reject) => {
      this.#queue.push({ id: String(this.#nextId++), command: escaped, resolve, reject, output: [], outputBytes: 0 });
      this.#next();
    });
  }

  /**
   * The guest goes on from a snapshot, in which its agent waits: it is told the time and something random, and
   * reports for work when it has found its network device.
   */
  resume(time: Date, random: Uint8Array): void {
    const seconds = Math.round(time.getTime() / 1000);
    const hex = Array.from(random, (byte) => byte.toString(16).padStart(2, '0')).join('');
    this.#send(new TextEncoder().encode(`#resume ${seconds} ${hex}\n`));
  }

  /** The machine was reset: nothing asked for before will be answered. */
  reset(reason: string): void {
    this.#ready = false;
    this.#line = [];
    this.#abandon(reason);
  }

  /** There is no machine and will be none: nothing asked for, now or later, will be answered. */
  fail(reason: string): void {
    this.#failure = reason;
    this.reset(reason);
    for (const job of this.#queue.splice(0)) job.reject(new Error(reason));
  }

  /** Feeds one byte that the guest wrote. */
  receive(byte: number): void {
    if (byte !== LINE_FEED) {
      if (this.#line.length <= LINE_BYTES_MAX) this.#line.push(byte);
      return;
    }
    if (this.#line.length > LINE_BYTES_MAX) {
      this.#line = [];
      return;
    }
    const line = latin1Text(Uint8Array.from(this.#line));
    this.#line = [];
    this.#message(line);
  }

  #keep(job: Job, bytes: Uint8Array): void {
    job.outputBytes += bytes.length;
    if (job.outputBytes <= this.#outputBytesMax) job.output.push(bytes);
  }

  #message(line: string): void {
    if (!line.startsWith('#')) {
      const bytes = line.startsWith('=') ? fromQuoted(line.slice(1)) : fromBase64(line);
      if (bytes && this.#running) this.#keep(this.#running, bytes);
      return;
    }
    const [word, id, code] = line.split(' ');
    if (word === '#ready') {
      this.#abandon('The guest’s agent was restarted while the command ran.');
      this.#ready = true;
      this.#onReady();
      this.#next();
    } else if (word === '#exit' && this.#running && id === this.#running.id) {
      const job = this.#running;
      this.#running = null;
      job.resolve({ output: outputOf(job), exitCode: Number(code) });
      this.#next();
    } else if (word === '#error' && this.#running) {
      const job = this.#running;
      this.#running = null;
      job.reject(new Error(`The guest’s agent did not understand the command: ${line.slice(7)}`));
      this.#next();
    }
  }

  #abandon(reason: string): void {
    const job = this.#running;
    this.#running = null;
    job?.reject(new Error(reason));
  }

  #next(): void {
    if (!this.#ready || this.#running) return;
    const job = this.#queue.shift();
    if (!job) return;
    this.#running = job;
    this.#send(new TextEncoder().encode(`${job.id} ${job.command}\n`));
  }
}

/** One character per byte, as btoa wants it. (A latin1 TextDecoder would be windows-1252.) */
function latin1Text(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}

function latin1Bytes(text: string): Uint8Array {
  return Uint8Array.from(text, (char) => char.charCodeAt(0));
}

/** As the guest's `printf %b` undoes it. */
function escape(text: string): string {
  let escaped = '';
  for (const byte of new TextEncoder().encode(text)) {
    const plain = byte >= 0x20 && byte < 0x7f && byte !== BACKSLASH;
    escaped += plain ? String.fromCharCode(byte) : `\\0${byte.toString(8).padStart(3, '0')}`;
  }
  return escaped;
}

/** What `printf %q` made of a line feed and these bytes, or null for something else. */
function fromQuoted(quoted: string): Uint8Array | null {
  const [, inner] = /^\$'\\n(.*)'$/.exec(quoted) ?? [];
  if (inner === undefined) return null;
  const plain = inner.replace(/\\([0-7]{3}|.)/g, (_, what: string) =>
    what.length === 3 ? String.fromCharCode(parseInt(what, 8)) : (QUOTED[what] ?? what),
  );
  return latin1Bytes(plain);
}

/** The bytes, or null for a line that some other program wrote to the agent's terminal. */
function fromBase64(line: string): Uint8Array | null {
  const text = line.trim();
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(text) || text.length % 4 !== 0) return null;
  return latin1Bytes(atob(text));
}

function outputOf({ id, output, outputBytes }: Job): string {
  const decoder = new TextDecoder();
  const all = output.map((part) => decoder.decode(part, { stream: true })).join('') + decoder.decode();
  const end = all.lastIndexOf(`\0end of ${id}\0`);
  const text = end < 0 ? all : all.slice(0, end);
  const lost = outputBytes - output.reduce((sum, part) => sum + part.length, 0);
  return lost === 0 ? text : `${text}\n[${lost} more bytes of output were not kept]\n`;
}
