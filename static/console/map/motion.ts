/** Smooth movement between position fixes: where to draw a rider now. */
import type { Point } from '../model/wire.ts';

const SPAN_MIN_MS = 250;
const SPAN_MAX_MS = 6_000;
/** Further than this in one step is not riding: draw it where it is. */
const JUMP_DEG = 0.02;

export class Motion {
  #from: Point = { lat: 0, lng: 0 };
  #to: Point = { lat: 0, lng: 0 };
  #hdgFrom = 0;
  #hdgTo = 0;
  #start = -1;
  #span = 1_000;

  /** A new fix at local time `now`. The way there takes about as long as the next fix is expected to take. */
  fix(to: Point, hdg: number | undefined, now: number): void {
    if (this.#start < 0) {
      this.#from = this.#to = { lat: to.lat, lng: to.lng };
      this.#hdgFrom = this.#hdgTo = hdg ?? 0;
      this.#start = now;
      return;
    }
    if (to.lat === this.#to.lat && to.lng === this.#to.lng) return;
    const here = this.at(now);
    const far = Math.abs(to.lat - here.lat) + Math.abs(to.lng - here.lng) > JUMP_DEG;
    const since = now - this.#start;
    if (since > 0) this.#span = clamp(since < SPAN_MAX_MS ? this.#span * 0.6 + since * 0.44 : this.#span, SPAN_MIN_MS, SPAN_MAX_MS);
    this.#from = far ? { lat: to.lat, lng: to.lng } : { lat: here.lat, lng: here.lng };
    this.#to = { lat: to.lat, lng: to.lng };
    this.#hdgFrom = here.hdg;
    this.#hdgTo = hdg ?? bearing(this.#from, this.#to) ?? here.hdg;
    this.#start = now;
  }

  at(now: number): Point & { hdg: number; moving: boolean } {
    const part = clamp((now - this.#start) / this.#span, 0, 1);
    const turn = clamp(part * 3, 0, 1);
    return {
      lat: this.#from.lat + (this.#to.lat - this.#from.lat) * part,
      lng: this.#from.lng + (this.#to.lng - this.#from.lng) * part,
      hdg: this.#hdgFrom + shortest(this.#hdgFrom, this.#hdgTo) * turn,
      moving: part < 1 && (this.#from.lat !== this.#to.lat || this.#from.lng !== this.#to.lng),
    };
  }
}

/** The smaller way round from one heading to another, in degrees. */
export function shortest(from: number, to: number): number {
  return ((((to - from) % 360) + 540) % 360) - 180;
}

function bearing(a: Point, b: Point): number | undefined {
  if (a.lat === b.lat && a.lng === b.lng) return undefined;
  const east = (b.lng - a.lng) * Math.cos((a.lat * Math.PI) / 180);
  return (Math.atan2(east, b.lat - a.lat) * 180) / Math.PI;
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value));
}
