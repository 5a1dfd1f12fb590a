/** Receipts: what arrived (`ack`) and what was read (`read`), many together and only the newest of each channel. */
import { CommandError } from './errors.ts';
import type { Wire } from './wire.ts';

interface Mark {
  want: number;
  said: number;
}

const EVERY_MS = 400;
/** Receipts must leave room for commands: 120 in 10 s are allowed. */
const AT_ONCE = 3;

export class Receipts {
  readonly #wire: () => Wire | undefined;
  readonly #marks = { ack: new Map<string, Mark>(), read: new Map<string, Mark>() };
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(wire: () => Wire | undefined) {
    this.#wire = wire;
  }

  /** Everything up to `off` arrived at this device. */
  arrived(ch: string, off: number): void {
    this.#want('ack', ch, off);
  }

  /** Everything up to `off` was read by the person. That it arrived goes without saying. */
  read(ch: string, off: number): void {
    this.#want('read', ch, off);
  }

  /** A connection is there again: what was not confirmed is said again. */
  connected(): void {
    this.#later(0);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #want(method: 'ack' | 'read', ch: string, off: number): void {
    const mark = this.#marks[method].get(ch) ?? { want: 0, said: 0 };
    if (off <= mark.want) return;
    mark.want = off;
    this.#marks[method].set(ch, mark);
    this.#later(EVERY_MS);
  }

  #later(ms: number): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#say();
    }, ms);
  }

  #say(): void {
    const wire = this.#wire();
    if (!wire) return;
    // The inbox first: what is not acknowledged there soon becomes a notification.
    const due = [...this.#due('read'), ...this.#due('ack')].sort((a, b) => Number(b.ch.startsWith('inbox:')) - Number(a.ch.startsWith('inbox:')));
    for (const { method, ch, mark } of due.slice(0, AT_ONCE)) {
      const off = mark.want;
      wire.request(method, { ch, off }, (ok, error) => {
        // What the hub refuses for good would be refused again.
        if (ok || (error instanceof CommandError && !error.retry)) mark.said = Math.max(mark.said, off);
        else if (this.#wire() === wire) this.#later(EVERY_MS);
      });
    }
    if (due.length > AT_ONCE) this.#later(EVERY_MS);
  }

  #due(method: 'ack' | 'read'): { method: 'ack' | 'read'; ch: string; mark: Mark }[] {
    const isDue = ([ch, { want, said }]: [string, Mark]): boolean => want > said && !(method === 'ack' && (this.#marks.read.get(ch)?.said ?? 0) >= want);
    return [...this.#marks[method]].filter(isDue).map(([ch, mark]) => ({ method, ch, mark }));
  }
}
