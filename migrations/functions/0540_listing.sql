set local lock_timeout = '3s';
-- Listing a connection: claim it, then a commit for each page.

create or replace function tandem.hold_listing(listing jsonb, t timestamptz) returns boolean
language plpgsql volatile set search_path = '' as $$
begin
  perform tandem.need(listing, 'connection uuid', 'fence number', 'notices number', 'as_of number', 'digest string',
    'seen array', 'park array', 'unpark array', 'about object', 'message object?');
  if coalesce(jsonb_typeof(listing -> 'cursor'), '') not in ('string', 'object') then
    raise sqlstate 'PT400' using message = 'the argument cursor is missing';
  end if;
  perform from tandem.connections k where k.id = (listing ->> 'connection')::uuid
    and k.fence = (listing ->> 'fence')::bigint and k.lease_until > t for no key update;
  return found;
end $$;
comment on function tandem.hold_listing(jsonb, timestamptz) is
  'Whether the listing''s lease is held; locks its connection.';

create or replace function tandem.is_push_proven(k tandem.connections, t timestamptz) returns boolean
language plpgsql stable set search_path = '' as $$
begin return k.push = 'push' and exists (select from tandem.channels h where h.connection_id = k.id
    and h.state = 'active' and h.expires_at > t and h.delivered_at > coalesce(k.missed_at, '-infinity')); end $$;
comment on function tandem.is_push_proven(tandem.connections, timestamptz) is
  'Whether notifications are known to arrive: the channel has brought one since a listing found what none had told.';

-- A notification names a channel: the connection to list, or null where the message asks for nothing.
create or replace function tandem.notified(n jsonb, t timestamptz) returns uuid
language plpgsql volatile set search_path = '' as $$
declare h tandem.channels;
begin
  perform tandem.need(n, 'channel string', 'resource string', 'message number', 'is_sync boolean',
    'expires_at string?');
  select * into h from tandem.channels x where x.id = n ->> 'channel' for no key update;
  if not found or h.expires_at <= t or h.resource_id <> n ->> 'resource' then return null; end if;
  if h.state in ('stopping', 'stopped') then
    -- It is not stopped then; now that its resource is known it can be.
    update tandem.channels x set resource_id = n ->> 'resource', state = 'stopping',
      retry_at = coalesce(x.retry_at, t + interval '10 minutes') where x.id = h.id;
    return null;
  end if;
  -- The message may be here before the answer to watch is stored.
  update tandem.channels x set resource_id = n ->> 'resource', state = 'active', delivered_at = t,
    expires_at = coalesce((n ->> 'expires_at')::timestamptz, x.expires_at) where x.id = h.id;
  if (n -> 'is_sync')::boolean or (n ->> 'message')::bigint <= h.done_message then return null; end if;
  insert into tandem.asked (connection_id) values (h.connection_id);
  return h.connection_id;
end $$;
comment on function tandem.notified(jsonb, timestamptz) is 'Counts a notification.';

create or replace function tandem.begin_listing(k tandem.connections, digest text, s jsonb, t timestamptz) returns jsonb
language plpgsql volatile set search_path = '' as $$
declare taken jsonb; told jsonb; as_of bigint; account text := k.account_id;
  granted jsonb := tandem.grant_accounts(jsonb_build_array(account), t);
