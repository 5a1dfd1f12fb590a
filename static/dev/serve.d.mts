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
  close(): Promise<void>;
}

export function start(options?: { port?: number; demo?: boolean; readOnly?: boolean; stepMs?: number }): Promise<Mock>;
