/** The live connection against a played server. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { CommandError, Disconnected, type Entry, type SubscribeOptions } from '../src/index.ts';
import { connect, entry, hub, newest, settle, sockets } from './fake.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const ORDER = 'order:ord_1';

describe('connect', () => {
  it('offers the subprotocol, sends the token in the first frame and is live after the answer', async () => {
    const { hub: h, states } = hub();
    h.start();
    const socket = await connect();
    expect(socket.protocols).toEqual(['riderhub.v1.json']);
    expect(socket.url).not.toContain('token');
    expect(socket.sent[0]).toMatchObject({ id: 1, m: 'connect', p: { token: 'token-1', resume: {}, device: { id: 'd-1' } } });
    expect(states).toEqual(['connecting', 'live']);
  });

  it('tells the server time, also of a clock that runs faster', async () => {
    const { hub: h } = hub();
    h.start();
    await connect({ time_scale: 60 });
    await vi.advanceTimersByTimeAsync(1_000);
    expect(h.now()).toBe(1_790_000_000_000 + 60_000);
  });

  it('lets the server clock run ahead with what it stamps, never back', async () => {
    const { hub: h } = hub();
    h.start();
    await connect();
    h.saw(1_790_000_500_000);
    h.saw(1_790_000_400_000);
    expect(h.now()).toBe(1_790_000_500_000);
  });

  it('asks for a fresh token when the old one has expired', async () => {
    const { hub: h, tokens } = hub();
    h.start();
    await settle();
    newest().open();
    newest().refuse('connect', { code: 121, name: 'token_expired' });
    newest().drop(4009, 'token_expired');
    await vi.advanceTimersByTimeAsync(1_000);
    expect(tokens).toEqual([false, true]);
    expect(sockets).toHaveLength(2);
  });

  it('does not try again with a token that is wrong', async () => {
    const { hub: h, closed } = hub();
    h.start();
    await settle();
    newest().open();
    newest().refuse('connect', { code: 120, name: 'unauthorized' });
    newest().drop(4501, 'invalid_token');
    await vi.advanceTimersByTimeAsync(60_000);
    expect(sockets).toHaveLength(1);
    expect(closed).toMatchObject([{ code: 4501 }]);
  });
});

describe('logged channels', () => {
  async function reading(options: { from?: NonNullable<SubscribeOptions['from']> } = {}) {
    const made = hub();
    const heard: number[] = [];
    const live: boolean[] = [];
    const resets = vi.fn();
    const refused = vi.fn();
    made.hub.start();
    const socket = await connect();
    made.hub.subscribe(ORDER, { entry: (e: Entry, now) => (heard.push(e.off), live.push(now)), reset: resets, refused }, options);
    return { ...made, socket, heard, live, resets, refused };
  }

  it('applies several frames of one message in order', async () => {
    const { socket, heard } = await reading();
    socket.answer('sub', { ch: ORDER, ep: 'a1', from: 3 + 1, to: 3, recovered: false });
    socket.tell(entry(ORDER, 4), entry(ORDER, 5), { push: 'unknown' }, entry(ORDER, 6));
    expect(heard).toEqual([4, 5, 6]);
  });

  it('ignores what it has already', async () => {
    const { socket, heard } = await reading();
    socket.answer('sub', { ch: ORDER, ep: 'a1', from: 3 + 1, to: 3, recovered: false });
    socket.tell(entry(ORDER, 3), entry(ORDER, 4), entry(ORDER, 4), entry(ORDER, 2));
    expect(heard).toEqual([4]);
  });

  it('holds entries that overtake the answer to sub', async () => {
    const { socket, heard } = await reading();
    socket.tell(entry(ORDER, 4));
    expect(heard).toEqual([]);
    socket.answer('sub', { ch: ORDER, ep: 'a1', from: 3 + 1, to: 3, recovered: false });
    expect(heard).toEqual([4]);
  });

  it('repairs a gap from history and goes on', async () => {
    const { socket, heard, live } = await reading();
    socket.answer('sub', { ch: ORDER, ep: 'a1', from: 3 + 1, to: 3, recovered: false });
    socket.tell(entry(ORDER, 6));
    expect(heard).toEqual([]);
    expect(socket.last('history').p).toMatchObject({ ch: ORDER, after: 3 });
    socket.tell(entry(ORDER, 7));
    socket.answer('history', { entries: [entry(ORDER, 4), entry(ORDER, 5), entry(ORDER, 6)] });
    expect(heard).toEqual([4, 5, 6, 7]);
    socket.tell(entry(ORDER, 8));
    expect(heard).toEqual([4, 5, 6, 7, 8]);
    expect(live.at(-1)).toBe(true);
    expect(socket.sent.filter(({ m }) => m === 'history')).toHaveLength(1);
  });

  it('pages until the gap is closed', async () => {
    const { socket, heard } = await reading({ from: 'start' });
    socket.answer('sub', { ch: ORDER, ep: 'a1', from: 3 + 1, to: 3, recovered: false });
    socket.answer('history', { entries: [entry(ORDER, 1), entry(ORDER, 2)] });
    expect(socket.last('history').p).toMatchObject({ after: 2 });
    socket.answer('history', { entries: [entry(ORDER, 3)] });
    expect(heard).toEqual([1, 2, 3]);
  });

  it('asks again, later, when history did not bring it on', async () => {
    const { socket, heard } = await reading();
    socket.answer('sub', { ch: ORDER, ep: 'a1', from: 3 + 1, to: 3, recovered: false });
    socket.tell(entry(ORDER, 5));
    socket.answer('history', { entries: [] });
    expect(socket.sent.filter(({ m }) => m === 'history')).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1_100);
    socket.answer('history', { entries: [entry(ORDER, 4)] });
    expect(heard).toEqual([4, 5]);
  });

  it('begins anew when the log was renumbered', async () => {
    const { socket, heard, resets } = await reading({ from: 'start' });
    socket.answer('sub', { ch: ORDER, ep: 'a1', from: 1 + 1, to: 1, recovered: false });
    socket.answer('history', { entries: [entry(ORDER, 1)] });
    socket.tell(entry(ORDER, 1, 'b2'));
    socket.answer('sub', { ch: ORDER, ep: 'b2', from: 1 + 1, to: 1, recovered: false });
    socket.answer('history', { entries: [entry(ORDER, 1, 'b2')] });
    expect(resets).toHaveBeenCalledOnce();
    expect(heard).toEqual([1, 1]);
  });

  it('begins anew when the hub has lost what we have', async () => {
    const { socket, heard, resets } = await reading({ from: { ep: 'a1', off: 15 } });
    socket.answer('sub', { ch: ORDER, ep: 'a1', from: 11, to: 10, recovered: false });
    socket.tell(entry(ORDER, 11));
    expect(resets).toHaveBeenCalledOnce();
    expect(heard).toEqual([11]);
  });

  it('reads on from now when the start is out of retention', async () => {
    const { socket, heard, resets } = await reading({ from: 'start' });
    socket.answer('sub', { ch: ORDER, ep: 'a1', from: 900 + 1, to: 900, recovered: false });
    socket.refuse('history', { code: 141, name: 'position_too_old' });
    socket.answer('sub', { ch: ORDER, ep: 'a1', from: 900 + 1, to: 900, recovered: false });
    socket.tell(entry(ORDER, 901));
    expect(resets).toHaveBeenCalledOnce();
    expect(heard).toEqual([901]);
  });

  it('begins with the first entry of a channel that had none', async () => {
    const { socket, heard, resets } = await reading();
    socket.answer('sub', { ch: ORDER, ep: '', from: 1, to: 0, recovered: false });
    socket.tell(entry(ORDER, 1), entry(ORDER, 2));
    expect(heard).toEqual([1, 2]);
    expect(resets).not.toHaveBeenCalled();
  });

  it('resumes a channel that got its first entry meanwhile', async () => {
    const { socket, heard, resets } = await reading();
    socket.answer('sub', { ch: ORDER, ep: '', from: 1, to: 0, recovered: false });
    socket.drop(1006);
    await vi.advanceTimersByTimeAsync(2_500);
    const second = newest();
    second.open();
    expect(second.last('connect').p.resume).toEqual({ [ORDER]: { ep: '', off: 0 } });
    second.tell({ id: 1, ok: { time: 1, channels: { [ORDER]: { ep: 'a1', from: 1, to: 2, recovered: true } } } }, entry(ORDER, 1), entry(ORDER, 2));
    expect(heard).toEqual([1, 2]);
    expect(resets).not.toHaveBeenCalled();
  });

  it('takes the gap as pushes when the hub says that they follow', async () => {
    const { hub: h, socket, heard } = await reading();
    socket.answer('sub', { ch: ORDER, ep: 'a1', from: 4, to: 3, recovered: false });
    socket.drop(1006);
    await vi.advanceTimersByTimeAsync(2_500);
    const second = await connect();
    expect(second.last('sub').p).toEqual({ ch: ORDER, ep: 'a1', off: 3 });
    second.answer('sub', { ch: ORDER, ep: 'a1', from: 4, to: 5, recovered: true });
    second.tell(entry(ORDER, 4), entry(ORDER, 5));
    expect(heard).toEqual([4, 5]);
    expect(second.sent.map(({ m }) => m)).not.toContain('history');
    h.stop();
  });

  it('begins anew when the hub says that the place is void', async () => {
    const { socket, heard, resets } = await reading();
    socket.answer('sub', { ch: ORDER, ep: 'a1', from: 4, to: 3, recovered: false });
    socket.tell({ push: 'subscribed', ch: ORDER, ep: 'b2', off: 7, recovered: false }, entry(ORDER, 8, 'b2'));
    expect(resets).toHaveBeenCalledOnce();
    expect(heard).toEqual([8]);
  });

  it('switches to pulling when it is told to lag', async () => {
    const { socket, heard } = await reading();
    socket.answer('sub', { ch: ORDER, ep: 'a1', from: 3 + 1, to: 3, recovered: false });
    socket.tell({ push: 'lag', ch: ORDER, off: 4 });
    socket.answer('history', { entries: [entry(ORDER, 4)] });
    expect(heard).toEqual([4]);
  });

  it('tells a refusal', async () => {
    const { socket, refused } = await reading();
    socket.refuse('sub', { code: 130, name: 'not_found' });
    expect(refused).toHaveBeenCalledOnce();
  });

  it('resumes where it stopped, without asking again', async () => {
    const { socket, heard, states } = await reading();
    socket.answer('sub', { ch: ORDER, ep: 'a1', from: 3 + 1, to: 3, recovered: false });
    socket.tell(entry(ORDER, 4));
    socket.drop(1006);
    expect(states.at(-1)).toBe('reconnecting');
    await vi.advanceTimersByTimeAsync(2_500);
    const second = newest();
    second.open();
    expect(second.last('connect').p.resume).toEqual({ [ORDER]: { ep: 'a1', off: 4 } });
    const id = second.last('connect').id;
    second.tell({ id, ok: { time: 1, channels: { [ORDER]: { ep: 'a1', from: 5, to: 6, recovered: true } } } }, entry(ORDER, 5), entry(ORDER, 6));
    expect(heard).toEqual([4, 5, 6]);
    expect(second.sent.map(({ m }) => m)).toEqual(['connect']);
  });

  it('pages the gap when the hub did not replay it', async () => {
    const { socket, heard } = await reading();
    socket.answer('sub', { ch: ORDER, ep: 'a1', from: 3 + 1, to: 3, recovered: false });
    socket.drop(4004);
    await vi.advanceTimersByTimeAsync(5_000);
    const second = await connect({ channels: { [ORDER]: { ep: 'a1', from: 4, to: 5, recovered: false } } });
    second.answer('history', { entries: [entry(ORDER, 4), entry(ORDER, 5)] });
    expect(heard).toEqual([4, 5]);
  });

  it('subscribes again to what the hub did not resume, and to latest channels', async () => {
    const { hub: h, socket, heard } = await reading();
    const values: unknown[] = [];
    h.subscribe('ops:u2ed', { push: (push) => values.push(push.key) });
    socket.answer('sub', {});
    socket.tell({ push: 'ops', ch: 'ops:u2ed', key: 'rider:rid_1', v: null });
    expect(values).toEqual(['rider:rid_1']);
    socket.tell({ id: socket.sent.find(({ m, p }) => m === 'sub' && p.ch === ORDER)?.id, ok: { ep: 'a1', from: 4, to: 3, recovered: false } });
    socket.drop(4001, 'drain;after=40');
    await vi.advanceTimersByTimeAsync(41);
    const second = await connect();
    expect(second.sent.filter(({ m }) => m === 'sub').map(({ p }) => p.ch)).toEqual([ORDER, 'ops:u2ed']);
    second.tell({ id: second.sent.find(({ p }) => p.ch === ORDER)?.id, ok: { ep: 'a1', from: 6, to: 5, recovered: false } });
    second.answer('history', { entries: [entry(ORDER, 4), entry(ORDER, 5)] });
    expect(heard).toEqual([4, 5]);
  });

  it('follows channels that the hub subscribed by itself, so that they resume', async () => {
    const { socket } = await reading();
    socket.tell({ push: 'subscribed', ch: 'order:ord_2', ep: 'c1', off: 7 }, entry('order:ord_2', 8, 'c1'));
    socket.drop(1006);
    await vi.advanceTimersByTimeAsync(5_000);
    newest().open();
    expect(newest().last('connect').p.resume).toMatchObject({ 'order:ord_2': { ep: 'c1', off: 8 } });
  });
});

describe('coming back', () => {
  it.each([4500, 4501, 4502, 4503, 4504, 4505, 4506, 4507, 4999])('never after %d', async (code) => {
    const { hub: h, states, closed } = hub();
    h.start();
    const socket = await connect();
    socket.drop(code, 'replaced');
    await vi.advanceTimersByTimeAsync(600_000);
    expect(sockets).toHaveLength(1);
    expect(states.at(-1)).toBe('closed');
    expect(closed).toEqual([{ code, reason: 'replaced' }]);
  });

  it.each([1000, 1001, 1006, 1009, 1011, 4001, 4003, 4004, 4009, 4499])('always after %d', async (code) => {
    const { hub: h } = hub();
    h.start();
    const socket = await connect();
    socket.drop(code);
    await vi.advanceTimersByTimeAsync(5_001);
    expect(sockets).toHaveLength(2);
  });

  it('waits as long as a draining server says', async () => {
    const { hub: h } = hub();
    h.start();
    (await connect()).drop(4001, 'drain;after=8000');
    await vi.advanceTimersByTimeAsync(7_999);
    expect(sockets).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(sockets).toHaveLength(2);
  });

  it('goes further apart while nothing answers, and at once when woken', async () => {
    const { hub: h } = hub();
    h.start();
    (await connect()).drop(1006);
    const waits: number[] = [];
    for (let i = 1; i < 12; i++) {
      const from = Date.now();
      while (sockets.length === i) await vi.advanceTimersByTimeAsync(50);
      waits.push(Date.now() - from);
      newest().drop(1006);
    }
    expect(waits[0]).toBe(2_500);
    expect(waits.slice(1)).toEqual([...waits.slice(1)].sort((a, b) => a - b));
    expect(waits.at(-1)).toBeGreaterThan(7_000);
    while (sockets.length === 12) await vi.advanceTimersByTimeAsync(50);
    newest().drop(1006);
    const before = sockets.length;
    h.wake();
    await settle();
    expect(sockets).toHaveLength(before + 1);
  });

  it('takes a new token after 4009', async () => {
    const { hub: h, tokens } = hub();
    h.start();
    (await connect()).drop(4009);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(tokens).toEqual([false, true]);
  });

  it('stays away after stop', async () => {
    const { hub: h, states } = hub();
    h.start();
    await connect();
    h.stop();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(sockets).toHaveLength(1);
    expect(states.at(-1)).toBe('closed');
  });

  it('gives up a line that has gone silent, once pings were seen', async () => {
    const { hub: h, states } = hub();
    h.start();
    const socket = await connect({ ping: { every_ms: 20_000, timeout_ms: 10_000 } });
    await vi.advanceTimersByTimeAsync(60_000);
    expect(states.at(-1)).toBe('live');
    socket.tell({ push: 'ping' });
    await vi.advanceTimersByTimeAsync(36_000);
    expect(states).toContain('reconnecting');
  });
});

describe('commands', () => {
  it('gives the error of the hub with its code', async () => {
    const { hub: h } = hub();
    h.start();
    const socket = await connect();
    const sent = h.call('unsub', { ch: 'pool:wtw3sj' });
    socket.refuse('unsub', { code: 122, name: 'forbidden', msg: 'not a party' });
    await expect(sent).rejects.toMatchObject({ code: 122, message: 'not a party' });
    await expect(sent).rejects.toBeInstanceOf(CommandError);
  });

  it('says so when the connection is lost before the answer', async () => {
    const { hub: h } = hub();
    h.start();
    const socket = await connect();
    const sent = h.call('unsub', { ch: 'pool:wtw3sj' });
    socket.drop(1006);
    await expect(sent).rejects.toBeInstanceOf(Disconnected);
  });

  it('sends a changing command again with the same cid after a reconnect', async () => {
    const { hub: h } = hub();
    h.start();
    const socket = await connect();
    const sent = h.command('chat.send', { ch: ORDER, body: 'hello' });
    const { cid } = socket.last('chat.send').p;
    socket.drop(1006);
    await vi.advanceTimersByTimeAsync(5_000);
    const second = await connect();
    await settle();
    expect(second.last('chat.send').p).toEqual({ ch: ORDER, body: 'hello', cid });
    second.answer('chat.send', { off: 4, dup: true });
    await expect(sent).resolves.toMatchObject({ dup: true });
  });

  it('shows a degraded bus until it is well again', async () => {
    const { hub: h, states } = hub();
    h.start();
    const socket = await connect();
    socket.tell({ push: 'hub', state: 'degraded' }, { push: 'hub', state: 'ok' });
    expect(states).toEqual(['connecting', 'live', 'degraded', 'live']);
  });

  it('refreshes the token of a live socket when it is warned', async () => {
    const { hub: h, tokens } = hub();
    h.start();
    const socket = await connect();
    socket.tell({ push: 'auth', state: 'expiring' });
    await settle();
    expect(tokens).toEqual([false, true]);
    expect(socket.last('auth.refresh').p).toEqual({ token: 'token-2' });
  });
});
