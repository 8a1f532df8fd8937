import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Client } from "../src/client";
import { EventStore } from "../src/event-store";
import { event, FakeAuth, FakeServer, FakeSurroundings } from "./fakes";

const RANGE = { from: "2031-03-01T00:00:00Z", to: "2031-04-01T00:00:00Z" };
const nothing = (cursor: string) => ({
  body: { changed: [], removed: [], cursor, more: false },
  etag: `"${cursor}"`,
});

let server: FakeServer;
let around: FakeSurroundings;
let auth: FakeAuth;
let store: EventStore;
let stop: () => void = () => {};

beforeEach(() => {
  vi.useFakeTimers();
  server = new FakeServer()
    .on("GET /events", { body: { events: [event({ id: "a" })], cursor: "c1" } })
    .on("GET /events/changes", nothing("c1"), { status: 304 });
  around = new FakeSurroundings();
  auth = new FakeAuth();
  store = new EventStore(new Client("http://tandem.test/", auth, server.fetch), around);
});

afterEach(() => {
  stop();
  vi.useRealTimers();
});

const pass = (milliseconds: number) => vi.advanceTimersByTimeAsync(milliseconds);
const ids = () => [...store.getView().rows.keys()];
async function begin(): Promise<void> {
  stop = store.watch(RANGE);
  await pass(10);
}

describe("the cursor poll", () => {
  test("lists once, then asks with the last cursor and ETag, and takes 304 for nothing new", async () => {
    await begin();
    expect(store.getView()).toMatchObject({ isLoading: false, error: null });
    await pass(3_100);
    expect(server.to("/events")).toHaveLength(1);
    const polls = server.to("/events/changes");
    expect(polls).toHaveLength(3);
    expect(polls.map(({ headers }) => headers["if-none-match"])).toEqual([undefined, '"c1"', '"c1"']);
    expect(polls.every(({ query }) => query.get("cursor") === "c1")).toBe(true);
    expect(ids()).toEqual(["a"]);
  });

  test("takes what changed and what is gone, and asks again at once while there is more", async () => {
    server.on(
      "GET /events/changes",
      { body: { changed: [event({ id: "b" })], removed: [], cursor: "c2", more: true } },
      { body: { changed: [], removed: ["a"], cursor: "c3", more: false } },
      { status: 304 },
    );
    await begin();
    expect(ids()).toEqual(["b"]);
    expect(server.to("/events/changes").map(({ query }) => query.get("cursor"))).toEqual(["c1", "c2"]);
  });

  test("rests while the page is hidden, and asks at once when it is shown", async () => {
    await begin();
    around.set({ hidden: true });
    const before = server.asked.length;
    await pass(60_000);
    expect(server.asked).toHaveLength(before);
    around.set({ hidden: false });
    await pass(1);
    expect(server.asked).toHaveLength(before + 1);
  });

  test("rests while offline, and asks at once when the network is back", async () => {
    await begin();
    around.set({ online: false });
    const before = server.asked.length;
    await pass(60_000);
    expect(server.asked).toHaveLength(before);
    around.set({ online: true });
    await pass(1);
    expect(server.asked).toHaveLength(before + 1);
  });

  test("a cursor that is too old lists again, without what was deleted meanwhile", async () => {
    await begin();
    server
      .on(
        "GET /events/changes",
        { status: 410, body: { error: "list again", code: "cursor_expired" } },
        { status: 304 },
      )
      .on("GET /events", { body: { events: [event({ id: "b" })], cursor: "c9" } });
    await pass(1_600);
    expect(ids()).toEqual(["b"]);
    expect(server.to("/events/changes").at(-1)?.query.get("cursor")).toBe("c9");
  });

  test("errors are told, keep what is shown, and make the pauses longer", async () => {
    await begin();
    server.on("GET /events/changes", "unreachable");
    await pass(1_600);
    expect(store.getView().error?.name).toBe("NetworkError");
    expect(ids()).toEqual(["a"]);
    const before = server.asked.length;
    await pass(2_800);
    expect(server.asked).toHaveLength(before);
    await pass(300);
    expect(server.asked).toHaveLength(before + 1);
    server.on("GET /events/changes", { status: 304 });
    await pass(60_000);
    expect(store.getView().error).toBeNull();
  });

  test("a second range that is known already is not listed", async () => {
    await begin();
    const stopSecond = store.watch({ from: "2031-03-10T00:00:00Z", to: "2031-03-11T00:00:00Z" });
    expect(store.getView().isLoading).toBe(false);
    await pass(10);
    stopSecond();
    expect(server.to("/events")).toHaveLength(1);
  });

  test("nobody looks: nobody asks", async () => {
    await begin();
    stop();
    const before = server.asked.length;
    await pass(60_000);
    expect(server.asked).toHaveLength(before);
  });
});

describe("the login", () => {
  test("an expired login is said and not asked again until there is another", async () => {
    const client = new Client("http://tandem.test", auth, server.fetch);
    store = new EventStore(client, around);
    server.on("GET /events", { status: 401, body: { error: "expired", code: "login_expired" } });
    await begin();
    expect(client.session).toBe("expired");
    expect(store.getView().error?.message).toMatch(/expired/);
    const before = server.asked.length;
    await pass(60_000);
    expect(server.asked).toHaveLength(before);
  });

  test("a token that was renewed meanwhile is tried at once", async () => {
    server.on(
      "GET /events",
      { status: 401, body: { error: "expired" } },
      { body: { events: [], cursor: "c1" } },
    );
    let calls = 0;
    auth.getToken = async () => `token-${++calls}`;
    await begin();
    expect(store.getView().error).toBeNull();
    expect(server.to("/events").map(({ headers }) => headers.authorization)).toEqual([
      "Bearer token-1",
      "Bearer token-2",
    ]);
  });
});

