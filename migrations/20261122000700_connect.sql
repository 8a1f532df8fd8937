-- Connecting: OAuth states, accounts and their tokens, calendars, channels.

create or replace function public.tandem_oauth_use_state(p jsonb) returns jsonb
language plpgsql volatile security definer set search_path = '' as $$
begin
  perform tandem.check_instance(p ->> 'instance');
  delete from tandem.oauth_states where expires_at < tandem.clock();
  insert into tandem.oauth_states (nonce, expires_at) values (p ->> 'nonce', tandem.clock() + interval '1 hour') on conflict do nothing;
  return jsonb_build_object('outcome', case when found then 'fresh' else 'used' end, 'now', tandem.utc(tandem.clock()));
end $$;
comment on function public.tandem_oauth_use_state(jsonb) is 'Takes an OAuth state, which works once. p: {instance, nonce}. Returns {outcome: fresh | used, now}.';

create or replace function public.tandem_account_store(p jsonb) returns jsonb
language plpgsql volatile security definer set search_path = '' set timezone = 'UTC' as $$
declare a tandem.accounts; owner uuid := (p ->> 'user_id')::uuid; wanted tandem.accounts;
begin
  perform tandem.check_instance(p ->> 'instance');
  if p ->> 'wanted' is not null then
    select * into wanted from tandem.accounts x where x.id = (p ->> 'wanted')::uuid and x.user_id = owner;
    if wanted.google_sub is distinct from p ->> 'sub' then
      return jsonb_build_object('outcome', 'another', 'email', coalesce(wanted.email, ''));
    end if;
  end if;
  if exists (select from tandem.accounts x where x.tenant = tandem.tenant_of(owner) and x.user_id = owner
    and x.google_sub = p ->> 'sub' and x.state = 'disconnecting') then
    return jsonb_build_object('outcome', 'disconnecting');
  end if;
  insert into tandem.accounts as x (tenant, user_id, google_sub, email, scopes, refresh_token, access_token, access_expires_at, token_generation)
  values (tandem.tenant_of(owner), owner, p ->> 'sub', p ->> 'email', p ->> 'scopes', p ->> 'refresh_token', p ->> 'access_token',
    tandem.clock() + (p ->> 'expires_in')::double precision * interval '1 second', 1)
  on conflict (tenant, user_id, google_sub) do update set email = excluded.email, scopes = excluded.scopes,
    refresh_token = coalesce(excluded.refresh_token, x.refresh_token), access_token = excluded.access_token,
    access_expires_at = excluded.access_expires_at, token_generation = x.token_generation + 1, refreshing_until = null,
    state = 'active', reason = null, paused_until = null, pause_reason = null
  returning * into a;
  if a.refresh_token is null then
    raise sqlstate 'PT422' using message = 'Google gave no refresh token', hint = 'Connect again; Google will ask for consent.';
  end if;
  perform tandem.wake(a.id);
  update tandem.calendars c set poll_at = tandem.clock(), watch_at = tandem.clock(), failures = 0 where c.account_id = a.id and tandem.is_synced(c.id);
  return jsonb_build_object('outcome', 'stored', 'account_id', a.id, 'generation', a.token_generation, 'calendars',
    (select coalesce(jsonb_agg(x.calendar_id), '[]') from tandem.connections x where x.account_id = a.id and x.state in ('active', 'paused')));
end $$;
comment on function public.tandem_account_store(jsonb) is
  'Stores a connected Google account with sealed tokens; jobs that waited for it go on. p: {instance, user_id, sub, email, scopes, refresh_token, access_token, expires_in, wanted: the account that is to be connected again, if a certain one}. Returns {outcome: stored, account_id, generation, calendars}, {outcome: another, email} or {outcome: disconnecting}.';

create or replace function public.tandem_token_store(p jsonb) returns jsonb
language plpgsql volatile security definer set search_path = '' as $$
begin
  perform tandem.check_instance(p ->> 'instance');
  return jsonb_build_object('outcome', case when tandem.store_token(p -> 'token') then 'stored' else 'outdated' end);
