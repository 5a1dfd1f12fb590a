// `npm run mock`: the pages of dist/ with a city that is only played. For development and tests; nothing of it is built in.
import { createReadStream, existsSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { WebSocketServer } from 'ws';
import { City } from './city.mjs';
import { Journal } from './journal.mjs';
import { openapi } from './openapi.mjs';

const DIST = fileURLToPath(new URL(process.env.RIDERHUB_PAGES ?? '../dist/', import.meta.url));
const TYPES = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml', '.json': 'application/json' };
const POLICY = "default-src 'self'; img-src 'self' data: https:; style-src 'self' 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'";

/**
 * Starts the mock. `demo`: gives a session without a login. `readOnly`: operators may not write.
 * The answer has the port and the switches that tests pull: `cut(code)`, `swallow(n)`, `hub(state)`.
 */
export async function start({ port = 0, demo = true, readOnly = false, stepMs = 500 } = {}) {
  const journal = new Journal();
  const city = new City(journal);
  const faults = { swallow: 0, refuse: false, tokens: 0 };
  const grant = () => ({ access_token: `access-${++faults.tokens}`, access_expires_at: Date.now() + 900_000, refresh_token: 'refresh', refresh_expires_at: Date.now() + 9e7, profile: 'opr_1', role: 'operator', name: 'Olga Operator' });
  const server = createServer((req, res) => answer(req, res, { city, demo, grant }));
  const sockets = new WebSocketServer({ noServer: true, handleProtocols: (offered) => (offered.has('riderhub.v1.json') ? 'riderhub.v1.json' : false) });
  const open = new Set();
  server.on('upgrade', (req, socket, head) => {
    if (req.url !== '/v1/ws' || faults.refuse) return socket.destroy();
    sockets.handleUpgrade(req, socket, head, (ws) => {
      open.add(ws);
      ws.on('close', () => open.delete(ws));
      serve(ws, { city, journal, faults, readOnly });
    });
  });
  const timer = setInterval(() => city.step(stepMs), stepMs);
  await new Promise((resolve) => server.listen(port, '127.0.0.1', resolve));
  return {
    city,
    journal,
    port: server.address().port,
    url: `http://127.0.0.1:${server.address().port}`,
    connections: () => open.size,
    cut: (code) => open.forEach((ws) => (code ? ws.close(code, 'test') : ws.terminate())),
    refuse: (yes) => (faults.refuse = yes),
    swallow: (n) => (faults.swallow = n),
    tell: (push) => journal.tell(push),
    append: (...entry) => journal.append(...entry),
    hub: (state) => journal.tell({ push: 'hub', state }),
    async close() {
      clearInterval(timer);
      open.forEach((ws) => ws.terminate());
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function serve(ws, { city, journal, faults, readOnly }) {
  const subscribed = new Set();
  let queue = [];
  const send = (frame) => {
    if (queue.length === 0) setTimeout(flush, 20);
    queue.push(JSON.stringify(frame));
  };
  const flush = () => {
    const frames = queue;
    queue = [];
    if (ws.readyState === 1) ws.send(frames.join('\n'));
  };
  const stop = journal.listen((push) => {
    if (push.push === 'hub' || !push.ch) return send(push);
    if (!subscribed.has(push.ch)) return;
    if (push.off !== undefined && faults.swallow > 0) return void faults.swallow--;
    send(push);
  });
  ws.on('close', stop);
  const refuse = (id, code, name) => send({ id, err: { code, name, retry: false, msg: name } });
  const commands = {
    connect(id, { resume = {} }) {
      const channels = { 'inbox:opr_1': { ep: 'e1', from: 1, to: 0, recovered: true } };
      const gap = [];
      for (const [ch, at] of Object.entries(resume)) {
        const { ep, entries } = journal.log(ch);
        channels[ch] = { ep, from: at.off + 1, to: entries.length, recovered: at.ep === ep };
        subscribed.add(ch);
        gap.push(...entries.slice(at.off));
      }
      send({ id, ok: { connection: 'con_1', profile: 'opr_1', role: 'operator', time: Date.now(), ping: { every_ms: 20_000, timeout_ms: 10_000 }, channels, reconnect: { min_ms: 100, max_ms: 2_000, first_window_ms: 500 }, token_exp: Date.now() + 900_000 } });
      gap.forEach(send);
    },
    sub(id, { ch }) {
      const known = ch.startsWith('ops:') || ch.startsWith('loc:') || ch.startsWith('live:') || journal.has(ch);
      if (!known) return refuse(id, 130, 'not_found');
      subscribed.add(ch);
      if (ch.startsWith('ops:')) {
        send({ id, ok: { ch } });
        return send({ push: 'ops', ch, snapshot: city.snapshot() });
      }
      if (ch.startsWith('live:')) {
        send({ id, ok: { ch } });
        const here = ['customer', 'merchant', 'rider'].map((role, i) => ({ profile: `${role}_1`, role, on: i < 2, at: Date.now() }));
        return send({ push: 'presence', ch, snapshot: here });
      }
      const { ep, entries } = journal.log(ch);
      send({ id, ok: ch.startsWith('loc:') ? { ch } : { ch, ep, from: entries.length + 1, to: entries.length, recovered: false, members: [] } });
    },
    unsub(id, { ch }) {
      subscribed.delete(ch);
      send({ id, ok: {} });
    },
    history(id, p) {
      send({ id, ok: { entries: journal.page(p.ch, p), more: false } });
    },
    'chat.send'(id, { ch, cid, body }) {
      if (readOnly) return refuse(id, 122, 'forbidden');
      const entry = city.say(ch.slice(6), 'operator', 'opr_1', 'Olga Operator', body, cid);
      send({ id, ok: { off: entry.off, ts: entry.ts, dup: false } });
    },
    ack: (id, { off }) => send({ id, ok: { delivered: off, read: 0 } }),
    'auth.refresh'(id) {
      send({ id, ok: { token_exp: Date.now() + 900_000 } });
    },
  };
  ws.on('message', (data) => {
    const { id, m, p } = JSON.parse(String(data));
    if (commands[m]) commands[m](id, p);
    else refuse(id, 111, 'unknown_command');
  });
}

function answer(req, res, { city, demo, grant }) {
  const { pathname } = new URL(req.url, 'http://localhost');
  const json = (status, body) => res.writeHead(status, { 'content-type': status < 400 ? 'application/json' : 'application/problem+json' }).end(JSON.stringify(body));
  const problem = (status, title) => json(status, { type: 'about:blank', title, status });
  if (pathname === '/v1/demo/session') return demo ? json(200, grant()) : problem(404, 'Not found');
  if (pathname === '/v1/sessions' || pathname === '/v1/sessions/refresh') {
    let text = '';
    req.on('data', (part) => (text += part));
    req.on('end', () => (pathname.endsWith('refresh') || JSON.parse(text).password === 'secret' ? json(200, grant()) : problem(401, 'Wrong login or password')));
    return undefined;
  }
  if (pathname === '/v1/regions') return json(200, [{ region: city.region, lat: 48.2082, lng: 16.3738, stores: city.stores.size }]);
  if (pathname === '/v1/openapi.json') return json(200, openapi);
  if (pathname.startsWith('/v1/')) return problem(404, 'Not found');
  return file(pathname, res);
}

function file(pathname, res) {
  const name = pathname === '/' ? 'index.html' : pathname === '/docs' ? 'docs.html' : pathname;
  const path = join(DIST, normalize(name));
  if (!path.startsWith(DIST) || !existsSync(path) || !statSync(path).isFile()) return res.writeHead(404).end('Not found. Was `npm run build` run?');
  res.writeHead(200, { 'content-type': TYPES[extname(path)] ?? 'application/octet-stream', 'content-security-policy': POLICY });
  return createReadStream(path).pipe(res);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { url } = await start({ port: Number(process.env.PORT ?? 8080) });
  process.stdout.write(`A played city at ${url}\n`);
}
