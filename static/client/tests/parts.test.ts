/** The small parts: log, backoff, ids, session. */
import { describe, expect, it, vi } from 'vitest';
import { DEFAULT_RULES, reconnectDelay } from '../src/backoff.ts';
import { delayFromReason } from '../src/errors.ts';
import { Log } from '../src/log.ts';
import { decode, type Entry } from '../src/protocol.ts';
import { Problem, Rest, uuidv7, type Session } from '../src/index.ts';

const entry = (off: number, ep = 'a'): Entry => ({ push: 'msg', ch: 'order:1', ep, off, ts: 0 });

describe('log', () => {
  it('applies every entry once and in order, whatever order and doubles they come in', () => {
    for (let seed = 1; seed <= 200; seed++) {
      const log = new Log();
      log.begin('a', 0);
      const offs = Array.from({ length: 12 }, (_, i) => i + 1);
      const mixed = [...offs, ...offs].sort((a, b) => ((a * seed * 7919) % 31) - ((b * seed * 104729) % 31));
      const applied = mixed.flatMap((off) => log.accept(entry(off)).apply.map((e) => e.off));
      expect(applied).toEqual(offs);
    }
  });

  it('knows that it is behind before the entries come', () => {
    const log = new Log();
    log.begin('a', 4);
    log.reaches(6);
    expect(log.behind).toBe(true);
    expect(log.accept(entry(5)).gap).toBe(false);
    expect(log.accept(entry(6)).apply).toHaveLength(1);
    expect(log.behind).toBe(false);
  });
});

describe('backoff', () => {
  it('spreads the first return over the whole window', () => {
    expect(reconnectDelay(0, true, DEFAULT_RULES, () => 0)).toBe(0);
    expect(reconnectDelay(0, true, DEFAULT_RULES, () => 0.999)).toBeCloseTo(4_995);
  });

  it('never waits longer than the maximum nor shorter than the minimum', () => {
    for (let n = 1; n < 60; n++) {
      for (const r of [0, 0.3, 1]) {
        const delay = reconnectDelay(n, true, DEFAULT_RULES, () => r);
        expect(delay).toBeGreaterThanOrEqual(DEFAULT_RULES.min_ms);
        expect(delay).toBeLessThanOrEqual(DEFAULT_RULES.max_ms);
      }
    }
  });

  it('reads the server’s own delay', () => {
    expect(delayFromReason('drain;after=1200')).toBe(1200);
    expect(delayFromReason('drain')).toBeUndefined();
    expect(delayFromReason(';after=-5')).toBeUndefined();
  });
});

describe('wire', () => {
  it('skips what it cannot read', () => {
    expect(decode('{"push":"a"}\n\nnonsense\n[1]\nnull\n{"id":1,"ok":{}}')).toEqual([{ push: 'a' }, { id: 1, ok: {} }]);
  });

  it('makes version 7 ids that sort by time', () => {
    const [a, b] = [uuidv7(1_700_000_000_000), uuidv7(1_700_000_000_001)];
    expect(a).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(a < b).toBe(true);
    expect(uuidv7()).not.toBe(uuidv7());
  });
});

describe('session', () => {
  const session = (n: number): Session => ({ access_token: `a${n}`, access_expires_at: 0, refresh_token: `r${n}`, profile: 'opr_1', role: 'operator', name: 'O' });
  const json = (status: number, body: object): Response => new Response(JSON.stringify(body), { status });

  it('refreshes once for many calls that were refused, and sends them again', async () => {
    let refreshes = 0;
    const fetch = vi.fn(async (path: string, init: RequestInit) => {
      if (path === '/v1/sessions/refresh') return json(200, session(++refreshes + 1));
      const auth = (init.headers as Record<string, string>).authorization;
      return auth === 'Bearer a2' ? json(200, { path }) : json(401, { title: 'token expired' });
    });
    const rest = new Rest({ fetch: fetch as unknown as typeof globalThis.fetch }, session(1));
    await expect(Promise.all([rest.get('/a'), rest.get('/b'), rest.get('/c')])).resolves.toHaveLength(3);
    expect(refreshes).toBe(1);
  });

  it('is over when the refresh token is refused', async () => {
    const told: (Session | undefined)[] = [];
    const fetch = (async () => json(401, { title: 'revoked' })) as unknown as typeof globalThis.fetch;
    const rest = new Rest({ fetch, onSession: (now) => told.push(now) }, session(1));
    await expect(rest.get('/a')).rejects.toBeInstanceOf(Problem);
    expect(told.at(-1)).toBeUndefined();
  });

  it('stays when the server only cannot be reached', async () => {
    const fetch = (async () => Promise.reject(new TypeError('network'))) as unknown as typeof globalThis.fetch;
    const rest = new Rest({ fetch }, session(1));
    await expect(rest.token(true)).rejects.toBeInstanceOf(TypeError);
    expect(rest.session?.access_token).toBe('a1');
  });

  it('keeps the words of problem+json', async () => {
    const fetch = (async () => json(409, { title: 'Conflict', detail: 'The order is cancelled.' })) as unknown as typeof globalThis.fetch;
    await expect(new Rest({ fetch }).get('/x')).rejects.toMatchObject({ status: 409, message: 'The order is cancelled.' });
  });
});
