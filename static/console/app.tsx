/** Which of the pages is shown: starting, sign in, or the console. */
import { useEffect, useMemo } from 'preact/hooks';
import { Live } from './model/live.ts';
import { SessionModel } from './model/session.ts';
import { Console } from './ui/console.tsx';
import { SignIn } from './ui/sign-in.tsx';

export function App() {
  const session = useMemo(() => new SessionModel(), []);
  useEffect(() => void session.begin(), [session]);
  const gate = session.gate.value;
  if (gate.at === 'starting') return <p class="page-note" role="status">Starting…</p>;
  if (gate.at === 'unreachable') {
    return (
      <div class="page-note" role="alert">
        <p>The server does not answer.</p>
        <button class="button" type="button" onClick={() => void session.begin()}>Try again</button>
      </div>
    );
  }
  if (gate.at === 'sign-in') return <SignIn session={session} notice={gate.notice} />;
  return <Open session={session} demo={gate.demo} />;
}

function Open({ session, demo }: { session: SessionModel; demo: boolean }) {
  const live = useMemo(() => new Live(session), [session]);
  useEffect(() => {
    void live.start();
    return () => live.stop();
  }, [live]);
  return <Console live={live} session={session} demo={demo} />;
}
