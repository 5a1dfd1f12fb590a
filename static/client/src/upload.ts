/** A picture on its way to the server: in pieces, going on where a break left it, checked by its checksum. */
import { Problem } from './errors.ts';
import type { Rest } from './rest.ts';
import { uuidv7 } from './uuid.ts';

export interface UploadOptions {
  /** In whose chat it will be shown. */
  order: string;
  /** What it is called; the name of a `File` if left out. */
  name?: string;
  /** What it is, as `image/jpeg`; the type of the `Blob` if left out. */
  mediaType?: string;
  /** SHA-256 of the whole in hex digits, where the page has no `crypto.subtle` (it has only over https and on localhost). */
  sha256?: string;
  /** Keep it to go on after the page was closed: the same key and file begin no second upload. */
  key?: string;
  /** Bytes of a piece; never more than the server takes. */
  pieceBytes?: number;
  /** How much has arrived. */
  onProgress?(received: number, bytes: number): void;
  /** Stops it; what has arrived stays for a while. */
  signal?: AbortSignal;
  /** For tests. */
  wait?(ms: number): Promise<void>;
}

interface Begun {
  attachment: string;
  offset: number;
  chunk_bytes_max: number;
}

interface Standing {
  offset: number;
  whole: boolean;
}

/** Tries in a row that bring nothing further. */
const TRIES_MAX = 8;
const PAUSE_MIN_MS = 250;
const PAUSE_MAX_MS = 8_000;

/** Sends a file and answers its attachment, which `chat.send` names as `att`. */
export async function upload(rest: Rest, file: Blob, options: UploadOptions): Promise<string> {
  const wait = options.wait ?? ((ms) => new Promise((go) => setTimeout(go, ms)));
  const key = options.key ?? uuidv7();
  const body = {
    order: options.order,
    name: options.name ?? (file as Partial<File>).name ?? 'picture',
    media_type: options.mediaType ?? file.type,
    bytes: file.size,
    sha256: options.sha256 ?? (await sha256(file)),
  };
  let begun: Begun | undefined;
  let standing: Standing | undefined;
  for (let tries = 0; ; tries++) {
    options.signal?.throwIfAborted();
    try {
      begun ??= await begin(rest, body, key);
      // Begun before, or after a break: the server knows how much has arrived.
      standing ??= await ask(rest, begun.attachment);
      options.onProgress?.(standing.offset, file.size);
      if (standing.whole) return begun.attachment;
      const size = Math.min(options.pieceBytes ?? begun.chunk_bytes_max, begun.chunk_bytes_max);
      standing = await send(rest, begun.attachment, file.slice(standing.offset, standing.offset + size), standing.offset);
      tries = -1;
    } catch (error) {
      options.signal?.throwIfAborted();
      if (!mayGoOn(error) || tries + 1 >= TRIES_MAX) throw error;
      standing = undefined;
      await wait(Math.min(PAUSE_MAX_MS, PAUSE_MIN_MS * 2 ** tries) * (0.5 + Math.random() / 2));
    }
  }
}

/** What the server will never take is told at once; a lost answer and a piece out of turn are not of that kind. */
function mayGoOn(error: unknown): boolean {
  if (!(error instanceof Problem)) return true;
  if (error.status >= 500 || error.status === 429) return true;
  return ['wrong-offset', 'bad-piece'].some((kind) => error.type?.endsWith(kind));
}

async function begin(rest: Rest, body: object, key: string): Promise<Begun> {
  const headers = { 'content-type': 'application/json', 'idempotency-key': key };
  const answer = await rest.raw('POST', '/v1/attachments', JSON.stringify(body), headers);
  return (await answer.json()) as Begun;
}

async function ask(rest: Rest, attachment: string): Promise<Standing> {
  return read(await rest.raw('HEAD', `/v1/attachments/${attachment}`));
}

async function send(rest: Rest, attachment: string, piece: Blob, offset: number): Promise<Standing> {
  const headers = { 'content-type': 'application/octet-stream', 'upload-offset': String(offset) };
  return read(await rest.raw('PATCH', `/v1/attachments/${attachment}`, piece, headers));
}

function read(answer: Response): Standing {
  return { offset: Number(answer.headers.get('upload-offset') ?? 0), whole: answer.headers.get('upload-complete') === '?1' };
}

async function sha256(file: Blob): Promise<string> {
  // Pages over http have no `subtle`.
  const subtle = (globalThis.crypto as Partial<Crypto> | undefined)?.subtle;
  if (!subtle) throw new Error('This page has no crypto.subtle (it needs https): give upload() the sha256 of the file.');
  const digest = new Uint8Array(await subtle.digest('SHA-256', await file.arrayBuffer()));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
