/** The types of all frames. Made by `npm run frames` from docs/asyncapi.yaml, which the server makes of its own types. Do not edit. */

/** One more delivery of a bundle, as push `offer` names it. */
export interface Bundled {
  /** Geohash of six characters around the door. */
  dropoff_area: string;
  /** Its own offer. */
  offer: string;
  /** The order. */
  order: string;
  /** What the rider earns by it, in minor units of the same currency. */
  pay_minor: number;
  /** Metres from the store to the door. */
  trip_m: number;
}

/** Who caused a change. */
export interface By {
  /** The profile, if it was a person. */
  id?: string;
  /** A role, `system` or `provider`. */
  role: 'customer' | 'merchant' | 'rider' | 'operator' | 'system' | 'provider';
}

/** A rider who could have got a delivery. */
export interface Candidate {
  /** What the delivery adds to his route, handicap included, in minutes. */
  cost_min: number;
  /** What speaks against him besides his route, in minutes. */
  handicap_min: number;
  /** Orders that he holds or is asked about. */
  load: number;
  /** Metres from him to the store. */
  pickup_m: number;
  /** Who. */
  rider: string;
}

/** Whether the order's chat takes messages, and until when. */
export interface ChatView {
  /** When it closes or has closed, in UTC milliseconds; only once the order has ended. */
  closes_at?: number;
  /** Whether it does; operators may always speak. */
  state: 'not_open' | 'open' | 'closed';
}

/** The transport of an order. */
export interface DeliveryPart {
  /** The delivery. */
  delivery: string;
  /** Where it stands. */
  state: 'waiting' | 'offering' | 'pooled' | 'assigned' | 'arrived_pickup' | 'picked_up' | 'arrived_dropoff' | 'delivered' | 'returning' | 'returned' | 'failed' | 'cancelled';
}

/** A device, as it calls itself. */
export interface Device {
  /** The app and its version. */
  app?: string;
  /** Made once at installation and kept: printable ASCII characters. */
  id: string;
  /** `ios`, `android`, `web` or something else. */
  kind?: string;
}

/** How a rider works now. */
export interface DutyView {
  /** `on`, `break` or `off`. */
  duty: string;
  /** Orders he holds, which wait for him. */
  orders: string[];
}

/** An entry of a logged channel, as it is pushed. */
export type AnyEntry = PushMsg | PushMsgRecalled | PushEdit | PushOrder | PushOrderDelayed | PushMember | PushAlarm | PushAlarmClear | PushOffer | PushHandover | PushPickupReady | PushOfferClosed | PushAssigned | PushUnassigned | PushRoute | PushDuty | PushStore | PushCart | PushSignedOut;

export interface WireError {
  /** The row's name. */
  name: string;
  /** When the same may work again, in milliseconds. */
  after_ms?: number;
  /** Which row of the error table. */
  code: number;
  /** Tries that are left. */
  left?: number;
  /** For people who debug a client. */
  msg: string;
  /** Whether the same command may work later. */
  retry: boolean;
  /** What became of the thing, where the client needs to know. */
  state?: string;
}

/** A time as people are told it: a range, in UTC milliseconds. */
export interface EtaRange {
  /** The best guess. */
  eta: number;
  /** The latest sensible guess. */
  high: number;
  /** The earliest sensible guess. */
  low: number;
}

/** Where a client says it stands in a channel. */
export interface Known {
  /** The numbering. */
  ep: string;
  /** Everything up to here has arrived. */
  off: number;
}

export interface Limits {
  /** Channels that the client may choose. */
  channels: number;
  /** How long after its end an order's chat takes messages. */
  chat_after_end_ms: number;
  /** Commands in ten seconds, also all at once. */
  commands_per_10s: number;
  /** Bytes of one message to the hub. */
  frame: number;
  /** Bytes that may wait for the client. */
  queue: number;
  /** For how long an author may take a message back. */
  recall_ms: number;
  /** Characters of a chat message. */
  text: number;
}

/** A party of an order's chat, and how far it has come. */
export interface Member {
  /** The name to show. */
  name: string;
  /** Everything up to here arrived at one of its devices. */
  delivered: number;
  /** Who. */
  profile: string;
  /** Everything up to here was read. */
  read: number;
  /** In which role. */
  role: string;
}

/** An alarm on the operators' map, until it is resolved. */
export interface OpsAlarm {
  /** Why. */
  alarm: 'no_rider' | 'undeliverable' | 'goods_lost' | 'proof_locked';
  /** About which order. */
  order: string;
  /** Since when, in UTC milliseconds. */
  since: number;
}

/** An order on the operators' map. */
export interface OpsOrder {
  /** What rings for it. */
  alarm?: string;
  /** ISO 4217. */
  currency: string;
  /** State of its delivery, if there is one. */
  delivery_state?: string;
  /** Where it goes. */
  dropoff: Point;
  /** The order. */
  order: string;
  /** State of the order itself. */
  order_state: 'pending_payment' | 'paying' | 'paid' | 'accepted' | 'preparing' | 'ready' | 'picked_up' | 'delivered' | 'completed' | 'rejected' | 'cancelled' | 'closed';
  /** Where it is fetched. */
  pickup: Point;
  /** When it was placed, in UTC milliseconds. */
  placed: number;
  /** The rider who holds it. */
  rider?: Person;
  /** What people see. */
  status: 'pending_payment' | 'paying' | 'paid' | 'accepted' | 'preparing' | 'ready' | 'rider_assigned' | 'picked_up' | 'delivered' | 'completed' | 'rejected' | 'cancelled' | 'closed' | 'refunding' | 'refunded';
  /** Its store. */
  store: string;
  /** The store's name. */
  store_name: string;
  /** What the customer pays, in minor units. */
  total_minor: number;
}

/** A rider on the operators' map. */
export interface OpsRider {
  /** The rider's name. */
  name: string;
  /** Orders he can hold. */
  capacity: number;
  /** `on` or `break`. */
  duty: string;
  /** Heading in degrees from north, if known. */
  hdg?: number;
  /** Degrees north. */
  lat: number;
  /** Degrees east. */
  lng: number;
  /** Orders he holds. */
  load: number;
  /** His route. */
  stops: StopView[];
}

/** A store on the operators' map. */
export interface OpsStore {
  /** Its name. */
  name: string;
  /** Whether it takes orders. */
  is_open: boolean;
  /** Degrees north. */
  lat: number;
  /** Degrees east. */
  lng: number;
}

/** A thing on the operators' map. */
export type OpsThing = OpsRider | OpsOrder | OpsStore | OpsAlarm;

/** One attempt to pay an order. */
export interface PaymentPart {
  /** How much, in minor units. */
  amount_minor: number;
  /** The attempt. */
  payment: string;
  /** Which provider. */
  provider: string;
  /** Where it stands. */
  state: 'created' | 'processing' | 'succeeded' | 'failed' | 'closed';
}

/** A person as the other parties of an order see them. */
export interface Person {
  /** The name to show. */
  name: string;
  /** The profile. */
  profile: string;
  /** The profile's role. */
  role: 'customer' | 'merchant' | 'rider' | 'operator';
}

export interface Ping {
  /** A ping comes this often. */
  every_ms: number;
  /** An answer, or any frame, is expected within this time. */
  timeout_ms: number;
}

