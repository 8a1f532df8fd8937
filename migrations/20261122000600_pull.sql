-- Google to CRM: claim a calendar, apply each listed page, store the token with the last one.

create or replace function tandem.wake(account uuid) returns void
language plpgsql volatile set search_path = '' as $$
begin
  update tandem.jobs set state = 'open', due_at = tandem.clock() where state = 'waiting' and account_id = account;
end $$;
comment on function tandem.wake(uuid) is 'Lets the jobs go on that waited for an account.';

-- A notification names a channel; the scheduler names a calendar.
create or replace function tandem.notified(p jsonb) returns uuid
language plpgsql volatile set search_path = '' as $$
declare ch tandem.channels; resource text := p ->> 'resource_id'; message bigint := (p ->> 'message_number')::bigint;
begin
  -- Calendar before channel, as where a listing ends.
  perform from tandem.calendars c join tandem.channels h on h.calendar_id = c.id where h.id = p ->> 'channel_id' for no key update of c;
  select * into ch from tandem.channels where id = p ->> 'channel_id' for update;
  if not found or ch.expires_at <= tandem.clock() or (ch.resource_id is not null and ch.resource_id <> resource) then
    return null;
  elsif ch.state in ('stopping', 'stopped') then
    -- It is not stopped then; now that its resource is known it can be.
    update tandem.channels set resource_id = resource, state = 'stopping', retry_at = coalesce(retry_at, tandem.clock() + interval '10 minutes') where id = ch.id;
    return null;
  end if;
  -- The message may be here before the answer to watch was stored.
  update tandem.channels set resource_id = resource, state = 'active', delivered_at = tandem.clock() where id = ch.id;
  if p ->> 'state' = 'sync' or message <= ch.done_message then return null; end if;
  update tandem.calendars set notices = notices + 1, poll_at = least(poll_at, tandem.clock()) where id = ch.calendar_id;
  return ch.calendar_id;
end $$;
comment on function tandem.notified(jsonb) is 'Counts a notification; the calendar to list, or null where the message asks for nothing.';

-- Series that exceptions wait for, and items that a person wants read once more.
create or replace function tandem.reads(calendar uuid) returns jsonb
language plpgsql stable set search_path = '' as $$
begin
  return (select coalesce(jsonb_agg(x.id), '[]') from (
    select distinct case when i.state = 'orphan' then i.series_id else i.google_id end as id from tandem.inbox i
    where i.calendar_id = calendar and i.state in ('orphan', 'retry') order by 1 limit 20) x);
end $$;
comment on function tandem.reads(uuid) is 'Google ids of a calendar that are to be read one by one.';

