/** The newest events of the region, bounded. */
import { signal } from '@preact/signals';
import type { OpsEvent } from './wire.ts';

export interface FeedItem extends OpsEvent {
  /** Rises with every event; the key of its row. */
  n: number;
  at: number;
}

export const FEED_MAX = 300;
const TICK_MS = 200;

export class Feed {
  readonly items = signal<FeedItem[]>([]);
  #n = 0;
  #fresh: FeedItem[] = [];

  add(event: OpsEvent, now: number): void {
    if (this.#fresh.length === 0) setTimeout(() => this.#show(), TICK_MS);
    this.#fresh.push({ ...event, n: ++this.#n, at: event.at ?? now });
    if (this.#fresh.length > FEED_MAX) this.#fresh.shift();
  }

  clear(): void {
    this.#fresh = [];
    this.items.value = [];
  }

  #show(): void {
    if (this.#fresh.length === 0) return;
    this.items.value = [...this.#fresh.reverse(), ...this.items.value].slice(0, FEED_MAX);
    this.#fresh = [];
  }
}

/** Keeps what belongs to an order or a store whose id or name contains the text. */
export function matches(item: FeedItem, text: string, storeName: (id: string | undefined) => string): boolean {
  const wanted = text.trim().toLowerCase().replace(/^#/, '');
  if (wanted === '') return true;
  const store = typeof item.store === 'object' ? item.store.name : storeName(item.store);
  const rider = typeof item.rider === 'object' ? item.rider.name : item.rider;
  return [item.order, store, rider].some((field) => field?.toLowerCase().includes(wanted));
}
