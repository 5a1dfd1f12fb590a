/** Open orders, the ones that wait for somebody first. */
import { signal } from '@preact/signals';
import { age, arrival, money } from '../format.ts';
import type { City, Order } from '../model/city.ts';
import type { Live } from '../model/live.ts';
import { deliveryLabel, PHASES, shortId, statusLabel, type Phase } from '../words.ts';

const only = signal<Phase | undefined>(undefined);
const RANK = new Map(PHASES.map(({ phase }, i) => [phase, i]));

export function OrderList({ live }: { live: Live }) {
  const city = live.city.value;
  void city.version.value;
  const all = [...city.orders.values()];
  const shown = all
    .filter((order) => only.value === undefined || order.phase === only.value)
    .sort((a, b) => (RANK.get(rankPhase(a)) ?? 0) - (RANK.get(rankPhase(b)) ?? 0) || a.placed - b.placed);
  const now = live.hub.now();
  return (
    <>
      <div class="chips" role="group" aria-label="Show orders by status">
        <Chip label="All" count={all.length} phase={undefined} />
        {PHASES.map(({ phase, label }) => {
          const count = all.filter((order) => order.phase === phase).length;
          return count === 0 && only.value !== phase ? null : <Chip key={phase} label={label} count={count} phase={phase} />;
        })}
      </div>
      {shown.length === 0 && <p class="empty">{city.known.value ? 'There are no open orders.' : 'Waiting for the city…'}</p>}
      <ul class="order-list scroll">
        {shown.map((order) => <li key={order.id}><OrderRow order={order} city={city} now={now} onPick={() => live.select({ kind: 'order', id: order.id })} /></li>)}
      </ul>
    </>
  );
}

/** Unpaid orders need nobody yet: they come after those on the way. */
function rankPhase(order: Order): Phase {
  return order.phase === 'unpaid' ? 'done' : order.phase;
}

function Chip({ label, count, phase }: { label: string; count: number; phase: Phase | undefined }) {
  return (
    <button type="button" class="chip" aria-pressed={only.value === phase} onClick={() => (only.value = phase)}>
      {phase && <i class={`swatch phase-${phase}`} aria-hidden="true" />}{label} <b>{count}</b>
    </button>
  );
}

export function OrderRow({ order, city, now, onPick }: { order: Order; city: City; now: number; onPick: () => void }) {
  const rider = city.riders.get(order.rider ?? '');
  const second = rider ? rider.name : order.delivery_state ? deliveryLabel(order.delivery_state) : '';
  return (
    <button type="button" class={`order-row edge-${order.phase}`} onClick={onPick}>
      <span class="row-main">{order.store_name ?? city.storeName(order.store)}</span>
      <span class="row-side">{money(order.total_minor, order.currency)}</span>
      <span class="row-status">{statusLabel(order.status)}{second !== '' && <span class="quiet"> · {second}</span>}</span>
      <span class="row-side quiet">{order.eta && order.phase !== 'done' ? arrival(order.eta, now) : age(now - order.placed)}</span>
      <span class="row-id">{shortId(order.id)}</span>
    </button>
  );
}
