/** Who is looking: the demo's session if the server gives one, else what was signed in for in this tab. */
import { Problem, Rest, type Session } from '@riderhub/client';
import { signal } from '@preact/signals';

export type Gate = { at: 'starting' } | { at: 'sign-in'; notice?: string } | { at: 'unreachable' } | { at: 'open'; demo: boolean };

const KEPT = 'riderhub.session';

export class SessionModel {
  readonly gate = signal<Gate>({ at: 'starting' });
  rest = new Rest();

  /** Asks for a demo session; a server that is no demo says 404. */
  async begin(): Promise<void> {
    try {
      this.#open(await demoSession(), true);
    } catch (error) {
      if (!(error instanceof Problem)) this.gate.value = { at: 'unreachable' };
      else if (error.status >= 500) this.gate.value = { at: 'unreachable' };
      else this.#fromTab();
    }
  }

  async signIn(login: string, password: string): Promise<void> {
    const session = await new Rest().signIn({ login, password, role: 'operator', device: deviceId() });
    this.#open(session, false);
  }

  signOut(notice?: string): void {
    sessionStorage.removeItem(KEPT);
    this.rest = new Rest();
    this.gate.value = notice === undefined ? { at: 'sign-in' } : { at: 'sign-in', notice };
  }

  #fromTab(): void {
    try {
      const kept = JSON.parse(sessionStorage.getItem(KEPT) ?? 'null') as Session | null;
      if (kept?.access_token) return this.#open(kept, false);
    } catch {
      // What is kept was written by another version; sign in again.
    }
    this.gate.value = { at: 'sign-in' };
  }

  #open(session: Session, demo: boolean): void {
    const onSession = (now: Session | undefined): void => {
      if (demo) return;
      if (now) sessionStorage.setItem(KEPT, JSON.stringify(now));
      else this.signOut('Your session has ended. Please sign in again.');
    };
    this.rest = new Rest(demo ? { renew: demoSession } : { onSession }, session);
    this.gate.value = { at: 'open', demo };
  }
}

function demoSession(): Promise<Session> {
  return new Rest().get<Session>('/v1/demo/session');
}

/** The same id for all connections of this browser, so that the server can tell devices apart. */
export function deviceId(): string {
  const key = 'riderhub.device';
  const kept = localStorage.getItem(key);
  if (kept !== null) return kept;
  const made = `d-${crypto.getRandomValues(new Uint32Array(2)).join('')}`;
  localStorage.setItem(key, made);
  return made;
}
