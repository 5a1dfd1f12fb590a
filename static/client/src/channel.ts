/** One subscription of the hub client: its listener and, for a logged channel, its place in the log. */
import type { Entry, Push, Subscribed } from './protocol.ts';
import { isLogged } from './protocol.ts';
import { Log } from './log.ts';

/** What a subscriber hears. Every function is optional. */
export interface Listener {
  /** An entry of a logged channel: in order, once. `live` is false while a gap is being filled from the journal. */
  entry?(entry: Entry, live: boolean): void;
  /** A push that is not in the journal: newest values, snapshots, cursors. */
  push?(push: Push): void;
  /** The hub attached this connection; also after every reconnect. */
  ready?(answer: Subscribed): void;
  /** The log was renumbered: forget what was read, it comes again from the start that was asked for. */
  reset?(): void;
  /** The hub refused the channel for good. */
  refused?(error: Error): void;
}

export interface SubscribeOptions {
  /** `start`: the whole log from offset 1. `now` (default): only what comes after the subscription. */
  from?: 'start' | 'now';
}

export class Channel {
  log: Log | undefined;
  /** The hub was asked to attach this connection (or did it by itself). */
  attached = false;
  /** A history read is under way. */
  repairing = false;
  /** The epoch changed and the new position was asked for. */
  renumbered = false;

  constructor(
    readonly name: string,
    readonly listener: Listener,
    private fromStart: boolean,
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
    this.listener.reset?.();
  }
}
