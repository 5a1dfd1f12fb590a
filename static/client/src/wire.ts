/** One WebSocket from open to close: sends commands, matches replies, hands pushes on in the order they came. */
import { CommandError, Disconnected } from './errors.ts';
import { decode, SUBPROTOCOL, type Push, type Reply } from './protocol.ts';

/** The part of the WebSocket interface that is used; `ws` in Node and every browser have it. */
export interface SocketLike {
  readyState: number;
  protocol: string;
  onopen: ((event: never) => void) | null;
  onmessage: ((event: { data: unknown }) => void) | null;
  onclose: ((event: { code: number; reason: string }) => void) | null;
  onerror: ((event: never) => void) | null;
  send(data: string): void;
  close(code?: number, reason?: string): void;
}

export type SocketConstructor = new (url: string, protocols: string[]) => SocketLike;

type Answer = (ok: Record<string, unknown> | undefined, error: Error | undefined) => void;

export interface WireEvents {
  open(): void;
  push(push: Push): void;
  close(code: number, reason: string): void;
}

const OPEN_TIMEOUT_MS = 10_000;
const ANSWER_TIMEOUT_MS = 15_000;

export class Wire {
  readonly #socket: SocketLike;
  readonly #events: WireEvents;
  readonly #waiting = new Map<number, { answer: Answer; timer: ReturnType<typeof setTimeout> }>();
  readonly #opening: ReturnType<typeof setTimeout>;
  #nextId = 1;
  #over = false;
  /** When the last frame of any kind came, by the local clock. */
  heardAt = Date.now();

  constructor(url: string, Socket: SocketConstructor, events: WireEvents) {
    this.#events = events;
    const socket = new Socket(url, [SUBPROTOCOL]);
    this.#socket = socket;
    this.#opening = setTimeout(() => this.end(4003, 'no answer'), OPEN_TIMEOUT_MS);
    socket.onopen = () => {
      clearTimeout(this.#opening);
      if (!this.#over) events.open();
    };
    socket.onmessage = (event) => this.#message(event.data);
    socket.onclose = (event) => this.#closed(event.code, event.reason);
    socket.onerror = () => undefined;
  }

  /** Sends a command. `answer` runs at once when the reply is read, before any frame behind it. */
  request(method: string, params: object, answer: Answer): void {
    if (this.#over || this.#socket.readyState !== 1) {
      answer(undefined, new Disconnected());
      return;
    }
    const id = this.#nextId++;
    const timer = setTimeout(() => {
      this.#waiting.delete(id);
      answer(undefined, new Disconnected(`No answer to ${method}.`));
    }, ANSWER_TIMEOUT_MS);
    this.#waiting.set(id, { answer, timer });
    this.#socket.send(JSON.stringify({ id, m: method, p: params }));
  }

  /** Sends a command without an id: only a refusal would be answered. */
  tell(method: string, params: object): void {
    if (!this.#over && this.#socket.readyState === 1) this.#socket.send(JSON.stringify({ m: method, p: params }));
  }

  /** Ends this wire now and tells the owner; a socket that is half dead may take a minute to say so by itself. */
  end(code: number, reason: string): void {
    if (this.#over) return;
    this.#socket.close(1000);
    this.#closed(code, reason);
  }

  #message(data: unknown): void {
    if (this.#over || typeof data !== 'string') return;
    this.heardAt = Date.now();
    for (const frame of decode(data)) {
      if (this.#over) return;
      if ('push' in frame && typeof frame.push === 'string') this.#events.push(frame as Push);
      else if ('id' in frame) this.#reply(frame as Reply);
    }
  }

  #reply(reply: Reply): void {
    const waiting = this.#waiting.get(reply.id);
    if (!waiting) return;
    this.#waiting.delete(reply.id);
    clearTimeout(waiting.timer);
    if (reply.err) waiting.answer(undefined, new CommandError(reply.err));
    else waiting.answer(reply.ok ?? {}, undefined);
  }

  #closed(code: number, reason: string): void {
    if (this.#over) return;
    this.#over = true;
    clearTimeout(this.#opening);
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const { answer, timer } of waiting) {
      clearTimeout(timer);
      answer(undefined, new Disconnected());
    }
    this.#events.close(code, reason);
  }
}
