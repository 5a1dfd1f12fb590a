/** The conversation of customer, store and rider; status changes stand between the messages. */
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { time } from '../format.ts';
import { mayWrite, type Line, type OrderModel } from '../model/order.ts';
import { changeLabel, roleLabel } from '../words.ts';
import { Send } from './icons.tsx';

export function Chat({ order }: { order: OrderModel }) {
  const box = useRef<HTMLDivElement>(null);
  const lines = order.lines.value.filter(isShown);

  // Follows the newest message unless the reader has scrolled up.
  const following = useRef(true);
  const follow = (): void => {
    const element = box.current;
    if (element && following.current) element.scrollTop = element.scrollHeight;
  };
  const scrolled = (): void => {
    const element = box.current;
    if (element) following.current = element.scrollHeight - element.scrollTop - element.clientHeight < 40;
  };
  useLayoutEffect(follow, [lines.length]);
  useEffect(() => {
    const observer = new ResizeObserver(follow);
    if (box.current) observer.observe(box.current);
    return () => observer.disconnect();
  }, []);

  const trouble = order.trouble.value;
  return (
    <section class="chat" aria-label="Conversation">
      <div class="chat-lines scroll" ref={box} role="log" tabIndex={0} onScroll={scrolled}>
        {trouble !== undefined && <p class="trouble" role="alert">{trouble}</p>}
        {trouble === undefined && lines.length === 0 && order.loaded.value && <p class="empty">Nobody has written yet.</p>}
        {lines.map((line, i) => <ChatLine key={line.off} line={line} before={lines[i - 1]} />)}
      </div>
      <Room order={order} />
      {mayWrite.value ? <Composer order={order} /> : <p class="chat-closed quiet">Operators read along here; only the three parties write.</p>}
    </section>
  );
}

/** The parties hear of the order's own steps in the conversation; the rest is in the list of changes. */
function isShown(line: Line): boolean {
  return line.kind !== 'change' || (line.change.machine ?? 'order') === 'order';
}

function ChatLine({ line, before }: { line: Line; before: Line | undefined }) {
  if (line.kind === 'change') return <p class="chat-note">{changeLabel(line.change)} · {time(line.change.at ?? line.ts)}</p>;
  if (line.kind === 'member') return <p class="chat-note">{line.name} ({roleLabel(line.role).toLowerCase()}) {line.joined ? 'joined' : 'left'} · {time(line.ts)}</p>;
  if (line.system) return <p class="chat-note">{line.body} · {time(line.ts)}</p>;
  const again = before?.kind === 'message' && before.from.profile === line.from.profile;
  return (
    <div class={`bubble role-${line.from.role} ${again ? 'again' : ''}`}>
      {!again && <p class="bubble-from"><b>{line.from.name}</b> <span>{roleLabel(line.from.role)}</span></p>}
      <p class={`bubble-body ${line.recalled ? 'recalled' : ''}`}>{said(line)}<time>{time(line.ts)}</time></p>
    </div>
  );
}

/** What a message shows: words, a place, a picture, or that it was taken back. */
function said(line: Line & { kind: 'message' }) {
  if (line.recalled) return 'Taken back';
  const place = line.place;
  if (place) return <><a href={`https://www.openstreetmap.org/?mlat=${place.lat}&mlon=${place.lng}#map=17/${place.lat}/${place.lng}`} target="_blank" rel="noreferrer">{place.label ?? `${place.lat.toFixed(5)}, ${place.lng.toFixed(5)}`}</a> {line.body}</>;
  if (line.picture) return <><span class="tag">Picture</span> {line.body}</>;
  return line.body;
}

/** Who of the parties is connected, and who writes. */
function Room({ order }: { order: OrderModel }) {
  const typing = order.typing.value;
  const present = order.present.value;
  if (present.length === 0 && typing.length === 0) return null;
  return (
    <p class="room quiet" role="status">
      {present.map(({ profile, role, on }) => <span key={profile} class={`present role-${role} ${on ? 'on' : 'away'}`} title={on ? 'connected' : 'not connected'}><i aria-hidden="true" />{roleLabel(role)}{on ? '' : ' (away)'}</span>)}
      {typing.length > 0 && <span class="writes">{typing.join(', ')} {typing.length === 1 ? 'writes' : 'write'} …</span>}
    </p>
  );
}

function Composer({ order }: { order: OrderModel }) {
  const [text, setText] = useState('');
  const [trouble, setTrouble] = useState<string>();
  const [busy, setBusy] = useState(false);

  const submit = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    const body = text.trim();
    if (body === '' || busy) return;
    setBusy(true);
    setTrouble(undefined);
    try {
      if (await order.say(body)) setText('');
    } catch (error) {
      setTrouble(`Not sent: ${error instanceof Error ? error.message : 'unknown reason'}`);
    }
    setBusy(false);
  };

  return (
    <form class="composer" onSubmit={(event) => void submit(event)}>
      {trouble !== undefined && <p class="trouble" role="alert">{trouble}</p>}
      <input aria-label="Message to all three parties" placeholder="Write to all three" maxLength={2000} value={text} onInput={(event) => setText(event.currentTarget.value)} />
      <button class="button primary icon" type="submit" aria-label="Send" disabled={busy || text.trim() === ''}><Send /></button>
    </form>
  );
}
