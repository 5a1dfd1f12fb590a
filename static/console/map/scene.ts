/** One frame of the map: what is drawn, in which order, and what lies under the pointer. */
import type { City, Order, Rider, Store } from '../model/city.ts';
import type { Selected } from '../model/live.ts';
import type { Point } from '../model/wire.ts';
import { cellSize, geohash } from './geohash.ts';
import type { Palette } from './palette.ts';
import * as shapes from './shapes.ts';
import type { XY } from './shapes.ts';

/** The map as the scene sees it. */
export interface View {
  width: number;
  height: number;
  zoom: number;
  project(point: Point): XY;
  north: number;
  south: number;
  west: number;
  east: number;
}

export interface Frame {
  /** Something still moves: another frame will differ. */
  moving: boolean;
  /** Where each mark was drawn, the topmost last. */
  hits: Hit[];
}

interface Hit extends XY, Selected {
  radius: number;
}

const MARGIN = 40;
const PIPS_MAX = 5;
const BEAT_MS = 1_400;
const LABEL_ZOOM = 13.25;
/** A cell smaller than this on the screen gives way to the next larger kind. */
const CELL_PX_MIN = 48;
const CELL_LABEL_PX_MIN = 120;

export class Scene {
  /** Something is selected: the rest steps back. */
  private quiet = false;
  readonly #labels: (XY & { half: number })[] = [];

  constructor(
    private readonly c: CanvasRenderingContext2D,
    private readonly view: View,
    private readonly p: Palette,
    private readonly now: number,
    private readonly still: boolean,
  ) {}

  draw(city: City, selected: Selected | undefined, withGrid: boolean): Frame {
    const hits: Hit[] = [];
    this.quiet = selected !== undefined;
    this.c.clearRect(0, 0, this.view.width, this.view.height);
    if (withGrid) this.#grid();
    const chosenRider = this.#riderOf(city, selected);
    for (const order of city.orders.values()) this.#way(order, selected);
    for (const rider of city.riders.values()) if (rider !== chosenRider) this.#route(rider, false);
    if (chosenRider) this.#route(chosenRider, true);
    const ringing = this.#stores(city, selected, hits);
    for (const order of city.orders.values()) this.#dropoff(order, selected, hits);
    const moving = this.#riders(city, chosenRider, hits);
    return { moving: moving || (ringing && !this.still), hits };
  }

