-- What the clock finds.

create or replace function tandem.fold_some(most integer) returns void
language sql volatile set search_path = '' as $$
  select tandem.fold(x.event_id) from (
    select distinct c.event_id from (select event_id from tandem.changes where not folded order by rev limit most) c
    order by c.event_id) x;
$$;
comment on function tandem.fold_some(integer) is 'Finds changes whose poke was lost.';

-- The clock is read once in each: a volatile function in a condition keeps an index from being used.

-- One event of each account before the second of any, so that a large import does not keep others waiting.
create or replace function tandem.due_events(most integer) returns jsonb
language sql stable set search_path = '' as $$
  with t as materialized (select tandem.clock() as now)
  select coalesce(jsonb_agg(x.event_id order by x.turn, x.due_at), '[]') from (
    select j.event_id, j.due_at, row_number() over (partition by j.account_id order by j.due_at) turn
    from t join tandem.jobs j on j.state = 'open' and j.due_at <= t.now
    left join tandem.leases l on l.root_id = j.root_id
    left join tandem.accounts a on a.id = j.account_id
    where (l.until is null or l.until <= t.now) and (a.paused_until is null or a.paused_until <= t.now)
    order by turn, j.due_at limit most) x;
$$;
comment on function tandem.due_events(integer) is 'Events whose job is due, whose account may work and on which nobody works.';

create or replace function tandem.due_calendars(most integer) returns jsonb
language sql stable set search_path = '' as $$
  with t as materialized (select tandem.clock() as now)
  select coalesce(jsonb_agg(x.id), '[]') from (
    select c.id from t join tandem.calendars c on c.poll_at <= t.now join tandem.accounts a on a.id = c.account_id
    where (c.lease_until is null or c.lease_until <= t.now)
      and a.state = 'active' and (a.paused_until is null or a.paused_until <= t.now)
    order by c.poll_at limit most) x;
$$;
comment on function tandem.due_calendars(integer) is 'Calendars whose listing is due.';

create or replace function tandem.due_channels(most integer) returns jsonb
language sql stable set search_path = '' as $$
  with t as materialized (select tandem.clock() + interval '1 day' as soon)
  select coalesce(jsonb_agg(distinct x.calendar_id), '[]') from (
    select h.calendar_id from t join tandem.channels h on h.state in ('creating', 'active') and h.expires_at <= t.soon
    join tandem.calendars c on c.id = h.calendar_id join tandem.accounts a on a.id = c.account_id
    where a.state = 'active' and c.push <> 'poll'
      and not exists (select from tandem.channels n where n.calendar_id = h.calendar_id and n.state = 'active'
        and n.expires_at > t.soon)
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
