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
declare a tandem.accounts; owner uuid := (p ->> 'user_id')::uuid;
begin
  perform tandem.check_instance(p ->> 'instance');
  insert into tandem.accounts as x (tenant, user_id, google_sub, email, scopes, refresh_token, access_token, access_expires_at, token_generation)
  values (tandem.tenant_of(owner), owner, p ->> 'sub', p ->> 'email', p ->> 'scopes', p ->> 'refresh_token', p ->> 'access_token',
    tandem.clock() + (p ->> 'expires_in')::double precision * interval '1 second', 1)
  on conflict (tenant, user_id, google_sub) do update set email = excluded.email, scopes = excluded.scopes,
    refresh_token = coalesce(excluded.refresh_token, x.refresh_token), access_token = excluded.access_token,
    access_expires_at = excluded.access_expires_at, token_generation = x.token_generation + 1, refreshing_until = null,
    state = 'active', reason = null
  returning * into a;
  if a.refresh_token is null then
    raise sqlstate 'PT422' using message = 'Google gave no refresh token', hint = 'Connect again; Google will ask for consent.';
  end if;
  perform tandem.wake(a.id);
  return jsonb_build_object('outcome', 'stored', 'account_id', a.id, 'generation', a.token_generation);
end $$;
comment on function public.tandem_account_store(jsonb) is
  'Stores a connected Google account with sealed tokens; jobs that waited for it go on. p: {instance, user_id, sub, email, scopes, refresh_token, access_token, expires_in}. Returns {outcome: stored, account_id, generation}.';

create or replace function public.tandem_token_store(p jsonb) returns jsonb
language plpgsql volatile security definer set search_path = '' as $$
begin
  perform tandem.check_instance(p ->> 'instance');
  return jsonb_build_object('outcome', case when tandem.store_token(p -> 'token') then 'stored' else 'outdated' end);
end $$;
comment on function public.tandem_token_store(jsonb) is 'Stores a refreshed token by compare-and-set on its generation. p: {instance, token}. Returns {outcome: stored | outdated}.';

create or replace function public.tandem_token_refused(p jsonb) returns jsonb
language plpgsql volatile security definer set search_path = '' as $$
begin
  perform tandem.check_instance(p ->> 'instance');
  update tandem.accounts set state = 'reconnect_needed', reason = p ->> 'reason', refreshing_until = null
  where id = (p ->> 'account_id')::uuid and token_generation = (p ->> 'generation')::bigint and state = 'active';
  return jsonb_build_object('outcome', case when found then 'recorded' else 'outdated' end);
end $$;
comment on function public.tandem_token_refused(jsonb) is
  'Google refused the refresh token for good: the account''s jobs wait until a person connects it again. p: {instance, account_id, generation, reason}. Returns {outcome: recorded | outdated}.';

create or replace function tandem.backfill(account uuid, owner uuid) returns void
language plpgsql volatile set search_path = '' as $$
begin
  insert into tandem.jobs (event_id, root_id, account_id, state, due_at)
  select e, tandem.root_of(e), account, 'waiting', tandem.clock() from tandem.crm_owned(owner) e
  where not exists (select from tandem.links l where l.event_id = e)
  on conflict do nothing;
  perform tandem.show(j.event_id, 'pending', 'waiting for the first import of the calendar')
  from tandem.jobs j where j.account_id = backfill.account and j.state = 'waiting';
end $$;
comment on function tandem.backfill(uuid, uuid) is 'Makes jobs for a user''s events that Google does not know yet; they wait for the first import.';

create or replace function public.tandem_calendar_connect(p jsonb) returns jsonb
language plpgsql volatile security definer set search_path = '' set timezone = 'UTC' as $$
declare a tandem.accounts; c tandem.calendars; x tandem.connections;
begin
  perform tandem.check_instance(p ->> 'instance');
  select * into a from tandem.accounts where id = (p ->> 'account_id')::uuid;
  insert into tandem.calendars as k (tenant, google_id, account_id, summary, time_zone, access_role, poll_at)
  values (a.tenant, p ->> 'google_id', a.id, p ->> 'summary', p ->> 'time_zone', p ->> 'access_role', tandem.clock())
  on conflict (tenant, google_id) do update set summary = excluded.summary, poll_at = tandem.clock(),
    account_id = case when (select o.state from tandem.accounts o where o.id = k.account_id) = 'active' then k.account_id else a.id end
  returning * into c;
  insert into tandem.connections as k (tenant, user_id, account_id, calendar_id, is_target)
  values (a.tenant, a.user_id, a.id, c.id, not exists (select from tandem.connections o where o.user_id = a.user_id and o.is_target and o.state <> 'disconnected'))
  on conflict (account_id, calendar_id) do update set state = 'active',
    is_target = k.is_target or not exists (select from tandem.connections o where o.user_id = a.user_id and o.is_target and o.state <> 'disconnected')
  returning * into x;
  if x.is_target then perform tandem.backfill(a.id, a.user_id); end if;
  if c.imported_at is not null then perform tandem.wake(a.id); end if;
  return jsonb_build_object('outcome', 'connected', 'calendar_id', c.id, 'connection_id', x.id);
end $$;
comment on function public.tandem_calendar_connect(jsonb) is
  'Syncs a calendar through an account. p: {instance, account_id, google_id, summary, time_zone, access_role}. Returns {outcome: connected, calendar_id, connection_id}.';