  #inside(at: XY): boolean {
    return at.x > -MARGIN && at.y > -MARGIN && at.x < this.view.width + MARGIN && at.y < this.view.height + MARGIN;
  }

  #riderOf(city: City, selected: Selected | undefined): Rider | undefined {
    if (selected?.kind === 'rider') return city.riders.get(selected.id);
    if (selected?.kind === 'order') return city.riders.get(city.orders.get(selected.id)?.rider ?? '');
    return undefined;
  }

  #grid(): void {
    const { c, view, p } = this;
    const pxPerDegree = view.width / Math.max(view.east - view.west, 1e-9);
    const characters = [6, 5, 4, 3, 2, 1].find((n) => cellSize(n).lng * pxPerDegree >= CELL_PX_MIN) ?? 1;
    const cell = cellSize(characters);
    c.strokeStyle = p.grid;
    c.lineWidth = 1;
    c.beginPath();
    for (let lng = Math.floor(view.west / cell.lng) * cell.lng; lng <= view.east; lng += cell.lng) {
      const x = Math.round(view.project({ lat: view.north, lng }).x) + 0.5;
      c.moveTo(x, 0);
      c.lineTo(x, view.height);
    }
    for (let lat = Math.floor(view.south / cell.lat) * cell.lat; lat <= view.north; lat += cell.lat) {
      const y = Math.round(view.project({ lat, lng: view.west }).y) + 0.5;
      c.moveTo(0, y);
      c.lineTo(view.width, y);
    }
    c.stroke();
    if (cell.lng * pxPerDegree < CELL_LABEL_PX_MIN) return;
    c.font = '10px ui-monospace, monospace';
    c.textAlign = 'left';
    c.textBaseline = 'top';
    c.fillStyle = p.gridText;
    for (let lng = Math.floor(view.west / cell.lng) * cell.lng; lng <= view.east; lng += cell.lng) {
      for (let lat = Math.floor(view.south / cell.lat) * cell.lat; lat <= view.north; lat += cell.lat) {
        const corner = view.project({ lat: lat + cell.lat, lng });
        c.fillText(geohash(lat + cell.lat / 2, lng + cell.lng / 2, characters), corner.x + 5, corner.y + 5);
      }
    }
  }

  /** From the store to the door, while nobody rides it yet (the rider's own route shows it afterwards). */
  #way(order: Order, selected: Selected | undefined): void {
    const chosen = selected?.kind === 'order' && selected.id === order.id;
    if (order.phase === 'done' || order.phase === 'ended') return;
    if (order.rider && !chosen) return;
    const colour = this.p.phase[order.phase];
    const points = [this.view.project(order.pickup), this.view.project(order.dropoff)];
    shapes.line(this.c, points, colour, { width: chosen ? 2.5 : 1.25, alpha: chosen ? 0.9 : 0.35, dash: [2, 6] });
  }

  #route(rider: Rider, chosen: boolean): void {
    const stops = rider.stops ?? [];
    if (stops.length === 0) return;
    const at = this.#place(rider);
    const points = [at, ...stops.map((stop) => this.view.project(stop))];
    if (!chosen) {
      // The leg being ridden now says more than those that may still be planned anew.
      const alpha = this.quiet ? 0.4 : 1;
      shapes.line(this.c, points.slice(0, 2), this.p.accent, { width: 1.75, alpha: 0.5 * alpha });
      shapes.line(this.c, points.slice(1), this.p.accent, { width: 1.25, alpha: 0.22 * alpha });
      return;
    }
    shapes.line(this.c, points, this.p.accent, { width: 3, alpha: 0.85 });
    stops.forEach((_, i) => {
      const stop = points[i + 1];
      if (stop) shapes.number(this.c, { x: stop.x + 14, y: stop.y + 6 }, String(i + 1), this.p);
    });
  }

  #stores(city: City, selected: Selected | undefined, hits: Hit[]): boolean {
    const open = new Map<string, Order[]>();
    for (const order of city.orders.values()) {
      if (order.phase === 'onway' || order.phase === 'done' || order.phase === 'ended') continue;
      open.set(order.store, [...(open.get(order.store) ?? []), order]);
    }
    let anyRinging = false;
    const beat = this.still ? 0.4 : (this.now % BEAT_MS) / BEAT_MS;
    for (const store of city.stores.values()) {
      const at = this.view.project(store);
      if (!this.#inside(at)) continue;
      const orders = open.get(store.id) ?? [];
      const ringing = orders.some((order) => order.phase === 'new');
      anyRinging ||= ringing;
      const pips = orders.slice(0, PIPS_MAX).map((order) => this.p.phase[order.phase]);
      const chosen = this.#isChosenStore(city, store, selected);
      shapes.store(this.c, at, { open: store.is_open, pips, chosen, ringing, beat }, this.p);
      if (this.view.zoom >= LABEL_ZOOM || chosen) this.#label({ x: at.x, y: at.y - 12 }, store.name, chosen);
      hits.push({ ...at, kind: 'store', id: store.id, radius: 13 });
    }
    return anyRinging;
  }

  /** A name gives way to one that stands there already, unless it is the chosen one. */
  #label(at: XY, text: string, always: boolean): void {
    const half = text.length * 3.2 + 2;
    const collides = this.#labels.some((other) => Math.abs(other.y - at.y) < 13 && Math.abs(other.x - at.x) < other.half + half);
    if (collides && !always) return;
    this.#labels.push({ ...at, half });
    shapes.label(this.c, at, text, this.p);
  }

  #isChosenStore(city: City, store: Store, selected: Selected | undefined): boolean {
    if (selected?.kind === 'store') return selected.id === store.id;
    return selected?.kind === 'order' && city.orders.get(selected.id)?.store === store.id;
  }

  #dropoff(order: Order, selected: Selected | undefined, hits: Hit[]): void {
    const at = this.view.project(order.dropoff);
    if (!this.#inside(at)) return;
    const chosen = selected?.kind === 'order' && selected.id === order.id;
    const dim = order.phase === 'done' || order.phase === 'ended' || order.phase === 'unpaid';
    shapes.dropoff(this.c, at, this.p.phase[order.phase], { chosen, dim }, this.p);
    hits.push({ x: at.x, y: at.y - 12, kind: 'order', id: order.id, radius: 13 });
  }

  #riders(city: City, chosen: Rider | undefined, hits: Hit[]): boolean {
    let moving = false;
    for (const rider of city.riders.values()) {
      const place = rider.motion.at(this.now);
      const at = this.#place(rider);
      if (!this.#inside(at)) continue;
      moving ||= place.moving;
      const resting = rider.duty === 'break';
      const busy = rider.load > 0 || (rider.stops?.length ?? 0) > 0;
      shapes.rider(this.c, at, { hdg: place.hdg, busy, resting, chosen: rider === chosen, load: rider.load }, this.p);
      if (rider === chosen) this.#label({ x: at.x, y: at.y - 18 }, rider.name, true);
      hits.push({ ...at, kind: 'rider', id: rider.id, radius: 14 });
    }
    return moving;
  }

  #place(rider: Rider): XY {
    return this.view.project(this.still ? rider : rider.motion.at(this.now));
  }
}

/** The mark under a point; the one drawn last wins among equals. */
export function hitAt(hits: Hit[], at: XY): Selected | undefined {
  let best: Hit | undefined;
  let bestDistance = Infinity;
  for (const hit of hits) {
    const distance = Math.hypot(hit.x - at.x, hit.y - at.y);
    if (distance <= hit.radius && distance <= bestDistance) [best, bestDistance] = [hit, distance];
  }
  return best && { kind: best.kind, id: best.id };
}