end $$;
comment on function public.tandem_token_store(jsonb) is 'Stores a refreshed token by compare-and-set on its generation. p: {instance, token}. Returns {outcome: stored | outdated}.';

create or replace function public.tandem_token_refused(p jsonb) returns jsonb
language plpgsql volatile security definer set search_path = '' as $$
declare account uuid := (p ->> 'account_id')::uuid;
begin
  perform tandem.check_instance(p ->> 'instance');
  -- Calendar before account, as in a listing.
  perform from tandem.calendars c where c.account_id = account order by c.id for no key update;
  update tandem.accounts set state = case state when 'active' then 'reconnect_needed' else state end, reason = p ->> 'reason', refreshing_until = null
  where id = account and token_generation = (p ->> 'generation')::bigint and state in ('active', 'disconnecting');
  if not found then return jsonb_build_object('outcome', 'outdated'); end if;
  -- Others who sync one of its calendars go on, through an account of theirs.
  update tandem.calendars c set account_id = h.account_id, push = 'off', poll_at = tandem.clock(), watch_at = tandem.clock()
  from (select distinct on (x.calendar_id) x.calendar_id, x.account_id from tandem.calendars k
    join tandem.connections x on x.calendar_id = k.id and x.state = 'active' join tandem.accounts a on a.id = x.account_id and a.state = 'active'
    where k.account_id = account order by x.calendar_id, x.created_at) h
  where c.id = h.calendar_id;
  return jsonb_build_object('outcome', 'recorded');
end $$;
comment on function public.tandem_token_refused(jsonb) is
  'Google refused the refresh token for good: the account''s jobs wait until a person connects it again. p: {instance, account_id, generation, reason}. Returns {outcome: recorded | outdated}.';

create or replace function tandem.backfill(account uuid, owner uuid) returns void
language plpgsql volatile set search_path = '' as $$
declare target uuid := (select x.calendar_id from tandem.connections x where x.account_id = account and x.user_id = owner and x.is_target and x.state <> 'disconnected');
begin
  -- Events that a disconnect took from Google come back under new ids.
  update tandem.links l set calendar_id = target, state = 'reserved', generation = l.generation + 1,
    google_id = tandem.google_id(l.event_id, l.generation + 1), etag = null, base_crm = null, base_google = null, ical_uid = null,
    deleted_by = null, proof = null, old_row = null
  where target is not null and l.owner_id = owner and l.is_primary and l.origin = 'crm' and l.state = 'gone' and l.deleted_by = 'opt_out'
    and (tandem.crm_read(l.event_id) ->> 'enabled')::boolean;
  insert into tandem.jobs (event_id, root_id, account_id, state, due_at, quiet)
  select e, tandem.root_of(e), account, 'waiting', tandem.clock(), true from tandem.crm_owned(owner) e
  where not exists (select from tandem.links l where l.event_id = e and l.state <> 'reserved')
  on conflict do nothing;
  -- What was changed before is part of the export, and no live change.
  update tandem.changes c set folded = true from tandem.jobs j
  where j.account_id = backfill.account and j.state = 'waiting' and j.quiet and c.event_id = j.event_id and not c.folded;
  perform tandem.show(j.event_id, 'pending', 'waiting for the first import of the calendar')
  from tandem.jobs j where j.account_id = backfill.account and j.state = 'waiting';
end $$;
comment on function tandem.backfill(uuid, uuid) is 'Makes jobs for a user''s events that Google does not know yet; they wait for the first import.';

