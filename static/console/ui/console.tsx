/** The open console: bar, counters, feed, map, and the side that shows lists or what is selected. */
import { signal } from '@preact/signals';
import { useEffect, useLayoutEffect } from 'preact/hooks';
import { CityMap } from '../map/city-map.tsx';
import type { Live } from '../model/live.ts';
import type { SessionModel } from '../model/session.ts';
import { Counters } from './counters.tsx';
import { EventFeed } from './event-feed.tsx';
import { OrderList } from './order-list.tsx';
import { OrderPanel } from './order-panel.tsx';
import { RiderPanel, StorePanel } from './place-panel.tsx';
import { RiderList } from './rider-list.tsx';
import { Tabs } from './tabs.tsx';
import { TopBar } from './top-bar.tsx';

export type Tab = 'map' | 'orders' | 'riders' | 'events';

/** On a phone one of these fills the screen; on a wide screen the feed and the map are always there. */
export const tab = signal<Tab>('orders');

export function Console({ live, session, demo }: { live: Live; session: SessionModel; demo: boolean }) {
  const selected = live.selected.value;
  const trouble = live.trouble.value;

  useEffect(() => {
    const escape = (event: KeyboardEvent): void => {
      if (event.key === 'Escape' && live.selected.value) live.select(undefined);
    };
    addEventListener('keydown', escape);
    return () => removeEventListener('keydown', escape);
  }, [live]);

  const stale = live.city.value.known.value && (live.state.value === 'reconnecting' || live.state.value === 'closed');
  return (
    <div class={`console tab-${tab.value} ${selected ? 'has-selection' : ''} ${stale ? 'stale' : ''}`}>
      <TopBar live={live} session={session} demo={demo} />
      <Counters live={live} />
      {trouble !== undefined && <p class="trouble banner" role="alert">{trouble}</p>}
      <main class="workspace">
        <section class="column feed-column" aria-label="Events"><EventFeed live={live} /></section>
        <CityMap live={live} />
        <section class="column side-column" aria-label={selected ? 'Selected' : 'Lists'}>
          {selected ? <Selection key={`${selected.kind}:${selected.id}`} live={live} /> : <Lists live={live} />}
        </section>
      </main>
      <Tabs class="phone-tabs" tabs={['map', 'orders', 'riders', 'events']} tab={tab} onPick={(name) => name === 'map' || live.select(undefined)} />
    </div>
  );
}

function Lists({ live }: { live: Live }) {
  // Back from a panel, the focus returns to the row that opened it.
  useLayoutEffect(() => {
    const about = live.lastSelected;
    if (about) document.querySelector<HTMLElement>(`[data-about="${about.kind}:${CSS.escape(about.id)}"]`)?.focus({ preventScroll: true });
  }, [live]);
  return (
    <>
      <Tabs class="side-tabs" tabs={['orders', 'riders', 'events']} tab={tab} />
      {tab.value === 'riders' ? <RiderList live={live} /> : tab.value === 'events' ? <EventFeed live={live} /> : <OrderList live={live} />}
    </>
  );
}

function Selection({ live }: { live: Live }) {
  const selected = live.selected.value;
  if (selected?.kind === 'rider') return <RiderPanel live={live} id={selected.id} />;
  if (selected?.kind === 'store') return <StorePanel live={live} id={selected.id} />;
  const order = live.order.value;
  return order ? <OrderPanel live={live} order={order} /> : null;
}
