/** Open orders, the ones that wait for somebody first. */
import { signal } from '@preact/signals';
import { age, arrival, money } from '../format.ts';
import type { City, Order } from '../model/city.ts';
import type { Live } from '../model/live.ts';
import { memo } from './memo.ts';
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
        {shown.map((order) => <li key={order.id}><OrderRow {...orderRow(order, city, now)} live={live} /></li>)}
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

/** What a row says; as long as none of it changes, the row is not drawn again. */
export function orderRow(order: Order, city: City, now: number) {
  const rider = city.riders.get(order.rider ?? '');
  const eta = city.etaOf(order);
  return {
    id: order.id,
    phase: order.phase,
    store: order.store_name ?? city.storeName(order.store),
    total: money(order.total_minor, order.currency),
    status: statusLabel(order.status),
    who: rider ? rider.name : order.delivery_state ? deliveryLabel(order.delivery_state) : '',
    when: eta === undefined ? age(now - order.placed) : arrival(eta, now),
  };
}

type RowProps = ReturnType<typeof orderRow> & { live: Live };

export const OrderRow = memo(function OrderRow({ id, phase, store, total, status, who, when, live }: RowProps) {
  return (
    <button type="button" class={`order-row edge-${phase}`} data-about={`order:${id}`} onClick={() => live.select({ kind: 'order', id })}>
      <span class="row-main">{store}</span>
      <span class="row-side">{total}</span>
      <span class="row-status">{status}{who !== '' && <span class="quiet"> · {who}</span>}</span>
      <span class="row-side quiet">{when}</span>
      <span class="row-id">{shortId(id)}</span>
    </button>
  );
});
