// Google's own client against a Calendar API at the given origin. Prints "ok" at the end.
//
// usage: googleapis_client.js ORIGIN CLIENT SECRET CALENDAR

"use strict";

const assert = require("node:assert/strict");
const { auth: google, calendar: calendarOf } = require("googleapis/build/src/apis/calendar");

const [ORIGIN, CLIENT, SECRET, CALENDAR] = process.argv.slice(2);
const SCOPE = "https://www.googleapis.com/auth/calendar";
const calendarId = "primary";
const DAY = 24 * 3600;

async function main() {
  const client = oauth();
  const tokens = await signIn(client);
  const api = calendarOf({ version: "v3", auth: client, rootUrl: `${ORIGIN}/` });
  const first = await insert(api);
  await patchWithEtag(api, first);
  const token = await pages(api);
  await delta(api, token, first);
  await watchAndStop(api);
  await retries(api);
  await refreshes(tokens);
  await aged(tokens, token);
  console.log("ok");
}

function oauth() {
  return new google.OAuth2({
    clientId: CLIENT,
    clientSecret: SECRET,
    redirectUri: `${ORIGIN}/back`,
    endpoints: {
      oauth2AuthBaseUrl: `${ORIGIN}/o/oauth2/v2/auth`,
      oauth2TokenUrl: `${ORIGIN}/token`,
      oauth2RevokeUrl: `${ORIGIN}/revoke`,
      tokenInfoUrl: `${ORIGIN}/tokeninfo`,
      oauth2FederatedSignonPemCertsUrl: `${ORIGIN}/oauth2/v1/certs`,
      oauth2FederatedSignonJwkCertsUrl: `${ORIGIN}/oauth2/v3/certs`,
    },
    issuers: ["https://accounts.google.com", "accounts.google.com", ORIGIN],
  });
}

// The person grants everything without being asked.
async function signIn(client) {
  const { codeVerifier, codeChallenge } = await client.generateCodeVerifierAsync();
  const url = client.generateAuthUrl({
    access_type: "offline",
    prompt: "consent",
    scope: ["openid", "email", SCOPE],
    login_hint: CALENDAR,
    state: "a state",
    code_challenge: codeChallenge,
    code_challenge_method: "S256",
  });
  const answer = await fetch(url, { redirect: "manual", signal: AbortSignal.timeout(30_000) });
  const back = new URL(answer.headers.get("location"));
  assert.equal(back.searchParams.get("state"), "a state");
  const { tokens } = await client.getToken({ code: back.searchParams.get("code"), codeVerifier });
  assert.ok(tokens.access_token && tokens.refresh_token && tokens.expiry_date > Date.now(), "tokens");
  client.setCredentials(tokens);
  const ticket = await client.verifyIdToken({ idToken: tokens.id_token, audience: CLIENT });
  assert.equal(ticket.getPayload().email, CALENDAR);
  const info = await client.getTokenInfo(tokens.access_token);
  assert.ok(info.scopes.includes(SCOPE), JSON.stringify(info));
  return tokens;
}

function body(n) {
  const day = String(n + 1).padStart(2, "0");
  return {
    summary: `Event ${n}`,
    start: { dateTime: `2031-01-${day}T10:00:00+01:00`, timeZone: "Europe/Berlin" },
    end: { dateTime: `2031-01-${day}T11:00:00+01:00`, timeZone: "Europe/Berlin" },
  };
}

async function insert(api) {
  const made = [];
  for (let n = 0; n < 7; n++) made.push((await api.events.insert({ calendarId, requestBody: body(n) })).data);
  assert.equal(new Set(made.map((event) => event.id)).size, 7);
  const again = { ...body(0), id: made[0].id };
  await refused(api.events.insert({ calendarId, requestBody: again }), 409, "duplicate");
  const got = await api.events.get({ calendarId, eventId: made[0].id });
  assert.deepEqual(got.data, made[0]);
  return made[0];
}

async function patchWithEtag(api, event) {
  const eventId = event.id;
  const headers = { "If-Match": event.etag };
  const patch = (location) => api.events.patch({ calendarId, eventId, requestBody: { location } }, { headers });
  const changed = (await patch("Room 1")).data;
  assert.equal(changed.location, "Room 1");
  assert.notEqual(changed.etag, event.etag);
  await refused(patch("Room 2"), 412, "conditionNotMet");
  const update = { calendarId, eventId, requestBody: { ...changed, summary: "Whole" } };
  const whole = await api.events.update(update, { headers: { "If-Match": changed.etag } });
  assert.equal(whole.data.summary, "Whole");
}

