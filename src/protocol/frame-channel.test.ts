/** The contract of both frame channels, and of what differs between them, in any order of messages. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { openFrameChannel } from './frame-channel.ts';
import { bodyOf, handDriven, handPorts, IMPLEMENTATIONS } from './hand-port.test-kit.ts';

const MAX_FRAME = 65_568;
const PLAIN = { flags: 0, gsoType: 0, hdrLen: 0, gsoSize: 0, csumStart: 0, csumOffset: 0, pair: 0xffff };
const BATCH_FRAMES = 512;

describe.each(IMPLEMENTATIONS)('$name', (implementation) => {
  test('frames arrive in order with id and bytes; afterBatch follows them', () => {
    const { sender, listen, send, settle, got, batches } = handDriven(implementation, 'default');
    listen();
    settle();
    const lengths = [0, 1, 14, 60, 64, 65, 1514, 9000];
    lengths.forEach((length, index) => expect(send(0xffff_fff0 + index, length)).toBe(true));
    sender.flush();
    settle();
    expect(got).toEqual(
      lengths.map((length, index) => ({ id: 0xffff_fff0 + index, body: bodyOf(0xffff_fff0 + index, length) })),
    );
    expect(batches).toEqual([lengths.length]);
  });

  test('a frame may be a range of a larger array', () => {
    const { sender, listen, settle, got } = handDriven(implementation, 'default');
    listen();
    const source = bodyOf(1, 3000);
    sender.send(1, source, 10, 20);
    sender.send(2, source, 100, 1514);
    sender.flush();
    settle();
    expect(got.map(({ body }) => body)).toEqual([source.slice(10, 30), source.slice(100, 1614)]);
  });

  test('what travels with a frame arrives with it, and nothing with a plain one', () => {
    const { sender, listen, send, settle, metas } = handDriven(implementation, 'default');
    listen();
    const segment = { flags: 1, gsoType: 0x84, hdrLen: 66, gsoSize: 1448, csumStart: 34, csumOffset: 16, pair: 3 };
    const full = { flags: 255, gsoType: 255, hdrLen: 65535, gsoSize: 65535, csumStart: 65535, csumOffset: 65535 };
    const sent = [segment, undefined, { ...full, pair: 65535 }, undefined, { ...PLAIN, pair: 0 }];
    for (let lap = 0; lap < 3; lap++) sent.forEach((meta, id) => send(id, lap === 1 ? 65_000 : 60, meta));
    sender.flush();
    settle();
    const expected = sent.map((meta) => meta ?? PLAIN);
    expect(metas).toEqual([...expected, ...expected, ...expected]);
  });

  test('has room until three quarters of it are full, and again when that is read', () => {
    const { sender, listen, send, settle, got } = handDriven(implementation, 'default');
    listen();
    settle();
    let sent = 0;
    while (sender.roomy()) {
      expect(send(sent++, 1514)).toBe(true);
      sender.flush();
    }
    expect(sent).toBeGreaterThan(3);
    expect(send(sent++, 1514), 'a quarter is left').toBe(true);
    sender.flush();
    settle();
    expect(got).toHaveLength(sent);
    expect(sender.roomy()).toBe(true);
  });

  test('a frame that the sink refuses stays, with those behind it, and comes again', () => {
    const { sender, receiver, send, settle, step } = handDriven(implementation, 'default');
    const seen: number[] = [];
    const batches: number[] = [];
    let room = 2;
    receiver.onFrames(
      (id) => {
        seen.push(id);
        return room-- > 0;
      },
      () => batches.push(seen.length),
    );
    settle();
    for (const id of [1, 2, 3, 4]) send(id, 60);
    sender.flush();
    step.receiver();
    expect(seen).toEqual([1, 2, 3]);
    expect(batches).toEqual([3]);
    expect(step.turn()).toBe(true);
    expect(seen, 'offered again, without a batch').toEqual([1, 2, 3, 3]);
    expect(batches).toEqual([3]);
    room = 5;
    settle();
    expect(seen).toEqual([1, 2, 3, 3, 3, 4]);
  });

  test('a receiver that is polled takes what is there, and posts nothing to itself', () => {
    const { sender, receiver, listen, send, settle, got, batches, step } = handDriven(implementation, 'default');
    listen();
    settle();
    receiver.poll();
    for (let id = 1; id <= BATCH_FRAMES + 1; id++) send(id, 60);
    sender.flush();
    step.receiver();
    receiver.poll();
    receiver.poll();
    expect(got).toHaveLength(BATCH_FRAMES + 1);
    expect(batches).toEqual([BATCH_FRAMES, BATCH_FRAMES + 1]);
    expect(step.turn()).toBe(false);
  });

  test('when it rests, what came meanwhile is taken, and what comes next rings', () => {
    const { sender, receiver, listen, send, settle, got } = handDriven(implementation, 'default');
    listen();
    settle();
    receiver.poll();
    send(1, 60);
    sender.flush();
    receiver.rest();
    settle();
    expect(got.map(({ id }) => id)).toEqual([1]);
    send(2, 60);
    sender.flush();
    settle();
    expect(got.map(({ id }) => id)).toEqual([1, 2]);
  });

  test('whoever polls may doze where there is something to wait at, unless a frame is there', () => {
    const { sender, receiver, listen, send, settle, got } = handDriven(implementation, 'default');
    listen();
    settle();
    receiver.poll();
    expect(receiver.doze(1)).toBe(implementation.shared);
    send(1, 60);
    sender.flush();
    expect(receiver.doze(600_000)).toBe(false);
    settle();
    receiver.poll();
    expect(got.map(({ id }) => id)).toEqual([1]);
  });

  test('nothing arrives within send, flush or onFrames', () => {
    const { sender, listen, send, settle, got } = handDriven(implementation, 'default');
    send(1, 60);
    sender.flush();
    listen();
    send(2, 60);
    sender.flush();
    expect(got).toEqual([]);
    settle();
    expect(got.map(({ id }) => id)).toEqual([1, 2]);
  });

  test('frames sent and flushed before anybody listens are delivered', () => {
    const { sender, listen, send, settle, got } = handDriven(implementation, 'default');
    send(1, 60);
    sender.flush();
    settle();
    listen();
    settle();
    expect(got.map(({ id }) => id)).toEqual([1]);
  });

  test('a flush with nothing to send posts nothing', () => {
    const { sender, listen, settle, ports } = handDriven(implementation, 'default');
    listen();
    settle();
    sender.flush();
    expect(ports.port2.waiting).toBe(0);
  });

  test('the longest frame fits an empty channel wherever it stands, and is delivered whole', () => {
    const { sender, listen, send, settle, got } = handDriven(implementation, 'default');
    listen();
    for (let id = 0; id < 80; id++) {
      expect(send(id, id % 2 === 0 ? MAX_FRAME : 1000 + 37 * id)).toBe(true);
      sender.flush();
      settle();
    }
    expect(got).toHaveLength(80);
    expect(got.every(({ id, body }) => Buffer.from(body).equals(bodyOf(id, body.length)))).toBe(true);
    expect(got.filter(({ body }) => body.length === MAX_FRAME)).toHaveLength(40);
  });

  test('a frame longer than any that exists is refused, and the next one is not', () => {
    const { send } = handDriven(implementation, 'default');
    expect(send(1, MAX_FRAME + 1)).toBe(false);
    expect(send(2, 60)).toBe(true);
  });

  test('a full channel refuses frames, keeps what it has, and takes more once it was emptied', () => {
    const { sender, listen, send, settle, got } = handDriven(implementation, 'default');
    listen();
    settle();
    let sent = 0;
    while (send(sent, 1514)) sent++;
    expect(sent).toBeGreaterThan(1000);
    expect(send(sent, 1514)).toBe(false);
    settle(); // no flush: a refused frame has told the receiver
    expect(got.length).toBeGreaterThan(1000);
    expect(send(sent, 1514)).toBe(true);
    sender.flush();
    settle();
    expect(got.map(({ id }) => id)).toEqual(Array.from({ length: sent + 1 }, (_, id) => id));
  });

  test('a sender that flushes after every frame is not refused sooner', () => {
    const { sender, send } = handDriven(implementation, 'default');
    let sent = 0;
    while (sent < 5000 && send(sent, 60)) {
      sender.flush();
      sent++;
    }
    expect(sent).toBeGreaterThan(2500);
  });

  test('a long queue is drained in bounded batches, with turns of the event loop in between', () => {
    const { sender, listen, send, settle, got, batches, step } = handDriven(implementation, 'default');
    for (let id = 0; id < 2 * BATCH_FRAMES + 10; id++) send(id, 60);
    sender.flush();
    listen();
    while (batches.length === 0) expect(step.turn() || step.receiver()).toBe(true);
    expect(got.length).toBe(BATCH_FRAMES);
    settle();
    expect(batches).toEqual([BATCH_FRAMES, 2 * BATCH_FRAMES, 2 * BATCH_FRAMES + 10]);
  });

  test('large frames make shorter batches', () => {
    const { sender, listen, send, settle, batches } = handDriven(implementation, 'default');
    for (let id = 0; id < 20; id++) send(id, 65_000);
    sender.flush();
    listen();
    settle();
    expect(batches[0]).toBeLessThanOrEqual(5);
    expect(batches.at(-1)).toBe(20);
  });

  test('a sink that throws loses one frame, not the channel', () => {
    const { sender, receiver, send, settle } = handDriven(implementation, 'default');
    const got: number[] = [];
    receiver.onFrames(
      (id) => {
        if (id === 1) throw new Error('sink');
        got.push(id);
      },
      () => undefined,
    );
    for (let id = 0; id < 4; id++) send(id, 60);
    sender.flush();
    expect(settle).toThrow('sink');
    settle();
    expect(got).toEqual([0, 2, 3]);
  });

  test('a second sink is an error', () => {
    const { listen } = handDriven(implementation, 'default');
    listen();
    expect(listen).toThrow('one sink');
  });

  test('a channel too small for the longest frame cannot be opened', () => {
    expect(() => openFrameChannel(handPorts(), { shared: implementation.shared, bytes: 65_536 })).toThrow(RangeError);
  });

  test('under any schedule no accepted frame is lost, doubled or reordered, and no doorbell is missed', () => {
    const action = fc.oneof(
      {
        weight: 6,
        arbitrary: fc
          .record({ length: fc.nat({ max: 100 }), gsoSize: fc.option(fc.nat({ max: 65535 }), { nil: undefined }) })
          .map((frame) => ({ do: 'send' as const, ...frame })),
      },
      { weight: 2, arbitrary: fc.constant({ do: 'flush' as const }) },
      { weight: 1, arbitrary: fc.constant({ do: 'listen' as const }) },
      {
        weight: 6,
        arbitrary: fc
          .constantFrom('receiver' as const, 'sender' as const, 'turn' as const)
          .map((port) => ({ do: port })),
      },
    );
    fc.assert(
      fc.property(fc.array(action, { maxLength: 120 }), (actions) => {
        const { sender, listen, send, settle, got, metas, batches, step } = handDriven(implementation, 'small');
        const accepted: { id: number; body: Uint8Array }[] = [];
        const travelled: object[] = [];
        const state = { listening: false };
        actions.forEach((act, id) => {
          if ('length' in act) {
            const meta = act.gsoSize === undefined ? undefined : { ...PLAIN, gsoType: 1, gsoSize: act.gsoSize };
            if (!send(id, act.length, meta)) return;
            accepted.push({ id, body: bodyOf(id, act.length) });
            travelled.push(meta ?? PLAIN);
          } else if (act.do === 'flush') {
            sender.flush();
          } else if (act.do === 'listen') {
            if (!state.listening) listen();
            state.listening = true;
          } else {
            step[act.do]();
          }
        });
        if (!state.listening) listen();
        sender.flush();
        settle();
        expect(got).toEqual(accepted);
        expect(metas).toEqual(travelled);
        expect(batches.at(-1) ?? 0).toBe(got.length);
        // And the channel is as good as new.
        expect(send(1000, 100)).toBe(true);
        sender.flush();
        settle();
        expect(got.at(-1)?.id).toBe(1000);
      }),
      { numRuns: 300 },
    );
  });
});

test('a ring sender posts no doorbell while the receiver is awake', () => {
  const [ring] = IMPLEMENTATIONS;
  if (ring === undefined) throw new Error('no ring');
  const { sender, listen, send, settle, step, ports, got } = handDriven(ring, 'default');
  listen();
  settle();
  for (let id = 0; id < 600; id++) {
    send(id, 60);
    sender.flush();
  }
  expect(ports.port2.waiting).toBe(1);
  step.receiver(); // a first batch: the receiver will go on by itself
  expect(got).toHaveLength(BATCH_FRAMES);
  send(600, 60);
  sender.flush();
  expect(ports.port2.waiting).toBe(0);
  settle();
  expect(got).toHaveLength(601);
});
