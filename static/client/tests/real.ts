/** The real server as a child process, a wire between it and a client that can be cut or frozen, and people with accounts. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { connect as dial, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { WebSocket } from 'ws';
import { Hub, Rest, type Entry, type HubOptions, type HubState, type Role, type Session, type SocketConstructor } from '../src/index.ts';

/** The built server; tests that need it are passed over where nobody built it. */
export const BINARY = process.env.RIDERHUB_BIN ?? fileURLToPath(new URL('../../../target/debug/riderhub', import.meta.url));
export const HAS_SERVER = existsSync(BINARY);

export class RealServer {
  url = '';
  #child: ChildProcess | undefined;
  readonly #data = mkdtempSync(join(tmpdir(), 'riderhub-client-'));
  #listen = '127.0.0.1:0';

  static async start(): Promise<RealServer> {
    const server = new RealServer();
    await server.up();
    return server;
  }

  /** Starts it, at the same address and on the same data as before. */
  async up(): Promise<void> {
    const args = ['serve', '--listen', this.#listen, '--data', this.#data, '--bench-channels', '--drain-ms', '400'];
    const child = (this.#child = spawn(BINARY, args, { stdio: ['ignore', 'pipe', 'ignore'] }));
    for await (const line of createInterface({ input: child.stdout })) {
      const found = /listening on (http:\S+)/.exec(line);
      if (!found) continue;
      this.url = found[1] ?? '';
      this.#listen = new URL(this.url).host;
      // Its further words are of no interest, but must not block it.
      child.stdout.resume();
      return;
    }
    throw new Error('the server does not listen');
  }

  /** Ends it: with SIGKILL as a crash does, with SIGTERM it drains first. */
  async end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill(signal);
    await gone;
  }

  async close(): Promise<void> {
    await this.end('SIGKILL');
    rmSync(this.#data, { recursive: true, force: true });
  }

  /** An account with one role, signed in. */
  async person(role: Role, name: string): Promise<Rest> {
    const login = `${role}-${crypto.randomUUID()}`;
    const rest = new Rest({ base: this.url });
    await rest.post('/v1/accounts', { login, password: 'correct horse battery', name, roles: [role] });
    await rest.signIn({ login, password: 'correct horse battery', role });
    return rest;
  }
}

/** A TCP wire to the server. */
export class TestWire {
  readonly #server: Server;
  readonly #pairs = new Set<[Socket, Socket]>();

  private constructor(server: Server) {
    this.#server = server;
  }

  static async to(url: string): Promise<TestWire> {
    const { hostname, port } = new URL(url);
    const server = createServer();
    const wire = new TestWire(server);
    server.on('connection', (near) => {
      const far = dial(Number(port), hostname);
      const pair: [Socket, Socket] = [near, far];
      wire.#pairs.add(pair);
      for (const [one, other] of [pair, [far, near] as [Socket, Socket]]) {
        one.on('error', () => undefined);
        one.on('close', () => {
          other.destroy();
          wire.#pairs.delete(pair);
        });
        one.pipe(other);
      }
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return wire;
  }

  get ws(): string {
    return `ws://127.0.0.1:${(this.#server.address() as AddressInfo).port}/v1/ws`;
  }

  /** Breaks every connection without goodbye. */
  cut(): void {
    for (const [near, far] of this.#pairs) {
      near.destroy();
      far.destroy();
    }
  }

  /** Takes nothing more from the server, as a reader does who stands still. */
  freeze(yes: boolean): void {
    for (const [near, far] of this.#pairs) {
      if (yes) {
        far.unpipe(near);
        far.pause();
      } else far.pipe(near);
    }
  }

  close(): void {
    this.cut();
    this.#server.close();
  }
}

export interface RealHub {
  hub: Hub;
  states: HubState[];
  heard: Entry[];
  pushes: string[];
}

/** A hub client of somebody, with a device of its own, through `ws`. */
export function realHub(rest: Rest, url: string, options: Partial<HubOptions> = {}): RealHub {
  const states: HubState[] = [];
  const pushes: string[] = [];
  const hub = new Hub({
    url,
    token: (fresh) => rest.token(fresh),
    device: { id: `d-${crypto.randomUUID()}`, kind: 'web', app: 'test/1' },
    onState: (state) => states.push(state),
    onPush: (push) => pushes.push(push.push),
    WebSocket: WebSocket as unknown as SocketConstructor,
    // The first return falls into a window of 5 s: near its start.
    random: () => 0.02,
    ...options,
  });
  return { hub, states, heard: [], pushes };
}

/** A store that is open, and an order of `customer` that it has accepted: its chat is open. */
export async function acceptedOrder(server: RealServer, customer: Rest): Promise<string> {
  const merchant = await server.person('merchant', 'Noodle House');
  const place = { lat: 31.2, lng: 121.465 };
  const { store } = await merchant.post<{ store: string }>('/v1/stores', { name: 'Noodle House', ...place, currency: 'CNY', is_open: true });
  const { product } = await merchant.post<{ product: string }>(`/v1/stores/${store}/products`, { name: 'Noodles', price_minor: 1_800, stock: 9 });
  const send = async <T>(path: string, body: object, rest: Rest = customer): Promise<T> => {
    const headers = { authorization: `Bearer ${await rest.token()}`, 'content-type': 'application/json', 'idempotency-key': crypto.randomUUID() };
    const answer = await fetch(server.url + path, { method: 'POST', headers, body: JSON.stringify(body) });
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return (await answer.json()) as T;
  };
  const dropoff = { lat: 31.201, lng: 121.466, address: '12 Lantern Lane' };
  const { order } = await send<{ order: string }>('/v1/orders', { store, lines: [{ product, quantity: 1 }], dropoff });
  const { provider_ref } = await send<{ provider_ref: string }>(`/v1/orders/${order}/payments`, { provider: 'sandbox' });
  await send(`/v1/sandbox/${provider_ref}/pay`, { outcome: 'succeeded' });
  await send(`/v1/orders/${order}/accept`, {}, merchant);
  return order;
}

export type { Session };
