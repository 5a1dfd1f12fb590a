/** `@riderhub/client`: a session over REST, and one live connection that loses nothing. */
export { Hub, type Changing, type HubOptions, type HubState } from './hub.ts';
export type { Cursor, Listener, SubscribeOptions } from './channel.ts';
export { ChatLog, receipt, type Message } from './chat.ts';
export { CommandError, delayFromReason, Disconnected, mayReconnect, Problem, TimedOut, type Closed } from './errors.ts';
export * from './frames.ts';
export { LiveRoom, type Presence } from './live.ts';
export { isEntry, isLogged, SUBPROTOCOL } from './protocol.ts';
export type { Entry, Position, Push, ReconnectRules, Role, Subscribed, Welcome } from './protocol.ts';
export type { CommandOptions, Kept } from './queue.ts';
export { Rest, type RestOptions, type Session } from './rest.ts';
export { textStorage, type Saved, type Storage } from './storage.ts';
export { upload, type UploadOptions } from './upload.ts';
export { uuidv7 } from './uuid.ts';
export type { SocketConstructor, SocketLike } from './wire.ts';
