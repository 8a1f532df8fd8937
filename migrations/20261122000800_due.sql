-- What the clock finds.

create or replace function tandem.fold_some(most integer) returns void
language sql volatile set search_path = '' as $$
  select tandem.fold(x.event_id) from (
    select distinct c.event_id from (select event_id from tandem.changes where not folded order by rev limit most) c
    order by c.event_id) x;
$$;
comment on function tandem.fold_some(integer) is 'Finds changes whose poke was lost.';

-- The clock is read once in each, as a value: a volatile function in a condition, or a join to it, keeps
-- an index from being used as a bound.

-- One event of each account before the second of any, so that a large import does not keep others waiting.
-- Nobody knows how many are due, so accounts and leases are looked up, never joined whole.
create or replace function tandem.due_events(most integer) returns jsonb
language sql stable set search_path = '' as $$
  with t as materialized (select tandem.clock() as now)
  select coalesce(jsonb_agg(x.event_id order by x.turn, x.due_at), '[]') from (
    select j.event_id, j.due_at, row_number() over (partition by j.account_id order by j.due_at) turn
    from tandem.jobs j
    left join lateral (select o.until from tandem.leases o where o.root_id = j.root_id offset 0) l on true
    left join lateral (select o.paused_until from tandem.accounts o where o.id = j.account_id offset 0) a on true
    where j.state = 'open' and j.due_at <= (select now from t)
      and (l.until is null or l.until <= (select now from t)) and (a.paused_until is null or a.paused_until <= (select now from t))
    order by turn, j.due_at limit most) x;
$$;
comment on function tandem.due_events(integer) is 'Events whose job is due, whose account may work and on which nobody works.';

create or replace function tandem.due_calendars(most integer) returns jsonb
language sql stable set search_path = '' as $$
  with t as materialized (select tandem.clock() as now)
  select coalesce(jsonb_agg(x.id), '[]') from (
    select c.id from tandem.calendars c
    cross join lateral (select o.state, o.paused_until from tandem.accounts o where o.id = c.account_id offset 0) a
    where c.poll_at <= (select now from t) and (c.lease_until is null or c.lease_until <= (select now from t))
      and a.state = 'active' and (a.paused_until is null or a.paused_until <= (select now from t))
    order by c.poll_at limit most) x;
$$;
comment on function tandem.due_calendars(integer) is 'Calendars whose listing is due.';

create or replace function tandem.due_channels(most integer) returns jsonb
language sql stable set search_path = '' as $$
  with t as materialized (select tandem.clock() + interval '1 day' as soon)
  select coalesce(jsonb_agg(distinct x.calendar_id), '[]') from (
    select h.calendar_id from tandem.channels h
    cross join lateral (select a.state, o.push from tandem.calendars o join tandem.accounts a on a.id = o.account_id
      where o.id = h.calendar_id offset 0) c
    where h.state in ('creating', 'active') and h.expires_at <= (select soon from t) and c.state = 'active' and c.push <> 'poll'
      and not exists (select from tandem.channels n where n.calendar_id = h.calendar_id and n.state = 'active'
        and n.expires_at > (select soon from t))
    order by h.expires_at limit most) x;
$$;
comment on function tandem.due_channels(integer) is 'Calendars whose channel ends within a day.';

create or replace function public.tandem_due(p jsonb) returns jsonb
language plpgsql volatile security definer set search_path = '' set timezone = 'UTC' as $$
declare most integer := coalesce((p ->> 'most')::integer, 50);
begin
  perform tandem.check_instance(p ->> 'instance');
  insert into tandem.settings as s (key, value)
  select e.key, e.value from jsonb_each_text(p) e where e.key in ('function_url', 'function_secret')
  on conflict (key) do update set value = excluded.value where s.value <> excluded.value;
  perform tandem.fold_some(1000);
  return jsonb_build_object('now', tandem.utc(tandem.clock()), 'events', tandem.due_events(most),
    'calendars', tandem.due_calendars(most), 'channels', tandem.due_channels(most));
end $$;
comment on function public.tandem_due(jsonb) is
  'What is due now; stores where triggers are to poke. p: {instance, most, function_url, function_secret}. Returns {now, events, calendars, channels}.';
