// The mock's journal: logged channels with offsets 1, 2, 3 … and whoever listens to them.

export class Journal {
  #logs = new Map();
  #listeners = new Set();

  listen(listener) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  log(ch) {
    let log = this.#logs.get(ch);
    if (!log) this.#logs.set(ch, (log = { ep: 'e1', entries: [] }));
    return log;
  }

  has(ch) {
    return this.#logs.has(ch);
  }

  append(ch, kind, sender, at, body, cid) {
    const log = this.log(ch);
    const entry = { push: kind, ch, ep: log.ep, off: log.entries.length + 1, ts: at, sender, ...(cid ? { cid } : {}), ...body };
    log.entries.push(entry);
    this.tell(entry);
    return entry;
  }

  tell(push) {
    for (const listener of this.#listeners) listener(push);
  }

  page(ch, { after, before, limit = 50 }) {
    const { entries } = this.log(ch);
    if (after !== undefined) return entries.filter((e) => e.off > after).slice(0, limit);
    return entries.filter((e) => before === undefined || e.off < before).reverse().slice(0, limit);
  }
}
