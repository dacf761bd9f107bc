/** What tcpdump in the guest sees. */
import { gunzipSync } from 'node:zlib';
import { LAST, numbered, numberOf } from './frames.ts';
import type { LabClient } from './lab-client.ts';

const SNAP = 96;
const PCAP_HEADER = 24;
const RECORD_HEADER = 16;
const ATTEMPTS = 20;

export interface CaptureOptions {
  readonly dev?: string;
  /** tcpdump's default asks the device for promiscuous mode; ours does not. */
  readonly promisc?: boolean;
  /** Where the frame that ends the capture goes, if the capture's device is not eth0. */
  readonly dst?: string;
}

/** Numbers of the numbered frames that tcpdump sees while `during` runs, in order. */
export async function capture(
  lab: LabClient,
  during: () => Promise<void>,
  { dev = 'eth0', promisc = false, dst }: CaptureOptions = {},
): Promise<number[]> {
  await lab.exec(
    `tcpdump -i ${dev} ${promisc ? '' : '-p'} -n -U --immediate-mode -s ${SNAP} -w /tmp/capture 2> /tmp/capture.log &
     for try in $(seq 100); do
       grep -q 'listening on' /tmp/capture.log && exit
       usleep 50000
     done
     cat /tmp/capture.log; exit 1`,
  );
  await during();
  await sendLast(lab, dst);
  const text = await lab.exec(
    `for try in $(seq 100); do
       grep -q 'LAB#DONE' /tmp/capture && break
       usleep 50000
     done
     killall tcpdump
     while pidof tcpdump > /dev/null; do usleep 20000; done
     grep -q '^0 packets dropped by kernel' /tmp/capture.log || { cat /tmp/capture.log; exit 1; }
     gzip -c /tmp/capture | base64`,
  );
  const numbers = readPcap(gunzipSync(Buffer.from(text, 'base64'))).map(numberOf);
  if (numbers.at(-1) !== LAST && !numbers.includes(LAST)) throw new Error('tcpdump has not seen the last frame.');
  return numbers.filter((number) => number !== null && number !== LAST) as number[];
}

/** Whatever was sent before it has arrived when this one has. */
async function sendLast(lab: LabClient, dst: string | undefined): Promise<void> {
  const frame = numbered('own unicast', LAST);
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const { fate } = await lab.injectOne(dst === undefined ? frame : { ...frame, dst });
    if (fate === 'delivered') return;
  }
  throw new Error('The guest takes no frames.');
}

/** The captured bytes of each packet. @source libpcap, pcap-savefile(5): little-endian, as i386 writes it */
function readPcap(file: Buffer): Buffer[] {
  if (file.readUInt32LE(0) !== 0xa1b2_c3d4) throw new Error('This is not a capture file of a little-endian machine.');
  const packets: Buffer[] = [];
  for (let at = PCAP_HEADER; at + RECORD_HEADER <= file.length;) {
    const captured = file.readUInt32LE(at + 8);
    at += RECORD_HEADER;
    packets.push(file.subarray(at, at + captured));
    at += captured;
  }
  return packets;
}
