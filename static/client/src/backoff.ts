/** When to call again. Full jitter: thousands of clients that lose one node must not return at one instant. */
import type { ReconnectRules } from './protocol.ts';

export const DEFAULT_RULES: ReconnectRules = { min_ms: 200, max_ms: 15_000, first_window_ms: 5_000 };

/**
 * Delay before attempt `n` (0 = the first after a loss).
 * The first try after a working connection falls anywhere in the server's first window; later ones in a window that doubles.
 */
export function reconnectDelay(n: number, hadConnection: boolean, rules: ReconnectRules, random: () => number): number {
  if (n === 0 && hadConnection) return random() * rules.first_window_ms;
  const window = Math.min(rules.max_ms, rules.min_ms * 2 ** Math.min(n + 1, 16));
  return rules.min_ms + random() * Math.max(0, window - rules.min_ms);
}