/** A place as clients see it. */
export interface Point {
  /** Degrees north. */
  lat: number;
  /** Degrees east. */
  lng: number;
}

/** Push `pool`: a delivery that any rider near may grab, or one that is gone. */
export interface PoolItem {
  /** How much of it is a bonus because nobody has taken it so far, in minor units. */
  bonus_minor?: number;
  /** ISO 4217. */
  currency: string;
  /** Geohash of six characters around the door. */
  dropoff_area: string;
  /** Whether it can still be grabbed. */
  open: boolean;
  /** The order. */
  order: string;
  /** What the rider earns, with the bonus, in minor units. */
  pay_minor: number;
  /** When the store accepted the order, in UTC milliseconds. */
  since: number;
  /** Where to fetch it. */
  store: StorePoint;
}

/** Where a client stands in a channel from now on. */
export interface Position {
  /** The numbering; empty while the channel has no entry. */
  ep: string;
  /** The first entry that will be sent. */
  from: number;
  /** Whether everything that the client missed will be sent. */
  recovered: boolean;
  /** The newest entry of the channel. */
  to: number;
}

/** How a client should come back. */
export interface Reconnect {
  /** The window of the first attempt after a connection that worked. */
  first_window_ms: number;
  /** The longest window. */
  max_ms: number;
  /** The shortest delay before a new attempt. */
  min_ms: number;
}

/** Whether a party of an order is there. */
export interface Seen {
  /** Since when, in UTC milliseconds; `null` if it was never there. */
  at: number | null;
  /** Whether any of its devices is connected. */
  on: boolean;
  /** Who. */
  profile: string;
  /** In which role. */
  role: string;
}

/** A place that somebody shares. */
export interface SharedPlace {
  /** What it is called. */
  label?: string;
  /** Degrees north. */
  lat: number;
  /** Degrees east. */
  lng: number;
}

/** One stop of a rider's route. */
export interface StopView {
  /** Expected arrival, in UTC milliseconds. */
  eta: number;
  /** Degrees north. */
  lat: number;
  /** Degrees east. */
  lng: number;
  /** Which order. */
  order: string;
  /** Fetching it, or handing it over. */
  stop: 'pickup' | 'dropoff';
}

/** A store as riders and operators see it. */
export interface StorePoint {
  /** Its name. */
  name: string;
  /** The store. */
  id: string;
  /** Degrees north. */
  lat: number;
  /** Degrees east. */
  lng: number;
}

/** The store's bell rings until it is cleared, and again after a while; with `rings:false` once. */
export interface PushAlarm {
  /** Why it rings, e.g. `new_order`. */
  alarm: string;
  /** The channel. */
  ch: string;
  /** The `cid` of the command that wrote it: a client knows its own by it. */
  cid?: string;
  /** The numbering: it changes only if an older backup was restored. */
  ep: string;
  /** By which people call it, e.g. `#0042`. */
  number?: string;
  /** The place in the channel: 1, 2, 3 … without holes. */
  off: number;
  /** What it is about. */
  order: string;
  push: 'alarm';
  /** Whether it rings until it is cleared. */
  rings: boolean;
  /** The profile that caused it, or `system`. */
  sender: string;
  /** When it was written, in UTC milliseconds. */
  ts: number;
}

/** The bell stops: the order was accepted, rejected or called off. */
export interface PushAlarmClear {
  /** Why it rings, e.g. `new_order`. */
  alarm: string;
  /** The channel. */
  ch: string;
  /** The `cid` of the command that wrote it: a client knows its own by it. */
  cid?: string;
  /** The numbering: it changes only if an older backup was restored. */
  ep: string;
  /** By which people call it, e.g. `#0042`. */
  number?: string;
  /** The place in the channel: 1, 2, 3 … without holes. */
  off: number;
  /** What it is about. */
  order: string;
  push: 'alarm.clear';
  /** Whether it rings until it is cleared. */
  rings: boolean;
  /** The profile that caused it, or `system`. */
  sender: string;
  /** When it was written, in UTC milliseconds. */
  ts: number;
}

/** A delivery is this rider's now; the hub joins the order's channel. */
export interface PushAssigned {
  /** The channel. */
  ch: string;
  /** The `cid` of the command that wrote it: a client knows its own by it. */
  cid?: string;
  /** The numbering: it changes only if an older backup was restored. */
  ep: string;
  /** The place in the channel: 1, 2, 3 … without holes. */
  off: number;
  /** The order. */
  order: string;
  /** State of the order. */
  order_state: string;
  push: 'assigned';
  /** The profile that caused it, or `system`. */
  sender: string;
  /** State of the delivery. */
  state: string;
  /** When it was written, in UTC milliseconds. */
  ts: number;
}

/** The token runs out: bring a new one with `auth.refresh`. */
export interface PushAuth {
  /** How long the token is still good, in milliseconds. */
  expires_in_ms: number;
  push: 'auth';
  /** `expiring`: send `auth.refresh` with a new token. */
  state: 'expiring';
}

/** A cart of this customer has changed, on whatever device; read it again. */
export interface PushCart {
  /** The channel. */
  ch: string;
  /** The `cid` of the command that wrote it: a client knows its own by it. */
  cid?: string;
  /** The numbering: it changes only if an older backup was restored. */
  ep: string;
  /** How many lines it has now. */
  n_lines: number;
  /** How many pieces they have together. */
  n_pieces: number;
  /** The place in the channel: 1, 2, 3 … without holes. */
  off: number;
  push: 'cart';
  /** The profile that caused it, or `system`. */
  sender: string;
  /** At which store. */
  store: string;
  /** When it was written, in UTC milliseconds. */
  ts: number;
  /** How often the cart has changed. */
  version: number;
}

/** How far somebody has come. */
export interface PushCur {
  /** The channel. */
  ch: string;
  /** Everything up to here arrived at one of the profile's devices. */
  delivered: number;
  /** Who. */
  profile: string;
  push: 'cur';
  /** Everything up to here was read. */
  read: number;
}

/** This node goes down: in that time the connection is closed with 4001, and not before. */
export interface PushDrain {
  /** In how many milliseconds this connection is closed, with code 4001. */
  after_ms: number;
  push: 'drain';
}

/** The rider's duty was changed for him, e.g. a break after three silences. */
export interface PushDuty {
  /** The channel. */
  ch: string;
  /** The `cid` of the command that wrote it: a client knows its own by it. */
  cid?: string;
  /** `on`, `break` or `off`. */
  duty: string;
  /** The numbering: it changes only if an older backup was restored. */
  ep: string;
  /** The place in the channel: 1, 2, 3 … without holes. */
  off: number;
  /** Orders he holds, which wait for him. */
  orders: string[];
  push: 'duty';
  /** The profile that caused it, or `system`. */
  sender: string;
  /** When it was written, in UTC milliseconds. */
  ts: number;
}

/** A message was taken back by its author: forget what it said. */
export interface PushEdit {
  /** The channel. */
  ch: string;
  /** The `cid` of the command that wrote it: a client knows its own by it. */
  cid?: string;
  /** The numbering: it changes only if an older backup was restored. */
  ep: string;
  /** Offset of the message. */
  of: number;
  /** The place in the channel: 1, 2, 3 … without holes. */
  off: number;
  push: 'edit';
  /** Always `true`: forget what it said. */
  recalled: boolean;
  /** The profile that caused it, or `system`. */
  sender: string;
  /** When it was written, in UTC milliseconds. */
  ts: number;
}