create or replace function public.tandem_channel_begin(p jsonb) returns jsonb
language plpgsql volatile security definer set search_path = '' set timezone = 'UTC' as $$
declare c tandem.calendars; token jsonb; a tandem.accounts;
begin
  perform tandem.check_instance(p ->> 'instance');
  select * into c from tandem.calendars where id = (p ->> 'calendar_id')::uuid for no key update;
  if not found then return jsonb_build_object('outcome', 'nothing', 'reason', 'no such calendar'); end if;
  if exists (select from tandem.channels h where h.calendar_id = c.id and (
       h.state = 'active' and h.expires_at > tandem.clock() + interval '1 day'
       or h.state = 'creating' and h.created_at > tandem.clock() - interval '2 minutes')) then
    return jsonb_build_object('outcome', 'nothing', 'reason', 'the calendar has a channel');
  end if;
  select * into a from tandem.accounts where id = c.account_id;
  if a.state <> 'active' then return jsonb_build_object('outcome', 'nothing', 'reason', 'the account is not connected'); end if;
  if p ->> 'unable' is not null then
    update tandem.calendars set push = 'poll', poll_at = least(poll_at, tandem.clock() + interval '1 minute') where id = c.id;
    return jsonb_build_object('outcome', 'nothing', 'reason', p ->> 'unable');
  end if;
  token := tandem.grant_token(a.id);
  if token is null then return jsonb_build_object('outcome', 'nothing', 'reason', 'the access token is being refreshed'); end if;
  insert into tandem.channels (id, calendar_id, account_id, expires_at)
  values (p ->> 'channel_id', c.id, a.id, tandem.clock() + interval '7 days');
  return jsonb_build_object('outcome', 'begun', 'google_id', c.google_id, 'now', tandem.utc(tandem.clock()), 'token', token);
end $$;
comment on function public.tandem_channel_begin(jsonb) is
  'Notes a channel before Google is asked for it, where the calendar needs one. p: {instance, calendar_id, channel_id} or with unable: why there can be none. Returns {outcome: begun, google_id, now, token} or {outcome: nothing, reason}.';

create or replace function public.tandem_channel_record(p jsonb) returns jsonb
language plpgsql volatile security definer set search_path = '' set timezone = 'UTC' as $$
declare h tandem.channels; old jsonb := jsonb_build_array();
begin
  perform tandem.check_instance(p ->> 'instance');
  -- Calendar before account and channel, as in a listing.
  perform from tandem.calendars c join tandem.channels x on x.calendar_id = c.id where x.id = p ->> 'channel_id' for no key update of c;
  perform tandem.store_token(p -> 'token');
  select * into h from tandem.channels where id = p ->> 'channel_id' for update;
  if not found then return jsonb_build_object('outcome', 'nothing', 'reason', 'no such channel'); end if;
  if p ->> 'failed' is not null then
    update tandem.channels set state = 'stopped' where id = h.id;
    update tandem.calendars set push = case when (p -> 'unsupported')::boolean then 'poll' else push end,
      last_error = p ->> 'failed', poll_at = least(poll_at, tandem.clock() + interval '1 minute') where id = h.calendar_id;
    return jsonb_build_object('outcome', 'recorded', 'old', old);
  end if;
  update tandem.channels set state = 'active', resource_id = p ->> 'resource_id', expires_at = (p ->> 'expires_at')::timestamptz where id = h.id;
  update tandem.calendars set push = 'push' where id = h.calendar_id;
  with stopping as (
    update tandem.channels x set state = 'stopping' where x.calendar_id = h.calendar_id and x.id <> h.id
      and x.state in ('active', 'stopping') and x.resource_id is not null returning x.id, x.resource_id)
  select coalesce(jsonb_agg(jsonb_build_object('channel_id', s.id, 'resource_id', s.resource_id)), '[]') into old from stopping s;
  return jsonb_build_object('outcome', 'recorded', 'old', old);
end $$;
comment on function public.tandem_channel_record(jsonb) is
  'Stores Google''s answer to watch. p: {instance, channel_id, resource_id, expires_at} or {instance, channel_id, failed, unsupported}. Returns {outcome: recorded, old} with the calendar''s earlier channels, which are now to be stopped.';

create or replace function public.tandem_channel_stopped(p jsonb) returns jsonb
language plpgsql volatile security definer set search_path = '' as $$
begin
  perform tandem.check_instance(p ->> 'instance');
  update tandem.channels set state = 'stopped' where id in (select jsonb_array_elements_text(p -> 'channel_ids'));
  return jsonb_build_object('outcome', 'recorded');
end $$;
comment on function public.tandem_channel_stopped(jsonb) is 'Stores that channels are stopped. p: {instance, channel_ids}.';

create or replace view public.tandem_connections with (security_barrier = true) as
  select k.id, k.user_id, a.email, a.state as account_state, a.reason, c.google_id as calendar_id, c.summary, c.time_zone, c.access_role,
    k.state, k.is_target, k.direction, k.policy, k.send_updates, c.push, h.id as channel_id, h.resource_id, h.expires_at as expiration,
    c.imported_at, c.last_synced_at, c.last_error
  from tandem.connections k
  join tandem.accounts a on a.id = k.account_id
  join tandem.calendars c on c.id = k.calendar_id
  left join lateral (select x.* from tandem.channels x where x.calendar_id = c.id and x.state = 'active' order by x.expires_at desc limit 1) h on true
  where k.user_id = tandem.uid();
comment on view public.tandem_connections is 'A user''s own connections, without any token.';