create or replace function public.tandem_pull_claim(p jsonb) returns jsonb
language plpgsql volatile security definer set search_path = '' set timezone = 'UTC' as $$
declare c tandem.calendars; a tandem.accounts; wanted uuid := (p ->> 'calendar_id')::uuid; token jsonb; t timestamptz := tandem.clock(); seq bigint; wait double precision;
begin
  perform tandem.check_instance(p ->> 'instance');
  if p ? 'channel_id' then wanted := tandem.notified(p); end if;
  select * into c from tandem.calendars x where x.id = wanted for no key update;
  if not found then return jsonb_build_object('outcome', 'nothing', 'reason', 'nothing to list'); end if;
  if c.lease_until > t then return jsonb_build_object('outcome', 'busy', 'reason', 'another instance lists it'); end if;
  select * into a from tandem.accounts x where x.id = c.account_id;
  if a.state <> 'active' or a.paused_until > t then
    return jsonb_build_object('outcome', 'waiting', 'reason', coalesce(a.pause_reason, a.reason, 'the account is not connected'));
  end if;
  if not tandem.is_synced(c.id) then return jsonb_build_object('outcome', 'waiting', 'reason', 'sync is paused'); end if;
  token := tandem.grant_token(a.id);
  if token is null then return jsonb_build_object('outcome', 'waiting', 'reason', 'the access token is being refreshed'); end if;
  wait := tandem.take_calls(a.id, 1, c.imported_at is not null);
  if wait is not null then
    update tandem.calendars x set poll_at = t + wait * interval '1 second' * (1 + random() / 4) where x.id = c.id;
    return jsonb_build_object('outcome', 'waiting', 'reason', 'waiting for Google''s quota');
  end if;
  if c.list_digest is distinct from p ->> 'digest' then
    c.sync_token := null; c.page_token := null;
  end if;
  seq := nextval('tandem.recorded');
  if c.sync_token is null and c.listing is null then c.listing := seq; end if;
  update tandem.calendars x set fence = x.fence + 1, lease_until = t + interval '60 seconds', sync_token = c.sync_token,
    page_token = c.page_token, list_digest = p ->> 'digest', listing = c.listing, prepaid = 1, poll_at = t + interval '60 seconds',
    begun_seq = case when c.page_token is null then seq else x.begun_seq end
  where x.id = c.id returning x.fence into c.fence;
  return jsonb_build_object('outcome', 'claimed', 'calendar_id', c.id, 'google_id', c.google_id, 'fence', c.fence,
    'now', tandem.utc(t), 'as_of', seq, 'notices', c.notices, 'sync_token', c.sync_token,
    'page_token', c.page_token, 'reads', tandem.reads(c.id), 'time_zone', c.time_zone, 'token', token);
end $$;
comment on function public.tandem_pull_claim(jsonb) is
  'Takes a calendar for listing. p: {instance, digest, calendar_id} or {instance, digest, channel_id, resource_id, message_number, state}. Returns {outcome: claimed, ...} with tokens and fence, or {outcome: nothing | busy | waiting, reason}.';

-- When a unit got the value that it shows: a later answer of a guest must not make an old title look new.
create or replace function tandem.unit_times(before tandem.inbox, item jsonb) returns jsonb
language plpgsql stable set search_path = '' as $$
begin
  return (select coalesce(jsonb_object_agg(u.key, case when before.seen -> 'units' -> u.key -> 'google' = u.value -> 'google'
    then before.times -> u.key else item -> 'updated' end), '{}')
  from jsonb_each(nullif(item -> 'units', 'null')) u);
end $$;
comment on function tandem.unit_times(tandem.inbox, jsonb) is 'By unit: when Google made the first listed version that shows its value.';

create or replace function tandem.park(c tandem.calendars, item jsonb, as_of bigint, event uuid) returns uuid
language plpgsql volatile set search_path = '' as $$
declare before tandem.inbox;
begin
  select * into before from tandem.inbox i where i.calendar_id = c.id and i.google_id = item ->> 'google_id';
  insert into tandem.inbox as i (calendar_id, google_id, event_id, etag, raw, seen, times, as_of)
  values (c.id, item ->> 'google_id', event, item ->> 'etag', item ->> 'raw', item - 'raw', tandem.unit_times(before, item), as_of)
  on conflict (calendar_id, google_id) do update set event_id = excluded.event_id, etag = excluded.etag, raw = excluded.raw,
    seen = excluded.seen, times = excluded.times, state = 'waiting', reason = null, series_id = null, as_of = excluded.as_of, received_at = tandem.clock();
  insert into tandem.jobs as j (event_id, root_id, account_id, due_at) values (event, tandem.root_of(event), c.account_id, tandem.clock())
  on conflict (event_id) do update set
    due_at = case when j.attempts = 0 then least(j.due_at, excluded.due_at) else j.due_at end,
    attempts = case when j.state = 'dead' then 0 else j.attempts end,
    state = case when j.state = 'dead' then 'open' else j.state end;
  return event;
end $$;
comment on function tandem.park(tandem.calendars, jsonb, bigint, uuid) is 'Leaves an item to its event''s job, which merges under the event''s lease.';

