/** Riders on duty: free ones first, so that one sees who could take more. */
import type { Live } from '../model/live.ts';

export function RiderList({ live }: { live: Live }) {
  const city = live.city.value;
  void city.version.value;
  const riders = [...city.riders.values()].sort((a, b) => Number(a.duty === 'break') - Number(b.duty === 'break') || a.load - b.load || a.name.localeCompare(b.name));
  return (
    <>
      {riders.length === 0 && <p class="empty">{city.known.value ? 'No rider is on duty.' : 'Waiting for the city…'}</p>}
      <ul class="order-list scroll">
        {riders.map((rider) => {
          const stops = rider.stops?.length ?? 0;
          return (
            <li key={rider.id}>
              <button type="button" class="order-row rider-row" data-about={`rider:${rider.id}`} onClick={() => live.select({ kind: 'rider', id: rider.id })}>
                <span class="row-main">{rider.name}</span>
                <span class="row-side"><Load load={rider.load} capacity={rider.capacity} /></span>
                <span class="row-status quiet">{rider.duty === 'break' ? 'On a break' : stops === 0 ? 'Free' : `${stops} ${stops === 1 ? 'stop' : 'stops'} to go`}</span>
              </button>
            </li>
          );
        })}
      </ul>
    </>
  );
}

export function Load({ load, capacity }: { load: number; capacity: number }) {
  return (
    <span class="load" role="img" aria-label={`${load} of ${capacity} orders`}>
      {Array.from({ length: Math.min(capacity, 10) }, (_, i) => <i key={i} class={i < load ? 'full' : ''} />)}
    </span>
  );
}
