/** Name, region, connection, account. */
import type { HubState } from '@riderhub/client';
import type { Live } from '../model/live.ts';
import type { SessionModel } from '../model/session.ts';
import { Mark } from './icons.tsx';

const STATES: Record<HubState, { label: string; tone: string; hint: string }> = {
  idle: { label: 'Connecting', tone: 'wait', hint: 'Not connected yet' },
  connecting: { label: 'Connecting', tone: 'wait', hint: 'Opening the live connection' },
  live: { label: 'Live', tone: 'good', hint: 'Everything shown is up to date' },
  degraded: { label: 'Degraded', tone: 'warn', hint: 'The server lost its bus: updates still come, some up to a second late' },
  draining: { label: 'Moving over', tone: 'warn', hint: 'This server goes down; the connection moves to another one in a moment' },
  reconnecting: { label: 'Reconnecting', tone: 'wait', hint: 'The connection was lost; what is shown is the last known state' },
  closed: { label: 'Disconnected', tone: 'bad', hint: 'The server ended this connection' },
};

export function TopBar({ live, session, demo }: { live: Live; session: SessionModel; demo: boolean }) {
  const regions = live.regions.value;
  const region = live.region.value;
  return (
    <header class="top-bar">
      <h1><Mark /> RiderHub</h1>
      {region && (
        <label class="region">
          <span class="sr-only">Region</span>
          <select value={region.region} onChange={(event) => {
            const next = regions.find((known) => known.region === event.currentTarget.value);
            if (next) live.enter(next);
          }}>
            {regions.map((known) => <option key={known.region} value={known.region}>{`Region ${known.region} · ${known.stores} stores`}</option>)}
          </select>
        </label>
      )}
      <Connection live={live} />
      <span class="spacer" />
      <a class="quiet docs-link" href="/docs">API</a>
      {demo ? <span class="tag">Demo</span> : <button class="button small" type="button" onClick={() => session.signOut()}>Sign out</button>}
    </header>
  );
}

function Connection({ live }: { live: Live }) {
  const { label, tone, hint } = STATES[live.state.value];
  const closed = live.closed.value;
  return (
    <span class={`connection ${tone}`} role="status" title={closed ? `${hint} (${closed.code} ${closed.reason})` : hint}>
      <i aria-hidden="true" />
      {label}
      {live.state.value === 'reconnecting' && <button type="button" class="link" onClick={() => live.hub.wake()}>now</button>}
      {live.state.value === 'closed' && <button type="button" class="link" onClick={() => void live.hub.start()}>connect</button>}
    </span>
  );
}
