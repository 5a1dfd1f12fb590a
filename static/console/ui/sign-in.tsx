/** Sign in as an operator. */
import { Problem } from '@riderhub/client';
import { useState } from 'preact/hooks';
import type { SessionModel } from '../model/session.ts';
import { Mark } from './icons.tsx';

export function SignIn({ session, notice }: { session: SessionModel; notice: string | undefined }) {
  const [trouble, setTrouble] = useState<string>();
  const [busy, setBusy] = useState(false);

  const submit = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    setBusy(true);
    setTrouble(undefined);
    try {
      await session.signIn(String(form.get('login')), String(form.get('password')));
    } catch (error) {
      setBusy(false);
      setTrouble(error instanceof Problem ? error.message : 'The server does not answer. Please try again.');
    }
  };

  return (
    <main class="sign-in">
      <form class="card" onSubmit={(event) => void submit(event)}>
        <h1><Mark /> RiderHub</h1>
        <p class="quiet">Sign in as an operator to see the city.</p>
        {notice !== undefined && <p class="notice" role="status">{notice}</p>}
        <label>Login<input name="login" autocomplete="username" autocapitalize="none" required autofocus /></label>
        <label>Password<input name="password" type="password" autocomplete="current-password" required /></label>
        {trouble !== undefined && <p class="trouble" role="alert">{trouble}</p>}
        <button class="button primary" type="submit" disabled={busy}>{busy ? 'Signing in…' : 'Sign in'}</button>
        <p class="quiet small">The first operator is made with <code>riderhub operator create NAME</code>.</p>
      </form>
    </main>
  );
}