-- What both sides did meanwhile is merged event by event, never replayed.
create or replace function tandem.catch_up(k tandem.connections) returns void
language plpgsql volatile set search_path = '' as $$
begin
  insert into tandem.jobs as j (event_id, root_id, account_id, state, due_at, look)
  select l.event_id, l.root_id, k.account_id, 'waiting', tandem.clock(), true from tandem.links l
  where l.calendar_id = k.calendar_id and l.owner_id = k.user_id and l.is_primary and l.state <> 'gone'
    and exists (select from tandem.changes c where c.event_id = l.event_id and c.rev > l.synced_rev)
  on conflict (event_id) do update set look = true, state = 'waiting', account_id = excluded.account_id, attempts = 0;
  perform tandem.show(l.event_id, case when exists (select from tandem.jobs j where j.event_id = l.event_id) then 'pending' else 'synced' end, null)
  from tandem.links l where l.calendar_id = k.calendar_id and l.owner_id = k.user_id and l.is_primary and l.state = 'live';
end $$;
comment on function tandem.catch_up(tandem.connections) is 'A calendar is connected again: events that changed meanwhile are looked at after its listing.';

create or replace function tandem.choose(k tandem.connections, p jsonb) returns tandem.connections
language plpgsql volatile set search_path = '' as $$
begin
  if (p ->> 'is_target')::boolean then
    update tandem.connections o set is_target = false where o.user_id = k.user_id and o.is_target and o.id <> k.id;
  end if;
  update tandem.connections x set direction = coalesce(p ->> 'direction', x.direction), policy = coalesce(p ->> 'policy', x.policy),
    send_updates = coalesce(p ->> 'send_updates', x.send_updates), opt_out = coalesce(p ->> 'opt_out', x.opt_out),
    is_target = coalesce((p ->> 'is_target')::boolean, x.is_target)
  where x.id = k.id returning * into k;
  return k;
end $$;
comment on function tandem.choose(tandem.connections, jsonb) is 'Stores what a user chose for a calendar; what p does not name stays. One calendar of a user takes new events.';

create or replace function public.tandem_calendar_connect(p jsonb) returns jsonb
language plpgsql volatile security definer set search_path = '' set timezone = 'UTC' as $$
declare a tandem.accounts; c tandem.calendars; x tandem.connections; returning_one boolean; lonely boolean;
begin
  perform tandem.check_instance(p ->> 'instance');
  select * into a from tandem.accounts where id = (p ->> 'account_id')::uuid;
  insert into tandem.calendars as k (tenant, google_id, account_id, summary, time_zone, access_role, poll_at, import_from)
  values (a.tenant, p ->> 'google_id', a.id, p ->> 'summary', p ->> 'time_zone', p ->> 'access_role', tandem.clock(), (p ->> 'import_from')::timestamptz)
  on conflict (tenant, google_id) do update set summary = excluded.summary, poll_at = tandem.clock(), watch_at = coalesce(k.watch_at, tandem.clock()),
    account_id = case when (select o.state from tandem.accounts o where o.id = k.account_id) = 'active' then k.account_id else a.id end
  returning * into c;
  select * into x from tandem.connections k where k.account_id = a.id and k.calendar_id = c.id for update;
  if x.state = 'disconnecting' then return jsonb_build_object('outcome', 'disconnecting'); end if;
  returning_one := coalesce(x.state = 'disconnected', false);
  lonely := not exists (select from tandem.connections o where o.calendar_id = c.id and o.id is distinct from x.id and o.state in ('active', 'paused'));
  if returning_one and lonely then
    -- Begin with a whole listing; pushes wait for its end.
    update tandem.calendars k set sync_token = null, page_token = null, listing = null, imported_at = null, account_id = a.id,
      import_from = (p ->> 'import_from')::timestamptz, push = 'off', access_role = p ->> 'access_role' where k.id = c.id returning * into c;
  end if;
  if p ? 'import_from' then perform tandem.set_import_from(c.id, (p ->> 'import_from')::timestamptz); end if;
  insert into tandem.connections as k (tenant, user_id, account_id, calendar_id, is_target)
  values (a.tenant, a.user_id, a.id, c.id, coalesce(p ->> 'direction', 'both') <> 'in'
    and not exists (select from tandem.connections o where o.user_id = a.user_id and o.is_target and o.state <> 'disconnected'))
  on conflict (account_id, calendar_id) do update set state = case k.state when 'disconnected' then 'active' else k.state end,
    is_target = k.is_target or not exists (select from tandem.connections o where o.user_id = a.user_id and o.is_target and o.state <> 'disconnected')
  returning * into x;
  x := tandem.choose(x, p);
  if returning_one then perform tandem.catch_up(x); end if;
  if x.is_target then perform tandem.backfill(a.id, a.user_id); end if;
  if c.imported_at is not null then perform tandem.wake(a.id); end if;
  return jsonb_build_object('outcome', 'connected', 'calendar_id', c.id, 'connection_id', x.id);
