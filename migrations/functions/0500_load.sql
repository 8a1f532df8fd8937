set local lock_timeout = '3s';
-- load: families under leases. A few statements for all families of a call.

-- The series that an event names, as its row says, else as it was deleted, else as its newest link says; where that
-- is of the same owner and names none itself.
create or replace function tandem.roots(events jsonb) returns jsonb
language plpgsql stable set search_path = '' set enable_seqscan = off set jit = off as $$
begin
  return (select coalesce(jsonb_object_agg(x.event,
    case when s.series is null and s.owner = e.owner then e.series else x.event end), '{}')
  from (select distinct y::uuid as event from jsonb_array_elements_text(events) y) x
  left join lateral (
      select n.series, n.owner from (
        select 1 as p, r.series, r.owner from tandem.crm_rows r where r.event = x.event
        union all (select 2, (c.old_row ->> 'series')::uuid, c.old_row ->> 'owner' from tandem.changes c
          where c.event = x.event and c.old_row is not null order by c.rev desc limit 1)
        union all select 3, (o.deleted_row ->> 'series')::uuid, o.deleted_row ->> 'owner' from tandem.open_changes o
          where o.event = x.event and o.deleted_row is not null
        union all (select 4, nullif(l.root, l.event), k.user_id from tandem.links l
          join tandem.connections k on k.id = l.connection_id where l.event = x.event order by l.recorded desc limit
            1)) n
      order by n.p limit 1) e on true
  left join lateral (
      select n.series, n.owner from (
        select 1 as p, r.series, r.owner from tandem.crm_rows r where r.event = e.series
        union all (select 2, (c.old_row ->> 'series')::uuid, c.old_row ->> 'owner' from tandem.changes c
          where c.event = e.series and c.old_row is not null order by c.rev desc limit 1)
        union all select 3, (o.deleted_row ->> 'series')::uuid, o.deleted_row ->> 'owner' from tandem.open_changes o
          where o.event = e.series and o.deleted_row is not null
        union all (select 4, nullif(l.root, l.event), k.user_id from tandem.links l
          join tandem.connections k on k.id = l.connection_id where l.event = e.series order by l.recorded desc limit
            1)) n
      order by n.p limit 1) s on e.series <> x.event);
end $$;
comment on function tandem.roots(jsonb) is 'By event: the root of its family.';

-- Locks what nobody else holds, and says of each family what is known before it is leased.
create or replace function tandem.look(families jsonb, writes boolean, t timestamptz) returns jsonb
language plpgsql volatile set search_path = '' set enable_seqscan = off set jit = off as $$
begin
  return (with wanted as materialized (select distinct y.value::uuid as root from jsonb_each_text(families) y),
  have as materialized (select w.* from tandem.work w where w.root = any (array(select y.root from wanted y))
    order by w.root for no key update skip locked)
  select coalesce(jsonb_agg(jsonb_build_object('root', x.root, 'queued', q.queued, 'why', case
      when h.lease_until > t or h.root is null and exists (select from tandem.work w where w.root = x.root) then
        'leased'
      when coalesce(r.owner, o.owner, c.owner, l.owner) is null and m.events = '{}' then 'not_due'
      when writes and not q.queued and not coalesce(h.state = 'open' and h.at <= t, false) then 'not_due' end,
    'is_known', coalesce(r.owner, o.owner, c.owner, l.owner) is not null or m.events <> '{}',
    'owner', coalesce(r.owner, o.owner, c.owner, l.owner, ''), 'connection', coalesce(l.connection, k.id),
    'target', case when writes and r.enabled and not coalesce(l.own, false) then k.id end,
    'acting', case when writes then coalesce(l.acting, '[]') || case when r.enabled and not coalesce(l.own, false)
      and k.id is not null then jsonb_build_array(jsonb_build_object('account', k.account_id, 'blocked',
        tandem.blocked(k, ka, t)))
      else '[]' end end,
    'others', m.events) order by x.root), '[]')
  from wanted x
  left join have h on h.root = x.root
  cross join lateral (select exists (select from tandem.changes c where c.event = x.root)
    or exists (select from tandem.changes c where c.root = x.root and c.root <> c.event) as queued) q
  left join lateral (select r.owner, r.enabled from tandem.crm_rows r where r.event = x.root) r on true
  left join lateral (select o.owner from tandem.open_changes o where o.event = x.root) o on true
  left join lateral (select c.owner from tandem.changes c where c.event = x.root order by c.rev desc limit 1) c on true
  left join lateral (select bool_or(k.user_id = r.owner and k.state <> 'disconnected' and l.event = x.root) as own,
      jsonb_agg(jsonb_build_object('account', k.account_id, 'blocked', tandem.blocked(k, a, t)) order by l.event <>
        x.root, k.id)
        filter (where writes and l.state <> 'deleted' and k.state <> 'disconnected') as acting,
      (array_agg(k.user_id order by l.event <> x.root, l.recorded desc))[1] as owner,
      (array_agg(k.id order by l.event <> x.root, l.state = 'deleted', k.user_id is distinct from r.owner, l.recorded
        desc))[1]
        as connection
    from (select l.* from tandem.links l where l.event = x.root
      union select l.* from tandem.links l where l.root = x.root) l
    join tandem.connections k on k.id = l.connection_id join tandem.accounts a on a.id = k.account_id) l on true
  left join tandem.connections k on k.user_id = r.owner and k.takes_new
  left join tandem.accounts ka on ka.id = k.account_id
  cross join lateral (select array(
    select s.event from tandem.crm_series s where s.root = x.root
    union select l.event from tandem.links l where l.root = x.root and l.event <> x.root
    union select o.event from tandem.open_changes o where o.root = x.root and o.event <> x.root
    union select c.event from tandem.changes c where c.root = x.root and c.root <> c.event) as events) m);
