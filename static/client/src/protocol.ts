/** The words on the wire: `riderhub.v1.json`. Unknown fields and unknown pushes are ignored, so every shape here is open. */

import type { Commands, Member, WireError } from './frames.ts';

/** The subprotocol this package speaks. */
export const SUBPROTOCOL = 'riderhub.v1.json';

export type Role = 'customer' | 'merchant' | 'rider' | 'operator';

/** A place in a logged channel: the numbering (epoch) and the offset within it. */
export interface Position {
  ep: string;
  off: number;
}

/** Answer to `connect`; an older server may leave things out. */
export type Welcome = Omit<Commands['connect']['ok'], 'channels' | 'ping' | 'reconnect'> & Partial<Pick<Commands['connect']['ok'], 'channels' | 'ping' | 'reconnect'>>;

/** What the hub says about one logged channel when a connection begins. */
export type Resumed = Commands['connect']['ok']['channels'][string];

/** How the server wants to be called again after a lost connection. */
export interface ReconnectRules {
  min_ms: number;
  max_ms: number;
  first_window_ms: number;
}

/** Any frame the hub sends by itself. */
export interface Push {
  push: string;
  ch?: string;
  [field: string]: unknown;
}

/** A push that is a row of the journal. */
export interface Entry extends Push {
  ch: string;
  ep: string;
  off: number;
  ts: number;
  sender?: string;
  cid?: string;
}

export interface Reply {
  id: number;
  ok?: Record<string, unknown>;
  err?: WireError;
}

export type Frame = Reply | Push;

/** Answer to `sub`; a latest channel has no position. With `recovered` the entries up to `to` follow as pushes. */
export interface Subscribed {
  ep?: string;
  from?: number;
  to?: number;
  recovered?: boolean;
  members?: Member[];
  [field: string]: unknown;
}

/** Answer to `history`: oldest first with `after`, newest first with `before`. */
export interface Page {
  entries: Entry[];
  more?: boolean;
  [field: string]: unknown;
}

/** True for a frame that carries a journal offset. */
export function isEntry(push: Push): push is Entry {
  return typeof push.off === 'number' && typeof push.ep === 'string' && typeof push.ch === 'string';
}

const LOGGED = ['inbox:', 'order:', 'store:', 'bench:log:'];

/** Logged channels keep every entry with an offset; the others only tell the newest value. */
export function isLogged(channel: string): boolean {
  return LOGGED.some((prefix) => channel.startsWith(prefix));
}

/** Splits one WebSocket message into its frames. A line that is not JSON, or not an object, is skipped. */
export function decode(message: string): Frame[] {
  const frames: Frame[] = [];
  for (const line of message.split('\n')) {
    if (line === '') continue;
    try {
      const frame: unknown = JSON.parse(line);
      if (typeof frame === 'object' && frame !== null && !Array.isArray(frame)) frames.push(frame as Frame);
    } catch {
      // A newer server may send what we cannot read; the rest of the burst still counts.
    }
  }
  return frames;
}
