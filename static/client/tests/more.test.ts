/** What the hub client does beyond following: receipts, commands that wait, storage, pull mode, drain, presence, chat. */
import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ChatLog, Disconnected, LiveRoom, receipt, textStorage, TimedOut, type Entry, type Push, type Saved, type SubscribeOptions } from '../src/index.ts';
import { frames, TARGET } from '../dev/frames.mjs';
import { connect, entry, hub, newest, settle, sockets } from './fake.ts';

const ORDER = 'order:ord_1';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

async function reading(options: Parameters<typeof hub>[0] = {}, subscribe: SubscribeOptions = {}) {
  const made = hub(options);
  const heard: number[] = [];
  const resets = vi.fn();
  const cursors: unknown[] = [];
  await made.hub.start();
  made.hub.subscribe(ORDER, { entry: (one) => heard.push(one.off), reset: resets, cursor: (one) => cursors.push(one) }, subscribe);
  const socket = await connect();
  return { ...made, socket, heard, resets, cursors };
}

describe('receipts', () => {
  it('acknowledge many entries with one word, and only what was new', async () => {
    const { socket } = await reading();
    socket.answer('sub', { ch: ORDER, ep: 'a1', from: 1, to: 0, recovered: false });
    socket.tell(entry(ORDER, 1), entry(ORDER, 2), entry(ORDER, 3));
    await vi.advanceTimersByTimeAsync(400);
    const acks = () => socket.sent.filter(({ m }) => m === 'ack').map(({ p }) => p);
    expect(acks()).toEqual([{ ch: ORDER, off: 3 }]);
    socket.answer('ack', { delivered: 3, read: 0 });
    await vi.advanceTimersByTimeAsync(5_000);
    expect(acks()).toHaveLength(1);
  });

  it('are said again after a reconnect if nobody confirmed them', async () => {
    const { hub: h, socket } = await reading();
    socket.answer('sub', { ch: ORDER, ep: 'a1', from: 3, to: 2, recovered: false });
    h.read(ORDER);
    await vi.advanceTimersByTimeAsync(400);
    expect(socket.last('read').p).toEqual({ ch: ORDER, off: 2 });
    socket.drop(1006);
    await vi.advanceTimersByTimeAsync(2_500);
    const second = await connect();
    await vi.advanceTimersByTimeAsync(1);
    expect(second.last('read').p).toEqual({ ch: ORDER, off: 2 });
  });

  it('are left to the app where it says so', async () => {
    const { hub: h, socket } = await reading({ ack: false });
    socket.answer('sub', { ch: ORDER, ep: 'a1', from: 1, to: 0, recovered: false });
    socket.tell(entry(ORDER, 1));
    await vi.advanceTimersByTimeAsync(2_000);
    expect(socket.sent.map(({ m }) => m)).not.toContain('ack');
    h.ack(ORDER, 1);
    await vi.advanceTimersByTimeAsync(400);
    expect(socket.last('ack').p).toEqual({ ch: ORDER, off: 1 });
  });

  it('leave room for commands', async () => {
    const { hub: h } = hub();
    await h.start();
    const socket = await connect();
    for (let i = 0; i < 40; i++) h.read(`order:ord_${i}`, 1);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(socket.sent.filter(({ m }) => m === 'read').length).toBeLessThan(90);
  });

  it('of others only ever rise', async () => {
    const { hub: h, socket, cursors } = await reading();
    socket.answer('sub', { ch: ORDER, ep: 'a1', from: 1, to: 0, recovered: false, members: [{ profile: 'cus_1', role: 'customer', name: 'C', delivered: 2, read: 1 }] });
    socket.tell({ push: 'cur', ch: ORDER, profile: 'cus_1', delivered: 5, read: 1 }, { push: 'cur', ch: ORDER, profile: 'cus_1', delivered: 4, read: 3 }, { push: 'cur', ch: ORDER, profile: 'cus_1', delivered: 1, read: 1 });
    expect(cursors).toHaveLength(3);
    expect(h.cursors(ORDER)).toEqual([{ profile: 'cus_1', delivered: 5, read: 3 }]);
  });
});

