/**
 * The live connection: connects, resumes every logged channel where it stopped, repairs gaps from the journal,
 * comes back with full jitter, and stays away when the close code says so.
 */
import { DEFAULT_RULES, reconnectDelay } from './backoff.ts';
import { Channel, type Listener, type SubscribeOptions } from './channel.ts';
import { CommandError, delayFromReason, Disconnected, ErrorCode, mayReconnect, type Closed } from './errors.ts';
import type { Step } from './log.ts';
import { isEntry, isLogged, type Entry, type Page, type Push, type Resumed, type Subscribed, type Welcome } from './protocol.ts';
import { uuidv7 } from './uuid.ts';
import { Wire, type SocketConstructor } from './wire.ts';

export type HubState = 'idle' | 'connecting' | 'live' | 'degraded' | 'reconnecting' | 'closed';

export interface HubOptions {
  /** `wss://host/v1/ws` */
  url: string;
  /** Gives the access token; `fresh` means that the last one was not accepted any more. */
  token(fresh: boolean): Promise<string>;
  device: { id: string; kind: string; app: string };
  /** Told at every change of state. `closed` carries the reason. */
  onState?(state: HubState, closed?: Closed): void;
  /** Every push and entry, after its channel's own listener heard it. */
  onPush?(push: Push): void;
  WebSocket?: SocketConstructor;
  random?(): number;
}

const HISTORY_PAGE = 200;
const REPAIR_RETRY_MS = 1_000;
const CLOSE_WAIT_MS = 2_000;
const RESET_CODES: number[] = [ErrorCode.epochChanged, ErrorCode.positionTooOld, ErrorCode.positionAhead];

export class Hub {
  readonly #options: HubOptions;
  readonly #channels = new Map<string, Channel>();
  #wire: Wire | undefined;
  #state: HubState = 'idle';
  #attempt = 0;
  #hadConnection = false;
  #tokenRefused = false;
  #retryTimer: ReturnType<typeof setTimeout> | undefined;
  #watch: ReturnType<typeof setInterval> | undefined;
  #whenLive: (() => void)[] = [];
  #clock = { server: 0, local: 0, scale: 0 };
  #generation = 0;
  /** The answer to the last `connect`. */
  welcome: Welcome | undefined;

  constructor(options: HubOptions) {
    this.#options = options;
  }

