-- Accounts, calendars, connections and links as a deployment of this size has them after a while: each
-- connection has one calendar with one channel, the events were pushed or pulled once, a thousandth of
-- them has work that waits. Triggers and foreign keys are off while this runs.
set session_replication_role = replica;
set synchronous_commit = off;

insert into tandem.accounts (id, tenant, user_id, google_sub, email, scopes, state, refresh_token, access_token, access_expires_at,
  token_generation)
select md5('account' || n)::uuid, 'default', md5('user' || n)::uuid, 'sub' || n, 'user' || n || '@example.com', 'calendar',
  case when n % 100 = 99 then 'reconnect_needed' else 'active' end, 'refresh', 'access', now() + interval '10 days', 1
from generate_series(1, {connections}) n;

-- A calendar with a channel is listed once an hour: one tick a minute finds a sixtieth of them.
insert into tandem.calendars (id, tenant, google_id, account_id, summary, time_zone, access_role, sync_token, list_digest, imported_at,
  push, poll_at, last_synced_at)
select md5('calendar' || n)::uuid, 'default', 'user' || n || '@example.com', md5('account' || n)::uuid, 'Work', 'Europe/Berlin', 'owner',
  'token', 'digest', now(), 'push', now() + (n % 60 - 1) * interval '1 minute', now()
from generate_series(1, {connections}) n;

insert into tandem.connections (id, tenant, user_id, account_id, calendar_id, is_target)
select md5('connection' || n)::uuid, 'default', md5('user' || n)::uuid, md5('account' || n)::uuid, md5('calendar' || n)::uuid, true
from generate_series(1, {connections}) n;

insert into tandem.channels (id, calendar_id, account_id, state, resource_id, expires_at)
select 'channel' || n || '-' || age, md5('calendar' || n)::uuid, md5('account' || n)::uuid,
  case age when 0 then 'active' else 'stopped' end, 'resource' || n,
  now() + interval '1 day' + (n % 8640 - 1) * interval '1 minute' - age * interval '7 days'
from generate_series(1, {connections}) n, generate_series(0, 1) age;

insert into public.events (id, owner_id, title, description, location, starts_at, ends_at, time_zone, attendees, sync_state, google_event_id,
  google_calendar_id)
select e.id, md5('user' || e.owner)::uuid, 'Call ' || n, 'What was promised last time, and what is to be asked this time.', 'Room ' || n % 100,
  timestamptz '2026-01-05 09:00Z' + n % 20000 * interval '1 hour', timestamptz '2026-01-05 10:00Z' + n % 20000 * interval '1 hour',
  'Europe/Berlin', '[{"email": "guest@example.com", "response_status": "accepted"}]', 'synced', md5('event' || n),
  'user' || e.owner || '@example.com'
from generate_series(1, {links}) n, lateral (select md5('event' || n)::uuid id, 1 + n % {connections} owner) e;

insert into tandem.links (id, tenant, event_id, root_id, owner_id, calendar_id, google_id, origin, state, ical_uid, etag, google_updated,
  base_crm, base_google, synced_rev, recorded_seq)
select e.id, 'default', e.id, e.id, e.owner_id, md5('calendar' || (1 + n % {connections}))::uuid, e.google_event_id, 'google', 'live',
  e.google_event_id || '@google.com', 'etag', now(),
  like_others || jsonb_build_object('title', e.title, 'location', e.location, 'owner_id', e.owner_id, 'starts_at', e.starts_at, 'ends_at', e.ends_at),
  jsonb_build_object('title', e.title, 'description', e.description, 'location', e.location, 'recurrence', null, 'status', 'confirmed',
    'when', jsonb_build_object('start', e.starts_at, 'end', e.ends_at, 'zone', e.time_zone), 'visibility', 'default',
    'transparency', 'opaque', 'color', null, 'attendees', e.attendees, 'reminders', '{"useDefault": true}'::jsonb, 'conference', null),
  1000000, nextval('tandem.recorded')
from (select tandem.crm_fields(o) like_others from public.events o limit 1) o, generate_series(1, {links}) n
join public.events e on e.id = md5('event' || n)::uuid;

insert into tandem.changes (event_id, owner_id, rev, op, fields, folded)
select e.id, e.owner_id, 1000000, 'insert', '{title}', true from public.events e;

insert into tandem.history (event_id, owner_id, kind) select e.id, e.owner_id, 'pushed' from public.events e;

insert into tandem.touched (event_id, owner_id, at, gone) select e.id, e.owner_id, pg_current_xact_id(), false from public.events e;

insert into tandem.leases (root_id, fence) select md5('event' || n)::uuid, 1 from generate_series(1, {links}) n;

-- Of a thousand jobs 700 wait for their account, 50 are dead, 240 back off, 10 are due.
insert into tandem.jobs (event_id, root_id, account_id, state, due_at, attempts)
select md5('event' || n)::uuid, md5('event' || n)::uuid, md5('account' || (1 + n % {connections}))::uuid,
  case when k % 1000 < 700 then 'waiting' when k % 1000 < 750 then 'dead' else 'open' end,
  now() + case when k % 1000 < 990 then 1 else -1 end * interval '1 hour', 1
from (select n, n / {every} k from generate_series(1, {links}) n where n % {every} = 0) x;

insert into tandem.attempts (event_id, rev) select j.event_id, 1000000 from tandem.jobs j where j.state = 'open';

insert into tandem.inbox (calendar_id, google_id, event_id, raw, state, as_of)
select l.calendar_id, l.google_id, l.event_id, '{}', case when j.state = 'dead' then 'quarantined' else 'waiting' end, 1
from tandem.jobs j join tandem.links l on l.event_id = j.event_id and l.is_primary;

reset session_replication_role;
vacuum analyze;
