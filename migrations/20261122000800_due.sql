-- What the clock finds.

create or replace function tandem.fold_some(most integer) returns void
language plpgsql volatile set search_path = '' as $$
begin
  perform tandem.fold(x.event_id) from (
    select distinct c.event_id from (select event_id from tandem.changes where not folded order by rev limit most) c
    order by c.event_id) x;
end $$;
comment on function tandem.fold_some(integer) is 'Finds changes whose poke was lost.';

-- The clock is read once in each, as a value: a volatile function in a condition, or a join to it, keeps
-- an index from being used as a bound.

-- Whose account or user rests is not found again and again. They come back with the account or the user's
-- wish; that is not waited for for ever, since the two may just miss each other.
create or replace function tandem.let_rest(most integer) returns void
language plpgsql volatile set search_path = '' as $$
begin
  with t as materialized (select tandem.clock() as now),
  -- Arrays, since a join would read all there is to find a few.
  due as materialized (
    (select c.id from tandem.calendars c where c.poll_at <= (select now from t) order by c.poll_at limit most)
    union (select c.id from tandem.calendars c where c.watch_at <= (select now from t) order by c.watch_at limit most)),
  resting as materialized (
    select c.id from tandem.calendars c
    where c.id = any (array(select due.id from due)) and ((select a.state from tandem.accounts a where a.id = c.account_id) <> 'active' or not tandem.is_synced(c.id))
    order by c.id for no key update of c skip locked)
  update tandem.calendars c set
    poll_at = case when c.poll_at <= t.now then t.now + interval '1 day' * (0.75 + random() / 4) else c.poll_at end,
    watch_at = case when c.watch_at <= t.now then t.now + interval '1 day' * (0.75 + random() / 4) else c.watch_at end
  from t where c.id = any (array(select resting.id from resting));
end $$;
comment on function tandem.let_rest(integer) is 'Puts off calendars that are due and that nobody wants or can list.';

-- One event of each tenant before the second of any, and so among a tenant's accounts, so that neither a large
-- import nor a large customer keeps others waiting. Nobody knows how many are due, so accounts and leases are
-- looked up, never joined whole.
create or replace function tandem.due_events(most integer) returns jsonb
language plpgsql stable set search_path = '' as $$
begin
  return (with t as materialized (select tandem.clock() as now)
  select coalesce(jsonb_agg(y.event_id order by y.quiet, y.turn, y.account_turn, y.due_at), '[]') from (
    select x.*, row_number() over (partition by x.tenant, x.quiet order by x.account_turn, x.due_at) turn from (
      select j.event_id, j.due_at, j.quiet, a.tenant, row_number() over (partition by j.account_id, j.quiet order by j.due_at) account_turn
      from tandem.jobs j
      left join lateral (select o.until from tandem.leases o where o.root_id = j.root_id offset 0) l on true
      left join lateral (select o.paused_until, o.tenant from tandem.accounts o where o.id = j.account_id offset 0) a on true
      where j.state = 'open' and j.due_at <= (select now from t)
        and (l.until is null or l.until <= (select now from t)) and (a.paused_until is null or a.paused_until <= (select now from t))) x
    order by x.quiet, turn, x.account_turn, x.due_at limit most) y);
end $$;
comment on function tandem.due_events(integer) is 'Events whose job is due, whose account may work and on which nobody works: live changes first, each tenant and account in turn.';

-- Of those that have waited longest, each tenant's first before the second of any. However many are due, a
-- question reads no more than ten times what it answers.
create or replace function tandem.due_calendars(most integer) returns jsonb
language plpgsql stable set search_path = '' as $$
begin
  return (with t as materialized (select tandem.clock() as now)
  select coalesce(jsonb_agg(y.id order by y.turn, y.poll_at), '[]') from (
    select x.id, x.poll_at, row_number() over (partition by x.tenant order by x.poll_at) turn from (
      select c.id, c.tenant, c.poll_at from tandem.calendars c
      cross join lateral (select o.state, o.paused_until from tandem.accounts o where o.id = c.account_id offset 0) a
      where c.poll_at <= (select now from t) and (c.lease_until is null or c.lease_until <= (select now from t))
        and a.state = 'active' and (a.paused_until is null or a.paused_until <= (select now from t)) and tandem.is_synced(c.id)
      order by c.poll_at limit most * 10) x
    order by turn, x.poll_at limit most) y);
end $$;
comment on function tandem.due_calendars(integer) is 'Calendars whose listing is due, each tenant in turn.';

create or replace function tandem.due_channels(most integer) returns jsonb
language plpgsql stable set search_path = '' as $$
begin
  return (with t as materialized (select tandem.clock() as now)
  select coalesce(jsonb_agg(y.id order by y.turn, y.watch_at), '[]') from (
    select x.id, x.watch_at, row_number() over (partition by x.tenant order by x.watch_at) turn from (
      select c.id, c.tenant, c.watch_at from tandem.calendars c
      cross join lateral (select o.state, o.paused_until from tandem.accounts o where o.id = c.account_id offset 0) a
      where c.watch_at <= (select now from t)
        and a.state = 'active' and (a.paused_until is null or a.paused_until <= (select now from t)) and tandem.is_synced(c.id)
      order by c.watch_at limit most * 10) x
    order by turn, x.watch_at limit most) y);
