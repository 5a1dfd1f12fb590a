/** A socket that a test plays the server of, and a hub client that uses it. */
import { vi } from 'vitest';
import { Hub, type Closed, type HubOptions, type HubState, type SocketConstructor, type SocketLike } from '../src/index.ts';

export interface Sent {
  id: number;
  m: string;
  p: Record<string, unknown>;
}

export class FakeSocket implements SocketLike {
  readyState = 0;
  protocol = 'riderhub.v1.json';
  onopen: SocketLike['onopen'] = null;
  onmessage: SocketLike['onmessage'] = null;
  onclose: SocketLike['onclose'] = null;
  onerror: SocketLike['onerror'] = null;
  readonly sent: Sent[] = [];

  constructor(
    readonly url: string,
    readonly protocols: string[],
  ) {
    sockets.push(this);
  }

  send(data: string): void {
    this.sent.push(JSON.parse(data) as Sent);
  }

  close(code = 1005): void {
    this.readyState = 3;
    void code;
  }

  open(): void {
    this.readyState = 1;
    this.onopen?.(undefined as never);
  }

  /** The server sends frames in one message. */
  tell(...frames: object[]): void {
    this.onmessage?.({ data: frames.map((frame) => JSON.stringify(frame)).join('\n') });
  }

  drop(code: number, reason = ''): void {
    this.readyState = 3;
    this.onclose?.({ code, reason });
  }

  /** The last command of a kind. */
  last(method: string): Sent {
    const found = this.sent.findLast(({ m }) => m === method);
    if (!found) throw new Error(`${method} was not sent; sent were ${this.sent.map(({ m }) => m).join(', ')}`);
    return found;
  }

  answer(method: string, ok: object): void {
    this.tell({ id: this.last(method).id, ok });
  }

  refuse(method: string, err: object): void {
    this.tell({ id: this.last(method).id, err });
  }
}

export let sockets: FakeSocket[] = [];

export function newest(): FakeSocket {
  const socket = sockets.at(-1);
  if (!socket) throw new Error('no socket was opened');
  return socket;
}

export const welcome = (more: object = {}): object => ({
  connection: 'con_1',
  profile: 'opr_1',
  role: 'operator',
  time: 1_790_000_000_000,
  reconnect: { min_ms: 200, max_ms: 15_000, first_window_ms: 5_000 },
  channels: {},
  ...more,
});

export const entry = (ch: string, off: number, ep = 'a1'): object => ({ push: 'msg', ch, ep, off, ts: off, body: `m${off}` });

/** A hub with fake sockets; `states` and `closed` fill as it goes. */
export function hub(options: Partial<HubOptions> = {}): { hub: Hub; states: HubState[]; closed: Closed[]; tokens: boolean[] } {
  sockets = [];
  const states: HubState[] = [];
  const closed: Closed[] = [];
  const tokens: boolean[] = [];
  const made = new Hub({
    url: 'ws://test/v1/ws',
    token: (fresh) => {
      tokens.push(fresh);
      return Promise.resolve(`token-${tokens.length}`);
    },
    device: { id: 'd-1', kind: 'web', app: 'test/1' },
    onState: (state, why) => {
      states.push(state);
      if (why) closed.push(why);
    },
    WebSocket: FakeSocket as unknown as SocketConstructor,
    random: () => 0.5,
    ...options,
  });
  return { hub: made, states, closed, tokens };
}

/** Lets promises that are ready run, without moving the clock. */
export const settle = (): Promise<unknown> => vi.advanceTimersByTimeAsync(0);

/** Opens the newest socket and answers its `connect`. */
export async function connect(more: object = {}): Promise<FakeSocket> {
  await settle();
  const socket = newest();
  socket.open();
  socket.answer('connect', welcome(more));
  return socket;
}