describe("edits", () => {
  test("are shown at once, and stay when the server agrees", async () => {
    await begin();
    const saved = event({ id: "a", title: "New", sync_state: "pending" });
    server.on("PATCH /events/a", { body: { event: saved, also: [], removed: [] } });
    const letGo = server.hold("PATCH /events/a");
    const done = store.update({ id: "a" }, { title: "New" });
    expect(store.getView().rows.get("a")).toMatchObject({ title: "New", sync_state: "pending" });
    letGo();
    await done;
    expect(store.getView().rows.get("a")).toEqual(saved);
  });

  test("are taken back when the server refuses, with its reason and field", async () => {
    await begin();
    server.on("PATCH /events/a", { status: 400, body: { error: "title is too long", field: "title" } });
    const done = store.update({ id: "a" }, { title: "New" });
    expect(store.getView().rows.get("a")?.title).toBe("New");
    await expect(done).rejects.toMatchObject({ status: 400, field: "title", message: "title is too long" });
    expect(store.getView().rows.get("a")?.title).toBe("Event");
  });

  test("a poll that began before an edit does not undo what is shown", async () => {
    await begin();
    server.on(
      "GET /events/changes",
      { body: { changed: [event({ id: "a", title: "Before" })], removed: [], cursor: "c2", more: false } },
      { status: 304 },
    );
    const letGo = server.hold("GET /events/changes");
    await pass(1_600);
    server.on("PATCH /events/a", {
      body: { event: event({ id: "a", title: "New" }), also: [], removed: [] },
    });
    await store.update({ id: "a" }, { title: "New" });
    letGo();
    await pass(10);
    expect(store.getView().rows.get("a")?.title).toBe("New");
  });

  test("a created event is one event, before and after the answer", async () => {
    await begin();
    server.on("POST /events", { status: 201, body: { event: event({ id: "n" }), also: [], removed: [] } });
    const done = store.create({
      all_day: true,
      starts_on: "2031-03-05",
      ends_on: "2031-03-06",
      title: "Fair",
    });
    expect(ids()).toHaveLength(2);
    await done;
    expect(ids()).toEqual(["a", "n"]);
  });

  test("one occurrence of a series gets a row of its own; the series stays", async () => {
    const master = event({ id: "m", recurrence: ["RRULE:FREQ=DAILY"] });
    server.on("GET /events", { body: { events: [master], cursor: "c1" } });
    await begin();
    const exception = event({
      id: "x",
      recurring_event_id: "m",
      original_start: "2031-03-04T09:00:00Z",
      title: "Once",
    });
    server.on("PATCH /events/m", { body: { event: exception, also: [], removed: [] } });
    const target = { id: "m", scope: "this", originalStart: "2031-03-04T09:00:00Z" } as const;
    const letGo = server.hold("PATCH /events/m");
    const done = store.update(target, { title: "Once" });
    expect([...store.getView().rows.values()].map(({ title }) => title)).toEqual(["Event", "Once"]);
    letGo();
    await done;
    expect(ids()).toEqual(["m", "x"]);
    const [asked] = server.to("/events/m");
    expect(asked?.query.toString()).toBe("scope=this&original_start=2031-03-04T09%3A00%3A00Z");
  });

  test("a whole series that moves stays where it is until the server says where to", async () => {
    const master = event({ id: "m", recurrence: ["RRULE:FREQ=DAILY"] });
    server.on("GET /events", { body: { events: [master], cursor: "c1" } });
    await begin();
    server.on("PATCH /events/m", { body: { event: master, also: [], removed: [] } });
    const times = { all_day: false, starts_at: "2031-03-08T11:00:00Z", ends_at: "2031-03-08T12:00:00Z" };
    const done = store.update({ id: "m", scope: "all", originalStart: "2031-03-08T09:00:00Z" }, times);
    expect(store.getView().rows.get("m")).toMatchObject({
      starts_at: master.starts_at,
      sync_state: "pending",
    });
    await done;
  });

  test("a deleted series goes with its exceptions, and comes back when that fails", async () => {
    const master = event({ id: "m", recurrence: ["RRULE:FREQ=DAILY"] });
    const exception = event({ id: "x", recurring_event_id: "m", original_start: "2031-03-04T09:00:00Z" });
    server.on("GET /events", { body: { events: [master, exception], cursor: "c1" } });
    await begin();
    server.on("DELETE /events/m", "unreachable");
    const done = store.remove({ id: "m", scope: "all" });
    expect(ids()).toEqual([]);
    await expect(done).rejects.toThrow(/connection/);
    expect(ids()).toEqual(["m", "x"]);
  });

  test("a cancelled occurrence is hidden at once", async () => {
    const master = event({ id: "m", recurrence: ["RRULE:FREQ=DAILY"] });
    server.on("GET /events", { body: { events: [master], cursor: "c1" } });
    await begin();
    const cancelled = event({
      id: "x",
      recurring_event_id: "m",
      original_start: "2031-03-04T09:00:00Z",
      status: "cancelled",
    });
    server.on("DELETE /events/m", { body: { removed: [], also: [cancelled] } });
    const done = store.remove({ id: "m", scope: "this", originalStart: "2031-03-04T09:00:00Z" });
    expect([...store.getView().rows.values()].some(({ status }) => status === "cancelled")).toBe(true);
    await done;
    expect(ids()).toEqual(["m", "x"]);
  });
});
