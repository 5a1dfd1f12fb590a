/** Wire words to words for people, and the few phases that statuses are coloured by. */
import type { ChangeBody, OpsEvent } from './model/wire.ts';

export type Phase = 'unpaid' | 'new' | 'kitchen' | 'ready' | 'onway' | 'done' | 'ended';

export const PHASES: { phase: Phase; label: string }[] = [
  { phase: 'unpaid', label: 'Unpaid' },
  { phase: 'new', label: 'New' },
  { phase: 'kitchen', label: 'In kitchen' },
  { phase: 'ready', label: 'Ready' },
  { phase: 'onway', label: 'On the way' },
  { phase: 'done', label: 'Delivered' },
  { phase: 'ended', label: 'Ended' },
];

const PHASE_OF: Record<string, Phase> = {
  pending_payment: 'unpaid',
  paying: 'unpaid',
  paid: 'new',
  accepted: 'kitchen',
  preparing: 'kitchen',
  ready: 'ready',
  picked_up: 'onway',
  delivered: 'done',
  completed: 'done',
  reviewed: 'done',
};

export function phaseOf(state: string): Phase {
  return PHASE_OF[state] ?? 'ended';
}

const STATUS: Record<string, string> = {
  pending_payment: 'Waiting for payment',
  paying: 'Paying',
  paid: 'New, not yet accepted',
  accepted: 'Accepted',
  preparing: 'Being prepared',
  ready: 'Ready for pickup',
  rider_assigned: 'Rider assigned',
  picked_up: 'On the way',
  delivered: 'Delivered',
  completed: 'Completed',
  reviewed: 'Reviewed',
  rejected: 'Rejected',
  cancelled: 'Cancelled',
  closed: 'Closed unpaid',
  refunding: 'Refunding',
  refunded: 'Refunded',
};

export function statusLabel(status: string): string {
  return STATUS[status] ?? sentence(status);
}

const DELIVERY: Record<string, string> = {
  waiting: 'Looking for a rider',
  offering: 'Offered to a rider',
  pooled: 'In the grab pool',
  assigned: 'Rider assigned',
  arrived_pickup: 'Rider at the store',
  picked_up: 'Picked up',
  arrived_dropoff: 'Rider at the door',
  delivered: 'Handed over',
  returning: 'Coming back',
  returned: 'Back at the store',
  failed: 'Delivery failed',
  cancelled: 'Delivery cancelled',
};

export function deliveryLabel(state: string): string {
  return DELIVERY[state] ?? sentence(state);
}

const OFFER: Record<string, string> = {
  open: 'Offer sent',
  accepted: 'Offer accepted',
  declined: 'Offer declined',
  expired: 'Offer expired',
  withdrawn: 'Offer withdrawn',
};

const ROLES: Record<string, string> = { customer: 'Customer', merchant: 'Store', rider: 'Rider', operator: 'Operator', system: 'System' };

export function roleLabel(role: string | undefined): string {
  return role === undefined ? '' : (ROLES[role] ?? sentence(role));
}

/** What one change of an order, its delivery, an offer or its money says, without its time. */
export function changeLabel(change: ChangeBody): string {
  const to = change.to ?? change.status ?? '';
  const rider = nameOf(change.rider);
  switch (change.machine) {
    case 'delivery':
      return rider && to === 'assigned' ? `${rider} takes the delivery` : deliveryLabel(to);
    case 'offer':
      return rider ? `${OFFER[to] ?? sentence(to)}: ${rider}` : (OFFER[to] ?? sentence(to));
    case 'payment':
      return `Payment ${words(to)}`;
    case 'refund':
      return `Refund ${words(to)}`;
    default:
      return statusLabel(to);
  }
}

/** One line of the operators' feed. */
export function eventLabel(event: OpsEvent): string {
  if (event.kind === 'alarm') return event.alarm === 'new_order' || event.alarm === undefined ? 'Ringing: new order' : `Alarm: ${words(event.alarm)}`;
  if (event.kind === 'duty') return `${nameOf(event.rider) ?? 'A rider'} ${dutyWords(event.to ?? event.event ?? '')}`;
  return changeLabel({ machine: event.kind === 'offer' ? 'offer' : 'order', ...event });
}

function dutyWords(to: string): string {
  if (to === 'on') return 'came on duty';
  if (to === 'off') return 'went off duty';
  if (to === 'break') return 'takes a break';
  return words(to);
}

/** `{id,name}` or a bare id: the name if there is one. */
export function nameOf(who: { name?: string } | string | undefined): string | undefined {
  return typeof who === 'object' ? who.name : undefined;
}

export function words(key: string): string {
  return key.replaceAll(/[._]/g, ' ');
}

function sentence(key: string): string {
  const text = words(key);
  return text === '' ? 'Changed' : text[0]?.toUpperCase() + text.slice(1);
}

/** The last characters of an id are enough to tell orders apart on a screen. */
export function shortId(id: string): string {
  const bare = id.slice(id.indexOf('_') + 1);
  return `#${bare.slice(-6)}`;
}