end $$;
comment on function public.tandem_calendar_connect(jsonb) is
  'Syncs a calendar through an account. p: {instance, account_id, google_id, summary, time_zone, access_role} and choices: direction, policy, send_updates, opt_out, is_target, import_from. Returns {outcome: connected, calendar_id, connection_id} or {outcome: disconnecting}.';

create or replace function public.tandem_channel_begin(p jsonb) returns jsonb
language plpgsql volatile security definer set search_path = '' set timezone = 'UTC' as $$
declare c tandem.calendars; token jsonb; a tandem.accounts; t timestamptz := tandem.clock();
begin
  perform tandem.check_instance(p ->> 'instance');
  select * into c from tandem.calendars where id = (p ->> 'calendar_id')::uuid for no key update;
  if not found then return jsonb_build_object('outcome', 'nothing', 'reason', 'no such calendar'); end if;
  if exists (select from tandem.channels h where h.calendar_id = c.id and (
       h.state = 'active' and h.account_id = c.account_id and h.expires_at > t + interval '1 hour' and c.watch_at > t
       or h.state = 'creating' and h.created_at > t - interval '2 minutes')) then
    return jsonb_build_object('outcome', 'nothing', 'reason', 'the calendar has a channel');
  end if;
  select * into a from tandem.accounts where id = c.account_id;
  if a.state <> 'active' or not tandem.is_synced(c.id) then
    return jsonb_build_object('outcome', 'nothing', 'reason', 'the account is not connected');
  end if;
  -- Whoever asks now may end before it says what came of it.
  update tandem.calendars set watch_at = t + interval '5 minutes' where id = c.id;
  if p ->> 'unable' is not null then
    update tandem.calendars set push = 'poll', watch_at = t + interval '1 hour' * (1 + random()),
      poll_at = least(poll_at, t + interval '1 minute') where id = c.id;
    return jsonb_build_object('outcome', 'nothing', 'reason', p ->> 'unable');
  end if;
  token := tandem.grant_token(a.id);
  if token is null then return jsonb_build_object('outcome', 'nothing', 'reason', 'the access token is being refreshed'); end if;
  insert into tandem.channels (id, calendar_id, account_id, expires_at)
  values (p ->> 'channel_id', c.id, a.id, t + interval '7 days');
  return jsonb_build_object('outcome', 'begun', 'google_id', c.google_id, 'now', tandem.utc(t), 'token', token);
end $$;
comment on function public.tandem_channel_begin(jsonb) is
  'Notes a channel before Google is asked for it, where the calendar needs one. p: {instance, calendar_id, channel_id} or with unable: why there can be none. Returns {outcome: begun, google_id, now, token} or {outcome: nothing, reason}.';

create or replace function tandem.count_channel_calls(account uuid, p jsonb) returns void
language plpgsql volatile set search_path = '' as $$
begin
  perform tandem.charge_calls(account, 0, (p ->> 'units')::integer);
  perform tandem.count('google_calls', coalesce(nullif(p -> 'calls', 'null'), '{}'));
end $$;
comment on function tandem.count_channel_calls(uuid, jsonb) is 'Charges and counts what was asked of Google about channels.';