begin
  if granted -> account ->> 'token' is null then
    update tandem.connections x set due_at = t + interval '3 seconds' where x.id = k.id;
    return jsonb_build_object('outcome', 'waiting', 'reason', 'the access token is being refreshed');
  end if;
  taken := tandem.take_calls(jsonb_build_object(account, 1), s, t) -> account;
  if (taken ->> 'n')::double precision < 1 then
    update tandem.connections x set due_at = t + (taken ->> 'wait')::double precision * interval '1 second'
    where x.id = k.id;
    return jsonb_build_object('outcome', 'waiting', 'reason', 'waiting for the account''s quota');
  end if;
  if k.digest is distinct from begin_listing.digest then k.sync_token := null; k.page_token := null; end if;
  as_of := nextval('tandem.recorded');
  if k.page_token is null then
    k.begun := as_of; k.full_listing := case when k.sync_token is null then as_of end;
    delete from tandem.seen x where x.connection_id = k.id;
  end if;
  -- Requests are counted by whoever holds the connection.
  with asked as (delete from tandem.asked a where a.connection_id = k.id returning 1)
  update tandem.connections x set digest = begin_listing.digest, sync_token = k.sync_token, page_token = k.page_token,
    begun = k.begun, full_listing = k.full_listing, fence = nextval('tandem.fences'),
    lease_until = t + interval '60 seconds', due_at = t + interval '60 seconds',
    notices = x.notices + (select count(*) from asked) where x.id = k.id returning * into k;
  told := tandem.connections_json('[]', '{}', k.id, t, granted);
  return jsonb_build_object('outcome', 'claimed', 'connection', told -> 'connections' -> 0,
    'account', told -> 'accounts' -> 0, 'fence', k.fence, 'now', tandem.utc(t), 'as_of', as_of, 'notices', k.notices,
    'sync_token', k.sync_token, 'page_token', k.page_token, 'import_from', tandem.utc(k.import_from));
end $$;
comment on function tandem.begin_listing(tandem.connections, text, jsonb, timestamptz) is
  'Leases a connection for 60 seconds.';

create or replace function public.tandem_claim(p jsonb) returns jsonb
language plpgsql security definer set search_path = '' set timezone = 'UTC' set lock_timeout = 500 set jit = off as $$
declare s jsonb := tandem.begin_call(p); t timestamptz := s ->> 'now'; k tandem.connections; wanted uuid; a record;
  message jsonb := nullif(p -> 'trigger' -> 'notification', 'null');
begin
  perform tandem.need(p, 'digest string', 'trigger object');
  if message is null then
    perform tandem.need(p -> 'trigger', 'connection uuid');
    wanted := p -> 'trigger' ->> 'connection';
  else
    wanted := tandem.notified(message, t);
    if wanted is null then return '{"outcome": "nothing", "reason": "the message asks for nothing"}'; end if;
  end if;
  select * into k from tandem.connections x where x.id = wanted for no key update skip locked;
  if not found and not exists (select from tandem.connections x where x.id = wanted) then
    return jsonb_build_object('outcome', 'nothing', 'reason', 'there is no such connection');
  elsif k.state = 'paused' then
    return jsonb_build_object('outcome', 'waiting', 'reason', 'sync is paused');
  elsif k.state in ('disconnecting', 'disconnected') then
    return jsonb_build_object('outcome', 'nothing', 'reason', 'the calendar is disconnected');
  elsif k.id is null or k.lease_until > t then
    -- Who lists it does so once more.
    if message is null then insert into tandem.asked (connection_id) values (wanted); end if;
    return '{"outcome": "busy"}';
  end if;
  select x.state, x.reason into a from tandem.accounts x where x.id = k.account_id;
  if a.state <> 'active' then
    return jsonb_build_object('outcome', 'waiting', 'reason', coalesce(a.reason, 'the account is not connected'));
  end if;
  return tandem.begin_listing(k, p ->> 'digest', s, t);
end $$;
comment on function public.tandem_claim(jsonb) is 'The contract''s claim. p: Claim; returns Claimed.';

