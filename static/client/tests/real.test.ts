/** The client against the real server: killed and restarted, cut off, drained, read slowly, with two devices. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ChatLog, textStorage, type Entry } from '../src/index.ts';
import { acceptedOrder, HAS_SERVER, realHub, RealServer, TestWire } from './real.ts';

const WAIT = { timeout: 20_000, interval: 20 };
let server: RealServer;
let n = 0;
/** A room that no other test uses. */
const room = (): string => `bench:log:room-${process.pid}-${++n}`;
const offsets = (heard: Entry[]): number[] => heard.map(({ off }) => off);
const upTo = (top: number): number[] => Array.from({ length: top }, (_, i) => i + 1);

describe.skipIf(!HAS_SERVER)('the real server', { timeout: 60_000 }, () => {
  beforeAll(async () => void (server = await RealServer.start()));
  afterAll(async () => void (await server?.close()));

  const ws = (): string => `${server.url.replace('http', 'ws')}/v1/ws`;

  async function reader(ch: string, url = ws()) {
    const made = realHub(await server.person('customer', 'Rea'), url);
    made.hub.subscribe(ch, { entry: (entry) => void made.heard.push(entry) }, { from: 'start' });
    await made.hub.start();
    await expect.poll(() => made.hub.state, WAIT).toBe('live');
    return made;
  }

  it('killed and started again: every command once, every entry once and in order', async () => {
    const ch = room();
    const one = await reader(ch);
    const two = await reader(ch);
    const bodies = Array.from({ length: 60 }, (_, i) => i);
    const said = bodies.map(async (i) => {
      await new Promise((go) => setTimeout(go, i * 20));
      return one.hub.command('pub', { ch, body: { i } });
    });
    await new Promise((go) => setTimeout(go, 500));
    await server.end('SIGKILL');
    await new Promise((go) => setTimeout(go, 300));
    await server.up();
    await Promise.all(said);
    for (const { heard } of [one, two]) {
      await expect.poll(() => heard.length, WAIT).toBe(60);
      expect(offsets(heard)).toEqual(upTo(60));
      expect(heard.map(({ i }) => i as number).sort((a, b) => a - b)).toEqual(bodies);
    }
    expect(one.states).toContain('reconnecting');
    one.hub.stop();
    two.hub.stop();
  });

  it('cut off again and again: nothing is missed, nothing comes twice', async () => {
    const ch = room();
    const wire = await TestWire.to(server.url);
    const cut = await reader(ch, wire.ws);
    const other = await reader(ch);
    for (let i = 1; i <= 40; i++) {
      await other.hub.command('pub', { ch, body: { i } });
      if (i % 10 === 0) wire.cut();
    }
    await expect.poll(() => cut.heard.length, WAIT).toBe(40);
    expect(offsets(cut.heard)).toEqual(upTo(40));
    expect(cut.states.filter((state) => state === 'reconnecting').length).toBeGreaterThan(0);
    cut.hub.stop();
    other.hub.stop();
    wire.close();
  });

  it('drained: the client is told, finishes, moves, and has everything', async () => {
    const ch = room();
    const one = await reader(ch);
    await one.hub.command('pub', { ch, body: { i: 1 } });
    const gone = server.end('SIGTERM');
    await expect.poll(() => one.states, WAIT).toContain('draining');
    await gone;
    const late = one.hub.command('pub', { ch, body: { i: 2 } });
    await server.up();
    await late;
    await expect.poll(() => offsets(one.heard), WAIT).toEqual([1, 2]);
    expect(one.states).not.toContain('closed');
    one.hub.stop();
  });

  it('read slowly: the channel is pulled, then pushed again', async () => {
    const ch = room();
    const wire = await TestWire.to(server.url);
    const slow = await reader(ch, wire.ws);
    const fast = await reader(ch);
    const text = 'x'.repeat(24_000);
    let top = 0;
    const publish = async (count: number): Promise<void> => {
      await Promise.all(Array.from({ length: count }, () => fast.hub.command('pub', { ch, body: { text } })));
      top += count;
    };
    wire.freeze(true);
    for (let i = 0; i < 15; i++) await publish(40);
    wire.freeze(false);
    await expect.poll(() => slow.heard.length, WAIT).toBe(top);
    await fast.hub.command('pub', { ch, body: { last: true } });
    await expect.poll(() => slow.heard.length, WAIT).toBe(top + 1);
    expect(offsets(slow.heard)).toEqual(upTo(top + 1));
    expect(slow.pushes).toContain('lag');
    slow.hub.stop();
    fast.hub.stop();
    wire.close();
  });

  it('two devices and a chat: receipts are one person’s, and what was taken back is gone', async () => {
    const rest = await server.person('customer', 'Cleo');
    const order = await acceptedOrder(server, rest);
    const ch = `order:${order}`;
    const devices = [realHub(rest, ws()), realHub(rest, ws())].map((made) => {
      const chat = new ChatLog();
      made.hub.subscribe(ch, { entry: (entry) => chat.apply(entry) }, { from: 'start' });
      return { ...made, chat };
    });
    const [phone, tablet] = devices;
    if (!phone || !tablet) throw new Error('two devices');
    for (const { hub } of devices) await hub.start();
    const { off, dup } = await phone.hub.command('chat.send', { ch, kind: 'text', body: 'Second floor' });
    expect(dup).toBe(false);
    await expect.poll(() => tablet.chat.messages.get(off)?.body, WAIT).toBe('Second floor');
    phone.hub.read(ch, off);
    const own = rest.session?.profile;
    await expect.poll(() => tablet.hub.cursors(ch).find(({ profile }) => profile === own)?.read, WAIT).toBe(off);
    await phone.hub.command('chat.recall', { ch, off });
    for (const { chat } of devices) await expect.poll(() => chat.messages.get(off), WAIT).toMatchObject({ recalled: true, body: '' });
    for (const { hub } of devices) hub.stop();
  });

  it('a page that ends: the next one goes on where it stopped, with what was not sent', async () => {
    const ch = room();
    let text: string | null = null;
    const storage = textStorage({ getItem: () => text, setItem: (_, now) => void (text = now) }, 'k');
    const rest = await server.person('customer', 'Rea');
    const page = async () => {
      const made = realHub(rest, ws(), { storage });
      await made.hub.start();
      made.hub.subscribe(ch, { entry: (entry) => void made.heard.push(entry) }, { from: 'saved' });
      await expect.poll(() => made.hub.state, WAIT).toBe('live');
      return made;
    };
    const first = await page();
    await first.hub.command('pub', { ch, body: { i: 1 } });
    await expect.poll(() => first.heard.length, WAIT).toBe(1);
    await server.end('SIGKILL');
    first.hub.command('pub', { ch, body: { i: 2 } }).catch(() => undefined);
    first.hub.stop();
    await server.up();
    const second = await page();
    await expect.poll(() => second.heard.map(({ i }) => i), WAIT).toEqual([2]);
    second.hub.stop();
  });
});
