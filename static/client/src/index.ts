/** `@riderhub/client`: a session over REST, and one live connection that loses nothing. */
export { Hub, type HubOptions, type HubState } from './hub.ts';
export type { Listener, SubscribeOptions } from './channel.ts';
export { CommandError, Disconnected, ErrorCode, Problem, mayReconnect, type Closed } from './errors.ts';
export { Rest, type RestOptions, type Session } from './rest.ts';
export { isEntry, isLogged, SUBPROTOCOL } from './protocol.ts';
export type { Entry, Position, Push, ReconnectRules, Role, Subscribed, Welcome, WireError } from './protocol.ts';
export { uuidv7 } from './uuid.ts';
export type { SocketConstructor, SocketLike } from './wire.ts';