end $$;
comment on function tandem.due_channels(integer) is 'Calendars that are to get a channel, their first or the next, each tenant in turn.';

create or replace function tandem.due_stops(most integer) returns jsonb
language plpgsql stable set search_path = '' as $$
begin
  return (with t as materialized (select tandem.clock() as now)
  select coalesce(jsonb_agg(x.account_id), '[]') from (
    select h.account_id from t join tandem.channels h on h.state = 'stopping' and h.expires_at > t.now and (h.retry_at is null or h.retry_at <= t.now)
    join tandem.accounts a on a.id = h.account_id where h.resource_id is not null and tandem.can_ask_google(a)
    group by h.account_id limit most) x);
end $$;
comment on function tandem.due_stops(integer) is 'Accounts with channels that could not be stopped yet.';

create or replace function tandem.due_disconnections(most integer) returns jsonb
language plpgsql stable set search_path = '' as $$
begin
  return (with t as materialized (select tandem.clock() as now)
  select coalesce(jsonb_agg(x.id), '[]') from (
    select d.id from t join tandem.disconnections d on d.phase <> 'done' and d.due_at <= t.now
    order by d.connection_id is null, d.due_at limit most) x);
end $$;
comment on function tandem.due_disconnections(integer) is 'Disconnects whose next step is due.';

-- Sealed with a key that is not the current one.
create or replace function tandem.due_seals(key text, most integer) returns jsonb
language plpgsql stable set search_path = '' as $$
begin
  return (select coalesce(jsonb_agg(jsonb_build_object('account_id', x.id, 'generation', x.token_generation, 'refresh', false,
    'access_token', x.access_token, 'refresh_token', x.refresh_token)), '[]') from (
    -- Two ranges, in the order of the index, so that those with the current key are never read.
    (select * from tandem.accounts a where a.state in ('active', 'disconnecting') and split_part(a.refresh_token, '.', 1) < key
      order by split_part(a.refresh_token, '.', 1) limit most)
    union all
    (select * from tandem.accounts a where a.state in ('active', 'disconnecting') and split_part(a.refresh_token, '.', 1) > key
      order by split_part(a.refresh_token, '.', 1) limit most)) x);
end $$;
comment on function tandem.due_seals(text, integer) is 'Sealed tokens that an older key sealed.';

create or replace function public.tandem_token_reseal(p jsonb) returns jsonb
language plpgsql volatile security definer set search_path = '' as $$
declare n integer;
begin
  perform tandem.check_instance(p ->> 'instance');
  update tandem.accounts a set refresh_token = t ->> 'refresh_token', access_token = coalesce(t ->> 'access_token', a.access_token)
  from jsonb_array_elements(p -> 'tokens') t
  where a.id = (t ->> 'account_id')::uuid and a.token_generation = (t ->> 'generation')::bigint;
  get diagnostics n = row_count;
  return jsonb_build_object('outcome', 'stored', 'count', n);
end $$;
comment on function public.tandem_token_reseal(jsonb) is
  'Stores the same tokens sealed with the current key, where they are still the current ones. p: {instance, tokens: [{account_id, generation, refresh_token, access_token}]}. Returns {outcome: stored, count}.';

create or replace function public.tandem_due(p jsonb) returns jsonb
language plpgsql volatile security definer set search_path = '' set timezone = 'UTC' as $$
declare most integer := coalesce((p ->> 'most')::integer, 50);
  -- One tick asks several times.
  asked boolean := coalesce(tandem.setting('ticked_at')::timestamptz between tandem.clock() - interval '30 seconds' and tandem.clock(), false);
begin
  perform tandem.check_instance(p ->> 'instance');
  insert into tandem.settings as s (key, value)
  select e.key, e.value from jsonb_each_text(p) e where e.key in ('function_url', 'function_secret', 'event_url')
  on conflict (key) do update set value = excluded.value where s.value <> excluded.value;
  insert into tandem.settings as s (key, value) values ('ticked_at', tandem.utc(tandem.clock()))
  on conflict (key) do update set value = excluded.value;
  perform tandem.fold_some(1000);
  perform tandem.forget_deletions(1000);
  if not asked then
    perform tandem.forget_history(500);
    perform tandem.forget_changes(500);
    perform tandem.forget_dormant(500);
  end if;
  perform tandem.let_rest(most);
  return jsonb_build_object('now', tandem.utc(tandem.clock()), 'events', tandem.due_events(most),
    'calendars', tandem.due_calendars(most), 'channels', tandem.due_channels(most), 'stops', tandem.due_stops(most),
    'disconnections', tandem.due_disconnections(most), 'seals', tandem.due_seals(p ->> 'seal_key', most));
end $$;
comment on function public.tandem_due(jsonb) is
  'What is due now; stores where triggers are to poke. p: {instance, most, function_url, function_secret, event_url, seal_key}. Returns {now, events, calendars, channels, stops, disconnections, seals}.';