/** When the order is expected at the door, and the rider at the store while he has not been there. At most one a minute for each order. */
export interface PushEta {
  /** When it was reckoned, in UTC milliseconds. */
  at: number;
  /** The channel. */
  ch: string;
  /** The best guess. */
  eta: number;
  /** The latest sensible guess. */
  high: number;
  /** The earliest sensible guess. */
  low: number;
  /** The order. */
  order: string;
  /** The rider at the store; left out once he has been there. */
  pickup?: EtaRange;
  push: 'eta';
  /** Always `dropoff`. */
  stop: 'dropoff';
}

/** What is needed so that an order can change hands has changed: the PIN was wrong too often, or an operator does without a proof. To the customer and the rider, or the store whose order is collected. */
export interface PushHandover {
  /** The channel. */
  ch: string;
  /** The `cid` of the command that wrote it: a client knows its own by it. */
  cid?: string;
  /** The numbering: it changes only if an older backup was restored. */
  ep: string;
  /** Whether the PIN was wrong too often. */
  is_locked: boolean;
  /** Who carries it from the store. */
  mode: 'delivery' | 'pickup';
  /** What the rider must give at the door as things stand. */
  needs: 'none' | 'pin' | 'photo';
  /** The place in the channel: 1, 2, 3 … without holes. */
  off: number;
  /** The order. */
  order: string;
  push: 'handover';
  /** The profile that caused it, or `system`. */
  sender: string;
  /** When it was written, in UTC milliseconds. */
  ts: number;
  /** Why an operator does without a proof, if one does. */
  waived?: string;
}

/** The link between the nodes. Nothing is lost while it is away. */
export interface PushHub {
  push: 'hub';
  /** `degraded` while nodes cannot hear each other: entries of other nodes come a second late. */
  state: 'degraded' | 'ok';
}

/** The client reads too slowly: nothing more of this channel comes until it has read `history` and says `sub` with its position again. */
export interface PushLag {
  /** The channel of which nothing more comes by itself. */
  ch: string;
  /** The numbering. */
  ep: string;
  /** Everything up to here was sent before or is on its way. */
  off: number;
  push: 'lag';
}

/** Where the rider is. Only the newest counts. */
export interface PushLoc {
  /** Radius of uncertainty in metres, if known. */
  acc?: number;
  /** How old it was when the hub sent it, in milliseconds. */
  age_ms: number;
  /** The channel. */
  ch: string;
  /** Heading in degrees from north, if known. */
  hdg?: number;
  /** Degrees north. */
  lat: number;
  /** Degrees east. */
  lng: number;
  push: 'loc';
  /** The rider. */
  rider: string;
  /** Rises with each position of a connection; older ones are dropped. */
  seq: number;
  /** Speed in metres a second, if known. */
  spd?: number;
  /** When the device measured it, in UTC milliseconds. */
  t: number;
}

/** Another device publishes the rider's position; this one's are dropped. Told once. */
export interface PushLocDenied {
  /** The device that does; `loc.claim` takes over from it. */
  device: string;
  push: 'loc.denied';
}

/** Somebody joined or left the order's chat. */
export interface PushMember {
  /** The name to show. */
  name: string;
  /** The channel. */
  ch: string;
  /** The `cid` of the command that wrote it: a client knows its own by it. */
  cid?: string;
  /** The numbering: it changes only if an older backup was restored. */
  ep: string;
  /** `true` for joined, `false` for left. */
  joined: boolean;
  /** The place in the channel: 1, 2, 3 … without holes. */
  off: number;
  /** The profile. */
  profile: string;
  push: 'member';
  /** The profile's role. */
  role: 'customer' | 'merchant' | 'rider' | 'operator';
  /** The profile that caused it, or `system`. */
  sender: string;
  /** When it was written, in UTC milliseconds. */
  ts: number;
}

/** Somebody said something. */
export interface PushMsg {
  /** The attachment of an `image`. */
  att?: string;
  /** The text; may be empty beside a picture or a place. */
  body: string;
  /** The channel. */
  ch: string;
  /** The `cid` of the command that wrote it: a client knows its own by it. */
  cid?: string;
  /** The numbering: it changes only if an older backup was restored. */
  ep: string;
  /** Who says it. */
  from: Person;
  /** What it is. */
  kind: 'text' | 'image' | 'location';
  /** The place in the channel: 1, 2, 3 … without holes. */
  off: number;
  /** The place of a `location`. */
  place?: SharedPlace;
  push: 'msg';
  /** Offset of the message that this answers. */
  reply_to?: number;
  /** The profile that caused it, or `system`. */
  sender: string;
  /** When it was written, in UTC milliseconds. */
  ts: number;
}

/** What is left of a message that was taken back; in history, resume and repair. */
export interface PushMsgRecalled {
  /** The channel. */
  ch: string;
  /** The `cid` of the command that wrote it: a client knows its own by it. */
  cid?: string;
  /** The numbering: it changes only if an older backup was restored. */
  ep: string;
  /** Who had said it. */
  from: Person;
  /** What it was. */
  kind: 'text' | 'image' | 'location';
  /** The place in the channel: 1, 2, 3 … without holes. */
  off: number;
  push: 'msg';
  /** Always `true`: there is nothing to show but that. */
  recalled: boolean;
  /** Offset of the message that it answered. */
  reply_to?: number;
  /** The profile that caused it, or `system`. */
  sender: string;
  /** When it was written, in UTC milliseconds. */
  ts: number;
}

/** A delivery is offered to this rider alone, until it expires. */
export interface PushOffer {
  /** Seconds that the route grows by. */
  adds_s: number;
  /** More deliveries on the same trip: whoever answers one of these offers answers all. */
  also?: Bundled[];
  /** How much of it is a bonus because nobody has taken it so far, in minor units. */
  bonus_minor?: number;
  /** The channel. */
  ch: string;
  /** The `cid` of the command that wrote it: a client knows its own by it. */
  cid?: string;
  /** ISO 4217. */
  currency: string;
  /** Geohash of six characters around the door; the door itself is told after acceptance. */
  dropoff_area: string;
  /** The numbering: it changes only if an older backup was restored. */
  ep: string;
  /** When it lapses, in UTC milliseconds. */
  expires: number;
  /** The place in the channel: 1, 2, 3 … without holes. */
  off: number;
  /** The offer. */
  offer: string;
  /** The order it is about. */
  order: string;
  /** What the rider earns, with the bonus, in minor units. */
  pay_minor: number;
  /** Metres from the rider to the store. */
  pickup_m: number;
  push: 'offer';
  /** The rider's route with this delivery in it. */
  route: StopView[];
  /** The profile that caused it, or `system`. */
  sender: string;
  /** Where to fetch it. */
  store: StorePoint;
  /** Metres from the store to the door. */
  trip_m: number;
  /** When it was written, in UTC milliseconds. */
  ts: number;
}

