/** What survives the end of the page or the process, if the app gives a place to keep it. */
import type { Position } from './protocol.ts';
import type { Kept } from './queue.ts';

/** Everything worth keeping. Plain JSON. */
export interface Saved {
  /** Up to where each heard logged channel was handed to its listener. */
  positions: Record<string, Position>;
  /** Commands whose outcome is not known. */
  commands: Kept[];
}

/** A place to keep it. `save` is called seldom, with everything; it should replace the old as a whole. */
export interface Storage {
  load(): Saved | undefined | Promise<Saved | undefined>;
  save(saved: Saved): void | Promise<void>;
}

/** The part of `localStorage` that is used. */
interface TextStore {
  getItem(key: string): string | null;
  setItem(key: string, text: string): void;
}

/** Keeps it as one text, for example in `localStorage`. Use a key for each profile. */
export function textStorage(store: TextStore, key: string): Storage {
  return {
    load() {
      try {
        const saved = JSON.parse(store.getItem(key) ?? 'null') as Partial<Saved> | null;
        return saved ? { positions: saved.positions ?? {}, commands: saved.commands ?? [] } : undefined;
      } catch {
        return undefined;
      }
    },
    save: (saved) => store.setItem(key, JSON.stringify(saved)),
  };
}
