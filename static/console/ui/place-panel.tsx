/** A selected rider with the planned stops, a selected store with its open orders. */
import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { time } from '../format.ts';
import type { Live } from '../model/live.ts';
import { phaseOf, shortId } from '../words.ts';
import { Back } from './icons.tsx';
import { OrderRow, orderRow } from './order-list.tsx';
import { Load } from './rider-list.tsx';

export function PanelHead({ live, title, children }: { live: Live; title: string; children?: ComponentChildren }) {
  // Whoever came here by keyboard goes on from here.
  const head = useRef<HTMLHeadingElement>(null);
  useEffect(() => head.current?.focus({ preventScroll: true }), []);
  return (
    <header class="panel-head">
      <button type="button" class="icon-button" aria-label="Back to the list" onClick={() => live.select(undefined)}><Back /></button>
      <h2 ref={head} tabIndex={-1}>{title}</h2>
      {children}
    </header>
  );
}

export function RiderPanel({ live, id }: { live: Live; id: string }) {
  const city = live.city.value;
  void city.version.value;
  const rider = city.riders.get(id);
  if (!rider) return <><PanelHead live={live} title="Rider" /><p class="empty">This rider went off duty.</p></>;
  const stops = rider.stops ?? [];
  return (
    <>
      <PanelHead live={live} title={rider.name}><Load load={rider.load} capacity={rider.capacity} /></PanelHead>
      <div class="scroll panel-body">
        <p class="quiet">{rider.duty === 'break' ? 'On a break' : 'On duty'} · {rider.load} of {rider.capacity} orders</p>
        <h3>Planned stops</h3>
        {stops.length === 0 && <p class="empty">No stops planned.</p>}
        <ol class="stops">
          {stops.map((stop) => {
            const order = city.orders.get(stop.order);
            return (
              <li key={`${stop.order}${stop.stop}`}>
                <button type="button" class="stop-row" onClick={() => live.select({ kind: 'order', id: stop.order })}>
                  <i class={`swatch phase-${order ? order.phase : phaseOf('')}`} aria-hidden="true" />
                  <span>{stop.stop === 'pickup' ? `Pick up at ${order?.store_name ?? 'the store'}` : 'Drop off'}</span>
                  <span class="quiet">{stop.eta === undefined ? '' : `${time(stop.eta)} · `}{shortId(stop.order)}</span>
                </button>
              </li>
            );
          })}
        </ol>
      </div>
    </>
  );
}

export function StorePanel({ live, id }: { live: Live; id: string }) {
  const city = live.city.value;
  void city.version.value;
  const store = city.stores.get(id);
  const orders = [...city.orders.values()].filter((order) => order.store === id).sort((a, b) => a.placed - b.placed);
  const now = live.hub.now();
  return (
    <>
      <PanelHead live={live} title={store?.name ?? 'Store'}><span class={`tag ${store?.is_open ? 'good' : ''}`}>{store?.is_open ? 'Open' : 'Closed'}</span></PanelHead>
      {orders.length === 0 && <p class="empty">No open orders here.</p>}
      <ul class="order-list scroll">
        {orders.map((order) => <li key={order.id}><OrderRow {...orderRow(order, city, now)} live={live} /></li>)}
      </ul>
    </>
  );
}
