// A small city that moves, for development and tests only. It speaks the shapes of the real server and knows nothing of its rules.

const CENTRE = { lat: 48.2082, lng: 16.3738 };
const STORES = ['Golden Ladle', 'Noodle Corner', 'Green Bowl', 'Harbour Grill', 'Little Oven', 'Rice & Rye', 'Saffron House', 'Corner Bakery', 'Blue Teapot', 'Pasta Lab', 'Dumpling Yard', 'Morning Fruit'];
const RIDERS = ['Ana', 'Bela', 'Chen', 'Dario', 'Emre', 'Farah', 'Goran', 'Hana', 'Ivo', 'Jana', 'Karim', 'Lena', 'Mirko', 'Nora', 'Otto', 'Petra', 'Quirin', 'Rosa'];
const CUSTOMERS = ['Sam Weber', 'Tina Koch', 'Uwe Lang', 'Vera Novak', 'Wim Bauer', 'Xenia Haas', 'Yara Lindt', 'Zoe Berg'];
const CHAT = {
  customer: ['Please no onions, thank you!', 'The bell is broken, please call.', 'Third floor, left door.', 'How long will it take?', 'Great, thanks!'],
  merchant: ['We are on it.', 'Ready in about ten minutes.', 'The soup is packed separately.', 'Handed over, enjoy!'],
  rider: ['On my way to the store.', 'I have your order, see you soon.', 'I am at the door.', 'Traffic at the bridge, two minutes more.'],
};

const M_PER_LAT = 111_195;
const metres = (a, b) => Math.hypot((a.lat - b.lat) * M_PER_LAT, (a.lng - b.lng) * M_PER_LAT * Math.cos((a.lat * Math.PI) / 180));
const bearing = (a, b) => ((Math.atan2((b.lng - a.lng) * Math.cos((a.lat * Math.PI) / 180), b.lat - a.lat) * 180) / Math.PI + 360) % 360;

function generator(seed) {
  let state = seed;
  return () => {
    state = (state * 1664525 + 1013904223) % 4294967296;
    return state / 4294967296;
  };
}

export class City {
  region = 'u2ed';
  stores = new Map();
  riders = new Map();
  orders = new Map();
  #random;
  #n = 1000;
  #journal;

