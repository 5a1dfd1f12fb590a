// `node dev/shot.mjs DIR`: pictures of the pages over the mock city, to look at while working on them.
import { mkdirSync } from 'node:fs';
import { launch } from './browser.mjs';
import { start } from './serve.mjs';

const dir = process.argv[2] ?? 'dist-shots';
mkdirSync(dir, { recursive: true });
const mock = await start({ stepMs: 250 });
const browser = await launch();
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function shoot(name, { width, height, scheme = 'light', touch = false, path = '/', act }) {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme: scheme, hasTouch: touch, deviceScaleFactor: touch ? 2 : 1 });
  const page = await context.newPage();
  page.on('pageerror', (error) => process.stderr.write(`${name}: ${error.stack}\n`));
  page.on('console', (message) => message.type() === 'error' && process.stderr.write(`${name}: ${message.text()}\n`));
  await page.goto(mock.url + path);
  await wait(3500);
  if (act) await act(page);
  await page.screenshot({ path: `${dir}/${name}.png` });
  await context.close();
}

const openOrder = async (page) => {
  await page.locator('.chip', { hasText: 'On the way' }).first().click();
  await page.locator('.order-row').first().click();
  await wait(2000);
};
await shoot('desk-light', { width: 1280, height: 800 });
await shoot('desk-order', { width: 1280, height: 800, act: openOrder });
await shoot('desk-dark', { width: 1440, height: 900, scheme: 'dark', act: openOrder });
await shoot('phone-orders', { width: 390, height: 844, touch: true });
await shoot('phone-map', { width: 390, height: 844, touch: true, scheme: 'dark', act: async (page) => {
  await page.locator('.phone-tabs .for-map').click();
  await wait(600);
} });
await shoot('phone-order', { width: 390, height: 844, touch: true, act: openOrder });
await shoot('desk-rider', { width: 1280, height: 800, act: async (page) => {
  await page.locator('.side-tabs .for-riders').click();
  await page.locator('.rider-row', { hasText: 'to go' }).last().click();
  await wait(9000);
} });
await shoot('desk-stale', { width: 1280, height: 800, scheme: 'dark', act: async () => {
  mock.refuse(true);
  mock.cut();
  await wait(1500);
  mock.refuse(false);
} });
await shoot('docs', { width: 1280, height: 800, path: '/docs' });
await browser.close();
await mock.close();
