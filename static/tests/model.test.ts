/** The console's own rules, without a browser. */
import { describe, expect, it } from 'vitest';
import { arrival, money } from '../console/format.ts';
import { cellSize, geohash } from '../console/map/geohash.ts';
import { Motion, shortest } from '../console/map/motion.ts';
import type { Palette } from '../console/map/palette.ts';
import { Scene } from '../console/map/scene.ts';
import { City } from '../console/model/city.ts';
import { changeLabel, eventLabel, phaseOf, statusLabel } from '../console/words.ts';
import { inline } from '../docs/resolve.ts';

const order = (state: string, more: object = {}) => ({ order: 'ord_1', store: 'sto_1', status: state, order_state: state, pickup: { lat: 0, lng: 0 }, dropoff: { lat: 0, lng: 0 }, total_minor: 100, currency: 'EUR', placed: 0, ...more });
const rider = { name: 'Ana', lat: 1, lng: 2, hdg: 0, duty: 'on', load: 0, capacity: 2, stops: [] };

describe('city', () => {
  it('counts by phase, and a delivered order once', () => {
    const city = new City();
    city.replace({ 'order:ord_1': order('paid'), 'order:ord_2': order('preparing', { delivery_state: 'offering' }), 'rider:rid_1': rider, 'rider:rid_2': { ...rider, duty: 'break' } }, 0);
    expect(city.counters()).toMatchObject({ ridersOn: 1, ridersBreak: 1, offersOut: 1, delivered: 0, byPhase: { new: 1, kitchen: 1 } });
    city.sawDelivered('ord_1');
    city.apply('order:ord_1', order('delivered'), 0);
    city.apply('order:ord_1', null, 0);
    expect(city.counters()).toMatchObject({ delivered: 1, byPhase: { new: 0 } });
  });

  it('forgets what a new snapshot does not name', () => {
    const city = new City();
    city.replace({ 'rider:rid_1': rider, 'store:sto_1': { name: 'S', lat: 0, lng: 0, is_open: true } }, 0);
    city.replace({ 'rider:rid_2': rider }, 0);
    expect([...city.riders.keys()]).toEqual(['rid_2']);
    expect(city.stores.size).toBe(0);
  });
});

describe('motion', () => {
  it('goes from fix to fix without a jump, and turns the short way', () => {
    const motion = new Motion();
    motion.fix({ lat: 0, lng: 0 }, 350, 0);
    motion.fix({ lat: 0, lng: 0.001 }, 10, 1000);
    const steps = Array.from({ length: 20 }, (_, i) => motion.at(1000 + i * 100).lng);
    expect(steps[0]).toBe(0);
    expect(steps.every((lng, i) => i === 0 || lng >= (steps[i - 1] ?? 0))).toBe(true);
    expect(steps.at(-1)).toBeCloseTo(0.001);
    expect(shortest(350, 10)).toBe(20);
    expect(shortest(10, 350)).toBe(-20);
  });

  it('does not ride across the map after a long silence', () => {
    const motion = new Motion();
    motion.fix({ lat: 0, lng: 0 }, 0, 0);
    motion.fix({ lat: 1, lng: 1 }, 0, 1000);
    expect(motion.at(1001).lat).toBe(1);
  });
});

describe('scene', () => {
  it('draws few grid lines at any zoom, also of the whole world', () => {
    for (let zoom = 0; zoom <= 19; zoom++) {
      let lines = 0;
      const canvas = new Proxy({}, { get: (_, name) => () => void (name === 'moveTo' && lines++), set: () => true }) as CanvasRenderingContext2D;
      const span = Math.min(360, (1280 / 256 / 2 ** zoom) * 360);
      const view = { width: 1280, height: 800, zoom, north: span / 4, south: -span / 4, west: -span / 2, east: span / 2, project: () => ({ x: 0, y: 0 }) };
      new Scene(canvas, view, { phase: {} } as Palette, 0, true).draw(new City(), undefined, true);
      expect(lines).toBeLessThan(100);
      expect(lines).toBeGreaterThan(2);
    }
  });
});

describe('words', () => {
  it('knows every status of an order and survives new ones', () => {
    for (const status of ['pending_payment', 'paying', 'paid', 'accepted', 'preparing', 'ready', 'picked_up', 'delivered', 'completed', 'rejected', 'cancelled', 'closed']) {
      expect(statusLabel(status)).not.toContain('_');
      expect(phaseOf(status)).toBeDefined();
    }
    expect(statusLabel('brand_new')).toBe('Brand new');
    expect(eventLabel({ kind: 'brand_new' })).toBe('Changed');
  });

  it('names the rider where one is known', () => {
    expect(changeLabel({ machine: 'offer', to: 'declined', rider: { id: 'rid_1', name: 'Ana' } })).toBe('Offer declined: Ana');
    expect(eventLabel({ kind: 'duty', to: 'on', rider: { name: 'Ana' } })).toBe('Ana came on duty');
  });
});

describe('format', () => {
  it('puts minor units where the currency wants them', () => {
    expect(money(1250, 'EUR')).toMatch(/12[.,]50/);
    expect(money(1250, 'JPY')).toMatch(/1[.,]?250/);
    expect(money(1250, 'nonsense')).toBe('1250 nonsense');
  });

  it('tells an arrival', () => {
    expect([arrival(360_000, 0), arrival(0, 0), arrival(0, 180_000)]).toEqual(['in 6 min', 'now', '3 min late']);
  });
});

describe('geohash', () => {
  it('agrees with the known cell of a place', () => {
    expect(geohash(57.64911, 10.40744, 11)).toBe('u4pruydqqvj');
    expect(cellSize(6)).toEqual({ lat: 180 / 2 ** 15, lng: 360 / 2 ** 15 });
  });
});

describe('API document', () => {
  it('puts references in place and opens a schema that contains itself once', () => {
    const node = { type: 'object', properties: { next: { $ref: '#/components/schemas/Node' } } };
    const document = { a: { $ref: '#/components/schemas/Node' }, components: { schemas: { Node: node } } };
    expect(inline(document)).toMatchObject({ a: { title: 'Node', properties: { next: { description: 'Node, as above' } } } });
  });
});
