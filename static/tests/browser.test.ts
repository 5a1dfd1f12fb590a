/** The built pages in Chromium over the mock server: what a person sees, also when the connection suffers. */
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { launch } from '../dev/browser.mjs';
import { start, type Mock } from '../dev/serve.mjs';

let browser: Browser;
let mock: Mock | undefined;
const troubles: string[] = [];

beforeAll(async () => void (browser = await launch()));
afterAll(async () => void (await browser?.close()));
afterEach(async () => {
  for (const context of browser.contexts()) await context.close();
  await mock?.close();
  mock = undefined;
  expect(troubles.splice(0)).toEqual([]);
});

async function open(options: Parameters<typeof start>[0] & { width?: number; path?: string } = {}): Promise<{ page: Page; mock: Mock }> {
  const served = (mock = await start({ stepMs: 250, ...options }));
  const context = await browser.newContext({ viewport: { width: options.width ?? 1280, height: 800 } });
  const page = await context.newPage();
  page.setDefaultTimeout(10_000);
  page.on('pageerror', (error) => troubles.push(String(error)));
  page.on('request', (request) => {
    if (!request.url().startsWith(served.url)) troubles.push(`a request to ${request.url()}`);
  });
  await page.goto(served.url + (options.path ?? '/'));
  return { page, mock: served };
}

const connection = (page: Page) => page.locator('.connection');
const counter = async (page: Page, name: string): Promise<number> => Number.parseInt(await page.locator(`.counter-${name} .counter-value`).innerText(), 10);

/** An order that stays open while the test runs: somebody just began to cook it. */
async function openOrder(page: Page): Promise<string> {
  await page.locator('.chip', { hasText: 'In kitchen' }).click();
  const row = page.locator('.side-column .order-row').last();
  const id = (await row.locator('.row-id').textContent()) ?? '';
  await row.click();
  await page.locator('.bubble, .chat-note').first().waitFor();
  return `ord_${id.replace('#', '')}`;
}

