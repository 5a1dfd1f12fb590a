/** The feed of events: newest first, bounded, filtered by order, store or rider. */
import { signal } from '@preact/signals';
import { memo } from './memo.ts';
import { timeSeconds } from '../format.ts';
import { matches, type FeedItem } from '../model/feed.ts';
import type { Live } from '../model/live.ts';
import { eventLabel, nameOf, phaseOf, shortId } from '../words.ts';
import { Close, Search } from './icons.tsx';

const filter = signal('');

export function EventFeed({ live }: { live: Live }) {
  const city = live.city.value;
  const items = live.feed.items.value.filter((item) => matches(item, filter.value, (id) => city.storeName(id)));
  const chosen = live.chosenOrder.value;
  return (
    <>
      <div class="list-head">
        <h2>Events</h2>
        {chosen !== undefined && filter.value !== chosen && (
          <button type="button" class="link" onClick={() => (filter.value = chosen)}>only {shortId(chosen)}</button>
        )}
      </div>
      <div class="filter">
        <Search />
        <input type="search" placeholder="Filter by order, store or rider" aria-label="Filter events" value={filter} onInput={(event) => (filter.value = event.currentTarget.value)} />
        {filter.value !== '' && <button type="button" class="icon-button" aria-label="Clear filter" onClick={() => (filter.value = '')}><Close /></button>}
      </div>
      {items.length === 0 && <p class="empty">{filter.value === '' ? 'Nothing has happened since you opened this page.' : 'No event matches.'}</p>}
      <ol class="feed scroll" tabIndex={0} aria-label="Newest events first">
        {items.map((item) => (
          <Row key={item.n} item={item} store={storeOf(item, live)} onPick={live.select.bind(live)} />
        ))}
      </ol>
    </>
  );
}

function storeOf(item: FeedItem, live: Live): string {
  if (item.kind === 'duty') return '';
  return nameOf(item.store) ?? live.city.peek().storeName(typeof item.store === 'string' ? item.store : undefined);
}

const Row = memo(function Row({ item, store, onPick }: { item: FeedItem; store: string; onPick: Live['select'] }) {
  const { order } = item;
  const tone = item.kind === 'alarm' ? 'new' : item.kind === 'order' && (item.machine ?? 'order') === 'order' ? phaseOf(item.to ?? '') : 'plain';
  return (
    <li>
      <button type="button" class="feed-row" disabled={order === undefined} onClick={() => order !== undefined && onPick({ kind: 'order', id: order })}>
        <time>{timeSeconds(item.at)}</time>
        <span class="feed-text"><i class={`swatch phase-${tone}`} aria-hidden="true" />{eventLabel(item)}</span>
        {order !== undefined && <span class="feed-about">{shortId(order)} · {store}</span>}
      </button>
    </li>
  );
});
