/** Builds the pages for the browser test, beside `dist`: what the server embeds is left alone. */
import { fileURLToPath } from 'node:url';
import { build } from 'vite';

export default async function setup(): Promise<void> {
  const root = fileURLToPath(new URL('..', import.meta.url));
  process.env.RIDERHUB_PAGES = '../node_modules/.pages/';
  await build({ root, logLevel: 'warn', build: { outDir: 'node_modules/.pages', emptyOutDir: true } });
}