create or replace function tandem.orphan(c tandem.calendars, item jsonb, as_of bigint) returns jsonb
language plpgsql volatile set search_path = '' as $$
begin
  insert into tandem.inbox as i (calendar_id, google_id, etag, raw, seen, series_id, state, reason, as_of)
  values (c.id, item ->> 'google_id', item ->> 'etag', item ->> 'raw', item, item ->> 'series_id', 'orphan', 'its series is not known yet', as_of)
  on conflict (calendar_id, google_id) do update set event_id = null, etag = excluded.etag, raw = excluded.raw, seen = excluded.seen,
    series_id = excluded.series_id, state = 'orphan', reason = excluded.reason, as_of = excluded.as_of, received_at = tandem.clock();
  return jsonb_build_object('did', 'orphaned');
end $$;
comment on function tandem.orphan(tandem.calendars, jsonb, bigint) is 'Keeps an exception until its series is known.';

create or replace function tandem.quarantine(c tandem.calendars, item jsonb, as_of bigint, why text) returns void
language plpgsql volatile set search_path = '' as $$
begin
  insert into tandem.inbox as i (calendar_id, google_id, etag, raw, state, reason, as_of)
  values (c.id, coalesce(item ->> 'google_id', 'md5:' || md5(item ->> 'raw')), item ->> 'etag', coalesce(item ->> 'raw', ''), 'quarantined', why, as_of)
  on conflict (calendar_id, google_id) do update set etag = excluded.etag, raw = excluded.raw, state = 'quarantined',
    reason = excluded.reason, as_of = excluded.as_of, received_at = tandem.clock();
end $$;
comment on function tandem.quarantine(tandem.calendars, jsonb, bigint, text) is 'Keeps an item that nobody could use, as text, for a person.';

-- An hour between listings only while messages are proven to arrive: the running channel has brought one,
-- and since then no listing found what none had announced.
create or replace function tandem.is_push_proven(c tandem.calendars) returns boolean
language plpgsql stable set search_path = '' as $$
begin
  return (select c.push = 'push' and exists (select from tandem.channels h where h.calendar_id = c.id and h.state = 'active' and h.expires_at > tandem.clock()
    and h.delivered_at > coalesce(c.missed_at, '-infinity')));
end $$;
comment on function tandem.is_push_proven(tandem.calendars) is 'Whether notifications of the calendar are known to arrive.';

create or replace function tandem.notice_of(c tandem.calendars) returns jsonb
language sql stable set search_path = '' as $$
  select case when c.notices > c.listed_notices then jsonb_build_object('notified_at',
    (select tandem.utc(max(h.delivered_at)) from tandem.channels h where h.calendar_id = c.id)) else '{}' end;
$$;
comment on function tandem.notice_of(tandem.calendars) is 'When Google announced what a listing brings, for the history; empty where nobody did.';

create or replace function tandem.end_listing(c tandem.calendars, p jsonb) returns boolean
language plpgsql volatile set search_path = '' as $$
declare more boolean; first boolean := c.imported_at is null; t timestamptz := tandem.clock();
begin
  more := c.notices > (p ->> 'notices')::bigint;
  if c.listing is not null then perform tandem.look_for_missing(c); end if;
  update tandem.channels set done_message = greatest(done_message, (p ->> 'message_number')::bigint)
    where id = p ->> 'channel_id' and p ? 'message_number';
  if c.push = 'push' and c.listing is null and not p ? 'channel_id' and c.notices = c.listed_notices
    and (c.page_token is not null or jsonb_array_length(p -> 'items') > 0) then
    c.missed_at := t;
    -- A new channel begins with a message, which proves that they arrive again.
    c.watch_at := greatest(t, interval '1 hour' + (select max(h.created_at) from tandem.channels h where h.calendar_id = c.id));
  end if;
  update tandem.calendars set sync_token = p ->> 'sync_token', page_token = null, listing = null,
    listed_seq = begun_seq,
    imported_at = coalesce(imported_at, t), lease_until = null, last_synced_at = t, failures = 0,
    missed_at = c.missed_at, watch_at = least(watch_at, c.watch_at), listed_notices = (p ->> 'notices')::bigint,
    last_error = null, poll_at = t + case when more or tandem.reads(c.id) <> '[]' then interval '0' when tandem.is_push_proven(c) then interval '1 hour'
      else interval '1 minute' end * (0.75 + random() / 4)
  where id = c.id;
  if first then
    perform tandem.wake(x.account_id) from tandem.connections x where x.calendar_id = c.id;
  end if;
  return more;