describe('commands that wait', () => {
  const say = { ch: ORDER, body: 'hello' };

  it('go out in their order when the connection comes, each once', async () => {
    const { hub: h } = hub();
    const all = [1, 2, 3].map((n) => h.command('chat.send', { ...say, body: `${n}` }));
    await h.start();
    const socket = await connect();
    const sent = socket.sent.filter(({ m }) => m === 'chat.send');
    expect(sent.map(({ p }) => p.body)).toEqual(['1', '2', '3']);
    expect(new Set(sent.map(({ p }) => p.cid)).size).toBe(3);
    for (const { id } of sent) socket.tell({ id, ok: { off: id, ts: 1, dup: false } });
    await expect(Promise.all(all)).resolves.toHaveLength(3);
    expect(h.waiting).toEqual([]);
  });

  it('survive any number of connections with the same cid', async () => {
    const { hub: h } = hub();
    await h.start();
    let socket = await connect();
    const done = h.command('chat.send', say);
    const { cid } = socket.last('chat.send').p;
    for (let i = 0; i < 12; i++) {
      socket.drop(1006);
      await vi.advanceTimersByTimeAsync(15_001);
      socket = await connect();
      expect(socket.last('chat.send').p.cid).toBe(cid);
    }
    socket.answer('chat.send', { off: 4, ts: 1, dup: true });
    await expect(done).resolves.toMatchObject({ off: 4 });
  });

  it('wait as long as the hub says, and give up what it refuses', async () => {
    const { hub: h } = hub();
    await h.start();
    const socket = await connect();
    const done = h.command('chat.send', say);
    socket.refuse('chat.send', { code: 113, name: 'rate_limited', retry: true, after_ms: 1_500, msg: '' });
    await vi.advanceTimersByTimeAsync(1_499);
    expect(socket.sent.filter(({ m }) => m === 'chat.send')).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1);
    socket.refuse('chat.send', { code: 123, name: 'channel_closed', retry: false, msg: 'closed' });
    await expect(done).rejects.toMatchObject({ code: 123 });
  });

  it('end with the hub, or with the deadline of the app', async () => {
    const { hub: h } = hub();
    const late = h.command('chat.send', say, { timeoutMs: 1_000 });
    const expected = expect(late).rejects.toBeInstanceOf(TimedOut);
    await vi.advanceTimersByTimeAsync(1_000);
    await expected;
    await h.start();
    const socket = await connect();
    const lost = h.command('chat.send', say);
    socket.drop(4504, 'replaced');
    await expect(lost).rejects.toBeInstanceOf(Disconnected);
    await expect(h.command('chat.send', say)).rejects.toBeInstanceOf(Disconnected);
  });
});

describe('storage', () => {
  function store(saved?: Saved) {
    let text: string | null = saved ? JSON.stringify(saved) : null;
    return { storage: textStorage({ getItem: () => text, setItem: (_, now) => (text = now) }, 'k'), read: (): Saved => JSON.parse(text ?? 'null') as Saved };
  }

  it('lets the next page go on where the last one stopped', async () => {
    const { storage, read } = store();
    const first = await reading({ storage }, { from: 'saved' });
    first.socket.answer('sub', { ch: ORDER, ep: 'a1', from: 1, to: 0, recovered: false });
    first.socket.tell(entry(ORDER, 1), entry(ORDER, 2));
    await vi.advanceTimersByTimeAsync(500);
    expect(read().positions).toEqual({ [ORDER]: { ep: 'a1', off: 2 } });
    const second = await reading({ storage }, { from: 'saved' });
    expect(second.socket.last('connect').p.resume).toEqual({ [ORDER]: { ep: 'a1', off: 2 } });
  });

  it('keeps commands whose outcome is unknown, and tells what became of them', async () => {
    const { storage, read } = store();
    const first = hub({ storage });
    first.hub.command('chat.send', { ch: ORDER, body: 'hello' }).catch(() => undefined);
    await first.hub.start();
    first.hub.stop();
    const [kept] = read().commands;
    const outcomes: unknown[] = [];
    const second = hub({ storage, onCommand: (one, ok) => outcomes.push([one.cid, ok]) });
    await second.hub.start();
    const socket = await connect();
    expect(socket.last('chat.send').p).toEqual({ ch: ORDER, body: 'hello', cid: kept?.cid });
    socket.answer('chat.send', { off: 7, ts: 1, dup: true });
    await settle();
    expect(outcomes).toEqual([[kept?.cid, { off: 7, ts: 1, dup: true }]]);
    await vi.advanceTimersByTimeAsync(500);
    expect(read().commands).toEqual([]);
  });

  it('that is broken only costs reading anew', async () => {
    const { hub: h } = hub({ storage: { load: () => Promise.reject(new Error('disk')), save: () => Promise.reject(new Error('disk')) } });
    await h.start();
    await connect();
    expect(h.state).toBe('live');
  });
});