/** An offer is over, however it ended. */
export interface PushOfferClosed {
  /** The channel. */
  ch: string;
  /** The `cid` of the command that wrote it: a client knows its own by it. */
  cid?: string;
  /** The numbering: it changes only if an older backup was restored. */
  ep: string;
  /** The place in the channel: 1, 2, 3 … without holes. */
  off: number;
  /** The offer. */
  offer: string;
  /** The order it was about. */
  order: string;
  push: 'offer.closed';
  /** The profile that caused it, or `system`. */
  sender: string;
  /** `accepted`, `declined`, `expired` or `withdrawn`. */
  state: string;
  /** When it was written, in UTC milliseconds. */
  ts: number;
}

/** The newest value of a thing on the map; `null` when it is gone. */
export interface PushOps {
  /** The channel. */
  ch: string;
  /** `rider:rid_…`, `order:ord_…`, `store:sto_…` or `alarm:ord_…:KIND`. */
  key: string;
  push: 'ops';
  /** The value. */
  v: OpsThing | null;
}

/** A line of the operators' feed. */
export interface PushOpsEvent {
  /** When, in UTC milliseconds. */
  at: number;
  /** Who caused it. */
  by: By | null;
  /** The channel. */
  ch: string;
  /** ISO 4217. */
  currency?: string;
  /** When the customer got it, in UTC milliseconds. */
  delivered_at?: number;
  /** Its transport, once the store has accepted. */
  delivery?: DeliveryPart;
  /** When the order ended, in UTC milliseconds. */
  ended_at?: number;
  /** What happened. */
  event: string;
  /** State before. */
  from?: string;
  /** `pickup` if the customer collects it; left out for what a rider brings. */
  handover?: 'pickup';
  /** `order`, `offer`, `duty`, `alarm` or `delay`. */
  kind: string;
  /** Which machine moved. */
  machine: 'order' | 'payment' | 'delivery' | 'offer' | 'refund';
  /** By which people call it, e.g. `#0042`. */
  number?: string;
  /** The order. */
  order: string;
  /** Where the order's own machine stands. */
  order_state: 'pending_payment' | 'paying' | 'paid' | 'accepted' | 'preparing' | 'ready' | 'picked_up' | 'delivered' | 'completed' | 'rejected' | 'cancelled' | 'closed';
  /** The attempt to pay that moved, if one did. */
  payment?: PaymentPart;
  push: 'ops.event';
  /** When the kitchen means to be done, in UTC milliseconds. */
  ready_at?: number;
  /** Why. */
  reason?: string;
  /** How much of what was paid goes back. */
  refund: 'none' | 'refunding' | 'partial' | 'full';
  /** The rider who holds the delivery. */
  rider?: Person;
  /** For when it was ordered, in UTC milliseconds; left out for as soon as possible. */
  scheduled_for?: number;
  /** Number of the line, from 1 without holes. */
  seq: number;
  /** What to show to people, after the change. */
  status: 'pending_payment' | 'paying' | 'paid' | 'accepted' | 'preparing' | 'ready' | 'rider_assigned' | 'picked_up' | 'delivered' | 'completed' | 'rejected' | 'cancelled' | 'closed' | 'refunding' | 'refunded';
  /** The store. */
  store: string;
  /** State after. */
  to: string;
  /** What the customer pays, in minor units. */
  total_minor?: number;
  /** Until when the rider waits at the door, once he is there, in UTC milliseconds. */
  waits_until?: number;
}

/** A line of the operators' feed: an order will be late. */
export interface PushOpsEventDelay {
  /** Whether this was told before, and has grown. */
  again: boolean;
  /** The channel. */
  ch: string;
  /** The latest sensible arrival; left out while nobody is found to bring it. */
  high?: number;
  /** `order`, `offer`, `duty`, `alarm` or `delay`. */
  kind: string;
  /** How late it will be at least, in milliseconds. */
  late_ms: number;
  /** The earliest sensible arrival, in UTC milliseconds. */
  low: number;
  /** The order. */
  order: string;
  /** When it was promised, in UTC milliseconds. */
  promised: number;
  push: 'ops.event';
}

/** The whole map by key; comes after `sub`. */
export interface PushOpsSnapshot {
  /** The channel. */
  ch: string;
  push: 'ops';
  /** Everything that is true now. */
  snapshot: Record<string, OpsThing>;
}

/** Why a rider was asked: the candidates and what the delivery would cost with each, in minutes. */
export interface PushOpsWhy {
  /** When, in UTC milliseconds. */
  at: number;
  /** The channel. */
  ch: string;
  /** The rider who was asked. */
  chosen: Candidate;
  /** Riders whose routes were tried. */
  n_candidates: number;
  /** The offer that was made. */
  offer: string;
  /** The order. */
  order: string;
  /** The best others, the cheapest first; at most seven. */
  others: Candidate[];
  /** How riders are chosen. */
  policy: 'instant' | 'batch' | 'operator';
  push: 'ops.why';
}

/** A line of the order's story. The same line comes on the order's channel, to the store from payment on, and to the inboxes of its parties, with an offset of each channel. */
export interface PushOrder {
  /** When, in UTC milliseconds. */
  at: number;
  /** Who caused it. */
  by: By | null;
  /** The channel. */
  ch: string;
  /** The `cid` of the command that wrote it: a client knows its own by it. */
  cid?: string;
  /** ISO 4217. */
  currency?: string;
  /** When the customer got it, in UTC milliseconds. */
  delivered_at?: number;
  /** Its transport, once the store has accepted. */
  delivery?: DeliveryPart;
  /** When the order ended, in UTC milliseconds. */
  ended_at?: number;
  /** The numbering: it changes only if an older backup was restored. */
  ep: string;
  /** What happened. */
  event: string;
  /** State before. */
  from?: string;
  /** `pickup` if the customer collects it; left out for what a rider brings. */
  handover?: 'pickup';
  /** Which machine moved. */
  machine: 'order' | 'payment' | 'delivery' | 'offer' | 'refund';
  /** By which people call it, e.g. `#0042`. */
  number?: string;
  /** The place in the channel: 1, 2, 3 … without holes. */
  off: number;
  /** The order. */
  order: string;
  /** Where the order's own machine stands. */
  order_state: 'pending_payment' | 'paying' | 'paid' | 'accepted' | 'preparing' | 'ready' | 'picked_up' | 'delivered' | 'completed' | 'rejected' | 'cancelled' | 'closed';
  /** The attempt to pay that moved, if one did. */
  payment?: PaymentPart;
  push: 'order';
  /** When the kitchen means to be done, in UTC milliseconds. */
  ready_at?: number;
  /** Why. */
  reason?: string;
  /** How much of what was paid goes back. */
  refund: 'none' | 'refunding' | 'partial' | 'full';
  /** The rider who holds the delivery. */
  rider?: Person;
  /** For when it was ordered, in UTC milliseconds; left out for as soon as possible. */
  scheduled_for?: number;
  /** The profile that caused it, or `system`. */
  sender: string;
  /** Number of the line, from 1 without holes. */
  seq: number;
  /** What to show to people, after the change. */
  status: 'pending_payment' | 'paying' | 'paid' | 'accepted' | 'preparing' | 'ready' | 'rider_assigned' | 'picked_up' | 'delivered' | 'completed' | 'rejected' | 'cancelled' | 'closed' | 'refunding' | 'refunded';
  /** The store. */
  store: string;
  /** State after. */
  to: string;
  /** What the customer pays, in minor units. */
  total_minor?: number;
  /** When it was written, in UTC milliseconds. */
  ts: number;
  /** Until when the rider waits at the door, once he is there, in UTC milliseconds. */
  waits_until?: number;
}

