/** The small card beside the pointer: what is this? */
import type { Live, Selected } from '../model/live.ts';
import { shortId, statusLabel } from '../words.ts';

export interface Tip extends Selected {
  x: number;
  y: number;
}

export function MapTip({ live, tip }: { live: Live; tip: Tip | undefined }) {
  const text = tip && describe(live, tip);
  if (!tip || !text) return null;
  return (
    <div class="map-tip" style={{ transform: `translate(${tip.x + 14}px, ${tip.y + 14}px)` }} aria-hidden="true">
      <strong>{text[0]}</strong>
      <span>{text[1]}</span>
    </div>
  );
}

function describe(live: Live, { kind, id }: Selected): [string, string] | undefined {
  const city = live.city.value;
  if (kind === 'rider') {
    const rider = city.riders.get(id);
    if (!rider) return undefined;
    const n = rider.stops?.length ?? 0;
    return [rider.name, rider.duty === 'break' ? 'on a break' : n === 0 ? 'free' : `${rider.load} of ${rider.capacity} orders, ${n} ${n === 1 ? 'stop' : 'stops'} to go`];
  }
  if (kind === 'order') {
    const order = city.orders.get(id);
    return order && [`${shortId(id)} · ${order.store_name ?? city.storeName(order.store)}`, statusLabel(order.status)];
  }
  const store = city.stores.get(id);
  return store && [store.name, store.is_open ? 'open' : 'closed'];
}
