/** One subscription of the hub client: its listener and, for a logged channel, its place in the log. */
import type { Entry, Position, Push, Subscribed } from './protocol.ts';
import { isLogged } from './protocol.ts';
import { Log } from './log.ts';

/** How far a party of a channel has come. */
export interface Cursor {
  profile: string;
  delivered: number;
  read: number;
}

/** What a subscriber hears. Every function is optional. */
export interface Listener {
  /** An entry of a logged channel: in order, once. `live` is false while a gap is being filled from the journal. */
  entry?(entry: Entry, live: boolean): void;
  /** A push that is not in the journal: newest values, snapshots. */
  push?(push: Push): void;
  /** Somebody has come further in a logged channel; never further back. */
  cursor?(cursor: Cursor): void;
  /** The hub attached this connection; also after every reconnect. */
  ready?(answer: Subscribed): void;
  /** The log was renumbered: forget what was read, it comes again from the start that was asked for. */
  reset?(): void;
  /** The hub refused the channel for good. */
  refused?(error: Error): void;
}

export interface SubscribeOptions {
  /**
   * `start`: the whole log from offset 1. `now` (default): only what comes after the subscription.
   * `saved`: behind the position that the storage kept, else from the start. A position: behind it.
   */
  from?: 'start' | 'now' | 'saved' | Position;
  /** Whether entries are acknowledged by themselves once the listener has seen them; the hub's setting unless given. */
  ack?: boolean;
}

export class Channel {
  log: Log | undefined;
  /** The hub was asked to attach this connection (or did it by itself). */
  attached = false;
  /** A history read is under way. */
  repairing = false;
  /** The hub sends nothing of this channel until everything was read and `sub` was said again. */
  pulling = false;
  /** The epoch changed and the new position was asked for. */
  renumbered = false;
  readonly cursors = new Map<string, Cursor>();

  constructor(
    readonly name: string,
    readonly listener: Listener,
    private fromStart: boolean,
    /** Entries are acknowledged. */
    readonly acks: boolean,
    /** Subscribed by the hub, wanted by nobody here: followed only so that it can be resumed. */
    readonly unheard = false,
  ) {
    this.log = isLogged(name) ? new Log() : undefined;
  }

  /** Where to begin reading when the hub has told the channel's position for the first time (or renumbered it). */
  startAt(top: number): number {
    return this.fromStart ? 0 : top;
  }

  /** Forgets everything read. When its start is `tooOld` to be read, reading goes on from now. */
  forget(tooOld: boolean): void {
    if (tooOld) this.fromStart = false;
    this.log = new Log();
    this.repairing = false;
    this.pulling = false;
    this.listener.reset?.();
  }

  /** Somebody's cursor, as it was told: only the larger counts, they may come in any order. */
  moved({ profile, delivered, read }: Cursor): void {
    const old = this.cursors.get(profile);
    const now = { profile, delivered: Math.max(delivered, old?.delivered ?? 0), read: Math.max(read, old?.read ?? 0) };
    if (old && now.delivered === old.delivered && now.read === old.read) return;
    this.cursors.set(profile, now);
    this.listener.cursor?.(now);
  }
}
