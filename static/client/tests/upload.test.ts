/** Pictures: pieces, breaks, checksum; against a server that is played, and the real one. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Rest, upload, type Session } from '../src/index.ts';
import { acceptedOrder, HAS_SERVER, RealServer } from './real.ts';

const session: Session = { access_token: 'a', access_expires_at: 0, refresh_token: 'r', profile: 'cus_1', role: 'customer', name: 'C' };
const content = Uint8Array.from({ length: 1_000 }, (_, i) => i % 251);
const file = (): Blob => new Blob([content], { type: 'image/png' });
const wait = (): Promise<void> => Promise.resolve();

/** A server that takes pieces, and does what `trouble` says before its n-th answer to a piece. */
function played(trouble: (n: number) => 'fine' | 'lost' | 'dropped' | 'refused' = () => 'fine') {
  const got: number[] = [];
  const calls: string[] = [];
  const keys = new Set<string>();
  let n = 0;
  const standing = (): Response =>
    new Response(undefined, { status: 204, headers: { 'upload-offset': String(got.length), 'upload-complete': got.length === content.length ? '?1' : '?0' } });
  const fetch = async (path: string | URL | Request, init: RequestInit = {}): Promise<Response> => {
    const headers = init.headers as Record<string, string>;
    calls.push(`${init.method} ${String(path)}`);
    if (init.method === 'POST') {
      keys.add(String(headers['idempotency-key']));
      return Response.json({ attachment: 'att_1', offset: 0, chunk_bytes_max: 300, expires_at: 0 }, { status: 201 });
    }
    if (init.method === 'HEAD') return standing();
    const what = trouble(++n);
    if (what === 'dropped') throw new TypeError('fetch failed');
    if (what === 'refused') return Response.json({ type: '/problems/content-refused', title: 'no' }, { status: 422 });
    if (Number(headers['upload-offset']) !== got.length) return Response.json({ type: '/problems/wrong-offset' }, { status: 409 });
    got.push(...new Uint8Array(await new Response(init.body).arrayBuffer()));
    if (what === 'lost') throw new TypeError('fetch failed');
    return standing();
  };
  return { rest: new Rest({ fetch: fetch as typeof globalThis.fetch }, session), got, calls, keys };
}

describe('upload', () => {
  it('sends piece after piece, and tells how far it is', async () => {
    const server = played();
    const told: number[] = [];
    const att = await upload(server.rest, file(), { order: 'ord_1', onProgress: (received) => told.push(received) });
    expect(att).toBe('att_1');
    expect(server.got).toEqual([...content]);
    expect(told).toEqual([0, 300, 600, 900, 1_000]);
  });

  it('goes on from where the server stands after breaks, also when only the answer was lost', async () => {
    const server = played((n) => (n === 2 ? 'dropped' : n === 3 ? 'lost' : 'fine'));
    await upload(server.rest, file(), { order: 'ord_1', wait });
    expect(server.got).toEqual([...content]);
    expect(server.calls.filter((call) => call.startsWith('HEAD')).length).toBe(3);
    expect(server.keys.size).toBe(1);
  });

  it('does not repeat what is refused for good, nor for ever', async () => {
    const refused = played(() => 'refused');
    await expect(upload(refused.rest, file(), { order: 'ord_1', wait })).rejects.toThrow('no');
    expect(refused.calls.filter((call) => call.startsWith('PATCH')).length).toBe(1);
    const dead = played(() => 'dropped');
    await expect(upload(dead.rest, file(), { order: 'ord_1', wait })).rejects.toThrow('fetch failed');
    expect(dead.calls.filter((call) => call.startsWith('PATCH')).length).toBe(8);
  });

  it('is stopped by its signal', async () => {
    const stop = new AbortController();
    const server = played();
    const going = upload(server.rest, file(), { order: 'ord_1', signal: stop.signal, onProgress: () => stop.abort() });
    await expect(going).rejects.toThrow();
    expect(server.got.length).toBeLessThan(1_000);
  });
});

describe.skipIf(!HAS_SERVER)('upload to the real server', { timeout: 60_000 }, () => {
  let server: RealServer;
  beforeAll(async () => void (server = await RealServer.start()));
  afterAll(async () => void (await server?.close()));

  it('is whole and checked, and the same key begins no second one', async () => {
    const rest = await server.person('customer', 'Pia');
    const order = await acceptedOrder(server, rest);
    const png = Uint8Array.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13, 0x49, 0x48, 0x44, 0x52, ...content]);
    const picture = new Blob([png], { type: 'image/png' });
    const att = await upload(rest, picture, { order, key: 'the-same-key', pieceBytes: 200 });
    expect(await upload(rest, picture, { order, key: 'the-same-key', pieceBytes: 200 })).toBe(att);
    const wrong = upload(rest, picture, { order, sha256: '0'.repeat(64) });
    await expect(wrong).rejects.toMatchObject({ status: 422 });
  });
});
