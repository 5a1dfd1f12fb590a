/** Commands that change something: each has one `cid`, waits while there is no connection, and is sent again until its outcome is known. */
import { CommandError, Disconnected, TimedOut } from './errors.ts';
import type { Wire } from './wire.ts';

/** A command that waits for its outcome, in a form that can be stored. */
export interface Kept {
  cid: string;
  method: string;
  params: Record<string, unknown>;
}

export interface CommandOptions {
  /** Gives up after this long; the command may still have happened. Without it a command waits as long as the hub lives. */
  timeoutMs?: number;
  /** The `cid` to use, for a command that the app itself made safe to repeat. */
  cid?: string;
}

interface Waiting extends Kept {
  resolve(ok: Record<string, unknown>): void;
  reject(error: Error): void;
  /** The wire it was sent on, while no answer came. */
  wire?: Wire | undefined;
  refusals: number;
  timer?: ReturnType<typeof setTimeout>;
}

const REFUSALS_MAX = 8;
const RETRY_MS = 1_000;
/** More than this would be sent for minutes after a return. */
export const WAITING_MAX = 500;

export class Queue {
  readonly #wire: () => Wire | undefined;
  readonly #changed: () => void;
  #waiting: Waiting[] = [];

  /** `wire`: the connection, while it is signed in. `changed`: what waits is another list now. */
  constructor(wire: () => Wire | undefined, changed: () => void) {
    this.#wire = wire;
    this.#changed = changed;
  }

  /** What waits, oldest first. */
  get kept(): Kept[] {
    return this.#waiting.map(({ cid, method, params }) => ({ cid, method, params }));
  }

  add(kept: Kept, options: CommandOptions = {}): Promise<Record<string, unknown>> {
    if (this.#waiting.length >= WAITING_MAX) return Promise.reject(new Disconnected(`${WAITING_MAX} commands wait already.`));
    return new Promise((resolve, reject) => {
      const waiting: Waiting = { ...kept, resolve, reject, refusals: 0 };
      if (options.timeoutMs !== undefined) {
        waiting.timer = setTimeout(() => this.#end(waiting, () => reject(new TimedOut(kept.method))), options.timeoutMs);
      }
      this.#waiting.push(waiting);
      this.#changed();
      this.#send(waiting);
    });
  }

  /** A connection is there: everything without an answer goes out, in its order. */
  flush(): void {
    for (const waiting of this.#waiting) this.#send(waiting);
  }

  /** The hub has ended for good. */
  fail(error: Error): void {
    for (const waiting of [...this.#waiting]) this.#end(waiting, () => waiting.reject(error));
  }

  #send(waiting: Waiting): void {
    const wire = this.#wire();
    if (!wire || waiting.wire === wire || !this.#waiting.includes(waiting)) return;
    waiting.wire = wire;
    wire.request(waiting.method, { ...waiting.params, cid: waiting.cid }, (ok, error) => {
      if (waiting.wire !== wire) return;
      if (ok) this.#end(waiting, () => waiting.resolve(ok));
      else if (error instanceof CommandError && (!error.retry || ++waiting.refusals >= REFUSALS_MAX)) this.#end(waiting, () => waiting.reject(error));
      else this.#again(waiting, error instanceof CommandError ? (error.afterMs ?? RETRY_MS) : RETRY_MS);
    });
  }

  /** The next connection sends it by itself; on this one it needs a pause. */
  #again(waiting: Waiting, afterMs: number): void {
    const { wire } = waiting;
    if (this.#wire() !== wire) {
      waiting.wire = undefined;
      return;
    }
    setTimeout(() => {
      if (waiting.wire === wire) waiting.wire = undefined;
      this.#send(waiting);
    }, afterMs);
  }

  #end(waiting: Waiting, tell: () => void): void {
    clearTimeout(waiting.timer);
    this.#waiting = this.#waiting.filter((one) => one !== waiting);
    this.#changed();
    tell();
  }
}
