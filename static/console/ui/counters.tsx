/** The city in numbers. */
import type { Live } from '../model/live.ts';
import { time } from '../format.ts';
import { PHASES } from '../words.ts';

export function Counters({ live }: { live: Live }) {
  const city = live.city.value;
  void city.version.value;
  const known = city.known.value;
  const counters = city.counters();
  const show = (n: number): string => (known ? String(n) : '–');
  const phases = PHASES.filter(({ phase }) => phase !== 'done' && phase !== 'ended' && (phase !== 'unpaid' || counters.byPhase.unpaid > 0));
  const open = phases.reduce((sum, { phase }) => sum + counters.byPhase[phase], 0);
  return (
    <dl class="counters" aria-label="Counters">
      <Counter name="riders" label="Riders on duty" value={show(counters.ridersOn)} note={counters.ridersBreak > 0 ? `${counters.ridersBreak} on a break` : undefined} />
      <Counter name="open" label="Open orders" value={show(open)} />
      {phases.map(({ phase, label }) => <Counter key={phase} name={phase} label={label} value={show(counters.byPhase[phase])} tone={phase} />)}
      <Counter name="offers" label="Offers out" value={show(counters.offersOut)} />
      <Counter name="delivered" label="Delivered" value={show(counters.delivered)} tone="done" note={live.since.value === undefined ? undefined : `since ${time(live.since.value)}`} />
    </dl>
  );
}

function Counter(props: { name: string; label: string; value: string; tone?: string | undefined; note?: string | undefined }) {
  return (
    <div class={`counter counter-${props.name}`}>
      <dt>{props.tone !== undefined && <i class={`swatch phase-${props.tone}`} aria-hidden="true" />}{props.label}</dt>
      <dd><span class="counter-value">{props.value}</span> {props.note !== undefined && <small>{props.note}</small>}</dd>
    </div>
  );
}
