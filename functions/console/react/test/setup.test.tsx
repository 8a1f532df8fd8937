import { act, cleanup, renderHook } from "@testing-library/react";
import type { ReactNode } from "react";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type Auth, supabaseAuth, TandemProvider, useSession, useSetupCalendarSync } from "../src";
import { dropResult, readResult } from "../src/setup";
import { FakeAuth, FakeServer, FakeSurroundings } from "./fakes";

const connection = (state: string) => ({ connection_id: "k", calendar_id: "c", state, is_target: true });
const status = (...states: string[]) => ({
  body: {
    now: "2031-01-01T00:00:00Z",
    events: {},
    problems: [],
    accounts:
      states.length > 0 ? [{ account_id: "a", state: "active", connections: states.map(connection) }] : [],
  },
});

let server: FakeServer;
let auth: FakeAuth;

function show<T>(hook: () => T, login: Auth = auth) {
  const around = new FakeSurroundings();
  const wrapper = ({ children }: { children: ReactNode }) => (
    <TandemProvider url="http://tandem.test" auth={login} fetch={server.fetch} surroundings={around}>
      {children}
    </TandemProvider>
  );
  return renderHook(hook, { wrapper });
}

const pass = (milliseconds: number) => act(() => vi.advanceTimersByTimeAsync(milliseconds));

beforeEach(() => {
  vi.useFakeTimers();
  dropResult();
  window.history.replaceState(null, "", "/");
  server = new FakeServer().on("GET /status", status());
  auth = new FakeAuth();
});

afterEach(() => {
  cleanup();
  vi.useRealTimers();
});

describe("useSetupCalendarSync", () => {
  test("sends the browser to Google with a ticket", async () => {
    server.on("POST /google-connect/ticket", { body: { url: "http://tandem.test/start?ticket=t" } });
    const navigate = vi.fn();
    const { result } = show(() => useSetupCalendarSync(navigate));
    await pass(10);
    expect(result.current.stage).toBe("idle");
    await act(() => result.current.start());
    expect(navigate).toHaveBeenCalledWith("http://tandem.test/start?ticket=t");
    expect(result.current.stage).toBe("connecting");
  });

  test("back from Google it follows, faster than usual, until changes flow", async () => {
    window.history.replaceState(null, "", "/?google=connected&tab=2");
    const { result } = show(() => useSetupCalendarSync());
    expect(window.location.search).toBe("?tab=2");
    await pass(10);
    expect(result.current.stage).toBe("setting_up");
    server.on("GET /status", status("importing"));
    await pass(1_600);
    expect(result.current).toMatchObject({ stage: "setting_up", state: "importing" });
    server.on("GET /status", status("polling"));
    await pass(1_600);
    expect(result.current).toMatchObject({ stage: "ready", state: "working" });
  });

  test("tells why Google was not connected, until it was read", async () => {
    window.history.replaceState(null, "", "/?google=error&code=denied&reason=Call+this+number");
    const { result } = show(() => useSetupCalendarSync());
    await pass(10);
    expect(result.current).toMatchObject({
      stage: "failed",
      failure: {
        code: "denied",
        reason: "Access to Google Calendar was not granted; nothing was connected.",
      },
    });
    expect(window.location.search).toBe("?reason=Call+this+number");
    act(() => result.current.dismiss());
    expect(result.current).toMatchObject({ stage: "idle", failure: null });
  });

  test("a calendar that is connected already is ready", async () => {
    server.on("GET /status", status("active"));
    const { result } = show(() => useSetupCalendarSync());
    await pass(10);
    expect(result.current.stage).toBe("ready");
    expect(result.current.target?.connection_id).toBe("k");
  });

  test("a ticket that is refused is an error, not a wait", async () => {
    server.on("POST /google-connect/ticket", { status: 503, body: { error: "no OAuth client yet" } });
    const { result } = show(() => useSetupCalendarSync());
    await pass(10);
    await act(() => expect(result.current.start()).rejects.toThrow("no OAuth client yet"));
    expect(result.current.stage).toBe("idle");
  });

  test("any other address is left alone", () => {
    expect(readResult("http://x.test/?google=maybe")).toEqual({
      result: null,
      rest: "http://x.test/?google=maybe",
    });
  });
});

describe("useSession", () => {
  test("an expired login is told; a new one goes on by itself", async () => {
    server.on("GET /status", { status: 401, body: { error: "expired" } });
    const { result } = show(() => ({ sync: useSetupCalendarSync(), session: useSession() }));
    await pass(10);
    expect(result.current.session.session).toBe("expired");
    server.on("GET /status", status("active"));
    act(() => auth.become("token-2"));
    await pass(10);
    expect(result.current.session.session).toBe("signed-in");
    expect(result.current.sync.stage).toBe("ready");
    expect(server.asked.at(-1)?.headers.authorization).toBe("Bearer token-2");
  });

  test("a Supabase client is a login", async () => {
    let changed = () => {};
    const unsubscribe = vi.fn();
    const client = {
      auth: {
        getSession: async () => ({ data: { session: { access_token: "from-supabase" } } }),
        onAuthStateChange: (callback: () => void) => {
          changed = callback;
          return { data: { subscription: { unsubscribe } } };
        },
      },
    };
    const login = supabaseAuth(client);
    const { unmount } = show(() => useSetupCalendarSync(), login);
    await pass(10);
    expect(server.asked[0]?.headers.authorization).toBe("Bearer from-supabase");
    act(changed);
    unmount();
    expect(unsubscribe).toHaveBeenCalled();
  });
});