end $$;
comment on function tandem.end_listing(tandem.calendars, jsonb) is 'Stores the sync token with the last page; says whether a notification came meanwhile.';

-- Not listed is no proof of deletion: each is read in Google by its own job.
create or replace function tandem.look_for_missing(c tandem.calendars) returns void
language plpgsql volatile set search_path = '' as $$
declare missing uuid[]; wanted text;
begin
  missing := array(select l.event_id from tandem.links l where l.calendar_id = c.id and l.is_primary and l.state = 'live'
    and l.seen_listing < c.listing and l.recorded_seq < c.listing order by l.event_id);
  if tandem.is_mass_deletion(c.id, 'google', (select count(*) from unnest(missing) e where tandem.root_of(e) = e)) then wanted := 'ask'; end if;
  insert into tandem.jobs as j (event_id, root_id, account_id, due_at, look, decision)
  select e, tandem.root_of(e), c.account_id, tandem.clock(), true, wanted from unnest(missing) e
  on conflict (event_id) do update set look = true, decision = coalesce(j.decision, excluded.decision);
end $$;
comment on function tandem.look_for_missing(tandem.calendars) is 'After a full listing: events that it did not show are looked at one by one.';

create or replace function tandem.is_leased(event uuid) returns boolean
language plpgsql stable set search_path = '' as $$
begin
  return exists (select from tandem.jobs j join tandem.leases l on l.root_id = j.root_id
    where j.event_id = event and l.until > tandem.clock());
end $$;
comment on function tandem.is_leased(uuid) is 'Whether somebody works on the event''s series.';

create or replace function public.tandem_pull_fail(p jsonb) returns jsonb
language plpgsql volatile security definer set search_path = '' set timezone = 'UTC' as $$
declare n integer; before tandem.calendars;
begin
  perform tandem.check_instance(p ->> 'instance');
  select * into before from tandem.calendars x where x.id = (p ->> 'calendar_id')::uuid and x.fence = (p ->> 'fence')::bigint for no key update;
  update tandem.calendars c set lease_until = null, prepaid = 0, last_error = p ->> 'reason', failures = c.failures + 1,
    sync_token = case when (p -> 'resync')::boolean then null else c.sync_token end,
    page_token = case when (p -> 'resync')::boolean or (p -> 'restart')::boolean then null else c.page_token end,
    listing = case when (p -> 'resync')::boolean or (p -> 'restart')::boolean then null else c.listing end,
    poll_at = tandem.clock() + coalesce((p ->> 'delay_seconds')::double precision, 0) * interval '1 second'
  where c.id = (p ->> 'calendar_id')::uuid and c.fence = (p ->> 'fence')::bigint;
  get diagnostics n = row_count;
  if p -> 'pause' ->> 'account_id' is not null then
    update tandem.accounts set pause_reason = p ->> 'reason',
      paused_until = greatest(paused_until, tandem.clock() + (p -> 'pause' ->> 'seconds')::double precision * interval '1 second')
    where id = (p -> 'pause' ->> 'account_id')::uuid;
  end if;
  perform tandem.store_token(p -> 'token');
  perform tandem.charge_calls(before.account_id, before.prepaid, (p ->> 'units')::integer);
  perform tandem.count_pull(null, p, 'failed');
  return jsonb_build_object('outcome', case when n = 1 then 'recorded' else 'fenced' end);
end $$;
comment on function public.tandem_pull_fail(jsonb) is 'Stores why a listing stopped and when the next is due; with resync the token is forgotten, with restart only the page.';