/** The order will be at the door later than promised. Told once, and again when the delay has grown by ten minutes. */
export interface PushOrderDelayed {
  /** Whether this was told before, and has grown. */
  again: boolean;
  /** The channel. */
  ch: string;
  /** The `cid` of the command that wrote it: a client knows its own by it. */
  cid?: string;
  /** The numbering: it changes only if an older backup was restored. */
  ep: string;
  /** The latest sensible arrival; left out while nobody is found to bring it. */
  high?: number;
  /** How late it will be at least, in milliseconds. */
  late_ms: number;
  /** The earliest sensible arrival, in UTC milliseconds. */
  low: number;
  /** The place in the channel: 1, 2, 3 … without holes. */
  off: number;
  /** The order. */
  order: string;
  /** When it was promised, in UTC milliseconds. */
  promised: number;
  push: 'order.delayed';
  /** The profile that caused it, or `system`. */
  sender: string;
  /** When it was written, in UTC milliseconds. */
  ts: number;
}

/** The order waits at the store for its customer, who shows the code there. Only in the customer's own inbox. */
export interface PushPickupReady {
  /** The channel. */
  ch: string;
  /** The `cid` of the command that wrote it: a client knows its own by it. */
  cid?: string;
  /** What the customer says at the counter. */
  code: string;
  /** The numbering: it changes only if an older backup was restored. */
  ep: string;
  /** The place in the channel: 1, 2, 3 … without holes. */
  off: number;
  /** The order. */
  order: string;
  push: 'pickup.ready';
  /** The text of the QR code that the store scans instead. */
  qr: string;
  /** The profile that caused it, or `system`. */
  sender: string;
  /** Where it waits. */
  store: StorePoint;
  /** When it was written, in UTC milliseconds. */
  ts: number;
}

/** A ping that a page can see. Nothing need be answered. */
export interface PushPing {
  push: 'ping';
}

/** A delivery to grab, or (`open:false`) one that is gone. */
export interface PushPool {
  /** How much of it is a bonus because nobody has taken it so far, in minor units. */
  bonus_minor?: number;
  /** The channel. */
  ch: string;
  /** ISO 4217. */
  currency: string;
  /** Geohash of six characters around the door. */
  dropoff_area: string;
  /** Whether it can still be grabbed. */
  open: boolean;
  /** The order. */
  order: string;
  /** What the rider earns, with the bonus, in minor units. */
  pay_minor: number;
  push: 'pool';
  /** When the store accepted the order, in UTC milliseconds. */
  since: number;
  /** Where to fetch it. */
  store: StorePoint;
}

/** What can be grabbed now; comes after `sub`. */
export interface PushPoolSnapshot {
  /** The channel. */
  ch: string;
  push: 'pool';
  /** Everything that is true now. */
  snapshot: PoolItem[];
}

/** A party of the order came or went: the first of its devices, or the last one 20 s ago. */
export interface PushPresence {
  /** Since when, in UTC milliseconds. */
  at: number;
  /** The channel. */
  ch: string;
  /** Whether any of its devices is connected. */
  on: boolean;
  /** Who. */
  profile: string;
  push: 'presence';
  /** In which role. */
  role: string;
}

/** Which parties are there now; comes after `sub`. */
export interface PushPresenceSnapshot {
  /** The channel. */
  ch: string;
  push: 'presence';
  /** Everything that is true now. */
  snapshot: Seen[];
}

/** The rider's stops in their new order. */
export interface PushRoute {
  /** The channel. */
  ch: string;
  /** The `cid` of the command that wrote it: a client knows its own by it. */
  cid?: string;
  /** The numbering: it changes only if an older backup was restored. */
  ep: string;
  /** The place in the channel: 1, 2, 3 … without holes. */
  off: number;
  push: 'route';
  /** The profile that caused it, or `system`. */
  sender: string;
  /** The stops in order. */
  stops: StopView[];
  /** When it was written, in UTC milliseconds. */
  ts: number;
  /** What changed it. */
  why: string;
}

/** A sign-in of this person was ended by somebody else: an operator, a newer device, or because its token was copied. */
export interface PushSignedOut {
  /** When, in UTC milliseconds. */
  at: number;
  /** The channel. */
  ch: string;
  /** The `cid` of the command that wrote it: a client knows its own by it. */
  cid?: string;
  /** What its device is called, if the client said so. */
  device?: string;
  /** The numbering: it changes only if an older backup was restored. */
  ep: string;
  /** The place in the channel: 1, 2, 3 … without holes. */
  off: number;
  push: 'signed_out';
  /** In which role. */
  role: 'customer' | 'merchant' | 'rider' | 'operator';
  /** The profile that caused it, or `system`. */
  sender: string;
  /** The sign-in. */
  session: string;
  /** When it was written, in UTC milliseconds. */
  ts: number;
  /** Why. `token_reused` and `other_device`: somebody else had its token; change the password. */
  why: 'signed_out' | 'removed' | 'everywhere' | 'operator' | 'too_many' | 'replaced' | 'token_reused' | 'other_device' | 'password_changed' | 'account_closed';
}

/** A store of this merchant is there; the hub joins its channel. */
export interface PushStore {
  /** Its name. */
  name: string;
  /** The channel. */
  ch: string;
  /** The `cid` of the command that wrote it: a client knows its own by it. */
  cid?: string;
  /** The numbering: it changes only if an older backup was restored. */
  ep: string;
  /** The place in the channel: 1, 2, 3 … without holes. */
  off: number;
  push: 'store';
  /** The profile that caused it, or `system`. */
  sender: string;
  /** The store. */
  store: string;
  /** When it was written, in UTC milliseconds. */
  ts: number;
}

/** The hub joined a channel for the client, or renumbered one that it hears. */
export interface PushSubscribed {
  /** The channel that is heard now. */
  ch: string;
  /** The numbering; empty while the channel has no entry. */
  ep: string;
  /** The newest entry; what comes later is pushed. */
  off: number;
  push: 'subscribed';
  /** `false` if what the client knew of the channel is void. */
  recovered?: boolean;
}

/** Somebody writes, or has stopped. Forget it after some seconds without another. */
export interface PushTyping {
  /** The name to show. */
  name: string;
  /** The order's `live:` channel. */
  ch: string;
  /** `false` when the person stops. */
  on: boolean;
  /** Who writes. */
  profile: string;
  push: 'typing';
  /** It ends by itself after this long without another one. */
  ttl_ms: number;
}

/** A delivery is not this rider's any more, and why; the hub leaves the order's channel. */
export interface PushUnassigned {
  /** Who decided it: the rider himself, an operator or the system. */
  by: 'customer' | 'merchant' | 'rider' | 'operator' | 'system' | 'provider';
  /** The channel. */
  ch: string;
  /** The `cid` of the command that wrote it: a client knows its own by it. */
  cid?: string;
  /** The numbering: it changes only if an older backup was restored. */
  ep: string;
  /** The place in the channel: 1, 2, 3 … without holes. */
  off: number;
  /** The order. */
  order: string;
  push: 'unassigned';
  /** Why. */
  reason: 'closing_early' | 'busy' | 'ingredient_unavailable' | 'sold_out' | 'changed_mind' | 'ordered_by_mistake' | 'too_slow' | 'no_rider_found' | 'undeliverable' | 'unpaid_in_time' | 'not_accepted_in_time' | 'late_payment' | 'paid_twice' | 'refused_by_provider' | 'order_ended' | 'rider_late' | 'rider_handed_on' | 'rider_declined' | 'rider_silent' | 'rider_not_moving' | 'vehicle_trouble' | 'accident' | 'store_too_slow' | 'operator_decision' | 'customer_unreachable' | 'customer_refused' | 'wrong_address' | 'goods_damaged' | 'goods_lost' | 'code_not_at_hand' | 'not_collected' | 'overtaken' | 'other';
  /** The profile that caused it, or `system`. */
  sender: string;
  /** When it was written, in UTC milliseconds. */
  ts: number;
}

