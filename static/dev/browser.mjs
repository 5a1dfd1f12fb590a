// Debian's Chromium, started so that it asks the network for nothing by itself.
import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';

const PATH = '/usr/bin/chromium';

export async function launch() {
  if (!existsSync(PATH)) throw new Error(`There is no ${PATH}: run scripts/setup`);
  const quiet = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];
  return chromium.launch({ executablePath: PATH, args: quiet });
}
