/** A row of tabs over one signal. */
import type { Signal } from '@preact/signals';
import type { Tab } from './console.tsx';

const LABELS: Record<Tab, string> = { map: 'Map', orders: 'Orders', riders: 'Riders', events: 'Events' };

export function Tabs(props: { class: string; tabs: Tab[]; tab: Signal<Tab>; onPick?: (name: Tab) => void }) {
  return (
    <nav class={`tabs ${props.class}`} aria-label="Views">
      {props.tabs.map((name) => (
        <button
          key={name}
          type="button"
          class={`tab-button for-${name}`}
          aria-current={props.tab.value === name ? 'page' : undefined}
          onClick={() => {
            props.tab.value = name;
            props.onPick?.(name);
          }}
        >
          {LABELS[name]}
        </button>
      ))}
    </nav>
  );
}