  constructor(journal, { seed = 7 } = {}) {
    this.#journal = journal;
    this.#random = generator(seed);
    STORES.forEach((name, i) => this.stores.set(`sto_${i + 1}`, { name, ...this.#place(1700), is_open: i !== 11 }));
    RIDERS.forEach((name, i) => this.riders.set(`rid_${i + 1}`, { name, ...this.#place(2300), hdg: Math.floor(this.#random() * 360), duty: i === 5 ? 'break' : 'on', capacity: 3, plan: [], seq: 0, wait: 0, goal: null }));
    for (let i = 0; i < 14; i++) this.place();
    for (let i = 0; i < 240; i++) this.step(1000);
  }

  now() {
    return Date.now();
  }

  #pick(list) {
    return list[Math.floor(this.#random() * list.length)];
  }

  #place(radius, around = CENTRE) {
    const angle = this.#random() * 2 * Math.PI;
    const r = Math.sqrt(this.#random()) * radius;
    return { lat: around.lat + (Math.cos(angle) * r) / M_PER_LAT, lng: around.lng + (Math.sin(angle) * r) / (M_PER_LAT * Math.cos((CENTRE.lat * Math.PI) / 180)) };
  }

  snapshot() {
    const all = {};
    for (const id of this.stores.keys()) all[`store:${id}`] = this.#view('store', id);
    for (const id of this.riders.keys()) all[`rider:${id}`] = this.#view('rider', id);
    for (const id of this.orders.keys()) all[`order:${id}`] = this.#view('order', id);
    return all;
  }

  #view(kind, id) {
    if (kind === 'store') return this.stores.get(id);
    if (kind === 'rider') {
      const { name, lat, lng, hdg, duty, capacity, plan } = this.riders.get(id);
      return { name, lat, lng, hdg: Math.round(hdg), duty, load: plan.filter((s) => s.stop === 'dropoff').length, capacity, stops: this.#stops(this.riders.get(id)) };
    }
    const o = this.orders.get(id);
    const store = this.stores.get(o.store);
    return { order: id, store: o.store, store_name: store.name, status: o.state, order_state: o.state, delivery_state: o.delivery, ...(o.rider ? { rider: { id: o.rider, role: 'rider', name: this.riders.get(o.rider).name } } : {}), pickup: { lat: store.lat, lng: store.lng }, dropoff: o.dropoff, total_minor: o.total, currency: 'EUR', placed: o.placed, ...(o.state === 'paid' ? { alarm: 'new_order' } : {}) };
  }

  #stops(rider) {
    let at = this.now();
    let here = rider;
    return rider.plan.map((stop) => {
      at += Math.round(metres(here, stop) / 14 + 20) * 1000;
      here = stop;
      return { ...stop, eta: at };
    });
  }

  #ops(kind, id, gone = false) {
    this.#journal.tell({ push: 'ops', ch: `ops:${this.region}`, key: `${kind}:${id}`, v: gone ? null : this.#view(kind, id) });
  }

  #change(id, machine, event, from, to, by, more = {}) {
    const o = this.orders.get(id);
    const at = this.now();
    const body = { order: id, seq: ++o.seq, machine, event, from, to, status: o.state, by, at, store: o.store, ...(o.rider ? { rider: { id: o.rider, name: this.riders.get(o.rider).name } } : {}), total_minor: o.total, currency: 'EUR', ...more };
    this.#journal.append(`order:${id}`, 'order', by.id ?? 'system', at, body);
    this.#journal.tell({ push: 'ops.event', ch: `ops:${this.region}`, kind: machine === 'offer' ? 'offer' : 'order', ...body });
    this.#ops('order', id);
  }

  #join(id, role, profile, name) {
    this.#journal.append(`order:${id}`, 'member', 'system', this.now(), { profile, role, name, joined: true });
  }

  say(id, role, profile, name, body, cid) {
    return this.#journal.append(`order:${id}`, 'msg', profile, this.now(), { from: { profile, role, name }, kind: 'text', body }, cid);
  }

  place() {
    const id = `ord_${++this.#n}`;
    const store = this.#pick([...this.stores].filter(([, s]) => s.is_open))[0];
    const customer = Math.floor(this.#random() * CUSTOMERS.length);
    this.orders.set(id, { store, state: 'pending_payment', delivery: undefined, rider: undefined, dropoff: this.#place(1500, this.stores.get(store)), total: 900 + Math.floor(this.#random() * 4200), placed: this.now(), seq: 0, age: 0, until: 3 + this.#random() * 6, customer: { id: `cus_${customer}`, name: CUSTOMERS[customer] } });
    this.#change(id, 'order', 'placed', 'pending_payment', 'pending_payment', { role: 'customer', id: `cus_${customer}` });
    return id;
  }

  step(ms) {
    const s = ms / 1000;
    if (this.orders.size < 26 && this.#random() < s / 5) this.place();
    for (const [id, order] of this.orders) {
      order.age += s;
      if (order.age > order.until) this.#advance(id, order);
    }
    for (const [id, rider] of this.riders) this.#ride(id, rider, s);
  }

  #advance(id, o) {
    const next = (seconds) => {
      o.age = 0;
      o.until = seconds * (0.6 + this.#random() * 0.8);
    };
    const merchant = { role: 'merchant', id: `mer_${o.store}` };
    const system = { role: 'system' };
    const move = (to, event, by, more) => {
      const from = o.state;
      o.state = to;
      this.#change(id, 'order', event, from, to, by, more);
    };
    if (o.state === 'pending_payment') {
      move('paid', 'paid', system);
      this.#journal.tell({ push: 'ops.event', ch: `ops:${this.region}`, kind: 'alarm', alarm: 'new_order', order: id, store: o.store, at: this.now() });
      next(8);
    } else if (o.state === 'paid') {
      if (this.#random() < 0.06) {
        move('rejected', 'rejected', merchant, { reason: 'kitchen_closed' });
        return next(12);
      }
      this.#join(id, 'customer', o.customer.id, o.customer.name);
      this.#join(id, 'merchant', merchant.id, this.stores.get(o.store).name);
      o.delivery = 'waiting';
      move('preparing', 'accepted', merchant, { ready_at: this.now() + 600_000 });
      o.cook = 40 + this.#random() * 50;
      this.say(id, 'merchant', merchant.id, this.stores.get(o.store).name, this.#pick(CHAT.merchant));
      next(10);
    } else if (o.delivery === 'waiting' || o.delivery === 'offering') {
      this.#dispatch(id, o);
      next(4);
    } else if (o.state === 'preparing' && (o.cook -= o.until) > 0) {
      next(10);
    } else if (o.state === 'preparing') {
      move('ready', 'ready', merchant);
      next(600);
    } else if (o.state === 'delivered') {
      move('completed', 'completed', { role: 'customer', id: o.customer.id });
      this.#gone(id);
    } else if (o.state === 'rejected') this.#gone(id);
    else next(20);
    if (this.#random() < 0.35 && this.orders.has(id) && o.delivery) this.say(id, 'customer', o.customer.id, o.customer.name, this.#pick(CHAT.customer));
  }

  #gone(id) {
    this.orders.delete(id);
    this.#journal.tell({ push: 'ops', ch: `ops:${this.region}`, key: `order:${id}`, v: null });
  }

  #dispatch(id, o) {
    const store = this.stores.get(o.store);
    const free = [...this.riders].filter(([, r]) => r.duty === 'on' && r.plan.length <= 2).sort((a, b) => metres(a[1], store) - metres(b[1], store));
    const [rid, rider] = free[0] ?? [];
    if (!rid) return;
    const by = { role: 'rider', id: rid };
    if (o.delivery === 'waiting') {
      o.delivery = 'offering';
      this.#change(id, 'offer', 'offered', '', 'open', { role: 'system' }, { rider: { id: rid, name: rider.name } });
      return;
    }
    o.delivery = 'assigned';
    o.rider = rid;
    this.#change(id, 'offer', 'accepted', 'open', 'accepted', by);
    this.#change(id, 'delivery', 'assigned', 'offering', 'assigned', by);
    this.#join(id, 'rider', rid, rider.name);
    rider.plan.push({ lat: store.lat, lng: store.lng, stop: 'pickup', order: id }, { ...o.dropoff, stop: 'dropoff', order: id });
    this.say(id, 'rider', rid, rider.name, this.#pick(CHAT.rider));
  }

  #ride(id, r, s) {
    if (r.duty !== 'on') return;
    if (r.wait > 0) {
      r.wait -= s;
      return;
    }
    const stop = r.plan[0];
    r.goal = stop ?? r.goal ?? this.#place(2000);
    const left = metres(r, r.goal);
    const reach = (stop ? 14 : 4) * s;
    if (left <= reach) {
      Object.assign(r, { lat: r.goal.lat, lng: r.goal.lng, goal: null });
      if (stop) this.#stop(id, r, stop);
    } else {
      const f = reach / left;
      const hdg = bearing(r, r.goal);
      Object.assign(r, { lat: r.lat + (r.goal.lat - r.lat) * f, lng: r.lng + (r.goal.lng - r.lng) * f, hdg });
    }
    this.#ops('rider', id);
    for (const planned of r.plan) if (planned.stop === 'dropoff') this.#tellParties(id, r, planned.order);
  }

  #tellParties(id, r, order) {
    const o = this.orders.get(order);
    const at = this.now();
    this.#journal.tell({ push: 'loc', ch: `loc:${order}`, rider: id, seq: ++r.seq, lat: r.lat, lng: r.lng, hdg: Math.round(r.hdg), t: at, age_ms: 40 });
    const { eta } = this.#stops(r).find((stop) => stop.order === order && stop.stop === 'dropoff');
    if (Math.abs(eta - (o.eta ?? 0)) < 30_000) return;
    o.eta = eta;
    this.#journal.tell({ push: 'eta', ch: `loc:${order}`, order, stop: 'dropoff', eta, low: eta - 60_000, high: eta + 120_000 });
  }

  #stop(id, r, stop) {
    const o = this.orders.get(stop.order);
    const by = { role: 'rider', id };
    if (stop.stop === 'pickup' && o.state !== 'ready') {
      if (o.delivery === 'assigned') {
        o.delivery = 'arrived_pickup';
        this.#change(stop.order, 'delivery', 'arrived', 'assigned', 'arrived_pickup', by);
      }
      r.wait = 3;
      return;
    }
    r.plan.shift();
    r.wait = 4;
    const [delivery, state] = stop.stop === 'pickup' ? ['picked_up', 'picked_up'] : ['delivered', 'delivered'];
    const [was, before] = [o.delivery, o.state];
    o.delivery = delivery;
    o.state = state;
    this.#change(stop.order, 'delivery', delivery, was, delivery, by);
    this.#change(stop.order, 'order', state, before, state, by);
    Object.assign(o, { age: 0, until: 15 });
    this.say(stop.order, 'rider', id, r.name, this.#pick(CHAT.rider));
  }
}
