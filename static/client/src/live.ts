/** Who is there and who writes, from the pushes of one `live:` channel. No IO. */
import type { Push } from './protocol.ts';

/** Somebody's presence: the union of all devices. */
export interface Presence {
  profile: string;
  role: string;
  on: boolean;
  /** Since when, Unix ms; null if never there. */
  at: number | null;
}

const TYPING_MS = 6_000;

export class LiveRoom {
  readonly present = new Map<string, Presence>();
  readonly #typing = new Map<string, { name: string; until: number }>();

  /** Takes a push in. True if it changed what is seen. */
  apply(push: Push, now: number = Date.now()): boolean {
    if (push.push === 'presence') return this.#presence(push);
    if (push.push === 'typing') return this.#types(push, now);
    return false;
  }

  /** Something was said: who said it has stopped writing. */
  said(profile: string): boolean {
    return this.#typing.delete(profile);
  }

  /** Who writes now, by name. */
  typing(now: number = Date.now()): string[] {
    for (const [profile, { until }] of this.#typing) if (until <= now) this.#typing.delete(profile);
    return [...this.#typing.values()].map(({ name }) => name);
  }

  #presence(push: Push): boolean {
    if (Array.isArray(push.snapshot)) {
      this.present.clear();
      for (const one of push.snapshot as Presence[]) this.present.set(one.profile, one);
      return true;
    }
    const one = push as unknown as Presence;
    if (typeof one.profile !== 'string' || (this.present.get(one.profile)?.at ?? 0) > (one.at ?? 0)) return false;
    this.present.set(one.profile, { profile: one.profile, role: one.role, on: one.on, at: one.at });
    if (!one.on) this.#typing.delete(one.profile);
    return true;
  }

  #types(push: Push, now: number): boolean {
    if (typeof push.profile !== 'string') return false;
    if (push.on === false) return this.#typing.delete(push.profile);
    const until = now + (typeof push.ttl_ms === 'number' ? push.ttl_ms : TYPING_MS);
    this.#typing.set(push.profile, { name: String(push.name ?? push.profile), until });
    return true;
  }
}
