/** The messages of one order's chat, out of its entries: taken-back ones are tombstones, replies know what they answer. No IO. */
import type { Cursor } from './channel.ts';
import type { PushMsg, PushMsgRecalled, SharedPlace } from './frames.ts';
import type { Entry } from './protocol.ts';

export interface Message {
  off: number;
  ts: number;
  cid?: string;
  from: { profile: string; role: string; name: string };
  kind: string;
  /** Empty when it was taken back, and beside a picture or a place without words. */
  body: string;
  place?: SharedPlace;
  att?: string;
  replyTo?: number;
  recalled: boolean;
}

export class ChatLog {
  readonly messages = new Map<number, Message>();
  /** Messages that were taken back before they were read here. */
  readonly #recalled = new Set<number>();

  /** Takes an entry in, in its order. True if it changed a message. */
  apply(entry: Entry): boolean {
    if (entry.push === 'edit' && entry.recalled === true && typeof entry.of === 'number') return this.#recall(entry.of);
    if (entry.push !== 'msg') return false;
    const said = entry as unknown as PushMsg & Partial<PushMsgRecalled>;
    const message: Message = { off: said.off, ts: said.ts, from: said.from, kind: said.kind, body: said.body ?? '', recalled: said.recalled === true };
    if (said.cid !== undefined) message.cid = said.cid;
    if (said.place !== undefined) message.place = said.place;
    if (said.att !== undefined) message.att = said.att;
    if (said.reply_to !== undefined) message.replyTo = said.reply_to;
    this.messages.set(message.off, message);
    if (this.#recalled.has(message.off)) this.#recall(message.off);
    return true;
  }

  /** The log was renumbered. */
  clear(): void {
    this.messages.clear();
    this.#recalled.clear();
  }

  #recall(off: number): boolean {
    this.#recalled.add(off);
    const old = this.messages.get(off);
    if (!old) return false;
    const { place: _place, att: _att, ...kept } = old;
    this.messages.set(off, { ...kept, body: '', recalled: true });
    return true;
  }
}

/** What became of an own message: read or delivered by all others, as far as they are known. */
export function receipt(off: number, own: string, cursors: Iterable<Cursor>): 'sent' | 'delivered' | 'read' {
  const others = [...cursors].filter(({ profile }) => profile !== own);
  if (others.length === 0) return 'sent';
  if (others.every(({ read }) => read >= off)) return 'read';
  return others.every(({ delivered }) => delivered >= off) ? 'delivered' : 'sent';
}
