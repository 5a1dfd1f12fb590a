/** The bodies of pushes and REST answers that the console reads (docs/asyncapi says the same). */
import type { Role } from '@riderhub/client';

export interface Point {
  lat: number;
  lng: number;
}

export interface RiderStop extends Point {
  stop: 'pickup' | 'dropoff';
  order: string;
  eta?: number;
}

/** Value of `rider:…` on `ops:{region}`. */
export interface RiderValue extends Point {
  /** A server that only knows where he is (a snapshot before his first fix) leaves out the rest. */
  name?: string;
  hdg?: number | null;
  duty: 'on' | 'break';
  load?: number;
  capacity: number;
  stops?: RiderStop[];
}

/** Value of `order:…` on `ops:{region}`. */
export interface OrderValue {
  order: string;
  store: string;
  store_name?: string;
  status: string;
  order_state?: string;
  delivery_state?: string | null;
  rider?: string | { id: string; name: string } | null;
  pickup: Point;
  dropoff: Point;
  total_minor: number;
  currency: string;
  placed: number;
  eta?: number | null;
  alarm?: string | boolean | null;
}

/** Value of `store:…` on `ops:{region}`. */
export interface StoreValue extends Point {
  name: string;
  is_open: boolean;
}

/** A change of one of the linked machines, on `order:{id}` and in the operators' feed. */
export interface ChangeBody {
  order?: string;
  seq?: number;
  machine?: string;
  event?: string;
  from?: string;
  to?: string;
  status?: string;
  by?: { role?: string; id?: string };
  reason?: string;
  at?: number;
  store?: string | { id?: string; name?: string };
  rider?: { id?: string; name?: string } | string;
  total_minor?: number;
  currency?: string;
}

/** A push `ops.event`. */
export interface OpsEvent extends ChangeBody {
  kind: string;
  alarm?: string;
}

export interface Sender {
  profile: string;
  role: Role | 'system';
  name: string;
}

export interface Region {
  region: string;
  lat: number;
  lng: number;
  stores: number;
}

/** The parts of `GET /v1/orders/{id}` that the panel shows; all optional, for the panel works without. */
export interface OrderView {
  lines?: { product?: string; name?: string; quantity?: number; price_minor?: number; total_minor?: number }[];
  note?: string | null;
  dropoff?: { address?: string };
}
