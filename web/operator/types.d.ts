/** What GET /records and GET /records/NAME answer (token_server/recorded_calls.py, records/summary.py). */

export interface Latency {
  turns: number;
  p50_s: number;
  p95_s: number;
}

export interface Summary {
  call_id?: string;
  room: string;
  persona: string;
  model: string;
  job: string;
  traces: string[];
  duration_s: number | null;
  ending: string | null;
  is_fault: boolean;
  failure: string | null;
  recorded: string[];
  stopped: string | null;
  dropped_s: number;
  turns: number;
  interrupted_turns: number;
  response: Latency | null;
  response_latency?: Latency | null;
  greeting_latency_s?: number | null;
  tools: Record<string, number>;
  failed_tools: number;
  tokens: Record<string, number | Record<string, number>>;
  cost_usd: number | null;
  link: Record<string, number>;
  processes: number;
}

export interface Call {
  call: string;
  started_at: string;
  is_running: boolean;
  faults: string[];
  summary: Summary | null;
}

export interface Line {
  start_s: number;
  end_s: number;
  who: "caller" | "agent";
  text: string;
  interrupted: boolean;
  interrupts: boolean;
  typed: boolean;
}

export interface CallEvent {
  t: number;
  type: string;
  [field: string]: unknown;
}

export interface CallRecord {
  call: Call;
  lines: Line[];
  events: CallEvent[];
  events_left_out: number;
  sound: { file: string; bytes: number } | null;
}

export interface Found {
  calls: Call[];
  next: string | null;
}