describe('the console', () => {
  it('shows the city of the demo without a login, and the city moves', async () => {
    const { page } = await open();
    await connection(page).filter({ hasText: 'Live' }).waitFor();
    await page.locator('.order-row').first().waitFor();
    expect(await counter(page, 'riders')).toBe(17);
    expect(await counter(page, 'open')).toBe(await page.locator('.side-column .order-row:not(.edge-done):not(.edge-ended)').count());
    const picture = async (): Promise<string> => (await page.locator('.map').screenshot()).toString('base64');
    const before = await picture();
    await page.waitForTimeout(1_200);
    expect(await picture()).not.toBe(before);
    await page.locator('.feed-row').first().waitFor();
  });

  it('opens an order: its steps, its conversation with names and roles, and it goes on live', async () => {
    const { page, mock } = await open();
    const id = await openOrder(page);
    await expect.poll(() => page.locator('.milestones .past, .milestones .now').count()).toBeGreaterThan(1);
    mock.city.say(id, 'customer', 'cus_9', 'Nina Test', 'Is it far?');
    const bubble = page.locator('.bubble', { hasText: 'Is it far?' });
    await bubble.waitFor();
    expect(await bubble.innerText()).toMatch(/Nina Test\s+Customer/);
    await page.keyboard.press('Escape');
    await page.locator('.chips').waitFor();
    const focused = () => page.evaluate(() => document.activeElement?.getAttribute('data-about'));
    await expect.poll(focused).toBe(`order:${id}`);
  });

  it('shows who is there and writes, places, and that something was taken back', async () => {
    const { page, mock } = await open();
    const id = await openOrder(page);
    await page.locator('.room .present.on', { hasText: 'Customer' }).waitFor();
    await page.locator('.room .present.away', { hasText: 'Rider (away)' }).waitFor();
    const ch = `live:${id}`;
    mock.tell({ push: 'presence', ch, profile: 'rider_1', role: 'rider', on: true, at: Date.now() + 1_000 });
    await page.locator('.room .present.on', { hasText: 'Rider' }).waitFor();
    mock.tell({ push: 'typing', ch, profile: 'cus_9', name: 'Nina Test', on: true, ttl_ms: 6_000 });
    await page.locator('.room', { hasText: 'Nina Test writes' }).waitFor();
    const { off } = mock.city.say(id, 'customer', 'cus_9', 'Nina Test', 'my door code is 1234');
    await page.locator('.bubble', { hasText: 'door code' }).waitFor();
    expect(await page.locator('.room', { hasText: 'writes' }).count()).toBe(0);
    mock.append(`order:${id}`, 'edit', 'cus_9', Date.now(), { of: off, recalled: true });
    await page.locator('.bubble .recalled', { hasText: 'Taken back' }).waitFor();
    expect(await page.locator('.bubble', { hasText: 'door code' }).count()).toBe(0);
    const from = { profile: 'cus_9', role: 'customer', name: 'Nina Test' };
    mock.append(`order:${id}`, 'msg', 'cus_9', Date.now(), { from, kind: 'location', body: '', place: { lat: 48.2, lng: 16.37, label: 'Back door' } });
    await page.locator('.bubble a', { hasText: 'Back door' }).waitFor();
    mock.append(`order:${id}`, 'msg', 'cus_9', Date.now(), { from, kind: 'image', body: 'this one', att: 'att_1' });
    await page.locator('.bubble', { hasText: 'Picture' }).waitFor();
    mock.tell({ push: 'drain', after_ms: 3_000 });
    await connection(page).filter({ hasText: 'Moving over' }).waitFor();
  });

  it('survives a cut: says so, comes back by itself, and misses nothing', async () => {
    const { page, mock } = await open();
    const id = await openOrder(page);
    mock.refuse(true);
    mock.cut();
    await connection(page).filter({ hasText: 'Reconnecting' }).waitFor();
    for (const text of ['one', 'two', 'three']) mock.city.say(id, 'rider', 'rid_9', 'Rita', `missed ${text}`);
    mock.refuse(false);
    await connection(page).filter({ hasText: 'Live' }).waitFor();
    await expect.poll(() => page.locator('.bubble', { hasText: 'missed' }).count()).toBe(3);
    expect(mock.connections()).toBe(1);
  });

  it('repairs a hole in a channel without a word', async () => {
    const { page, mock } = await open();
    const id = await openOrder(page);
    mock.swallow(1);
    mock.city.say(id, 'rider', 'rid_9', 'Rita', 'swallowed on the way');
    mock.city.say(id, 'rider', 'rid_9', 'Rita', 'came through');
    await page.locator('.bubble', { hasText: 'came through' }).waitFor();
    const texts = await page.locator('.bubble', { hasText: 'Rita' }).or(page.locator('.bubble.again')).allInnerTexts();
    expect(texts.findIndex((text) => text.includes('swallowed'))).toBeLessThan(texts.findIndex((text) => text.includes('came through')));
    expect(texts.join()).toContain('swallowed');
  });

  it('shows a degraded bus, and a connection that the server ended for good', async () => {
    const { page, mock } = await open();
    await connection(page).filter({ hasText: 'Live' }).waitFor();
    mock.hub('degraded');
    await connection(page).filter({ hasText: 'Degraded' }).waitFor();
    mock.hub('ok');
    await connection(page).filter({ hasText: 'Live' }).waitFor();
    mock.cut(4504);
    await connection(page).filter({ hasText: 'Disconnected' }).waitFor();
    await page.waitForTimeout(800);
    expect(mock.connections()).toBe(0);
  });

  it('lets an operator write, and hides the field when the server does not', async () => {
    const first = await open();
    await openOrder(first.page);
    await first.page.locator('.composer input').fill('The operator is looking into it.');
    await first.page.keyboard.press('Enter');
    await first.page.locator('.bubble.role-operator', { hasText: 'looking into it' }).waitFor();
    await first.page.context().close();
    await first.mock.close();

    const { page } = await open({ readOnly: true });
    await openOrder(page);
    await page.locator('.composer input').fill('May I?');
    await page.keyboard.press('Enter');
    await page.locator('.chat-closed').waitFor();
    expect(await page.locator('.composer').count()).toBe(0);
  });

  it('filters the feed', async () => {
    const { page } = await open();
    await page.locator('.feed-row').first().waitFor();
    await page.locator('.filter input').fill('no such order');
    await page.locator('.feed-column .empty').waitFor();
    await page.getByLabel('Clear filter').click();
    await page.locator('.feed-row').first().waitFor();
  });

  it('asks for a login where no demo runs', async () => {
    const { page } = await open({ demo: false });
    await page.getByLabel('Login').fill('olga');
    await page.getByLabel('Password').fill('wrong');
    await page.keyboard.press('Enter');
    await page.getByRole('alert').filter({ hasText: 'Wrong login or password' }).waitFor();
    await page.getByLabel('Password').fill('secret');
    await page.keyboard.press('Enter');
    await connection(page).filter({ hasText: 'Live' }).waitFor();
    await page.reload();
    await connection(page).filter({ hasText: 'Live' }).waitFor();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByLabel('Login').waitFor();
  });

  it('fits a phone', async () => {
    const { page } = await open({ width: 390 });
    await page.locator('.order-row').first().click();
    await page.locator('.milestones').waitFor();
    await page.locator('.phone-tabs .for-map').click();
    expect(await page.locator('.map').isVisible()).toBe(true);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
  });
});

describe('the API reader', () => {
  it('shows the document of the server', async () => {
    const { page } = await open({ path: '/docs' });
    await page.getByText('/v1/sessions').first().waitFor();
    await page.getByText('Sign in with a role').first().waitFor();
  });
});