describe('pull mode', () => {
  it('reads page by page, each asked for after the last, then asks for the pushes again', async () => {
    const { socket, heard } = await reading();
    socket.answer('sub', { ch: ORDER, ep: 'a1', from: 4, to: 3, recovered: false });
    socket.tell({ push: 'lag', ch: ORDER, ep: 'a1', off: 4 });
    expect(socket.last('history').p).toMatchObject({ after: 3 });
    // Entries that were queued before the word come behind it.
    socket.tell(entry(ORDER, 4));
    socket.answer('history', { entries: [entry(ORDER, 4), entry(ORDER, 5)], more: true });
    expect(socket.last('history').p).toMatchObject({ after: 5 });
    expect(socket.sent.filter(({ m }) => m === 'sub')).toHaveLength(1);
    socket.answer('history', { entries: [entry(ORDER, 6)], more: false });
    expect(socket.last('sub').p).toEqual({ ch: ORDER, ep: 'a1', off: 6 });
    socket.answer('sub', { ch: ORDER, ep: 'a1', from: 7, to: 7, recovered: true });
    socket.tell(entry(ORDER, 7), entry(ORDER, 8));
    expect(heard).toEqual([4, 5, 6, 7, 8]);
  });
});

describe('a node that goes down', () => {
  it('is shown, obeyed, and left for another one', async () => {
    const { hub: h, states } = hub({ url: ['ws://one/v1/ws', 'ws://two/v1/ws'] });
    await h.start();
    const socket = await connect();
    expect(socket.url).toBe('ws://one/v1/ws');
    socket.tell({ push: 'drain', after_ms: 900 });
    expect(states.at(-1)).toBe('draining');
    const sent = h.call('unsub', { ch: 'pool:wtw3sj' });
    socket.answer('unsub', {});
    await sent;
    socket.drop(4001, 'drain;after=300');
    await vi.advanceTimersByTimeAsync(300);
    expect((await connect()).url).toBe('ws://two/v1/ws');
    expect(states.slice(-2)).toEqual(['reconnecting', 'live']);
  });

  it('and one that takes nobody is asked again with growing patience', async () => {
    const { hub: h } = hub();
    await h.start();
    await settle();
    const waits: number[] = [];
    for (let i = 1; i < 9; i++) {
      newest().drop(1006);
      const from = Date.now();
      while (sockets.length === i) await vi.advanceTimersByTimeAsync(50);
      waits.push(Date.now() - from);
    }
    expect(waits).toEqual([...waits].sort((a, b) => a - b));
    expect(waits.at(-1)).toBeGreaterThan(7_000);
    await connect();
    expect(h.state).toBe('live');
  });
});

describe('a token that runs out', () => {
  it('is asked for again when the first try fails', async () => {
    let tries = 0;
    const { hub: h } = hub({ token: () => (++tries === 2 ? Promise.reject(new Error('offline')) : Promise.resolve(`t${tries}`)) });
    await h.start();
    const socket = await connect();
    socket.tell({ push: 'auth', state: 'expiring', expires_in_ms: 60_000 });
    await vi.advanceTimersByTimeAsync(5_000);
    expect(socket.last('auth.refresh').p).toEqual({ token: 't3' });
  });
});

