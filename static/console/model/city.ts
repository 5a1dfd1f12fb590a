/** What `ops:{region}` has told: every rider, store and open order by id. Plain data; the map reads it at every frame. */
import { signal } from '@preact/signals';
import { phaseOf, shortId, type Phase } from '../words.ts';
import { Motion } from '../map/motion.ts';
import type { OrderValue, RiderValue, StoreValue } from './wire.ts';

export interface Rider extends RiderValue {
  id: string;
  name: string;
  load: number;
  motion: Motion;
}
export interface Store extends StoreValue {
  id: string;
}
export interface Order extends Omit<OrderValue, 'rider'> {
  id: string;
  rider: string | undefined;
  phase: Phase;
}

export interface Counters {
  ridersOn: number;
  ridersBreak: number;
  offersOut: number;
  delivered: number;
  byPhase: Record<Phase, number>;
}

const TICK_MS = 250;

export class City {
  readonly riders = new Map<string, Rider>();
  readonly stores = new Map<string, Store>();
  readonly orders = new Map<string, Order>();
  readonly #delivered = new Set<string>();
  #pending = false;
  /** Rises at most four times a second while something changes: lists and counters redraw with it. */
  readonly version = signal(0);
  /** False until the first snapshot. */
  readonly known = signal(false);

  /** A snapshot replaces everything; riders that were there keep moving smoothly. */
  replace(values: Record<string, unknown>, now: number): void {
    for (const map of [this.riders, this.stores, this.orders]) {
      for (const id of map.keys()) if (![`rider:${id}`, `store:${id}`, `order:${id}`].some((key) => key in values)) map.delete(id);
    }
    for (const [key, value] of Object.entries(values)) this.#set(key, value, now);
    this.known.value = true;
    this.#changed();
  }

  /** One changed value; null means gone. */
  apply(key: string, value: unknown, now: number): void {
    this.#set(key, value, now);
    this.#changed();
  }

  /** An order counts as delivered once, whether an event or its value said so first. */
  sawDelivered(order: string): void {
    this.#delivered.add(order);
    this.#changed();
  }

  counters(): Counters {
    const byPhase = { unpaid: 0, new: 0, kitchen: 0, ready: 0, onway: 0, done: 0, ended: 0 };
    let offersOut = 0;
    for (const order of this.orders.values()) {
      byPhase[order.phase]++;
      if (order.delivery_state === 'offering') offersOut++;
    }
    let ridersBreak = 0;
    for (const rider of this.riders.values()) if (rider.duty === 'break') ridersBreak++;
    return { ridersOn: this.riders.size - ridersBreak, ridersBreak, offersOut, delivered: this.#delivered.size, byPhase };
  }

  /** When the order is expected at the door: told with the order, else by the plan of its rider. */
  etaOf(order: Order | undefined): number | undefined {
    if (!order || order.phase === 'done' || order.phase === 'ended') return undefined;
    const stops = this.riders.get(order.rider ?? '')?.stops;
    return order.eta ?? stops?.find((stop) => stop.order === order.id && stop.stop === 'dropoff')?.eta;
  }

  storeName(id: string | undefined): string {
    return (id !== undefined && this.stores.get(id)?.name) || 'Store';
  }

  #set(key: string, value: unknown, now: number): void {
    const at = key.indexOf(':');
    const [kind, id] = [key.slice(0, at), key.slice(at + 1)];
    if (kind === 'rider') this.#rider(id, value as RiderValue | null, now);
    else if (kind === 'store') put(this.stores, id, value === null ? null : { ...(value as StoreValue), id });
    else if (kind === 'order') this.#order(id, value as OrderValue | null);
  }

  #rider(id: string, value: RiderValue | null, now: number): void {
    if (!value) {
      this.riders.delete(id);
      return;
    }
    const before = this.riders.get(id);
    const motion = before?.motion ?? new Motion();
    motion.fix(value, value.hdg ?? undefined, now);
    this.riders.set(id, { name: shortId(id), load: 0, ...before, ...value, id, motion });
  }

  #order(id: string, value: OrderValue | null): void {
    const phase = value ? phaseOf(value.order_state ?? value.status) : undefined;
    if (phase === 'done') this.#delivered.add(id);
    const rider = typeof value?.rider === 'object' ? value.rider?.id : value?.rider;
    put(this.orders, id, value && phase ? { ...value, id, phase, rider } : null);
  }

  #changed(): void {
    if (this.#pending) return;
    this.#pending = true;
    setTimeout(() => {
      this.#pending = false;
      this.version.value++;
    }, TICK_MS);
  }
}

function put<T>(map: Map<string, T>, id: string, value: T | null): void {
  if (value === null) map.delete(id);
  else map.set(id, value);
}