  get state(): HubState {
    return this.#state;
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

  start(): void {
    if (this.#state === 'idle' || this.#state === 'closed') this.#open();
  }

  /** Ends the connection for good. */
  stop(): void {
    this.#finish({ code: 1000, reason: 'stopped here' });
  }

  /** Tries again now instead of later: the network came back, the person pressed the button. */
  wake(): void {
    if (this.#state === 'reconnecting' && this.#retryTimer !== undefined) this.#open();
  }

  /** Listens to a channel through all reconnects until the returned function is called. */
  subscribe(name: string, listener: Listener, options: SubscribeOptions = {}): () => void {
    if (this.#channels.get(name)?.unheard === false) throw new Error(`${name} has a subscriber already`);
    const channel = new Channel(name, listener, options.from === 'start');
    this.#channels.set(name, channel);
    if (this.#isUp()) this.#attach(channel);
    return () => {
      if (this.#channels.get(name) !== channel) return;
      this.#channels.delete(name);
      if (this.#isUp()) this.#wire?.request('unsub', { ch: name }, () => undefined);
    };
  }

  /** Sends a command once. Rejects with `CommandError`, or with `Disconnected` when the outcome is unknown. */
  call<T = Record<string, unknown>>(method: string, params: object): Promise<T> {
    return new Promise((resolve, reject) => {
      const wire = this.#isUp() ? this.#wire : undefined;
      if (!wire) reject(new Disconnected('There is no connection now.'));
      else wire.request(method, params, (ok, error) => (error ? reject(error) : resolve(ok as T)));
    });
  }

  /** Sends a command that changes something: one `cid`, sent again until its outcome is known. */
  async command<T = Record<string, unknown>>(method: string, params: object): Promise<T> {
    const cid = uuidv7();
    for (let tries = 1; ; tries++) {
      try {
        return await this.call<T>(method, { ...params, cid });
      } catch (error) {
        const again = error instanceof Disconnected || (error instanceof CommandError && error.retry);
        if (!again || tries === 5 || this.#state === 'closed') throw error;
        if (error instanceof CommandError) await pause(error.afterMs ?? REPAIR_RETRY_MS);
        else await this.#live();
      }
    }
  }

  #live(): Promise<void> {
    if (this.#isUp()) return Promise.resolve();
    return new Promise((resolve) => this.#whenLive.push(resolve));
  }

  #isUp(): boolean {
    return this.#state === 'live' || this.#state === 'degraded';
  }

  #enter(state: HubState, closed?: Closed): void {
    if (state === this.#state) return;
    this.#state = state;
    this.#options.onState?.(state, closed);
    if (this.#isUp() || state === 'closed') for (const resolve of this.#whenLive.splice(0)) resolve();
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
        if (generation === this.#generation) this.#lost(4009, 'no token');
      },
    );
  }

  #dial(token: string): void {
    const Socket = this.#options.WebSocket ?? (globalThis as unknown as { WebSocket: SocketConstructor }).WebSocket;
    const wire: Wire = new Wire(this.#options.url, Socket, {
      open: () => this.#hello(wire, token),
      push: (push) => this.#heard(push),
      close: (code, reason) => {
        if (this.#wire === wire) this.#lost(code, reason);
      },
    });
    this.#wire = wire;
  }

  #hello(wire: Wire, token: string): void {
    const resume: Record<string, { ep: string; off: number }> = {};
    for (const channel of this.#channels.values()) {
      channel.attached = false;
      channel.repairing = false;
      const position = channel.log?.position;
      if (position) resume[channel.name] = position;
    }
    const params = { token, device: this.#options.device, resume };
    wire.request('connect', params, (ok, error) => {
      if (ok) this.#welcomed(ok as unknown as Welcome);
      else if (error instanceof CommandError) this.#refused(wire, error);
      else wire.end(4003, 'no answer to connect');
    });
  }

  /** The server closes after it has refused, and its code decides whether to come back. Only a server that forgets to is left. */
  #refused(wire: Wire, error: CommandError): void {
    this.#tokenRefused = error.code === ErrorCode.tokenExpired;
    const final = error.code === ErrorCode.unauthorized || error.code === ErrorCode.forbidden;
    setTimeout(() => wire.end(final ? 4501 : 4005, error.message), CLOSE_WAIT_MS);
  }

  #welcomed(welcome: Welcome): void {
    this.welcome = welcome;
    this.#clock = { server: welcome.time, local: Date.now(), scale: welcome.time_scale ?? 1 };
    this.#attempt = 0;
    this.#hadConnection = true;
    this.#enter('live');
    for (const [name, resumed] of Object.entries(welcome.channels ?? {})) this.#resumed(name, resumed);
    for (const channel of this.#channels.values()) if (!channel.attached) this.#attach(channel);
  }

  #resumed(name: string, resumed: Resumed): void {
    const channel = this.#channels.get(name) ?? this.#own(name);
    if (!channel.log) return;
    channel.attached = true;
    this.#place(channel, resumed.ep, resumed.to, resumed.recovered);
    channel.listener.ready?.({ ...resumed });
  }

  /** A channel that the hub subscribed by itself (the inbox, own stores, own orders): followed so that it can be resumed. */
  #own(name: string): Channel {
    const channel = new Channel(name, {}, false, true);
    this.#channels.set(name, channel);
    return channel;
  }

  #attach(channel: Channel): void {
    channel.attached = true;
    const wire = this.#wire;
    wire?.request('sub', { ch: channel.name, ...channel.log?.position }, (ok, error) => {
      if (this.#channels.get(channel.name) !== channel) return;
      if (ok) this.#subscribed(channel, ok);
      else if (error instanceof CommandError && error.retry) setTimeout(() => this.#isUp() && this.#wire === wire && this.#attach(channel), error.afterMs ?? REPAIR_RETRY_MS);
      else if (error instanceof CommandError) {
        this.#channels.delete(channel.name);
        channel.listener.refused?.(error);
      }
    });
  }

  #subscribed(channel: Channel, answer: Subscribed): void {
    if (answer.ep !== undefined && answer.to !== undefined) this.#place(channel, answer.ep, answer.to, answer.recovered === true);
    channel.listener.ready?.(answer);
  }

  /** The hub told a logged channel's newest offset: begin there, or go on from the own position. `coming`: the gap follows as pushes. */
  #place(channel: Channel, ep: string, top: number, coming: boolean): void {
    if (!channel.log) return;
    channel.log.adopt(ep);
    const position = channel.log.position;
    const known = position?.ep === ep;
    if (!position) this.#take(channel, channel.log.begin(ep, channel.startAt(top)), false);
    else if (!known) this.#restart(channel, ep, top);
    channel.log.reaches(top);
    if (channel.log.behind && !(known && coming)) this.#repair(channel);
  }

  #restart(channel: Channel, ep: string, top: number): void {
    channel.renumbered = false;
    channel.forget(false);
    if (channel.log) this.#take(channel, channel.log.begin(ep, channel.startAt(top)), false);
  }

  #heard(push: Push): void {
    if (push.push === 'hub') this.#enter(push.state === 'degraded' ? 'degraded' : 'live');
    else if (push.push === 'auth') this.#refreshToken();
    else if (push.push === 'ping') this.#watchSilence();
    else if (push.push === 'subscribed') this.#subscribedByHub(push);
    else if (push.push === 'unsubscribed') this.#unsubscribedByHub(push);
    const channel = push.ch === undefined ? undefined : this.#channels.get(push.ch);
    if (channel && push.push === 'lag') {
      if (typeof push.off === 'number') channel.log?.reaches(push.off);
      this.#repair(channel);
    } else if (channel?.log && isEntry(push)) {
      this.#take(channel, channel.log.accept(push), true);
      return;
    } else {
      channel?.listener.push?.(push);
    }
    this.#options.onPush?.(push);
  }

  #subscribedByHub(push: Push): void {
    const { ch, ep, off } = push;
    if (typeof ch !== 'string' || !isLogged(ch) || typeof ep !== 'string' || typeof off !== 'number') return;
    const channel = this.#channels.get(ch) ?? this.#own(ch);
    channel.attached = true;
    if (push.recovered === false) channel.forget(false);
    this.#subscribed(channel, { ep, to: off });
  }

