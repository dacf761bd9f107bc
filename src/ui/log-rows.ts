/** Logged events as table rows: time, name, argument, result. */
import type { Ack, HostModelId } from '../core/host/host-model.ts';
import type { CommandType, GuestErrorType, Logged, NegotiationType } from '../core/trace/model.ts';
import { GUEST_ERRORS } from '../core/virtio/guest-error.ts';
import { formatSpan } from './format.ts';
import { MODEL_ORDER, shortModel } from './model-display.ts';

export interface LogRow {
  readonly seq: number;
  readonly time: number;
  readonly name: string;
  readonly arg: string;
  readonly result: string;
  readonly tone: 'accept' | 'loss' | 'muted' | '';
}

export function ioctlRow({ seq, time, event }: Logged<'ioctl'>): LogRow {
  const ok = event.errno === 0;
  const by = event.by === 'user' ? ' · by hand' : '';
  return {
    seq,
    time,
    name: event.name,
    arg: event.arg,
    result: (ok ? 'OK' : event.errno) + by,
    tone: ok ? 'accept' : 'loss',
  };
}

export function commandRow({ seq, time, event }: Logged<CommandType>): LogRow {
  if (event.type === 'command-judged') {
    return { seq, time, name: 'every model’s answer', arg: ackTexts(event.acks), result: '', tone: 'muted' };
  }
  const { name, data, ack, reason, elapsed } = event;
  const result = ack === 'OK' ? `OK in ${formatSpan(elapsed)}` : `ERR: ${reason ?? 'no reason given'}`;
  return {
    seq,
    time,
    name: name.replace(/^VIRTIO_NET_CTRL_/, ''),
    arg: data,
    result,
    tone: ack === 'OK' ? 'accept' : 'loss',
  };
}

function ackTexts(acks: Readonly<Partial<Record<HostModelId, Ack>>>): string {
  return MODEL_ORDER.map((id) => `${shortModel(id)} ${acks[id] ?? '–'}`).join(' · ');
}

export function negotiationRow({ seq, time, event }: Logged<NegotiationType>): LogRow {
  const row = (name: string, arg: string, result: string, tone: LogRow['tone'] = ''): LogRow => ({
    seq,
    time,
    name,
    arg,
    result,
    tone,
  });
  switch (event.type) {
    case 'status-write':
      return row('status write', hex(event.value, 2), `${hex(event.before, 2)} → ${hex(event.after, 2)}`);
    case 'device-reset':
      return row('device reset', `by ${event.kind}`, `epoch ${event.epoch}, offers ${event.offered}`);
    case 'features-judged':
      return event.ok
        ? row('FEATURES_OK', event.accepted, 'accepted', 'accept')
        : row('FEATURES_OK', event.accepted, `refused: ${event.reason ?? ''}`, 'loss');
    case 'queue-enabled':
      return row('queue enabled', `${event.queue} ${event.role}`, `size ${event.size}, rings at ${hex(event.desc, 8)}`);
    case 'queue-reset':
      return row('queue reset', String(event.queue), '');
    case 'device-suspended':
      return row('suspend', event.suspended ? 'on' : 'off', event.suspended ? 'the device rests' : 'the device runs');
    case 'personality':
      return row('PCI function', event.transitional ? 'transitional' : 'modern', event.msix ? 'MSI-X' : 'INTx');
    case 'carrier':
      return row('link', event.up ? 'up' : 'down', event.announce ? 'the driver is asked to announce itself' : '');
    case 'migrated':
      return row('migrated', ackTexts(event.acks), event.reason ?? '', event.reason === null ? 'accept' : 'loss');
    case 'needs-reset':
      return row('needs reset', event.reason, '', 'loss');
    case 'machine-reset':
      return row('machine reset', '', '');
  }
}

export function guestErrorRow({ seq, time, event }: Logged<GuestErrorType>): LogRow {
  if (event.type === 'config-write') {
    const arg = `${event.width} bytes at ${hex(event.offset, 2)}`;
    return { seq, time, name: 'config write', arg, result: 'ignored: device configuration is read-only', tone: 'loss' };
  }
  const { clause, response, text } = GUEST_ERRORS[event.code];
  const queue = event.queue === null ? '' : `queue ${event.queue}: `;
  return {
    seq,
    time,
    name: event.code,
    arg: `${queue}${event.detail}`,
    result: `${response} · §${clause} ${text}`,
    tone: 'loss',
  };
}

function hex(value: number, digits: number): string {
  return `0x${value.toString(16).padStart(digits, '0')}`;
}