end $$;
comment on function tandem.look(jsonb, boolean, timestamptz) is
  'Families as they are before a lease: why not, owner, accounts to be used, the target of a new link, other members.';

-- Why a connection's work cannot go on, and when to ask again; null where it can.
create or replace function tandem.blocked(k tandem.connections, a tandem.accounts, t timestamptz) returns jsonb
language plpgsql stable set search_path = '' as $$
declare reason text := case k.state when 'paused' then 'sync is paused' when 'unreachable' then
  'the calendar cannot be reached'
    when 'disconnected' then 'the calendar is disconnected' end;
begin
  if reason is null and a.state in ('reconnect_needed', 'disconnected') then
    reason := coalesce(a.reason, 'the account is not connected');
  end if;
  if reason is not null then return jsonb_build_object('at', tandem.utc(t + interval '10 minutes'), 'reason', reason);
    end if;
  if a.paused_until > t then
    return jsonb_build_object('at', tandem.utc(a.paused_until), 'reason', coalesce(a.pause_reason,
      'the account is paused'));
  end if;
  return null;
end $$;
comment on function tandem.blocked(tandem.connections, tandem.accounts, timestamptz) is
  'Why work with a connection waits, which is no attempt.';

-- Quota and tokens, once an account. A family that acts in several is charged for the first.
create or replace function tandem.admit(plan jsonb, s jsonb, t timestamptz) returns jsonb
language plpgsql volatile set search_path = '' as $$
declare id text; first text[] := '{}'; late boolean := false; later jsonb; accounts jsonb := '[]'; admitted jsonb :=
  plan;
  granted jsonb := '{}'; calls jsonb := '{}'; taken jsonb := '{}'; used jsonb := '{}'; n integer :=
    jsonb_array_length(plan);
  f jsonb; c jsonb;
begin
  for i in 0 .. n - 1 loop
    f := admitted -> i; first[i] := null; later := null;
    continue when f ->> 'why' is not null;
    for j in 0 .. jsonb_array_length(f -> 'acting') - 1 loop
      c := f -> 'acting' -> j;
      if c ->> 'blocked' is not null then
        if later is null or later ->> 'at' > c -> 'blocked' ->> 'at' then later := c -> 'blocked'; end if;
      else
        first[i] := coalesce(first[i], c ->> 'account'); accounts := accounts || (c -> 'account');
      end if;
    end loop;
    if first[i] is null and later is not null then
      admitted := jsonb_set(admitted, array[i::text, 'why'], jsonb_build_object('later', later)); late := true;
      admitted := jsonb_set(admitted, array[i::text, 'says'], later -> 'reason');
    end if;
  end loop;
  if accounts <> '[]' then granted := tandem.grant_accounts(accounts, t); end if;
  for i in 0 .. n - 1 loop
    id := first[i];
    continue when id is null;
    if granted -> id ->> 'token' is null then
      later := jsonb_build_object('at', tandem.utc(t + interval '3 seconds'), 'reason',
        'the access token is being refreshed');
      admitted := jsonb_set(admitted, array[i::text, 'why'], jsonb_build_object('later', later)); late := true;
        first[i] := null;
    else
      calls := jsonb_set(calls, array[id], to_jsonb(coalesce((calls ->> id)::integer, 0) + 1));
    end if;
  end loop;
  if calls <> '{}' then taken := tandem.take_calls(calls, s, t); end if;
  for i in 0 .. n - 1 loop
    id := first[i];
    continue when id is null;
    used := jsonb_set(used, array[id], to_jsonb(coalesce((used ->> id)::integer, 0) + 1));
    if (used ->> id)::integer > (taken -> id ->> 'n')::double precision then
      later := jsonb_build_object('reason', 'waiting for the account''s quota',
        'at', tandem.utc(t + (taken -> id ->> 'wait')::double precision * interval '1 second'));
      admitted := jsonb_set(admitted, array[i::text, 'why'], jsonb_build_object('later', later)); late := true;
    end if;
  end loop;
  if late then perform tandem.put_off(admitted, t); end if;
  return jsonb_build_object('admitted', admitted, 'granted', granted);
