// The same job without the care, as a measure: no lease, no chosen ids, no merge, no guard, no quota of its own. A
// change lost on the way stays lost. One process for both functions.

const { PORT, DATABASE, KEY, GOOGLE } = Deno.env.toObject();
const TRIES = 5;

type Row = Record<string, unknown>;
type GoogleEvent = {
  id: string;
  status?: string;
  summary?: string;
  description?: string;
  location?: string;
  start?: { dateTime?: string; date?: string };
  end?: { dateTime?: string; date?: string };
};

async function rows(method: string, path: string, body?: unknown, prefer = "return=minimal"): Promise<Row[]> {
  const answer = await fetch(`${DATABASE}/${path}`, {
    method,
    headers: { apikey: KEY, authorization: `Bearer ${KEY}`, "content-type": "application/json", prefer },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
  return text ? JSON.parse(text) : [];
}

async function google(token: unknown, method: string, path: string, body?: unknown) {
  for (let tried = 1; ; tried++) {
    const answer = await fetch(`${GOOGLE}/calendar/v3/calendars/primary/events${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await answer.text();
    if (answer.ok) return text ? JSON.parse(text) : null;
    const passes = answer.status === 403 || answer.status === 429 || answer.status >= 500;
    if (!passes || tried === TRIES) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    await new Promise((done) => setTimeout(done, 1000 * 2 ** (tried - 1)));
  }
}

const resource = (row: Row) => ({
  summary: row.title,
  description: row.description,
  location: row.location,
  start: { dateTime: row.starts_at },
  end: { dateTime: row.ends_at },
});

const columns = (owner: unknown, event: GoogleEvent): Row => ({
  owner_id: owner,
  google_event_id: event.id,
  title: event.summary ?? "",
  description: event.description ?? null,
  location: event.location ?? null,
  starts_at: event.start?.dateTime ?? event.start?.date,
  ends_at: event.end?.dateTime ?? event.end?.date,
  sync_state: "synced",
});

async function connection(by: string): Promise<Row> {
  const [found] = await rows("GET", `plain_connections?${by}`);
  if (!found) throw new Error(`no connection: ${by}`);
  return found;
}

// A database webhook.
async function sync(change: { type: string; record: Row | null; old_record: Row | null }) {
  const row = (change.record ?? change.old_record)!;
  const { access_token: token } = await connection(`owner_id=eq.${row.owner_id}`);
  if (change.type === "DELETE") {
    await google(token, "DELETE", `/${row.google_event_id}`);
    return;
  }
  const event = row.google_event_id
    ? await google(token, "PATCH", `/${row.google_event_id}`, resource(row))
    : await google(token, "POST", "", resource(row));
  await rows("PATCH", `plain_events?id=eq.${row.id}`, { google_event_id: event.id, sync_state: "synced" });
}

// A notification: row by row.
async function pull(channel: string) {
  const own = await connection(`channel_id=eq.${channel}`);
  await list(own, async (items) => {
    for (const item of items) {
      const where = `plain_events?google_event_id=eq.${item.id}`;
      if (item.status === "cancelled") await rows("DELETE", where);
      else if ((await rows("GET", `${where}&select=id`)).length) await rows("PATCH", where, columns(own.owner_id, item));
      else await rows("POST", "plain_events", columns(own.owner_id, item));
    }
  });
}

// A first import: a page at a time.
async function take(owner: string) {
  const own = await connection(`owner_id=eq.${owner}`);
  await list(own, async (items) => {
    const upsert = items.map((item) => columns(own.owner_id, item));
    const prefer = "return=minimal,resolution=merge-duplicates";
    await rows("POST", "plain_events?on_conflict=google_event_id", upsert, prefer);
  });
}

async function list(own: Row, store: (items: GoogleEvent[]) => Promise<void>) {
  let query = "?maxResults=2500" + (own.sync_token ? `&syncToken=${encodeURIComponent(String(own.sync_token))}` : "");
  for (;;) {
    const page = await google(own.access_token, "GET", query);
    await store(page.items ?? []);
    if (!page.nextPageToken) {
      await rows("PATCH", `plain_connections?owner_id=eq.${own.owner_id}`, { sync_token: page.nextSyncToken });
      return;
    }
    query = `?maxResults=2500&pageToken=${encodeURIComponent(page.nextPageToken)}`;
  }
}

Deno.serve({ hostname: "127.0.0.1", port: Number(PORT), onListen: () => {} }, async (request) => {
  const path = new URL(request.url).pathname;
  try {
    if (path === "/event-sync") await sync(await request.json());
    else if (path === "/import") await take((await request.json()).owner);
    else if (path === "/google-calendar-webhook" && request.headers.get("x-goog-resource-state") !== "sync") {
      await pull(request.headers.get("x-goog-channel-id")!);
    }
    return new Response("ok");
  } catch (error) {
    console.error(String(error));
    return new Response(String(error), { status: 500 });
  }
});
