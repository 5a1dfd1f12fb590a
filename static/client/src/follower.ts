/**
 * Follows channels through all connections: where each stands, which gap must be read from the journal, and pull mode.
 * What is on the wire now is the host's to know.
 */
import { Channel, type Listener, type SubscribeOptions } from './channel.ts';
import { CommandError } from './errors.ts';
import { ErrorCode } from './frames.ts';
import type { Step } from './log.ts';
import { isEntry, isLogged, type Entry, type Page, type Position, type Push, type Resumed, type Subscribed } from './protocol.ts';
import type { Wire } from './wire.ts';

export interface FollowerHost {
  /** The wire, while the hub has signed us in. */
  readonly wire: Wire | undefined;
  /** The hub's clock has reached at least this. */
  saw(time: number): void;
  /** After the channel's own listener. */
  told(push: Push): void;
  /** Entries up to the channel's position were seen by its listener. */
  moved(channel: Channel): void;
  /** Where the storage says that a channel was read up to. */
  saved(name: string): Position | undefined;
}

const HISTORY_PAGE = 100;
const RETRY_MS = 1_000;
const RESET_CODES: number[] = [ErrorCode.epochChanged, ErrorCode.positionTooOld, ErrorCode.positionAhead];

export class Follower {
  readonly #host: FollowerHost;
  readonly #channels = new Map<string, Channel>();

  constructor(host: FollowerHost) {
    this.#host = host;
  }

  get(name: string): Channel | undefined {
    return this.#channels.get(name);
  }

  subscribe(name: string, listener: Listener, options: SubscribeOptions, acks: boolean): () => void {
    if (this.#channels.get(name)?.unheard === false) throw new Error(`${name} has a subscriber already`);
    const { from } = options;
    const channel = new Channel(name, listener, from === 'start' || from === 'saved', acks);
    this.#channels.set(name, channel);
    this.#placeAt(channel, from);
    if (this.#host.wire) this.#attach(channel);
    return () => {
      if (this.#channels.get(name) !== channel) return;
      this.#channels.delete(name);
      this.#host.wire?.request('unsub', { ch: name }, () => undefined);
    };
  }

  #placeAt(channel: Channel, from: SubscribeOptions['from']): void {
    const position = typeof from === 'object' ? from : from === 'saved' ? this.#host.saved(channel.name) : undefined;
    if (position) channel.log?.begin(position.ep, position.off);
  }

  /** The positions that `connect` resumes; everything must be attached anew. */
  resume(): Record<string, Position> {
    const resume: Record<string, Position> = {};
    for (const channel of this.#channels.values()) {
      channel.attached = false;
      channel.repairing = false;
      channel.pulling = false;
      const position = channel.log?.position;
      if (position) resume[channel.name] = position;
    }
    return resume;
  }

  /** The hub has signed us in. */
  welcomed(channels: Record<string, Resumed>): void {
    for (const [name, resumed] of Object.entries(channels)) this.#resumed(name, resumed);
    for (const channel of this.#channels.values()) if (!channel.attached) this.#attach(channel);
  }

  /** A push. True if it was an entry of a logged channel, which its listener hears in its turn. */
  heard(push: Push): boolean {
    if (push.push === 'subscribed') this.#subscribedByHub(push);
    else if (push.push === 'unsubscribed') this.#unsubscribedByHub(push);
    const channel = push.ch === undefined ? undefined : this.#channels.get(push.ch);
    if (!channel) return false;
    if (push.push === 'lag') this.#pull(channel, push.off);
    else if (channel.log && isEntry(push)) {
      this.#take(channel, channel.log.accept(push), true);
      return true;
    } else if (push.push === 'cur' && typeof push.profile === 'string') {
      channel.moved({ profile: push.profile, delivered: Number(push.delivered ?? 0), read: Number(push.read ?? 0) });
    } else channel.listener.push?.(push);
    return false;
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
    const channel = new Channel(name, {}, false, false, true);
    this.#channels.set(name, channel);
    return channel;
  }

  #attach(channel: Channel): void {
    channel.attached = true;
    const { wire } = this.#host;
    wire?.request('sub', { ch: channel.name, ...channel.log?.position }, (ok, error) => {
      if (this.#channels.get(channel.name) !== channel) return;
      if (ok) this.#subscribed(channel, ok);
      else if (error instanceof CommandError && error.retry) setTimeout(() => this.#host.wire === wire && this.#attach(channel), error.afterMs ?? RETRY_MS);
      else if (error instanceof CommandError) {
        this.#channels.delete(channel.name);
        channel.listener.refused?.(error);
      }
    });
  }

  #subscribed(channel: Channel, answer: Subscribed): void {
    if (answer.ep !== undefined && answer.to !== undefined) this.#place(channel, answer.ep, answer.to, answer.recovered === true);
    for (const member of answer.members ?? []) channel.moved(member);
    channel.listener.ready?.(answer);
  }

  /** The hub told a logged channel's newest offset: begin there, or go on from the own position. `coming`: the gap follows as pushes. */
  #place(channel: Channel, ep: string, top: number, coming: boolean): void {
    if (!channel.log) return;
    channel.log.adopt(ep);
    const position = channel.log.position;
    // Ahead of the hub in the same numbering: entries were lost there (a restored backup), and others take their offsets.
    const known = position?.ep === ep && (coming || position.off <= top);
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
      if (live) this.#host.saw(entry.ts);
      channel.listener.entry?.(entry, live && !channel.repairing);
      this.#host.told(entry);
    }
    if (step.apply.length > 0) this.#host.moved(channel);
    if (step.reset) {
      // The numbering changed under us: ask for the new position, then read from the wanted start.
      if (!channel.renumbered) this.#attach(channel);
      channel.renumbered = true;
    } else if (step.gap && this.#host.wire) this.#repair(channel);
  }

  /** Pull mode: what is missing is read page by page, each asked for when the last was handled; then the pushes are asked for again. */
  #pull(channel: Channel, off: unknown): void {
    if (typeof off === 'number') channel.log?.reaches(off);
    channel.pulling = true;
    this.#repair(channel);
  }

  /** Reads the journal after the last applied entry until nothing known is missing. */
  #repair(channel: Channel, tries = 0): void {
    const { log } = channel;
    const { wire } = this.#host;
    const position = log?.position;
    if (!log || !wire || !position || (channel.repairing && tries === 0)) return;
    channel.repairing = true;
    const params = { ch: channel.name, after: position.off, limit: HISTORY_PAGE };
    wire.request('history', params, (ok, error) => {
      if (this.#host.wire !== wire || this.#channels.get(channel.name) !== channel) return;
      if (error) {
        this.#repairFailed(channel, error, tries);
        return;
      }
      const page = ok as unknown as Page;
      for (const entry of page.entries ?? []) this.#take(channel, log.accept(entry as Entry), false);
      const moved = log.position !== undefined && log.position.off > position.off;
      if (moved && (log.behind || (channel.pulling && page.more === true))) this.#repair(channel, 1);
      else if (log.behind) this.#repairLater(channel, tries);
      else this.#repaired(channel);
    });
  }

  #repaired(channel: Channel): void {
    channel.repairing = false;
    if (!channel.pulling) return;
    channel.pulling = false;
    this.#attach(channel);
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

  #repairLater(channel: Channel, tries: number, afterMs = RETRY_MS): void {
    const { wire } = this.#host;
    channel.repairing = true;
    setTimeout(() => {
      if (wire && this.#host.wire === wire) this.#repair(channel, tries + 1);
    }, afterMs);
  }
}
