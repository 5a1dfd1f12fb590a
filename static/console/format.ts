/** Money and times in the reader's own language and time zone; clock times in 24 hours, so that columns stay narrow and even. */

const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
const clockSeconds = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium', hourCycle: 'h23' });
const currencies = new Map<string, Intl.NumberFormat>();

/** Minor units and an ISO code: `1250, EUR` is 12.50 €; yen have no minor unit. */
export function money(minor: number, currency: string): string {
  let format = currencies.get(currency);
  if (!format) {
    try {
      format = new Intl.NumberFormat(undefined, { style: 'currency', currency, currencyDisplay: 'narrowSymbol' });
    } catch {
      return `${minor} ${currency}`;
    }
    currencies.set(currency, format);
  }
  return format.format(minor / 10 ** (format.resolvedOptions().maximumFractionDigits ?? 2));
}

export const time = (ms: number): string => clock.format(ms);
export const timeSeconds = (ms: number): string => clockSeconds.format(ms);
export const dateTime = (ms: number): string => full.format(ms);

/** `in 6 min`, `now`, `3 min late`: an expected arrival seen from `now`. */
export function arrival(at: number, now: number): string {
  const minutes = Math.round((at - now) / 60_000);
  if (minutes > 0) return `in ${minutes} min`;
  return minutes === 0 ? 'now' : `${-minutes} min late`;
}

/** `8 s`, `4 min`, `2 h`: how long ago. */
export function age(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
