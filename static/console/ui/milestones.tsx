/** The life of an order in six steps, each with the time it was reached. */
import { time } from '../format.ts';
import type { ChangeBody } from '../model/wire.ts';
import { phaseOf, statusLabel } from '../words.ts';

const STEPS: { label: string; states: string[] }[] = [
  { label: 'Paid', states: ['paid'] },
  { label: 'Accepted', states: ['accepted', 'preparing'] },
  { label: 'Ready', states: ['ready'] },
  { label: 'Picked up', states: ['picked_up'] },
  { label: 'Delivered', states: ['delivered'] },
  { label: 'Completed', states: ['completed'] },
];

export function Milestones({ changes }: { changes: { at: number; change: ChangeBody }[] }) {
  const own = changes.filter(({ change }) => (change.machine ?? 'order') === 'order');
  const ended = own.findLast(({ change }) => phaseOf(change.to ?? '') === 'ended');
  const reached = STEPS.map(({ states }) => own.find(({ change }) => states.includes(change.to ?? ''))?.at);
  const current = reached.findLastIndex((at) => at !== undefined);
  return (
    <ol class="milestones" aria-label="Status timeline">
      {STEPS.map(({ label }, i) => {
        const at = reached[i];
        const state = i < current ? 'past' : i === current ? (ended ? 'past' : 'now') : 'ahead';
        return (
          <li key={label} class={state} aria-current={state === 'now' ? 'step' : undefined}>
            <i aria-hidden="true" />
            <span>{label}</span>
            <time>{at === undefined ? (i < current ? '·' : '') : time(at)}</time>
          </li>
        );
      })}
      {ended && <li class="ended"><i aria-hidden="true" /><span>{statusLabel(ended.change.to ?? '')}</span><time>{time(ended.at)}</time></li>}
    </ol>
  );
}