end $$;
comment on function tandem.admit(jsonb, jsonb, timestamptz) is
  'Takes quota and tokens for the families that can be worked on; those of an account that has none wait.';

-- Their changes leave the queue, so that what waits is found by its time.
create or replace function tandem.put_off(plan jsonb, t timestamptz) returns void
language plpgsql volatile set search_path = '' set enable_seqscan = off as $$
declare late jsonb; moved jsonb;
begin
  select jsonb_agg(f), jsonb_object_agg(f ->> 'root', f -> 'owner') into late, moved from jsonb_array_elements(plan) f
  where f -> 'why' -> 'later' is not null;
  insert into tandem.work as w (root, owner, connection_id, at)
  select (f ->> 'root')::uuid, f ->> 'owner', (f ->> 'connection')::uuid, (f -> 'why' -> 'later' ->> 'at')::timestamptz
  from jsonb_array_elements(late) f order by 1
  on conflict (root) do update set at = excluded.at, connection_id = excluded.connection_id,
    state = 'open', attempts = case when exists (select from jsonb_array_elements(late) f
      where f ->> 'root' = w.root::text and (f -> 'queued')::boolean) then 0 else w.attempts end;
  moved := tandem.members(tandem.family_of(plan, moved), '{}', false, t);
  perform tandem.say_why(f) from jsonb_array_elements(late) f where f ->> 'says' is not null;
end $$;
comment on function tandem.put_off(jsonb, timestamptz) is
  'Lets families wait for their account. No attempt is counted.';

create or replace function tandem.lease(plan jsonb, writes boolean, seconds double precision, t timestamptz) returns
  jsonb
language plpgsql volatile set search_path = '' set enable_seqscan = off as $$
declare leased jsonb;
begin
  with f as (select (x ->> 'root')::uuid as root, x ->> 'owner' as owner, (x ->> 'connection')::uuid as c,
      (x -> 'queued')::boolean as queued from jsonb_array_elements(plan) x where x ->> 'why' is null),
  taken as (insert into tandem.work as w (root, owner, connection_id, at, attempts, fence, lease_until)
    select f.root, f.owner, f.c, case when writes or f.queued then t else 'infinity' end, writes::integer,
      nextval('tandem.fences'), t + seconds * interval '1 second' from f order by f.root
    on conflict (root) do update set owner = excluded.owner, connection_id = excluded.connection_id, fence =
      excluded.fence,
      lease_until = excluded.lease_until, is_asked = false, waits_for = case when not writes then w.waits_for end,
      -- excluded.at says infinity unless something is queued or it is due anyway.
      at = case when excluded.at = 'infinity' then w.at else least(w.at, excluded.at) end,
      state = case when exists (select from f where f.root = w.root and f.queued) then 'open' else w.state end,
      is_bulk = w.is_bulk and not exists (select from f where f.root = w.root and f.queued),
      attempts = excluded.attempts + case when exists (select from f where f.root = w.root and f.queued) then 0 else
        w.attempts end
    where w.lease_until is null or w.lease_until <= t
    returning w.root, w.fence, w.state, w.attempts, w.reason, w.notes)
  select coalesce(jsonb_object_agg(k.root, jsonb_build_object('fence', k.fence, 'work', jsonb_build_object('state',
    k.state,
    'attempts', k.attempts, 'reason', k.reason, 'notes', k.notes))), '{}') into leased from taken k;
  return leased;
end $$;
comment on function tandem.lease(jsonb, boolean, double precision, timestamptz) is
  'Takes the families; by root: fence and work.';

create or replace function tandem.reserve(plan jsonb, leased jsonb) returns void
language plpgsql volatile set search_path = '' as $$
begin
  insert into tandem.links (connection_id, remote, event, root, origin, state, standing, synced_rev)
  select (f ->> 'target')::uuid, replace(gen_random_uuid()::text, '-', ''), (f ->> 'root')::uuid, (f ->>
    'root')::uuid, 'crm',
    'reserved', '{"kind": "reserved", "generation": 0}', 0
  from jsonb_array_elements(plan) f join tandem.connections k on k.id = (f ->> 'target')::uuid
  where k.state = 'active' and leased ? (f ->> 'root') order by 3
  on conflict do nothing;
end $$;
comment on function tandem.reserve(jsonb, jsonb) is 'Chooses remote ids that tell nobody the rows'' ids.';
