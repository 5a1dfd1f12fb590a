/**
 * The live connection: connects, resumes every logged channel where it stopped, repairs gaps from the journal,
 * comes back with full jitter, and stays away when the close code says so.
 */
import { DEFAULT_RULES, reconnectDelay } from './backoff.ts';
import type { Channel, Cursor, Listener, SubscribeOptions } from './channel.ts';
import { CommandError, delayFromReason, Disconnected, mayReconnect, type Closed } from './errors.ts';
import { Follower } from './follower.ts';
import { CloseCode, ErrorCode, type Commands } from './frames.ts';
import type { Position, Push, Welcome } from './protocol.ts';
import { Queue, type CommandOptions, type Kept } from './queue.ts';
import { Receipts } from './receipts.ts';
import type { Saved, Storage } from './storage.ts';
import { uuidv7 } from './uuid.ts';
import { Wire, type SocketConstructor } from './wire.ts';

/**
 * `degraded`: the hub's nodes cannot hear each other; nothing is lost, some of it is late. `draining`: this node goes down,
 * a reconnect follows. In both the connection works.
 */
export type HubState = 'idle' | 'connecting' | 'live' | 'degraded' | 'draining' | 'reconnecting' | 'closed';

/** Commands that carry a `cid`. */
export type Changing = { [M in keyof Commands]: Commands[M]['p'] extends { cid?: string } ? M : never }[keyof Commands];

export interface HubOptions {
  /** `wss://host/v1/ws`; several are taken in turn. */
  url: string | string[];
  /** Gives the access token; `fresh` means that the last one was not accepted any more, or is about to run out. */
  token(fresh: boolean): Promise<string>;
  device: { id: string; kind: string; app: string };
  /** Told at every change of state. `closed` carries the reason. */
  onState?(state: HubState, closed?: Closed): void;
  /** Every push and entry, after its channel's own listener heard it. */
  onPush?(push: Push): void;
  /** A command that an earlier page or process left behind has its outcome now. */
  onCommand?(kept: Kept, ok: Record<string, unknown> | undefined, error: Error | undefined): void;
  /** Keeps positions and waiting commands beyond the page or process. */
  storage?: Storage;
  /** Whether entries are acknowledged by themselves once their listener has seen them: true unless given. */
  ack?: boolean;
  WebSocket?: SocketConstructor;
  random?(): number;
}

const CLOSE_WAIT_MS = 2_000;
const REFRESH_RETRY_MS = 5_000;
const SAVE_EVERY_MS = 500;
const TYPING_EVERY_MS = 4_000;

export class Hub {
  readonly #options: HubOptions;
  readonly #urls: string[];
  readonly #follower: Follower;
  readonly #queue: Queue;
  readonly #receipts: Receipts;
  readonly #typingAt = new Map<string, number>();
  #url = 0;
  #wire: Wire | undefined;
  #signedIn = false;
  #isDegraded = false;
  #isDraining = false;
  #state: HubState = 'idle';
  #attempt = 0;
  #hadConnection = false;
  #tokenRefused = false;
  #retryTimer: ReturnType<typeof setTimeout> | undefined;
  #watch: ReturnType<typeof setInterval> | undefined;
  #saveTimer: ReturnType<typeof setTimeout> | undefined;
  #clock = { server: 0, local: 0, scale: 0 };
  #generation = 0;
  #saved: Saved = { positions: {}, commands: [] };
  #loaded: boolean;
  /** The answer to the last `connect`. */
  welcome: Welcome | undefined;

