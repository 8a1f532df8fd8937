import type { Auth } from "./auth";
import type { ApiProblem } from "./types";

/** An answer that is not what was asked for. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly code?: string,
    readonly field?: string,
  ) {
    super(message);
    this.name = "ApiError";
  }
}

/** Nobody answered: offline, or the deployment is away. */
export class NetworkError extends Error {
  constructor() {
    super("There is no connection to the server. It is tried again by itself.");
    this.name = "NetworkError";
  }
}

export type Session = "unknown" | "signed-in" | "signed-out" | "expired";

export interface Call {
  method?: "GET" | "POST" | "PATCH" | "DELETE";
  query?: Record<string, string | undefined>;
  body?: unknown;
  etag?: string | null;
  signal?: AbortSignal;
}

export interface Answer<T> {
  status: number;
  etag: string | null;
  data: T;
}

/** The one way to the deployment: adds the login, and reads what comes back. */
export class Client {
  session: Session = "unknown";
  private readonly base: string;
  private readonly listeners = new Set<() => void>();

  constructor(
    url: string,
    private readonly auth: Auth,
    private readonly send: typeof fetch = (...rest) => fetch(...rest),
  ) {
    this.base = url.replace(/\/+$/, "");
  }

  /** Hears of signing in, out, and of expiry. */
  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  /** Follows the CRM's login; answers how to stop. */
  follow(): () => void {
    const refresh = async () => {
      const token = await this.auth.getToken().catch(() => null);
      this.setSession(token ? "signed-in" : "signed-out");
    };
    void refresh();
    return this.auth.onChange?.(() => void refresh()) ?? (() => {});
  }

  signIn(): void {
    this.auth.signIn?.();
  }

  /** Below `/functions/v1/console/api`. */
  api<T>(path: string, call: Call = {}): Promise<Answer<T>> {
    return this.call<T>(`/functions/v1/console/api${path}`, call);
  }

  /** Below `/functions/v1/google-connect`. */
  connect<T>(path: string, call: Call = {}): Promise<Answer<T>> {
    return this.call<T>(`/functions/v1/google-connect${path}`, call);
  }

  private async call<T>(path: string, call: Call): Promise<Answer<T>> {
    const token = await this.auth.getToken();
    if (!token) {
      this.setSession("signed-out");
      throw new ApiError(401, "Sign in first.", "login_missing");
    }
    let response = await this.fetch(path, call, token);
    if (response.status === 401) {
      // The token may have been renewed meanwhile: another one is worth one more try.
      const renewed = await this.auth.getToken();
      if (renewed && renewed !== token) response = await this.fetch(path, call, renewed);
    }
    if (response.status === 401) {
      this.setSession("expired");
      throw new ApiError(401, "Your login has expired. Sign in again.", "login_expired");
    }
    this.setSession("signed-in");
    if (response.status === 304) return { status: 304, etag: call.etag ?? null, data: undefined as T };
    if (!response.ok) throw await problem(response);
    return { status: response.status, etag: response.headers.get("etag"), data: await json<T>(response) };
  }

  private async fetch(path: string, call: Call, token: string): Promise<Response> {
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries(call.query ?? {}))
      if (value !== undefined) query.set(name, value);
    const headers: Record<string, string> = { accept: "application/json", authorization: `Bearer ${token}` };
    if (call.body !== undefined) headers["content-type"] = "application/json";
    if (call.etag) headers["if-none-match"] = call.etag;
    const search = query.size > 0 ? `?${query}` : "";
    try {
      return await this.send(`${this.base}${path}${search}`, {
        method: call.method ?? "GET",
        headers,
        body: call.body === undefined ? undefined : JSON.stringify(call.body),
        signal: call.signal,
        // The cursor poll does its own If-None-Match; the browser's cache would turn 304 into 200.
        cache: "no-store",
      });
    } catch (error) {
      if (call.signal?.aborted) throw error;
      throw new NetworkError();
    }
  }

  private setSession(session: Session): void {
    if (this.session === session) return;
    this.session = session;
    for (const listener of this.listeners) listener();
  }
}

async function json<T>(response: Response): Promise<T> {
  const text = await response.text();
  return (text === "" ? undefined : JSON.parse(text)) as T;
}

async function problem(response: Response): Promise<ApiError> {
  const body = (await json<Partial<ApiProblem>>(response).catch(() => null)) ?? {};
  const message = body.error ?? `The server answered ${response.status}. Try again.`;
  return new ApiError(response.status, message, body.code, body.field);
}
