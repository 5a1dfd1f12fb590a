/** The REST side: one session whose access token is renewed when it is used up, by one call at a time. */
import { Problem } from './errors.ts';
import type { Role } from './protocol.ts';

/** Answer to `POST /v1/sessions` and its refresh. */
export interface Session {
  access_token: string;
  access_expires_at: number;
  refresh_token?: string;
  refresh_expires_at?: number;
  profile: string;
  role: Role;
  name: string;
}

export interface RestOptions {
  /** Where the server is; empty for the page's own origin. */
  base?: string;
  /** Told when tokens were given or renewed, and with undefined when the session is over. */
  onSession?(session: Session | undefined): void;
  /** Makes a new session when the old one cannot be refreshed any more. */
  renew?(): Promise<Session>;
  fetch?: typeof fetch;
}

export class Rest {
  readonly #options: RestOptions;
  readonly #fetch: typeof fetch;
  #session: Session | undefined;
  #grantedAt = 0;
  #refreshing: Promise<string> | undefined;
  /** How many times faster than life the server's clock runs (from `connect`). */
  timeScale = 1;

  constructor(options: RestOptions = {}, session?: Session) {
    this.#options = options;
    this.#fetch = options.fetch ?? ((input, init) => fetch(input, init));
    if (session) this.#keep(session);
  }

  get session(): Session | undefined {
    return this.#session;
  }

  async signIn(credentials: { login: string; password: string; role: Role; device?: string }): Promise<Session> {
    const session = await this.#send<Session>('POST', '/v1/sessions', credentials, undefined);
    this.#keep(session);
    return session;
  }

  signOut(): void {
    this.#session = undefined;
    this.#options.onSession?.(undefined);
  }

  get<T>(path: string): Promise<T> {
    return this.#authorized<T>('GET', path, undefined);
  }

  post<T>(path: string, body: object = {}): Promise<T> {
    return this.#authorized<T>('POST', path, body);
  }

  /** The answer itself, for what is no JSON. A refusal throws. */
  async raw(method: string, path: string, body?: BodyInit, headers: Record<string, string> = {}): Promise<Response> {
    const once = async (fresh: boolean): Promise<Response> => {
      const init: RequestInit = { method, headers: { ...headers, authorization: `Bearer ${await this.token(fresh)}` } };
      if (body !== undefined) init.body = body;
      const response = await this.#fetch((this.#options.base ?? '') + path, init);
      if (response.ok) return response;
      throw new Problem(response.status, ((await response.json().catch(() => undefined)) ?? {}) as object);
    };
    try {
      return await once(false);
    } catch (error) {
      if (!(error instanceof Problem) || error.status !== 401 || !this.#session) throw error;
      return once(true);
    }
  }

  /** The access token; a new one if `fresh` is asked for or the old one is nearly used up. */
  async token(fresh = false): Promise<string> {
    if (!this.#session) throw new Problem(401, { title: 'not signed in' });
    if (!fresh && !this.#isOld(this.#session)) return this.#session.access_token;
    this.#refreshing ??= this.#refresh().finally(() => {
      this.#refreshing = undefined;
    });
    return this.#refreshing;
  }

  #keep(session: Session): void {
    this.#session = session;
    this.#grantedAt = Date.now();
    this.#options.onSession?.(session);
  }

  /** Counts with the token's own lifetime (`exp - iat`), so that a wrong local clock does no harm. */
  #isOld(session: Session): boolean {
    const lifetime = lifetimeMs(session.access_token);
    if (lifetime === undefined) return false;
    return (Date.now() - this.#grantedAt) * this.timeScale > lifetime * 0.8;
  }

  async #refresh(): Promise<string> {
    const before = this.#session;
    try {
      if (!before?.refresh_token) throw new Problem(401, { title: 'no refresh token' });
      this.#keep(await this.#send<Session>('POST', '/v1/sessions/refresh', { refresh_token: before.refresh_token }, undefined));
    } catch (error) {
      const over = error instanceof Problem && (error.status === 401 || error.status === 403);
      if (!over) throw error;
      if (!this.#options.renew) {
        this.signOut();
        throw error;
      }
      this.#keep(await this.#options.renew());
    }
    if (!this.#session) throw new Problem(401, { title: 'signed out' });
    return this.#session.access_token;
  }

  async #authorized<T>(method: string, path: string, body: object | undefined): Promise<T> {
    try {
      return await this.#send<T>(method, path, body, this.#session && (await this.token()));
    } catch (error) {
      if (!(error instanceof Problem) || error.status !== 401 || !this.#session) throw error;
      return this.#send<T>(method, path, body, await this.token(true));
    }
  }

  async #send<T>(method: string, path: string, body: object | undefined, token: string | undefined): Promise<T> {
    const headers: Record<string, string> = { accept: 'application/json' };
    if (body) headers['content-type'] = 'application/json';
    if (token !== undefined) headers.authorization = `Bearer ${token}`;
    const init: RequestInit = { method, headers };
    if (body) init.body = JSON.stringify(body);
    const response = await this.#fetch((this.#options.base ?? '') + path, init);
    const answer: unknown = await response.json().catch(() => undefined);
    if (!response.ok) throw new Problem(response.status, (answer ?? {}) as object);
    return answer as T;
  }
}

function lifetimeMs(jwt: string): number | undefined {
  try {
    const claims = JSON.parse(atob((jwt.split('.')[1] ?? '').replaceAll('-', '+').replaceAll('_', '/'))) as { exp?: number; iat?: number };
    return claims.exp !== undefined && claims.iat !== undefined ? (claims.exp - claims.iat) * 1000 : undefined;
  } catch {
    return undefined;
  }
}