create or replace function public.tandem_fail(p jsonb) returns jsonb
language plpgsql security definer set search_path = '' set timezone = 'UTC' set lock_timeout = 500 set jit = off as $$
declare s jsonb := tandem.begin_call(p); t timestamptz := s ->> 'now'; why text := p ->> 'why';
begin
  perform tandem.need(p, 'connection uuid', 'fence number', 'why string', 'reason string', 'at string', 'token object?',
    'units number', 'pause object?');
  perform tandem.store_tokens(jsonb_build_array(p -> 'token'), t) where p ->> 'token' is not null;
  perform tandem.pause_accounts(jsonb_build_array(p -> 'pause')) where p ->> 'pause' is not null;
  update tandem.connections k set lease_until = null, due_at = (p ->> 'at')::timestamptz,
    last_error = case when why = 'continues' then k.last_error else p ->> 'reason' end,
    failures = k.failures + (why in ('failed', 'unreachable'))::integer,
    state = case when why = 'unreachable' and k.state = 'active' then 'unreachable' else k.state end,
    sync_token = case when why <> 'resync' then k.sync_token end,
    page_token = case when why not in ('resync', 'restart') then k.page_token end,
    full_listing = case when why not in ('resync', 'restart') then k.full_listing end
  where k.id = (p ->> 'connection')::uuid and k.fence = (p ->> 'fence')::bigint and k.lease_until > t;
  perform tandem.charge(jsonb_build_object(k.account_id, p -> 'units'), t) from tandem.connections k
  where k.id = (p ->> 'connection')::uuid and (p ->> 'units')::bigint <> 0;
  perform tandem.add_counts(jsonb_build_object('google_calls', p -> 'calls'));
  return 'null';
end $$;
comment on function public.tandem_fail(jsonb) is 'The contract''s fail. p: Stopped; returns null.';

-- Events to read one by one: linked ones that a listing of everything did not show, what is parked to be read, and
-- series that exceptions wait for; the next 250 by id.
create or replace function tandem.reads(connection uuid, after text) returns jsonb
language plpgsql stable set search_path = '' set enable_seqscan = off set jit = off as $$
begin
  return (select coalesce(jsonb_agg(x.remote order by x.remote), '[]') from (
    select y.remote collate "C" as remote from (
      select m.remote from tandem.missed m join tandem.links l using (connection_id, remote)
        where m.connection_id = connection and l.state in ('live', 'kept') and l.recorded < m.before
      union select case k.state when 'read' then k.remote else k.series end from tandem.parked k
        where k.connection_id = connection and k.state in ('read', 'orphan')) y
    where y.remote is not null and (after is null or y.remote collate "C" > after) order by 1 limit 250) x);
end $$;
comment on function tandem.reads(uuid, text) is 'Remote ids that are to be read one by one.';

create or replace function tandem.end_listing(k tandem.connections, page jsonb, t timestamptz) returns void
language plpgsql volatile set search_path = '' set enable_seqscan = off set jit = off as $$
declare message jsonb := nullif(page -> 'message', 'null'); brought boolean;
begin
  brought := k.page_token is not null or page -> 'seen' <> '[]' or page -> 'park' <> '[]';
  if k.full_listing is not null then
    insert into tandem.missed (connection_id, remote, before)
    select l.connection_id, l.remote, k.full_listing from tandem.links l where l.connection_id = k.id
      and l.state in ('live', 'kept', 'leaving') and l.state <> 'leaving' and l.recorded < k.full_listing
      and not exists (select from tandem.seen s where s.connection_id = l.connection_id and s.remote = l.remote)
    on conflict (connection_id, remote) do update set before = excluded.before;
    delete from tandem.seen s where s.connection_id = k.id;
  end if;
  if message is not null then
    update tandem.channels h set done_message = greatest(h.done_message, (message ->> 'message')::bigint)
    where h.id = message ->> 'channel';
  elsif k.push = 'push' and k.full_listing is null and brought and (page ->> 'notices')::bigint = k.listed_notices then
    -- The clock found what no notification had told. A new channel begins with a message, which proves that they come.
    update tandem.connections x set missed_at = t, watch_at = least(x.watch_at, greatest(t, interval '1 hour'
      + (select max(h.created_at) from tandem.channels h where h.connection_id = k.id))) where x.id = k.id;
  end if;
  update tandem.connections x set sync_token = page -> 'cursor' -> 'end' ->> 'sync_token', page_token = null,
    read_up_to = null, full_listing = null, imported_at = coalesce(x.imported_at, t), listed = x.begun, listed_at = t,
    listed_notices = (page ->> 'notices')::bigint,
    -- Notifications come before what they announce can be listed: look again soon, a few times.
    unproductive = case when not brought and (message is not null or x.unproductive between 1 and 3)
      then least(x.unproductive + 1, 4) else 0 end where x.id = k.id;
  if k.imported_at is null then perform tandem.wake(k.user_id, t); end if;