async function pages(api) {
  const sizes = [];
  let pageToken;
  let syncToken;
  const { data: few } = await api.events.list({ calendarId, maxResults: 2, fields: "items(id),nextPageToken" });
  assert.deepEqual(few.items.map((event) => Object.keys(event)), [["id"], ["id"]]);
  assert.deepEqual(Object.keys(few).sort(), ["items", "nextPageToken"]);
  do {
    const { data } = await api.events.list({ calendarId, maxResults: 3, pageToken });
    sizes.push(data.items.length);
    assert.notEqual("nextPageToken" in data, "nextSyncToken" in data);
    ({ nextPageToken: pageToken, nextSyncToken: syncToken } = data);
  } while (pageToken);
  assert.deepEqual(sizes, [3, 3, 1]);
  return syncToken;
}

async function delta(api, syncToken, first) {
  const sync = async (token) => (await api.events.list({ calendarId, syncToken: token })).data;
  assert.deepEqual((await sync(syncToken)).items, []);
  await api.events.delete({ calendarId, eventId: first.id });
  const made = (await api.events.insert({ calendarId, requestBody: body(8) })).data;
  const page = await sync(syncToken);
  const states = Object.fromEntries(page.items.map((event) => [event.id, event.status]));
  assert.deepEqual(states, { [first.id]: "cancelled", [made.id]: "confirmed" });
  assert.deepEqual((await sync(page.nextSyncToken)).items, []);
  await refused(api.events.delete({ calendarId, eventId: first.id }), 410, "deleted");
}

async function watchAndStop(api) {
  const requestBody = {
    id: "channel-1",
    type: "web_hook",
    address: `${ORIGIN}/webhook`,
    token: "secret",
    params: { ttl: "3600" },
  };
  const { data } = await api.events.watch({ calendarId, requestBody });
  assert.equal(data.kind, "api#channel");
  assert.ok(Number(data.expiration) > Date.now(), data.expiration);
  await refused(api.events.watch({ calendarId, requestBody }), 400, "channelIdNotUnique");
  await api.events.insert({ calendarId, requestBody: body(9) });
  await api.channels.stop({ requestBody: { id: data.id, resourceId: data.resourceId } });
  await api.events.insert({ calendarId, requestBody: body(10) });
}

// Reads are repeated by the client itself, writes are not: the first one may have been done.
async function retries(api) {
  const fault = { status: 503, reason: "backendError", count: 2 };
  await control("faults", { ...fault, method: "events.list" });
  const before = await count("events.list");
  await api.events.list({ calendarId });
  assert.equal((await count("events.list")) - before, 3);
  await control("faults", { ...fault, count: 1, method: "events.insert", when: "after" });
  await refused(api.events.insert({ calendarId, requestBody: { ...body(11), id: "kept0001" } }), 503, "backendError");
  assert.equal((await api.events.get({ calendarId, eventId: "kept0001" })).data.summary, "Event 11");
}

async function refreshes(tokens) {
  const heard = [];
  const client = oauth();
  client.on("tokens", (fresh) => heard.push(fresh.access_token));
  const api = calendarOf({ version: "v3", auth: client, rootUrl: `${ORIGIN}/` });
  // The client knows that the token is old.
  client.setCredentials({ ...tokens, access_token: "old", expiry_date: Date.now() - 1000 });
  await api.events.list({ calendarId });
  assert.equal(heard.length, 1);
  // Google knows it first: 401, a refresh, and the request again.
  await control("clock", { advance: 3700 });
  client.setCredentials({ refresh_token: tokens.refresh_token, access_token: client.credentials.access_token });
  await api.events.list({ calendarId });
  assert.equal(heard.length, 2);
  client.setCredentials({ refresh_token: "nonsense" });
  await assert.rejects(api.events.list({ calendarId }), (error) => error.response.data.error === "invalid_grant");
}

async function aged(tokens, syncToken) {
  await control("clock", { advance: 31 * DAY });
  const client = oauth();
  client.setCredentials({ refresh_token: tokens.refresh_token });
  const api = calendarOf({ version: "v3", auth: client, rootUrl: `${ORIGIN}/` });
  await refused(api.events.list({ calendarId, syncToken }), 410, "fullSyncRequired");
  const full = (await api.events.list({ calendarId })).data;
  const page = await api.events.list({ calendarId, syncToken: full.nextSyncToken });
  assert.deepEqual(page.data.items, []);
  await client.revokeToken(tokens.refresh_token);
  const after = oauth();
  after.setCredentials({ refresh_token: tokens.refresh_token });
  await assert.rejects(after.getAccessToken(), (error) => error.response.data.error === "invalid_grant");
}

async function refused(request, status, reason) {
  await assert.rejects(request, (error) => {
    assert.equal(error.status, status, error.message);
    assert.equal(error.response.data.error.errors[0].reason, reason);
    return true;
  });
}

async function count(method) {
  return (await control("counters"))[method] ?? 0;
}

async function control(path, wanted) {
  const request = wanted && { method: "POST", body: JSON.stringify(wanted) };
  const answer = await fetch(`${ORIGIN}/_sim/${path}`, { ...request, signal: AbortSignal.timeout(30_000) });
  assert.equal(answer.status, 200, path);
  return answer.json();
}

main().catch((error) => {
  console.error(error.stack);
  process.exit(1);
});