/** The hub left a channel that it had joined by itself. */
export interface PushUnsubscribed {
  /** The channel that is not heard any more. */
  ch: string;
  push: 'unsubscribed';
}

/** Every command: its parameters and its answer. */
export interface Commands {
  /** Everything up to here has arrived at this device. Counts up only; the parties hear `cur`. By: everybody who may read the channel. */
  ack: {
    p: {
      /** A logged channel. */
      ch: string;
      /** Everything up to here. */
      off: number;
    };
    ok: {
      /** Everything up to here arrived at one of the profile's devices. */
      delivered: number;
      /** Everything up to here was read. */
      read: number;
    };
  };
  /** Brings a new access token of the same profile; the socket stays. Channels are checked again. By: everybody. */
  'auth.refresh': {
    p: {
      /** A new access token of the same profile. */
      token: string;
    };
    ok: {
      /** Until when the token is good, in UTC milliseconds. */
      token_exp: number;
    };
  };
  /** Takes a message back: everybody hears `edit`, and its text is forgotten everywhere. By: the message's author, for two minutes (`limits.recall_ms`). */
  'chat.recall': {
    p: {
      /** The order's channel. */
      ch: string;
      /** Makes it happen once. */
      cid: string;
      /** Offset of the message. */
      off: number;
    };
    ok: {
      /** Whether this is the stored answer of an earlier time. */
      dup: boolean;
      /** Its offset in the channel. */
      off: number;
      /** When it was written, in UTC milliseconds. */
      ts: number;
    };
  };
  /** Says something in an order's chat. Answered after commit; everybody, the sender too, hears the push `msg`. By: the order's parties, while its chat is open. */
  'chat.send': {
    p: {
      /** The attachment of an `image`, uploaded before: `att_…`. */
      att?: string;
      /** The text, in characters; may be left out beside a picture or a place. */
      body?: string;
      /** The order's channel. */
      ch: string;
      /** Makes it happen once. */
      cid: string;
      /** `text` unless given. */
      kind?: 'text' | 'image' | 'location';
      /** The place of a `location`. */
      place?: SharedPlace;
      /** Offset of the entry that this answers. */
      reply_to?: number;
    };
    ok: {
      /** Whether this is the stored answer of an earlier time. */
      dup: boolean;
      /** Its offset in the channel. */
      off: number;
      /** When it was written, in UTC milliseconds. */
      ts: number;
    };
  };
  /** Signs in with an access token, joins the profile's own channels and resumes from the given positions. It must be the first frame and come within 5 s. By: everybody, first and once. */
  connect: {
    p: {
      /** Which device this is. */
      device?: Device;
      /** Where the client stands in logged channels. */
      resume?: Record<string, Known>;
      /** An access token of `POST /v1/sessions`. */
      token: string;
    };
    ok: {
      /** The logged channels that are heard from now on, and where they stand. */
      channels: Record<string, Position>;
      /** The name that others see. */
      name: string;
      /** This connection, for support. */
      connection: string;
      /** What a connection may do. */
      limits: Limits;
      /** When the hub pings. */
      ping: Ping;
      /** Who is signed in. */
      profile: string;
      /** How to come back after a lost connection. */
      reconnect: Reconnect;
      /** The profile's role. */
      role: 'customer' | 'merchant' | 'rider' | 'operator';
      /** The server's clock, in UTC milliseconds. */
      time: number;
      /** How many times faster than real time the server's clock runs, unless it runs in real time. */
      time_scale?: number;
      /** Until when the token is good, in UTC milliseconds. */
      token_exp: number;
    };
  };
  /** Hands a delivery on before pickup: it waits again, the rider leaves the order's chat and is not asked again for it for a while. By: the rider who holds the delivery. */
  'delivery.hand_on': {
    p: {
      /** A UUIDv7 made by the client for every new command: letters, digits, `-` and `_`. */
      cid: string;
      /** The order. */
      order: string;
      /** Why. */
      reason: 'rider_handed_on' | 'vehicle_trouble' | 'accident' | 'store_too_slow' | 'other';
    };
    ok: {
      /** Whether this is the stored answer of an earlier time. */
      dup: boolean;
      /** The order. */
      order: string;
      /** State of the order. */
      order_state: string;
      /** State of the delivery. */
      state: string;
    };
  };
  /** The goods are gone or spoilt: the order ends, and the customer gets all money back. By: the rider who holds the delivery. */
  'delivery.lost': {
    p: {
      /** A UUIDv7 made by the client for every new command: letters, digits, `-` and `_`. */
      cid: string;
      /** The order. */
      order: string;
      /** Why. */
      reason: 'goods_lost' | 'goods_damaged' | 'accident' | 'other';
    };
    ok: {
      /** Whether this is the stored answer of an earlier time. */
      dup: boolean;
      /** The order. */
      order: string;
      /** State of the order. */
      order_state: string;
      /** State of the delivery. */
      state: string;
    };
  };
  /** Brings goods back to the store that cannot be handed over; the store confirms that it has them (`POST /v1/orders/{order}/returned`). `customer_unreachable` only after five minutes at the door. By: the rider who holds the delivery. */
  'delivery.return': {
    p: {
      /** A UUIDv7 made by the client for every new command: letters, digits, `-` and `_`. */
      cid: string;
      /** The order. */
      order: string;
      /** Why. */
      reason: 'customer_unreachable' | 'customer_refused' | 'wrong_address' | 'goods_damaged' | 'vehicle_trouble' | 'other';
    };
    ok: {
      /** Whether this is the stored answer of an earlier time. */
      dup: boolean;
      /** The order. */
      order: string;
      /** State of the order. */
      order_state: string;
      /** State of the delivery. */
      state: string;
    };
  };
  /** Takes a break: open offers are turned down, what is held stays. By: riders. */
  'duty.break': {
    p: {
      /** A UUIDv7 made by the client for every new command: letters, digits, `-` and `_`. */
      cid?: string;
    };
    ok: {
      /** Whether this is the stored answer of an earlier time. */
      dup: boolean;
      /** `on`, `break` or `off`. */
      duty: string;
      /** Orders he holds, which wait for him. */
      orders: string[];
    };
  };
  /** Goes off duty. Refused while the rider holds orders. By: riders. */
  'duty.off': {
    p: {
      /** A UUIDv7 made by the client for every new command: letters, digits, `-` and `_`. */
      cid?: string;
    };
    ok: {
      /** Whether this is the stored answer of an earlier time. */
      dup: boolean;
      /** `on`, `break` or `off`. */
      duty: string;
      /** Orders he holds, which wait for him. */
      orders: string[];
    };
  };
  /** Goes on duty, or changes vehicle and capacity. Answers with the orders that the rider holds and the grab pool around him. By: riders. */
  'duty.on': {
    p: {
      /** Orders that he carries at once. */
      capacity: number;
      /** A UUIDv7 made by the client for every new command: letters, digits, `-` and `_`. */
      cid?: string;
      /** Degrees north. */
      lat: number;
      /** Degrees east. */
      lng: number;
      /** What the rider moves with. */
      vehicle: 'walk' | 'bike' | 'scooter' | 'car';
    };
    ok: {
      /** Whether this is the stored answer of an earlier time. */
      dup: boolean;
      /** What may be grabbed in the cells around him. */
      pool: PoolItem[];
      /** What the rider holds from before. */
      work: DutyView;
    };
  };
  /** Takes a delivery from the grab pool; exactly one of many wins, the others get error 132. By: riders. */
  grab: {
    p: {
      /** A UUIDv7 made by the client for every new command: letters, digits, `-` and `_`. */
      cid: string;
      /** The order. */
      order: string;
    };
    ok: {
      /** Whether this is the stored answer of an earlier time. */
      dup: boolean;
      /** The order. */
      order: string;
      /** `won` if the delivery is his, `declined` if he did not want it. */
      state: string;
    };
  };
  /** A page of a logged channel: newest first with `before` or neither, oldest first with `after`. By: everybody, where the channel is theirs to read. */
  history: {
    p: {
      /** Entries above this offset, oldest first; not together with `before`. */
      after?: number;
      /** Entries below this offset, newest first. */
      before?: number;
      /** A logged channel. */
      ch: string;
      /** Entries of the page, 50 unless given; more than the maximum is taken as the maximum. */
      limit?: number;
    };
    ok: {
      /** The entries as they were pushed, in the order that was asked for. */
      entries: AnyEntry[];
      /** Whether there are more beyond the last one. */
      more: boolean;
    };
  };
  /** From now on this device publishes the rider's position; positions of the others are dropped. `duty.on` does the same for the device that says it. By: riders. */
  'loc.claim': {
    p: {
      /** A UUIDv7 made by the client for every new command: letters, digits, `-` and `_`. */
      cid: string;
    };
    ok: {
      /** Whether this is the stored answer of an earlier time. */
      dup: boolean;
      /** Rises each time another device takes over. */
      fence: number;
    };
  };
  /** Where the rider is. Send it without `id`: there is nothing to answer. `seq` rises within a connection; what is older than the newest is dropped. By: riders. */
  'loc.put': {
    p: {
      /** Radius of uncertainty in metres, if known. */
      acc?: number;
      /** Heading in degrees from north, if known. */
      hdg?: number;
      /** Degrees north. */
      lat: number;
      /** Degrees east. */
      lng: number;
      /** Rises with each position of a connection; older ones are dropped. */
      seq: number;
      /** Speed in metres a second, if known. */
      spd?: number;
      /** When the device measured it, in UTC milliseconds. */
      t: number;
    };
    ok: Record<string, unknown>;
  };
  /** Takes or declines an offer. The first answer stands; too late is error 132 with the final `state`. By: riders. */
  'offer.reply': {
    p: {
      /** A UUIDv7 made by the client for every new command: letters, digits, `-` and `_`. */
      cid: string;
      /** The offer. */
      offer: string;
      /** Whether the rider takes it. */
      take: boolean;
    };
    ok: {
      /** Whether this is the stored answer of an earlier time. */
      dup: boolean;
      /** The order. */
      order: string;
      /** `won` if the delivery is his, `declined` if he did not want it. */
      state: string;
    };
  };
  /** Accepts a paid order and starts the kitchen unless told otherwise. A rider is looked for from now on. By: the store's staff. */
  'order.accept': {
    p: {
      /** A UUIDv7 made by the client for every new command: letters, digits, `-` and `_`. */
      cid: string;
      /** The order. */
      order: string;
      /** `order.accept`: minutes that the kitchen needs; the store's usual time unless given. */
      prep_min?: number;
      /** `order.reject`: why. */
      reason?: 'closing_early' | 'busy' | 'ingredient_unavailable' | 'sold_out' | 'other';
      /** `order.accept`: whether the kitchen starts at once, as it does unless given. */
      start?: boolean;
    };
    ok: {
      /** When it moved, in UTC milliseconds. */
      at: number;
      /** Whether this is the stored answer of an earlier time. */
      dup: boolean;
      /** By which people call it, e.g. `#0042`. */
      number?: string;
      /** The order. */
      order: string;
      /** When the kitchen means to be done, in UTC milliseconds. */
      ready_at: number | null;
      /** Number of the last line of its story. */
      seq: number;
      /** Where it stands. */
      state: string;
      /** What to show to people. */
      status: string;
    };
  };
  /** The order can be fetched. By: the store's staff. */
  'order.ready': {
    p: {
      /** A UUIDv7 made by the client for every new command: letters, digits, `-` and `_`. */
      cid: string;
      /** The order. */
      order: string;
      /** `order.accept`: minutes that the kitchen needs; the store's usual time unless given. */
      prep_min?: number;
      /** `order.reject`: why. */
      reason?: 'closing_early' | 'busy' | 'ingredient_unavailable' | 'sold_out' | 'other';
      /** `order.accept`: whether the kitchen starts at once, as it does unless given. */
      start?: boolean;
    };
    ok: {
      /** When it moved, in UTC milliseconds. */
      at: number;
      /** Whether this is the stored answer of an earlier time. */
      dup: boolean;
      /** By which people call it, e.g. `#0042`. */
      number?: string;
      /** The order. */
      order: string;
      /** When the kitchen means to be done, in UTC milliseconds. */
      ready_at: number | null;
      /** Number of the last line of its story. */
      seq: number;
      /** Where it stands. */
      state: string;
      /** What to show to people. */
      status: string;
    };
  };
  /** Turns a paid order down; the customer gets all money back. By: the store's staff. */
  'order.reject': {
    p: {
      /** A UUIDv7 made by the client for every new command: letters, digits, `-` and `_`. */
      cid: string;
      /** The order. */
      order: string;
      /** `order.accept`: minutes that the kitchen needs; the store's usual time unless given. */
      prep_min?: number;
      /** `order.reject`: why. */
      reason?: 'closing_early' | 'busy' | 'ingredient_unavailable' | 'sold_out' | 'other';
      /** `order.accept`: whether the kitchen starts at once, as it does unless given. */
      start?: boolean;
    };
    ok: {
      /** When it moved, in UTC milliseconds. */
      at: number;
      /** Whether this is the stored answer of an earlier time. */
      dup: boolean;
      /** By which people call it, e.g. `#0042`. */
      number?: string;
      /** The order. */
      order: string;
      /** When the kitchen means to be done, in UTC milliseconds. */
      ready_at: number | null;
      /** Number of the last line of its story. */
      seq: number;
      /** Where it stands. */
      state: string;
      /** What to show to people. */
      status: string;
    };
  };
  /** Starts the kitchen for an order that was accepted with `start:false`. By: the store's staff. */
  'order.start': {
    p: {
      /** A UUIDv7 made by the client for every new command: letters, digits, `-` and `_`. */
      cid: string;
      /** The order. */
      order: string;
      /** `order.accept`: minutes that the kitchen needs; the store's usual time unless given. */
      prep_min?: number;
      /** `order.reject`: why. */
      reason?: 'closing_early' | 'busy' | 'ingredient_unavailable' | 'sold_out' | 'other';
      /** `order.accept`: whether the kitchen starts at once, as it does unless given. */
      start?: boolean;
    };
    ok: {
      /** When it moved, in UTC milliseconds. */
      at: number;
      /** Whether this is the stored answer of an earlier time. */
      dup: boolean;
      /** By which people call it, e.g. `#0042`. */
      number?: string;
      /** The order. */
      order: string;
      /** When the kitchen means to be done, in UTC milliseconds. */
      ready_at: number | null;
      /** Number of the last line of its story. */
      seq: number;
      /** Where it stands. */
      state: string;
      /** What to show to people. */
      status: string;
    };
  };
  /** Writes to a channel of the load generator; outside the rate limit. The answer of a latest-only one is empty. By: everybody, where the server's settings open it. */
  pub: {
    p: {
      /** An object; its fields become fields of the push. */
      body: Record<string, unknown>;
      /** A channel of the load generator. */
      ch: string;
      /** Makes it happen once. */
      cid?: string;
    };
    ok: {
      /** Whether this is the stored answer of an earlier time. */
      dup?: boolean;
      /** Its offset in the channel. */
      off?: number;
      /** When it was written, in UTC milliseconds. */
      ts?: number;
    };
  };
  /** Everything up to here has been read by the person, on whichever device. Counts up only; the parties and the own devices hear `cur`. By: everybody who may read the channel. */
  read: {
    p: {
      /** A logged channel. */
      ch: string;
      /** Everything up to here. */
      off: number;
    };
    ok: {
      /** Everything up to here arrived at one of the profile's devices. */
      delivered: number;
      /** Everything up to here was read. */
      read: number;
    };
  };
  /** The rider is at the store or at the door. By: riders. */
  'stop.arrive': {
    p: {
      /** A UUIDv7 made by the client for every new command: letters, digits, `-` and `_`. */
      cid: string;
      /** The order. */
      order: string;
      /** Fetching it, or handing it over. */
      stop: 'pickup' | 'dropoff';
    };
    ok: {
      /** Whether this is the stored answer of an earlier time. */
      dup: boolean;
      /** The order. */
      order: string;
      /** State of the order. */
      order_state: string;
      /** State of the delivery. */
      state: string;
    };
  };
  /** The rider has the goods, or has handed them over: with the customer's PIN as `code` or a `photo` where the order's `handover.needs` says so. A wrong PIN is error 131 with the tries `left`, and counts once for each `cid`. By: riders. */
  'stop.done': {
    p: {
      /** A UUIDv7 made by the client for every new command: letters, digits, `-` and `_`. */
      cid: string;
      /** The PIN that the customer tells at the door. */
      code?: string;
      /** The order. */
      order: string;
      /** A photo of the handover: an attachment of this order, uploaded by this rider. */
      photo?: string;
      /** Fetching it, or handing it over. */
      stop: 'pickup' | 'dropoff';
    };
    ok: {
      /** Whether this is the stored answer of an earlier time. */
      dup: boolean;
      /** The order. */
      order: string;
      /** State of the order. */
      order_state: string;
      /** State of the delivery. */
      state: string;
    };
  };
  /** Hears a channel. A logged one from the given position on (`recovered` says whether what was missed follows), or from its newest entry; a latest-only one from its snapshot. Safe to repeat. By: everybody, where the channel is theirs to read. */
  sub: {
    p: {
      /** The channel. */
      ch: string;
      /** Where the client stands in a logged channel: the numbering. */
      ep?: string;
      /** Where the client stands in a logged channel: everything up to here has arrived. */
      off?: number;
    };
    ok: {
      /** The channel. */
      ch: string;
      /** Whether the order's chat takes messages. */
      chat?: ChatView;
      /** The numbering; empty while the channel has no entry. */
      ep?: string;
      /** The first entry that will be sent. */
      from?: number;
      /** The parties of an order's chat. */
      members?: Member[];
      /** Whether everything that the client missed will be sent. */
      recovered?: boolean;
      /** The newest entry of the channel. */
      to?: number;
    };
  };
  /** Tells those who hear `live:` of the order that the person writes. Never kept; send it without `id`. By: the order's parties who hear its chat. */
  typing: {
    p: {
      /** The order's channel, `order:` or `live:`. */
      ch: string;
      /** `false` when the person stops. */
      on?: boolean;
    };
    ok: Record<string, unknown>;
  };
  /** Stops hearing a channel. Safe to repeat. By: everybody. */
  unsub: {
    p: {
      /** The channel. */
      ch: string;
    };
    ok: Record<string, unknown>;
  };
}

