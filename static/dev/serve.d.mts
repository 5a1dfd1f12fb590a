interface MockCity {
  orders: Map<string, { state: string; delivery: string | undefined }>;
  say(order: string, role: string, profile: string, name: string, body: string): { off: number };
}

export interface Mock {
  url: string;
  port: number;
  city: MockCity;
  connections(): number;
  cut(code?: number): void;
  refuse(yes: boolean): void;
  swallow(n: number): void;
  hub(state: 'degraded' | 'ok'): void;
  /** Tells everybody who hears its channel. */
  tell(push: object): void;
  /** Writes an entry to a log. */
  append(ch: string, kind: string, sender: string, at: number, body: object): { off: number };
  close(): Promise<void>;
}

export function start(options?: { port?: number; demo?: boolean; readOnly?: boolean; stepMs?: number }): Promise<Mock>;