end $$;
comment on function tandem.end_listing(tandem.connections, jsonb, timestamptz) is
  'Stores the sync token with the last page.';

create or replace function tandem.wake(owner text, t timestamptz) returns void
language plpgsql volatile set search_path = '' set enable_seqscan = off set jit = off as $$
begin
  update tandem.work w set at = t where w.root in (select x.root from tandem.work x where x.owner = wake.owner
    and x.state = 'open' and x.at > t and x.at < 'infinity' order by x.root for no key update skip locked);
end $$;
comment on function tandem.wake(text, timestamptz) is 'Makes a user''s work due that waits for a time.';

create or replace function tandem.commit_page(page jsonb, t timestamptz) returns jsonb
language plpgsql volatile set search_path = '' set enable_seqscan = off set jit = off as $$
declare k tandem.connections; wanted jsonb; again boolean; c uuid := page ->> 'connection';
  seen text[] := array(select distinct x from jsonb_array_elements_text(page -> 'seen') x order by 1);
begin
  with asked as (delete from tandem.asked a where a.connection_id = c returning 1)
  update tandem.connections x set lease_until = t + interval '60 seconds', due_at = t + interval '60 seconds',
    digest = page ->> 'digest', page_token = coalesce(page -> 'cursor' -> 'next_page' ->> 'page_token', x.page_token),
    access_role = coalesce(page -> 'about' ->> 'access_role', x.access_role),
    time_zone = coalesce(page -> 'about' ->> 'time_zone', x.time_zone),
    summary = coalesce(page -> 'about' ->> 'summary', x.summary), notices = x.notices + (select count(*) from asked)
  where x.id = c returning * into k;
  again := k.notices > (page ->> 'notices')::bigint;
  if k.full_listing is not null then
    insert into tandem.seen (connection_id, remote) select c, x from unnest(seen) x on conflict do nothing;
  end if;
  delete from tandem.missed m where m.connection_id = c and m.before <= (page ->> 'as_of')::bigint
    and m.remote = any (seen);
  perform tandem.park(page -> 'park', '[]', t);
  delete from tandem.parked x where x.connection_id = c and x.as_of <= (page ->> 'as_of')::bigint
    and x.remote = any (array(select jsonb_array_elements_text(page -> 'unpark')));
  if page -> 'cursor' = '"same_page"' or page -> 'cursor' ? 'next_page' then
    return '{"more": true, "reads": []}';
  end if;
  if page -> 'cursor' ? 'end' then perform tandem.end_listing(k, page, t); end if;
  select * into k from tandem.connections x where x.id = c;
  wanted := tandem.reads(c, k.read_up_to);
  if wanted <> '[]' then
    update tandem.connections x set read_up_to = wanted ->> -1 where x.id = c;
    return jsonb_build_object('more', true, 'reads', wanted);
  end if;
  -- It is there again when all of it could be read.
  update tandem.connections x set lease_until = null, failures = 0, last_error = null,
    state = replace(x.state, 'unreachable', 'active'),
    watch_at = least(x.watch_at, case k.state when 'unreachable' then t end),
    due_at = t + case when again then interval '0' when k.unproductive % 4 > 0 then interval '5 s' * 2 ^ k.unproductive
      when tandem.is_push_proven(k, t) then interval '1 hour' * (0.75 + random() / 4)
      else k.poll_seconds * interval '1 second' end where x.id = c;
  if k.state = 'unreachable' then perform tandem.wake(k.user_id, t); end if;
  return jsonb_build_object('more', again, 'reads', wanted);
end $$;
comment on function tandem.commit_page(jsonb, timestamptz) is 'Stores where a listing stands; what more there is.';

select tandem.seal();
