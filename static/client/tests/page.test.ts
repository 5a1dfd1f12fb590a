/** The client in Chromium, against the real server. */
import { fileURLToPath } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { build, type Rollup } from 'vite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launch } from '../../dev/browser.mjs';
import type * as Client from '../src/index.ts';
import { HAS_SERVER, RealServer, realHub, TestWire } from './real.ts';

declare global {
  interface Window {
    client: typeof Client;
    hub: Client.Hub;
    heard: number[];
    states: string[];
  }
}

const WAIT = { timeout: 20_000, interval: 50 };
let browser: Browser;
let server: RealServer;
let script: string;

/** The client as one script for a page. */
async function bundle(): Promise<string> {
  const entry = fileURLToPath(new URL('../src/index.ts', import.meta.url));
  const built = (await build({ configFile: false, logLevel: 'warn', build: { write: false, lib: { entry, name: 'client', formats: ['iife'] } } })) as Rollup.RollupOutput[];
  return `${built[0]?.output[0].code ?? ''}\nwindow.client = client;`;
}

describe.skipIf(!HAS_SERVER)('a page', { timeout: 60_000 }, () => {
  beforeAll(async () => {
    [browser, server, script] = await Promise.all([launch(), RealServer.start(), bundle()]);
  });
  afterAll(async () => {
    await browser?.close();
    await server?.close();
  });

  /** A page that follows `ch` through `url`, and has the same origin: others the server would turn away. */
  async function follow(ch: string, url: string, token: string): Promise<Page> {
    const page = await browser.newPage();
    await page.goto(`http://${new URL(url).host}/healthz`);
    await page.addScriptTag({ content: script });
    await page.evaluate(
      async ([ch, url, token]) => {
        window.heard = [];
        window.states = [];
        window.hub = new window.client.Hub({
          url,
          token: () => Promise.resolve(token),
          device: { id: crypto.randomUUID?.() ?? 'd-page', kind: 'web', app: 'page/1' },
          onState: (state) => window.states.push(state),
          random: () => 0.02,
        });
        window.hub.subscribe(ch, { entry: ({ off }) => void window.heard.push(off) }, { from: 'start' });
        await window.hub.start();
      },
      [ch, url, token] as const,
    );
    await expect.poll(() => page.evaluate(() => window.hub.state), WAIT).toBe('live');
    return page;
  }

  it('hears everything once and in order, though its wire is cut and the server is killed and drained', async () => {
    const ch = `bench:log:page-${process.pid}`;
    const rest = await server.person('customer', 'Paige');
    const wire = await TestWire.to(server.url);
    const page = await follow(ch, wire.ws, await rest.token());
    const writer = realHub(await server.person('customer', 'Will'), `${server.url.replace('http', 'ws')}/v1/ws`);
    await writer.hub.start();
    let top = 0;
    const say = async (count: number): Promise<void> => {
      for (let i = 0; i < count; i++) await writer.hub.command('pub', { ch, body: { n: ++top } });
      const all = Array.from({ length: top }, (_, i) => i + 1);
      await expect.poll(() => page.evaluate(() => window.heard), WAIT).toEqual(all);
    };
    await say(5);
    wire.cut();
    await say(5);
    await server.end('SIGKILL');
    await server.up();
    await say(5);
    const drained = server.end('SIGTERM');
    await expect.poll(() => page.evaluate(() => window.states), WAIT).toContain('draining');
    await drained;
    await server.up();
    await say(5);
    expect(await page.evaluate(() => window.states)).not.toContain('closed');
    const dup = await page.evaluate((ch) => window.hub.command('pub', { ch, body: { from: 'page' } }).then((ok) => ok.dup), ch);
    expect(dup).toBe(false);
    writer.hub.stop();
    wire.close();
    await page.close();
  });

  it('whose token is not good says so and stays away', async () => {
    const page = await browser.newPage();
    await page.goto(`${server.url}/healthz`);
    await page.addScriptTag({ content: script });
    const closed = await page.evaluate(
      (url) =>
        new Promise<Client.Closed>((resolve) => {
          const hub = new window.client.Hub({ url, token: () => Promise.resolve('nonsense'), device: { id: 'd-page', kind: 'web', app: 'page/1' }, onState: (_, why) => why && resolve(why) });
          void hub.start();
        }),
      `${server.url.replace('http', 'ws')}/v1/ws`,
    );
    expect(closed).toMatchObject({ code: 4501 });
    await page.close();
  });
});