  constructor(options: HubOptions) {
    this.#options = options;
    this.#urls = typeof options.url === 'string' ? [options.url] : options.url;
    this.#loaded = options.storage === undefined;
    const signedIn = (): Wire | undefined => (this.#signedIn ? this.#wire : undefined);
    this.#follower = new Follower({
      get wire() {
        return signedIn();
      },
      saw: (time) => this.saw(time),
      told: (push) => this.#options.onPush?.(push),
      moved: (channel) => this.#moved(channel),
      saved: (name) => this.#saved.positions[name],
    });
    this.#queue = new Queue(signedIn, () => this.#save());
    this.#receipts = new Receipts(signedIn);
  }

  get state(): HubState {
    return this.#state;
  }

  /** Commands whose outcome is not known yet. */
  get waiting(): Kept[] {
    return this.#queue.kept;
  }

  /** The server's clock now, Unix ms; the local clock before the first connection. */
  now(): number {
    const { server, local, scale } = this.#clock;
    return scale === 0 ? Date.now() : server + (Date.now() - local) * scale;
  }

  /** A time that the server stamped on something just now: its clock has reached at least that. */
  saw(time: number): void {
    if (this.#clock.scale !== 0 && time > this.now()) this.#clock = { ...this.#clock, server: time, local: Date.now() };
  }

  /** Connects, and stays connected. With a storage, subscribe after this promise: it has been read then. */
  async start(): Promise<void> {
    if (this.#state !== 'idle' && this.#state !== 'closed') return;
    this.#enter('connecting');
    if (!this.#loaded) await this.#load();
    if ((this.#state as HubState) === 'connecting') this.#open();
  }

  /** Ends the connection for good. Commands that wait are rejected, but stay in the storage. */
  stop(): void {
    this.#finish({ code: 1000, reason: 'stopped here' });
  }

  /** Tries again now instead of later: the network came back, the person pressed the button. */
  wake(): void {
    if (this.#state === 'reconnecting' && this.#retryTimer !== undefined) this.#open();
  }

  /** Listens to a channel through all reconnects until the returned function is called. */
  subscribe(name: string, listener: Listener, options: SubscribeOptions = {}): () => void {
    return this.#follower.subscribe(name, listener, options, options.ack ?? this.#options.ack ?? true);
  }

  /** How far the parties of a channel have come, as far as it is known here. */
  cursors(name: string): Cursor[] {
    return [...(this.#follower.get(name)?.cursors.values() ?? [])];
  }

  /** Up to where a logged channel was handed to its listener. */
  position(name: string): Position | undefined {
    return this.#follower.get(name)?.log?.position;
  }

  /** Sends a command once. Rejects with `CommandError`, or with `Disconnected` when the outcome is unknown. */
  call<M extends keyof Commands>(method: M, params: Commands[M]['p']): Promise<Commands[M]['ok']> {
    return new Promise((resolve, reject) => {
      const wire = this.#signedIn ? this.#wire : undefined;
      if (!wire) reject(new Disconnected('There is no connection now.'));
      else wire.request(method, params, (ok, error) => (error ? reject(error) : resolve(ok as Commands[M]['ok'])));
    });
  }

  /** Sends a command that changes something: one `cid`, kept while there is no connection, sent again until its outcome is known. */
  command<M extends Changing>(method: M, params: Omit<Commands[M]['p'], 'cid'>, options: CommandOptions = {}): Promise<Commands[M]['ok']> {
    if (this.#state === 'closed') return Promise.reject(new Disconnected('The hub is closed.'));
    const kept = { cid: options.cid ?? uuidv7(), method, params: params as Record<string, unknown> };
    return this.#queue.add(kept, options) as Promise<Commands[M]['ok']>;
  }

  /** Sends a command that wants no answer; without a connection it is forgotten. For positions and the like. */
  tell<M extends keyof Commands>(method: M, params: Commands[M]['p']): void {
    if (this.#signedIn) this.#wire?.tell(method, params);
  }

  /** The person has read everything up to `off` (the newest entry unless given). */
  read(ch: string, off?: number): void {
    const upto = off ?? this.position(ch)?.off;
    if (upto) this.#receipts.read(ch, upto);
  }

  /** Everything up to `off` has arrived; only needed where `ack` is off. */
  ack(ch: string, off: number): void {
    this.#receipts.arrived(ch, off);
  }

  /** The person writes; call it with every key, it is told seldom. `false`: has stopped. */
  typing(ch: string, on = true): void {
    const last = this.#typingAt.get(ch);
    if (on ? last !== undefined && Date.now() - last < TYPING_EVERY_MS : last === undefined) return;
    if (on) this.#typingAt.set(ch, Date.now());
    else this.#typingAt.delete(ch);
    this.tell('typing', { ch, on });
  }

  #show(): void {
    this.#enter(this.#isDraining ? 'draining' : this.#isDegraded ? 'degraded' : 'live');
  }

  #enter(state: HubState, closed?: Closed): void {
    if (state === this.#state) return;
    this.#state = state;
    this.#options.onState?.(state, closed);
  }

  #open(): void {
    clearTimeout(this.#retryTimer);
    this.#retryTimer = undefined;
    this.#enter(this.#hadConnection || this.#attempt > 0 ? 'reconnecting' : 'connecting');
    const generation = ++this.#generation;
    const fresh = this.#tokenRefused;
    this.#tokenRefused = false;
    this.#options.token(fresh).then(
      (token) => {
        if (generation === this.#generation) this.#dial(token);
      },
      () => {
        if (generation === this.#generation) this.#lost(CloseCode.tokenExpired, 'no token');
      },
    );
  }

  #dial(token: string): void {
    const Socket = this.#options.WebSocket ?? (globalThis as unknown as { WebSocket: SocketConstructor }).WebSocket;
    const url = this.#urls[this.#url % this.#urls.length] ?? '';
    const wire: Wire = new Wire(url, Socket, {
      open: () => this.#hello(wire, token),
      push: (push) => this.#heard(push),
      close: (code, reason) => {
        if (this.#wire === wire) this.#lost(code, reason);
      },
    });
    this.#wire = wire;
  }

  #hello(wire: Wire, token: string): void {
    const params = { token, device: this.#options.device, resume: this.#follower.resume() };
    wire.request('connect', params, (ok, error) => {
      if (ok) this.#welcomed(ok as unknown as Welcome);
      else if (error instanceof CommandError) this.#refused(wire, error);
      else wire.end(CloseCode.noPong, 'no answer to connect');
    });
  }

  /** The server closes after it has refused, and its code decides whether to come back. Only a server that forgets to is left. */
  #refused(wire: Wire, error: CommandError): void {
    this.#tokenRefused = error.code === ErrorCode.tokenExpired;
    const final = error.code === ErrorCode.unauthorized || error.code === ErrorCode.forbidden;
    setTimeout(() => wire.end(final ? CloseCode.invalidToken : CloseCode.serverError, error.message), CLOSE_WAIT_MS);
  }

  #welcomed(welcome: Welcome): void {
    this.welcome = welcome;
    this.#clock = { server: welcome.time, local: Date.now(), scale: welcome.time_scale ?? 1 };
    this.#attempt = 0;
    this.#hadConnection = true;
    this.#signedIn = true;
    this.#isDegraded = false;
    this.#show();
    this.#follower.welcomed(welcome.channels ?? {});
    this.#queue.flush();
    this.#receipts.connected();
  }

  #heard(push: Push): void {
    if (push.push === 'hub') {
      this.#isDegraded = push.state === 'degraded';
      this.#show();
    } else if (push.push === 'drain') {
      this.#isDraining = true;
      this.#show();
    } else if (push.push === 'auth') this.#refreshToken();
    else if (push.push === 'ping') this.#watchSilence();
    if (!this.#follower.heard(push)) this.#options.onPush?.(push);
  }

  #moved(channel: Channel): void {
    const position = channel.log?.position;
    if (!position || channel.unheard) return;
    if (channel.acks) this.#receipts.arrived(channel.name, position.off);
    this.#saved.positions[channel.name] = position;
    this.#save();
  }

  /** A token that runs out is renewed on the open socket; if that fails, it is tried again until the hub closes. */
  #refreshToken(): void {
    const wire = this.#wire;
    const again = (): void => void setTimeout(() => this.#wire === wire && this.#signedIn && this.#refreshToken(), REFRESH_RETRY_MS);
    this.#options.token(true).then(
      (token) => wire?.request('auth.refresh', { token }, (_, error) => error instanceof CommandError && error.retry && again()),
      again,
    );
  }

  /** Once the hub has shown that it sends pings, silence means that the line is dead (a browser cannot see protocol pings). */
  #watchSilence(): void {
    const ping = this.welcome?.ping;
    if (!ping || this.#watch !== undefined) return;
    const limit = ping.every_ms + ping.timeout_ms;
    this.#watch = setInterval(() => {
      if (this.#wire && Date.now() - this.#wire.heardAt > limit) this.#wire.end(CloseCode.noPong, 'silence');
    }, ping.every_ms / 4);
  }

  #down(): void {
    this.#wire = undefined;
    this.#signedIn = false;
    this.#isDegraded = false;
    this.#isDraining = false;
    this.#typingAt.clear();
    clearInterval(this.#watch);
    this.#watch = undefined;
  }

  #lost(code: number, reason: string): void {
    const hadAnswer = this.#signedIn;
    this.#down();
    if (this.#state === 'closed') return;
    if (!mayReconnect(code)) {
      this.#finish({ code, reason });
      return;
    }
    if (code === CloseCode.tokenExpired) this.#tokenRefused = true;
    // A node that goes down, or that never answered: the next one may be better.
    if (code === CloseCode.drain || !hadAnswer) this.#url++;
    const rules = this.welcome?.reconnect ?? DEFAULT_RULES;
    const random = this.#options.random ?? Math.random;
    const delay = delayFromReason(reason) ?? reconnectDelay(this.#attempt, this.#hadConnection, rules, random);
    this.#attempt++;
    this.#enter('reconnecting');
    this.#retryTimer = setTimeout(() => this.#open(), delay);
  }

  #finish(closed: Closed): void {
    clearTimeout(this.#retryTimer);
    this.#retryTimer = undefined;
    this.#generation++;
    const wire = this.#wire;
    this.#down();
    this.#receipts.stop();
    this.#saveNow();
    this.#enter('closed', closed);
    this.#queue.fail(new Disconnected(`The hub is closed: ${closed.code} ${closed.reason}`));
    wire?.end(closed.code, closed.reason);
  }

  async #load(): Promise<void> {
    try {
      this.#saved = (await this.#options.storage?.load()) ?? this.#saved;
    } catch {
      // Without what was kept everything is read anew.
    }
    this.#loaded = true;
    for (const kept of this.#saved.commands) {
      this.#queue.add(kept, {}).then(
        (ok) => this.#options.onCommand?.(kept, ok, undefined),
        (error: Error) => this.#options.onCommand?.(kept, undefined, error),
      );
    }
  }

  #save(): void {
    if (!this.#options.storage || !this.#loaded || this.#state === 'closed') return;
    this.#saveTimer ??= setTimeout(() => this.#saveNow(), SAVE_EVERY_MS);
  }

  #saveNow(): void {
    clearTimeout(this.#saveTimer);
    this.#saveTimer = undefined;
    if (!this.#options.storage || !this.#loaded) return;
    this.#saved.commands = this.#queue.kept;
    // What cannot be kept is read again, or asked again by the person: nothing is wrong because of it.
    Promise.resolve(this.#options.storage.save(structuredClone(this.#saved))).catch(() => undefined);
  }
}