describe('who is there', () => {
  const at = (profile: string, on: boolean, when: number): Push => ({ push: 'presence', ch: 'live:o', profile, role: 'rider', on, at: when });

  it('is the newest word about each, and a snapshot is all of them', () => {
    const room = new LiveRoom();
    expect(room.apply(at('rid_1', true, 5))).toBe(true);
    expect(room.apply(at('rid_1', false, 4))).toBe(false);
    expect(room.present.get('rid_1')?.on).toBe(true);
    room.apply({ push: 'presence', ch: 'live:o', snapshot: [] });
    expect(room.present.size).toBe(0);
  });

  it('writes until a while has passed, or something was said', () => {
    const room = new LiveRoom();
    room.apply({ push: 'typing', ch: 'live:o', profile: 'cus_1', name: 'Cleo', on: true, ttl_ms: 6_000 }, 1_000);
    expect(room.typing(6_999)).toEqual(['Cleo']);
    expect(room.typing(7_000)).toEqual([]);
    room.apply({ push: 'typing', ch: 'live:o', profile: 'cus_1', name: 'Cleo', on: true }, 1_000);
    expect(room.said('cus_1')).toBe(true);
    expect(room.typing(1_001)).toEqual([]);
  });

  it('is told that a person writes every few seconds, however many keys', async () => {
    const { hub: h } = hub();
    await h.start();
    const socket = await connect();
    const told = () => socket.sent.filter(({ m }) => m === 'typing').map(({ p }) => p.on);
    for (let i = 0; i < 50; i++) h.typing('live:o');
    expect(told()).toEqual([true]);
    await vi.advanceTimersByTimeAsync(4_000);
    h.typing('live:o');
    h.typing('live:o', false);
    h.typing('live:o', false);
    expect(told()).toEqual([true, true, false]);
    expect(socket.last('typing').id).toBeUndefined();
  });
});

describe('chat', () => {
  const from = { profile: 'cus_1', role: 'customer', name: 'Cleo' };
  const msg = (off: number, more: object): Entry => ({ push: 'msg', ch: ORDER, ep: 'a1', off, ts: off, from, kind: 'text', ...more });

  it('shows what was said, and only that it was taken back', () => {
    const log = new ChatLog();
    log.apply(msg(1, { body: 'secret', cid: 'c' }));
    log.apply(msg(2, { body: '', kind: 'location', place: { lat: 1, lng: 2 }, reply_to: 1 }));
    log.apply({ push: 'edit', ch: ORDER, ep: 'a1', off: 3, ts: 3, of: 1, recalled: true });
    log.apply({ push: 'edit', ch: ORDER, ep: 'a1', off: 4, ts: 4, of: 2, recalled: true });
    log.apply(msg(5, { recalled: true }));
    const shown = [...log.messages.values()];
    expect(shown.map(({ off, body, recalled }) => [off, body, recalled])).toEqual([[1, '', true], [2, '', true], [5, '', true]]);
    expect(JSON.stringify(shown)).not.toMatch(/secret|lat/);
    expect(shown[1]?.replyTo).toBe(1);
  });

  it('knows how far all others have come', () => {
    const cursors = [{ profile: 'me', delivered: 9, read: 9 }, { profile: 'a', delivered: 5, read: 3 }, { profile: 'b', delivered: 4, read: 4 }];
    expect([3, 4, 5].map((off) => receipt(off, 'me', cursors))).toEqual(['read', 'delivered', 'sent']);
    expect(receipt(1, 'me', [])).toBe('sent');
  });
});

describe('the types of the frames', () => {
  it('are those of the server', () => {
    expect(readFileSync(TARGET, 'utf8') === frames(), 'client/src/frames.ts is old; write it with `npm run frames`').toBe(true);
  });
});
