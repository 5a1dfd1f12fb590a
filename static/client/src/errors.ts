/** What can go wrong, and what may be done about it. */
import type { WireError } from './frames.ts';

/** The hub answered a command with an error; the connection is still open. */
export class CommandError extends Error {
  readonly code: number;
  readonly wireName: string;
  readonly retry: boolean;
  readonly afterMs: number | undefined;
  /** What became of the thing, e.g. of an offer that somebody else has. */
  readonly state: string | undefined;

  constructor(wire: WireError) {
    super(wire.msg ?? wire.name);
    this.name = 'CommandError';
    this.code = wire.code;
    this.wireName = wire.name;
    this.retry = wire.retry ?? false;
    this.afterMs = wire.after_ms;
    this.state = wire.state;
  }
}

/** The connection was lost (or never there) before the answer came: the outcome is unknown. */
export class Disconnected extends Error {
  constructor(message = 'The connection was lost before the answer came.') {
    super(message);
    this.name = 'Disconnected';
  }
}

/** A command was given up by the app's own deadline: it may have happened, or may happen yet. */
export class TimedOut extends Error {
  constructor(method: string) {
    super(`No outcome of ${method} in time.`);
    this.name = 'TimedOut';
  }
}

/** A REST call was refused; the fields are those of problem+json. */
export class Problem extends Error {
  readonly status: number;
  readonly type: string | undefined;
  readonly detail: string | undefined;

  constructor(status: number, body: { title?: string; detail?: string; type?: string } = {}) {
    super(body.detail ?? body.title ?? `HTTP ${status}`);
    this.name = 'Problem';
    this.status = status;
    this.type = body.type;
    this.detail = body.detail;
  }
}

/** Why a connection ended for good. */
export interface Closed {
  code: number;
  reason: string;
}

/** 4500–4999 mean: coming back would not help. Everything else is worth another try. */
export function mayReconnect(code: number): boolean {
  return !(code >= 4500 && code <= 4999);
}

/** `;after=1200` at the end of a close reason: the server's own delay for this client. */
export function delayFromReason(reason: string): number | undefined {
  const found = /;after=(\d{1,7})(?:;|$)/.exec(reason);
  return found ? Number(found[1]) : undefined;
}
