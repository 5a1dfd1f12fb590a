/** One order: where it stands, where its rider is, and what its three parties say. */
import { useEffect, useState } from 'preact/hooks';
import { age, arrival, dateTime, money, time } from '../format.ts';
import type { Live } from '../model/live.ts';
import type { Line, OrderModel } from '../model/order.ts';
import type { ChangeBody } from '../model/wire.ts';
import { changeLabel, phaseOf, roleLabel, shortId, statusLabel, words } from '../words.ts';
import { Chat } from './chat.tsx';
import { Clock, Pin } from './icons.tsx';
import { PanelHead } from './place-panel.tsx';
import { Milestones } from './milestones.tsx';

export function OrderPanel({ live, order: model }: { live: Live; order: OrderModel }) {
  const city = live.city.value;
  void city.version.value;
  const order = city.orders.get(model.id);
  const lines = model.lines.value;
  const changes = lines.filter((line) => line.kind === 'change');
  const last = changes.findLast(({ change }) => change.status !== undefined)?.change;
  const status = order?.status ?? last?.status;
  const storeId = order?.store ?? (typeof last?.store === 'string' ? last.store : last?.store?.id);
  const total = order ?? (last?.total_minor !== undefined && last.currency !== undefined ? { total_minor: last.total_minor, currency: last.currency } : undefined);
  return (
    <>
      <PanelHead live={live} title={order?.store_name ?? city.storeName(storeId)}>
        <span class="quiet" title={model.id}>{shortId(model.id)}</span>
      </PanelHead>
      <div class="order-facts">
        {status !== undefined && <span class={`status-chip phase-${order?.phase ?? phaseOf(status)}`}>{statusLabel(status)}</span>}
        {total && <span>{money(total.total_minor, total.currency)}</span>}
        {order && <span class="quiet" title={dateTime(order.placed)}>placed {time(order.placed)}</span>}
      </div>
      <Goods order={model} />
      <Milestones changes={changes.map((line) => ({ at: line.change.at ?? line.ts, change: line.change }))} />
      <LiveFacts live={live} order={model} />
      <Changes changes={changes} />
      <Chat order={model} />
    </>
  );
}

function Goods({ order }: { order: OrderModel }) {
  const view = order.view.value;
  const lines = view?.lines ?? [];
  if (lines.length === 0) return null;
  return <p class="goods quiet">{lines.map((line) => `${line.quantity ?? 1} × ${line.name ?? line.product ?? '?'}`).join(', ')}</p>;
}

function LiveFacts({ live, order: model }: { live: Live; order: OrderModel }) {
  const [, redraw] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => redraw((n) => n + 1), 1000);
    return () => clearInterval(timer);
  }, []);
  const city = live.city.value;
  const order = city.orders.get(model.id);
  const rider = city.riders.get(order?.rider ?? '');
  const told = model.live.value;
  const at = told ?? rider;
  const ended = order === undefined || order.phase === 'done' || order.phase === 'ended';
  const eta = model.etas.value.find(({ stop }) => stop === 'dropoff')?.at ?? city.etaOf(order);
  if (ended || (!rider && !at && !eta)) return null;
  return (
    <dl class="live-facts">
      {rider && (
        <div>
          <dt>Rider</dt>
          <dd><button type="button" class="link" onClick={() => live.select({ kind: 'rider', id: rider.id })}>{rider.name}</button></dd>
        </div>
      )}
      {eta && (
        <div>
          <dt><Clock /> Arrives</dt>
          <dd>{time(eta)} <small>{arrival(eta, live.hub.now())}</small></dd>
        </div>
      )}
      {at && (
        <div>
          <dt><Pin /> Position</dt>
          <dd class="numbers" title="latitude, longitude">{at.lat.toFixed(5)}, {at.lng.toFixed(5)} {told && <small>{age(Date.now() - told.heardAt)} old</small>}</dd>
        </div>
      )}
    </dl>
  );
}

function Changes({ changes }: { changes: Extract<Line, { kind: 'change' }>[] }) {
  if (changes.length === 0) return null;
  return (
    <details class="changes">
      <summary>All {changes.length} changes</summary>
      <ol class="scroll">
        {changes.map(({ off, ts, change }) => (
          <li key={off}>
            <time title={dateTime(change.at ?? ts)}>{time(change.at ?? ts)}</time>
            <span>{changeLabel(change)}{change.reason ? `: ${words(change.reason)}` : ''}</span>
            <span class="quiet">{by(change)}</span>
          </li>
        ))}
      </ol>
    </details>
  );
}

function by(change: ChangeBody): string {
  return change.by?.role === undefined ? '' : `by ${roleLabel(change.by.role).toLowerCase()}`;
}