  /** The hub has no room for what is over: it is not asked for again, unless somebody here listens. */
  #unsubscribedByHub({ ch }: Push): void {
    const channel = ch === undefined ? undefined : this.#channels.get(ch);
    if (channel?.unheard) this.#channels.delete(channel.name);
  }

  #take(channel: Channel, step: Step, live: boolean): void {
    for (const entry of step.apply) {
      if (live) this.saw(entry.ts);
      channel.listener.entry?.(entry, live && !channel.repairing);
      this.#options.onPush?.(entry);
    }
    if (step.reset) {
      // The numbering changed under us: ask for the new position, then read from the wanted start.
      if (!channel.renumbered) this.#attach(channel);
      channel.renumbered = true;
    } else if (step.gap && this.#isUp()) this.#repair(channel);
  }

  /** Reads the journal after the last applied entry until nothing known is missing. */
  #repair(channel: Channel, tries = 0): void {
    const { log } = channel;
    const wire = this.#wire;
    const position = log?.position;
    if (!log || !wire || !position || (channel.repairing && tries === 0)) return;
    channel.repairing = true;
    const params = { ch: channel.name, after: position.off, limit: HISTORY_PAGE };
    wire.request('history', params, (ok, error) => {
      if (this.#wire !== wire || this.#channels.get(channel.name) !== channel) return;
      if (error) {
        this.#repairFailed(channel, error, tries);
        return;
      }
      for (const entry of (ok as unknown as Page).entries ?? []) this.#take(channel, log.accept(entry as Entry), false);
      const moved = log.position !== undefined && log.position.off > position.off;
      if (!log.behind) channel.repairing = false;
      else if (moved) this.#repair(channel, 1);
      else this.#repairLater(channel, tries);
    });
  }

  #repairFailed(channel: Channel, error: Error, tries: number): void {
    channel.repairing = false;
    if (!(error instanceof CommandError)) return;
    if (RESET_CODES.includes(error.code)) {
      channel.forget(error.code === ErrorCode.positionTooOld);
      this.#attach(channel);
    } else if (error.retry) this.#repairLater(channel, tries, error.afterMs);
    else channel.listener.refused?.(error);
  }

  #repairLater(channel: Channel, tries: number, afterMs = REPAIR_RETRY_MS): void {
    const wire = this.#wire;
    channel.repairing = true;
    setTimeout(() => {
      if (this.#wire === wire && this.#isUp()) this.#repair(channel, tries + 1);
    }, afterMs);
  }

  #refreshToken(): void {
    const wire = this.#wire;
    this.#options.token(true).then(
      (token) => wire?.request('auth.refresh', { token }, () => undefined),
      () => undefined,
    );
  }

  /** Once the hub has shown that it sends pings, silence means that the line is dead (a browser cannot see protocol pings). */
  #watchSilence(): void {
    const ping = this.welcome?.ping;
    if (!ping || this.#watch !== undefined) return;
    const limit = ping.every_ms + ping.timeout_ms;
    this.#watch = setInterval(() => {
      if (this.#wire && Date.now() - this.#wire.heardAt > limit) this.#wire.end(4003, 'silence');
    }, ping.every_ms / 4);
  }

  #lost(code: number, reason: string): void {
    this.#wire = undefined;
    clearInterval(this.#watch);
    this.#watch = undefined;
    if (this.#state === 'closed') return;
    if (!mayReconnect(code)) {
      this.#finish({ code, reason });
      return;
    }
    if (code === 4009) this.#tokenRefused = true;
    const rules = this.welcome?.reconnect ?? DEFAULT_RULES;
    const random = this.#options.random ?? Math.random;
    const delay = delayFromReason(reason) ?? reconnectDelay(this.#attempt, this.#hadConnection, rules, random);
    this.#attempt++;
    this.#enter('reconnecting');
    this.#retryTimer = setTimeout(() => this.#open(), delay);
  }

  #finish(closed: Closed): void {
    clearTimeout(this.#retryTimer);
    clearInterval(this.#watch);
    this.#retryTimer = undefined;
    this.#watch = undefined;
    this.#generation++;
    const wire = this.#wire;
    this.#wire = undefined;
    this.#enter('closed', closed);
    wire?.end(closed.code, closed.reason);
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
