/** The reader's side of one logged channel, without any IO: which entry may be applied now, which must wait. */
import type { Entry, Position } from './protocol.ts';

/** What to do after looking at an entry. */
export interface Step {
  /** Entries to apply, in order. */
  apply: Entry[];
  /** Something before a held entry is missing: ask `history` after `last`. */
  gap: boolean;
  /** The numbering changed: everything read so far belongs to another log. */
  reset: boolean;
}

/** How many entries may wait for a repair. More would only cost memory: `history` brings them again. */
const HELD_MAX = 1_000;

export class Log {
  #ep: string | undefined;
  #last: number | undefined;
  #top = 0;
  readonly #held = new Map<number, Entry>();

  /** The newest applied position, as `connect` wants it in its `resume` map. */
  get position(): Position | undefined {
    return this.#ep !== undefined && this.#last !== undefined ? { ep: this.#ep, off: this.#last } : undefined;
  }

  /** True while entries are known to exist that were not applied. */
  get behind(): boolean {
    return this.#last !== undefined && this.#top > this.#last;
  }

  /** Starts (or starts again) after `last`. Entries that came before the position was known are looked at now. */
  begin(ep: string, last: number): Step {
    if (this.#ep !== undefined && this.#ep !== ep) this.#held.clear();
    for (const [off, entry] of this.#held) if (entry.ep !== ep) this.#held.delete(off);
    this.#ep = ep;
    this.#last = last;
    this.#top = Math.max(last, ...this.#held.keys());
    return this.#drain();
  }

  /** A channel without entries has no numbering yet (`ep` is empty): its first one is no change. */
  adopt(ep: string): void {
    if (this.#ep === '') this.#ep = ep;
  }

  /** The server says that the channel reaches up to `off`. */
  reaches(off: number): void {
    this.#top = Math.max(this.#top, off);
  }

  /** One entry from the socket or from a history page: applied only if it is `last + 1`. */
  accept(entry: Entry): Step {
    if (this.#last === undefined) {
      this.#hold(entry);
      return { apply: [], gap: false, reset: false };
    }
    this.adopt(entry.ep);
    if (entry.ep !== this.#ep) return { apply: [], gap: false, reset: true };
    this.#top = Math.max(this.#top, entry.off);
    if (entry.off > this.#last) this.#hold(entry);
    return this.#drain();
  }

  #hold(entry: Entry): void {
    if (this.#held.size < HELD_MAX || entry.off === (this.#last ?? 0) + 1) this.#held.set(entry.off, entry);
  }

  #drain(): Step {
    const apply: Entry[] = [];
    let last = this.#last ?? 0;
    for (const off of this.#held.keys()) if (off <= last) this.#held.delete(off);
    for (let next = this.#held.get(last + 1); next; next = this.#held.get(last + 1)) {
      this.#held.delete(++last);
      apply.push(next);
    }
    this.#last = last;
    return { apply, gap: this.#held.size > 0, reset: false };
  }
}