create or replace function public.tandem_channel_record(p jsonb) returns jsonb
language plpgsql volatile security definer set search_path = '' set timezone = 'UTC' as $$
declare h tandem.channels; old jsonb := jsonb_build_array(); t timestamptz := tandem.clock(); ends timestamptz := (p ->> 'expires_at')::timestamptz;
begin
  perform tandem.check_instance(p ->> 'instance');
  -- Calendar before account and channel, as in a listing.
  perform from tandem.calendars c join tandem.channels x on x.calendar_id = c.id where x.id = p ->> 'channel_id' for no key update of c;
  perform tandem.store_token(p -> 'token');
  select * into h from tandem.channels where id = p ->> 'channel_id' for update;
  if not found then return jsonb_build_object('outcome', 'nothing', 'reason', 'no such channel'); end if;
  if p ->> 'failed' is not null then
    -- Only a channel of which Google said nothing is given up: a message may have shown that it is there.
    update tandem.channels set state = 'stopped' where id = h.id and state = 'creating';
    update tandem.calendars set push = case when (p -> 'unsupported')::boolean then 'poll' else push end,
      watch_at = t + case when (p -> 'unsupported')::boolean then interval '7 days' else interval '10 minutes' end * (0.75 + random() / 4),
      last_error = p ->> 'failed', poll_at = least(poll_at, t + interval '1 minute') where id = h.calendar_id and watch_at is not null;
    perform tandem.count_channel_calls(h.account_id, p);
    return jsonb_build_object('outcome', 'recorded', 'old', old);
  end if;
  -- A calendar that was disconnected meanwhile wants no channel any more.
  update tandem.channels x set resource_id = p ->> 'resource_id', expires_at = ends,
    state = case when tandem.is_synced(h.calendar_id) then 'active' else 'stopping' end where x.id = h.id returning * into h;
  if h.state = 'stopping' then
    perform tandem.count_channel_calls(h.account_id, p);
    return jsonb_build_object('outcome', 'recorded', 'old', jsonb_build_array(jsonb_build_object('channel_id', h.id, 'resource_id', h.resource_id)));
  end if;
  update tandem.calendars set push = 'push', watch_at = t + (ends - t) * (0.6 + random() / 4) where id = h.calendar_id;
  with stopping as (
    update tandem.channels x set state = 'stopping' where x.calendar_id = h.calendar_id and x.id <> h.id
      and x.state in ('active', 'stopping') and x.resource_id is not null returning x.*)
  select coalesce(jsonb_agg(jsonb_build_object('channel_id', s.id, 'resource_id', s.resource_id)), '[]') into old from stopping s
  where s.account_id = h.account_id and s.expires_at > t;
  perform tandem.count_channel_calls(h.account_id, p);
  return jsonb_build_object('outcome', 'recorded', 'old', old);
end $$;
comment on function public.tandem_channel_record(jsonb) is
  'Stores Google''s answer to watch; the next channel replaces this one after 60 to 85 % of its life. p: {instance, channel_id, resource_id, expires_at} or {instance, channel_id, failed, unsupported}. Returns {outcome: recorded, old} with the calendar''s earlier channels, which are now to be stopped.';

create or replace function public.tandem_channel_stopped(p jsonb) returns jsonb
language plpgsql volatile security definer set search_path = '' as $$
begin
  perform tandem.check_instance(p ->> 'instance');
  update tandem.channels set state = 'stopped' where id in (select jsonb_array_elements_text(p -> 'channel_ids'));
  perform tandem.store_token(p -> 'token');
  perform tandem.count_channel_calls((p ->> 'account_id')::uuid, p);
  return jsonb_build_object('outcome', 'recorded');
end $$;
comment on function public.tandem_channel_stopped(jsonb) is 'Stores that channels are stopped. p: {instance, account_id, channel_ids, token, calls, units}.';