/** Every push by its name. */
export interface Pushes {
  alarm: PushAlarm;
  'alarm.clear': PushAlarmClear;
  assigned: PushAssigned;
  auth: PushAuth;
  cart: PushCart;
  cur: PushCur;
  drain: PushDrain;
  duty: PushDuty;
  edit: PushEdit;
  eta: PushEta;
  handover: PushHandover;
  hub: PushHub;
  lag: PushLag;
  loc: PushLoc;
  'loc.denied': PushLocDenied;
  member: PushMember;
  msg: PushMsg | PushMsgRecalled;
  offer: PushOffer;
  'offer.closed': PushOfferClosed;
  ops: PushOps | PushOpsSnapshot;
  'ops.event': PushOpsEvent | PushOpsEventDelay;
  'ops.why': PushOpsWhy;
  order: PushOrder;
  'order.delayed': PushOrderDelayed;
  'pickup.ready': PushPickupReady;
  ping: PushPing;
  pool: PushPool | PushPoolSnapshot;
  presence: PushPresence | PushPresenceSnapshot;
  route: PushRoute;
  signed_out: PushSignedOut;
  store: PushStore;
  subscribed: PushSubscribed;
  typing: PushTyping;
  unassigned: PushUnassigned;
  unsubscribed: PushUnsubscribed;
}

/** The codes of refused commands. */
export const ErrorCode = {
  internal: 100,
  unavailable: 101,
  outcomeUnknown: 102,
  badRequest: 110,
  unknownCommand: 111,
  tooBig: 112,
  rateLimited: 113,
  unauthorized: 120,
  tokenExpired: 121,
  forbidden: 122,
  channelClosed: 123,
  notFound: 130,
  conflict: 131,
  offerGone: 132,
  epochChanged: 140,
  positionTooOld: 141,
  positionAhead: 142,
} as const;

/** The close codes. 4000 to 4499: come back; 4500 to 4999: do not. */
export const CloseCode = {
  protocolError: 1002,
  textOnly: 1003,
  binaryOnly: 1003,
  notUtf8: 1007,
  tooBig: 1009,
  drain: 4001,
  noPong: 4003,
  slow: 4004,
  serverError: 4005,
  overloaded: 4006,
  rateLimited: 4007,
  tokenExpired: 4009,
  badProtocol: 4500,
  invalidToken: 4501,
  connectTimeout: 4502,
  forbidden: 4503,
  replaced: 4504,
  connectionLimit: 4505,
  revoked: 4506,
  upgradeRequired: 4507,
} as const;
