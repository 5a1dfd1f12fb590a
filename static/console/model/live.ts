/** Everything the open console holds: the connection, the chosen region with its city and feed, and what is selected. */
import { Hub, type Closed, type HubState, type Push } from '@riderhub/client';
import { computed, signal } from '@preact/signals';
import { City } from './city.ts';
import { Feed } from './feed.ts';
import { OrderModel } from './order.ts';
import { deviceId, type SessionModel } from './session.ts';
import type { OpsEvent, Region } from './wire.ts';

export interface Selected {
  kind: 'order' | 'rider' | 'store';
  id: string;
}

export class Live {
  readonly state = signal<HubState>('idle');
  readonly closed = signal<Closed | undefined>(undefined);
  readonly regions = signal<Region[]>([]);
  readonly region = signal<Region | undefined>(undefined);
  readonly trouble = signal<string | undefined>(undefined);
  readonly selected = signal<Selected | undefined>(undefined);
  readonly order = signal<OrderModel | undefined>(undefined);
  readonly city = signal(new City());
  readonly feed = new Feed();
  /** When the console began to count, on the server's clock; undefined until it is connected. */
  readonly since = signal<number | undefined>(undefined);
  readonly hub: Hub;
  readonly chosenOrder = computed(() => (this.selected.value?.kind === 'order' ? this.selected.value.id : undefined));
  /** What was open before the lists came back. */
  lastSelected: Selected | undefined;
  #leaveRegion: (() => void) | undefined;

  constructor(private readonly session: SessionModel) {
    const { protocol, host } = location;
    this.hub = new Hub({
      url: `${protocol === 'https:' ? 'wss' : 'ws'}://${host}/v1/ws`,
      token: (fresh) => session.rest.token(fresh),
      device: { id: deviceId(), kind: 'web', app: 'console/0.1.0' },
      onState: (state, closed) => this.#state(state, closed),
    });
  }

  async start(): Promise<void> {
    void this.hub.start();
    addEventListener('online', this.#wake);
    try {
      const regions = await this.session.rest.get<Region[]>('/v1/regions');
      this.regions.value = regions;
      const busiest = [...regions].sort((a, b) => b.stores - a.stores)[0];
      if (busiest) this.enter(busiest);
      else this.trouble.value = 'There is no region with stores yet.';
    } catch (error) {
      this.trouble.value = `The regions cannot be read: ${error instanceof Error ? error.message : String(error)}`;
    }
  }

  stop(): void {
    removeEventListener('online', this.#wake);
    this.select(undefined);
    this.hub.stop();
  }

  enter(region: Region): void {
    this.#leaveRegion?.();
    this.select(undefined);
    this.feed.clear();
    this.city.value = new City();
    this.region.value = region;
    this.#leaveRegion = this.hub.subscribe(`ops:${region.region}`, {
      push: (push) => this.#ops(push),
      refused: (error) => (this.trouble.value = `The region cannot be shown: ${error.message}`),
    });
  }

  select(selected: Selected | undefined): void {
    const order = selected?.kind === 'order' ? selected.id : undefined;
    if (order !== this.order.value?.id) {
      this.order.value?.close();
      this.order.value = order === undefined ? undefined : new OrderModel(order, this.hub, this.session.rest);
    }
    this.lastSelected = this.selected.value;
    this.selected.value = selected;
  }

  readonly #wake = (): void => this.hub.wake();

  #state(state: HubState, closed: Closed | undefined): void {
    this.state.value = state;
    this.closed.value = closed;
    if (state === 'live' || state === 'degraded') {
      this.session.rest.timeScale = this.hub.welcome?.time_scale ?? 1;
      this.since.value ??= this.hub.now();
    }
    if (closed && (closed.code === 4501 || closed.code === 4506)) this.session.signOut('Your session has ended. Please sign in again.');
  }

  #ops(push: Push): void {
    const city = this.city.value;
    if (push.push === 'ops.event') {
      const event = push as unknown as OpsEvent;
      if (typeof event.at === 'number') this.hub.saw(event.at);
      this.feed.add(event, this.hub.now());
      if (event.order !== undefined && event.to === 'delivered') city.sawDelivered(event.order);
    } else if (push.push === 'ops') {
      if (push.snapshot) city.replace(push.snapshot as Record<string, unknown>, performance.now());
      else if (typeof push.key === 'string') city.apply(push.key, push.v ?? null, performance.now());
    }
  }
}
