/** One chosen order: its whole log (status changes, conversation, parties) and its newest position and ETA. */
import { CommandError, ErrorCode, LiveRoom, type Entry, type Hub, type Presence, type Push, type Rest, type SharedPlace } from '@riderhub/client';
import { signal } from '@preact/signals';
import type { ChangeBody, OrderView, Sender } from './wire.ts';

export type Line =
  | { kind: 'message'; off: number; ts: number; from: Sender; body: string; system: boolean; recalled: boolean; place?: SharedPlace; picture: boolean }
  | { kind: 'change'; off: number; ts: number; change: ChangeBody }
  | { kind: 'member'; off: number; ts: number; name: string; role: string; joined: boolean };

export interface Live {
  lat: number;
  lng: number;
  /** By the local clock, so that its age can be told. */
  heardAt: number;
}

export interface Eta {
  stop: string;
  at: number;
  low?: number;
  high?: number;
}

/** Whether this operator may write; learned from the first refusal and remembered for all orders. */
export const mayWrite = signal(true);

export class OrderModel {
  readonly lines = signal<Line[]>([]);
  readonly live = signal<Live | undefined>(undefined);
  readonly etas = signal<Eta[]>([]);
  readonly view = signal<OrderView | undefined>(undefined);
  readonly loaded = signal(false);
  readonly trouble = signal<string | undefined>(undefined);
  /** Who of the parties is there now. */
  readonly present = signal<Presence[]>([]);
  /** Who writes now, by name. */
  readonly typing = signal<string[]>([]);
  readonly #room = new LiveRoom();
  #typingTimer: ReturnType<typeof setInterval> | undefined;
  #buffer: Line[] = [];
  #leave: (() => void)[];

  constructor(
    readonly id: string,
    private readonly hub: Hub,
    rest: Rest,
  ) {
    const order = hub.subscribe(`order:${id}`, {
      entry: (entry) => this.#entry(entry),
      reset: () => this.#set([]),
      ready: () => setTimeout(() => (this.loaded.value = true), 150),
      refused: (error) => (this.trouble.value = `The conversation cannot be read: ${error.message}`),
    }, { from: 'start' });
    const position = hub.subscribe(`loc:${id}`, { push: (push) => this.#latest(push) });
    const room = hub.subscribe(`live:${id}`, { push: (push) => this.#room.apply(push) && this.#showRoom() });
    this.#typingTimer = setInterval(() => this.#showRoom(), 1_000);
    this.#leave = [order, position, room];
    rest.get<OrderView>(`/v1/orders/${id}`).then(
      (view) => (this.view.value = view),
      () => undefined,
    );
  }

  close(): void {
    clearInterval(this.#typingTimer);
    for (const leave of this.#leave.splice(0)) leave();
  }

  /** Sends a message; false when operators may not write here. */
  async say(body: string): Promise<boolean> {
    try {
      await this.hub.command('chat.send', { ch: `order:${this.id}`, kind: 'text', body });
      return true;
    } catch (error) {
      if (!(error instanceof CommandError) || error.code !== ErrorCode.forbidden) throw error;
      mayWrite.value = false;
      return false;
    }
  }

  #entry(entry: Entry): void {
    const { off, ts } = entry;
    if (entry.push === 'msg') {
      const from = (entry.from ?? { profile: entry.sender ?? '', role: 'system', name: '' }) as Sender;
      const more = entry.place ? { place: entry.place as SharedPlace } : {};
      this.#add({ kind: 'message', off, ts, from, body: String(entry.body ?? ''), system: entry.kind === 'system', recalled: entry.recalled === true, picture: entry.kind === 'image', ...more });
      if (this.#room.said(from.profile)) this.#showRoom();
    } else if (entry.push === 'edit' && entry.recalled === true) {
      this.#recall(Number(entry.of));
    } else if (entry.push === 'order') {
      this.#add({ kind: 'change', off, ts, change: entry as ChangeBody });
    } else if (entry.push === 'member') {
      this.#add({ kind: 'member', off, ts, name: String(entry.name ?? ''), role: String(entry.role ?? ''), joined: entry.joined !== false });
    }
  }

  /** Entries come in bursts (the whole log at first): one redraw for each burst. */
  #add(line: Line): void {
    if (this.#buffer.length === 0) queueMicrotask(() => this.#set([...this.lines.value, ...this.#buffer]));
    this.#buffer.push(line);
  }

  /** What was taken back is forgotten; that it was said stays. */
  #recall(off: number): void {
    const lines = [...this.lines.value, ...this.#buffer].map((line): Line => {
      if (line.kind !== 'message' || line.off !== off) return line;
      const { place: _place, ...kept } = line;
      return { ...kept, body: '', picture: false, recalled: true };
    });
    this.#set(lines);
  }

  #showRoom(): void {
    this.present.value = [...this.#room.present.values()];
    const typing = this.#room.typing();
    if (typing.join() !== this.typing.value.join()) this.typing.value = typing;
  }

  #set(lines: Line[]): void {
    this.#buffer = [];
    this.lines.value = lines;
  }

  #latest(push: Push): void {
    if (push.push === 'loc') {
      const age = typeof push.age_ms === 'number' ? push.age_ms : 0;
      this.live.value = { lat: Number(push.lat), lng: Number(push.lng), heardAt: Date.now() - age };
    } else if (push.push === 'eta') {
      const door = { stop: 'dropoff', at: Number(push.eta), low: Number(push.low), high: Number(push.high) };
      const at = push.pickup as { eta: number; low: number; high: number } | undefined;
      this.etas.value = at ? [{ stop: 'pickup', at: at.eta, low: at.low, high: at.high }, door] : [door];
    }
  }
}
