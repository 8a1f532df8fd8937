set local lock_timeout = '3s';
-- load: families under leases. A few statements for all families of a call.

-- The series that an event names, as its row says, else as it was deleted, else as its newest link says; where that
-- names none itself and is of the same owner, whom an event that only its links know has not. First the events are
-- asked for it, then the series that they name.
create or replace function tandem.roots(events jsonb) returns jsonb
language plpgsql stable set search_path = '' set enable_seqscan = off set jit = off as $$
begin return (with recursive named (asked, series, owner, turn, step) as (
    select distinct y::uuid, y::uuid, null::text, 0, 0 from jsonb_array_elements_text(events) y union all
    select p.asked, n.series, n.owner, n.turn, p.step + 1 from named p left join lateral (select x.* from (
        select 1 as turn, r.series, r.owner from tandem.crm_rows r where r.event = p.series
        union all (select 2, (c.old_row ->> 'series')::uuid, c.old_row ->> 'owner' from tandem.changes c
          where c.event = p.series and c.old_row is not null order by c.rev desc limit 1)
        union all select 3, (o.deleted_row ->> 'series')::uuid, o.deleted_row ->> 'owner' from tandem.open_changes o
          where o.event = p.series and o.deleted_row is not null
        union all (select 4, nullif(l.root, l.event), k.user_id from tandem.links l
          join tandem.connections k on k.id = l.connection_id where l.event = p.series
          order by l.recorded desc limit 1)) x order by x.turn limit 1) n on true
    where p.series is not null and p.step < 2) select coalesce(jsonb_object_agg(a.asked,
    case when b.series is null and (b.owner = a.owner or a.turn = 4 and b.owner is not null) then a.series
      else a.asked end), '{}')
  from named a left join named b on b.asked = a.asked and b.step = 2 where a.step = 1); end $$;
comment on function tandem.roots(jsonb) is 'By event: the root of its family.';

create or replace function tandem.later(at timestamptz, reason text) returns jsonb
language plpgsql immutable set search_path = '' as $$
begin return jsonb_build_object('at', tandem.utc(at), 'reason', reason); end $$;
comment on function tandem.later(timestamptz, text) is 'When to ask again, and why not now.';

-- Why a connection's work cannot go on, and when to ask again; null where it can.
create or replace function tandem.blocked(k tandem.connections, a tandem.accounts, t timestamptz) returns jsonb
language plpgsql stable set search_path = '' as $$
declare reason text := case when k.state = 'paused' then 'sync is paused'
  when k.state = 'unreachable' then 'the calendar cannot be reached'
  when k.state = 'disconnected' then 'the calendar is disconnected'
  when a.state in ('reconnect_needed', 'disconnected') then coalesce(a.reason, 'the account is not connected') end;
begin return case when reason is not null then tandem.later(t + interval '10 minutes', reason)
    when a.paused_until > t then tandem.later(a.paused_until, coalesce(a.pause_reason, 'the account is paused')) end;
end $$;
comment on function tandem.blocked(tandem.connections, tandem.accounts, timestamptz) is
  'Why work with a connection waits, which is no attempt.';

-- Locks what nobody else holds, and says of each family what is known before it is leased.
create or replace function tandem.look(roots jsonb, writes boolean, t timestamptz) returns jsonb
language plpgsql volatile set search_path = '' set enable_seqscan = off set jit = off as $$
begin return (with wanted as materialized (select distinct y.value::uuid as root from jsonb_each_text(roots) y),
  have as materialized (select w.* from tandem.work w where w.root = any (array(select y.root from wanted y))
    order by w.root for no key update skip locked)
  select coalesce(jsonb_agg(jsonb_build_object('root', x.root, 'queued', q.queued, 'is_known', n.is_known, 'why', case
      when h.lease_until > t or h.root is null and exists (select from tandem.work w where w.root = x.root offset 0)
        then 'leased'
      when not n.is_known or writes and not q.queued and not coalesce(h.state = 'open' and h.at <= t, false)
        then 'not_due' end,
    'owner', coalesce(o.owner, ''), 'connection', coalesce(l.connection, k.id), 'target', n.target,
    'acting', coalesce(l.acting, '[]') || case when n.target is null then '[]' else jsonb_build_array(
      jsonb_build_object('account', k.account_id, 'blocked', tandem.blocked(k, ka, t))) end,
    'others', m.events) order by x.root), '[]') from wanted x
  left join have h on h.root = x.root
  cross join lateral (select exists (select from tandem.changes c where c.event = x.root offset 0)
    or exists (select from tandem.changes c where c.root = x.root and c.root <> c.event offset 0) as queued) q
  left join lateral (select r.owner, r.enabled from tandem.crm_rows r where r.event = x.root) r on true
  left join lateral (select bool_or(k.user_id = r.owner and k.state <> 'disconnected' and l.event = x.root) as own,
      jsonb_agg(jsonb_build_object('account', k.account_id, 'blocked', tandem.blocked(k, a, t))
        order by l.event <> x.root, k.id)
        filter (where writes and l.state <> 'deleted' and k.state <> 'disconnected') as acting,
      (array_agg(k.user_id order by l.event <> x.root, l.recorded desc))[1] as owner,
      (array_agg(k.id order by l.event <> x.root, l.state = 'deleted', k.user_id is distinct from r.owner,
        l.recorded desc))[1] as connection
    from (select l.* from tandem.links l where l.event = x.root
      union all select l.* from tandem.links l where l.root = x.root and l.event <> x.root) l
    join tandem.connections k on k.id = l.connection_id join tandem.accounts a on a.id = k.account_id) l on true
  left join tandem.connections k on k.user_id = r.owner and k.takes_new
  left join tandem.accounts ka on ka.id = k.account_id cross join lateral (select array(
    select s.event from tandem.crm_series s where s.root = x.root
    union select l.event from tandem.links l where l.root = x.root and l.event <> x.root
    union select o.event from tandem.open_changes o where o.root = x.root and o.event <> x.root
    union select c.event from tandem.changes c where c.root = x.root and c.root <> c.event) as events) m
  cross join lateral (select coalesce(r.owner, (select c.owner from tandem.changes c where c.event = x.root
    order by c.rev desc limit 1), (select o.owner from tandem.open_changes o where o.event = x.root),
    l.owner) as owner) o
  cross join lateral (select o.owner is not null or m.events <> '{}' as is_known,
    case when writes and r.enabled and not coalesce(l.own, false) then k.id end as target) n);
end $$;
comment on function tandem.look(jsonb, boolean, timestamptz) is
  'Families as they are before a lease: why not, owner, accounts to be used, the target of a new link, other members.';

-- Quota and tokens, once an account. A family that acts in several is charged for the first.
create or replace function tandem.admit(plan jsonb, s jsonb, t timestamptz) returns jsonb
language plpgsql volatile set search_path = '' as $$
declare admitted jsonb; granted jsonb; late boolean;
begin
  with f as materialized (select y.f, y.n, a.* from jsonb_array_elements(plan) with ordinality y (f, n)
    left join lateral (select array_agg(x -> 'account' order by i) filter (where x ->> 'blocked' is null) as accounts,
        (array_agg(x -> 'blocked' order by x -> 'blocked' ->> 'at', i) filter (where x ->> 'blocked' is not null))[1]
          as blocked
      from jsonb_array_elements(y.f -> 'acting') with ordinality z (x, i)) a on y.f ->> 'why' is null),
  g as materialized (select tandem.grant_accounts(jsonb_agg(distinct x), t) as by_account from f
    cross join unnest(f.accounts) x),
  u as materialized (select f.f, f.n, f.accounts, f.blocked, f.accounts[1] #>> '{}' as first,
      g.by_account -> (f.accounts[1] #>> '{}') ->> 'token' is not null as has_token from f cross join g),
  c as materialized (select case when count(*) > 0 then tandem.take_calls(jsonb_object_agg(x.first, x.n), s, t) end
      as taken from (select u.first, count(*) as n from u where u.has_token group by 1) x)
  select coalesce(jsonb_agg(u.f || case when w.later is null then '{}'
      else jsonb_build_object('why', jsonb_build_object('later', w.later),
        'says', case when u.first is null then w.later -> 'reason' end) end order by u.n), '[]'),
    (select g.by_account from g), bool_or(w.later is not null) into admitted, granted, late
  from (select u.*, row_number() over (partition by u.first, u.has_token order by u.n) as turn from u) u
  cross join c cross join lateral (select case when u.first is null then u.blocked
    when not u.has_token then tandem.later(t + interval '3 seconds', 'the access token is being refreshed')
    when u.turn > (c.taken -> u.first ->> 'n')::double precision then tandem.later(
      t + (c.taken -> u.first ->> 'wait')::double precision * interval '1 second', 'waiting for the account''s quota')
    end as later) w;
  if late then perform tandem.put_off(admitted, t); end if;
  return jsonb_build_object('admitted', admitted, 'granted', coalesce(granted, '{}'));
end $$;
comment on function tandem.admit(jsonb, jsonb, timestamptz) is
  'Takes quota and tokens for the families that can be worked on; those of an account that has none wait.';

-- Their changes leave the queue, so that what waits is found by its time.
create or replace function tandem.put_off(plan jsonb, t timestamptz) returns void
language plpgsql volatile set search_path = '' set enable_seqscan = off set jit = off as $$
declare late jsonb; moved jsonb; queued uuid[];
begin
  select jsonb_agg(f), jsonb_object_agg(f ->> 'root', f -> 'owner'),
    coalesce(array_agg((f ->> 'root')::uuid) filter (where (f -> 'queued')::boolean), '{}') into late, moved, queued
  from jsonb_array_elements(plan) f where f -> 'why' ->> 'later' is not null;
  insert into tandem.work as w (root, owner, connection_id, at)
  select (f ->> 'root')::uuid, f ->> 'owner', (f ->> 'connection')::uuid, (f -> 'why' -> 'later' ->> 'at')::timestamptz
  from jsonb_array_elements(late) f order by 1
  on conflict (root) do update set at = excluded.at, connection_id = excluded.connection_id, state = 'open',
    is_bulk = w.is_bulk and w.root <> all (queued),
    attempts = case when w.root = any (queued) then 0 else w.attempts end;
  moved := tandem.members(tandem.family_of(plan, moved), '{}', false, t);
  perform tandem.say_why(f) from jsonb_array_elements(late) f where f ->> 'says' is not null;
end $$;
comment on function tandem.put_off(jsonb, timestamptz) is
  'Lets families wait for their account. No attempt is counted.';

create or replace function tandem.lease(plan jsonb, writes boolean, until timestamptz, t timestamptz) returns jsonb
language plpgsql volatile set search_path = '' set enable_seqscan = off set jit = off as $$
declare leased jsonb;
begin
  with f as (select (x ->> 'root')::uuid as root, x ->> 'owner' as owner, (x ->> 'connection')::uuid as c,
      (x ->> 'target')::uuid as target, (x -> 'queued')::boolean as queued
    from jsonb_array_elements(plan) x where x ->> 'why' is null),
  q as materialized (select coalesce(array_agg(f.root), '{}') as roots from f where f.queued),
  taken as (insert into tandem.work as w (root, owner, connection_id, at, attempts, fence, lease_until)
    select f.root, f.owner, f.c, case when writes or f.queued then t else 'infinity' end, writes::integer,
      nextval('tandem.fences'), lease.until from f order by f.root
    on conflict (root) do update set owner = excluded.owner, connection_id = excluded.connection_id,
      fence = excluded.fence, lease_until = excluded.lease_until, is_asked = false,
      waits_for = case when not writes then w.waits_for end,
      -- excluded.at says infinity unless something is queued or it is due anyway.
      at = case when excluded.at = 'infinity' then w.at else least(w.at, excluded.at) end,
      state = case when w.root = any ((select q.roots from q)::uuid[]) then 'open' else w.state end,
      is_bulk = w.is_bulk and w.root <> all ((select q.roots from q)::uuid[]), attempts = excluded.attempts
        + case when w.root = any ((select q.roots from q)::uuid[]) then 0 else w.attempts end
    where w.lease_until is null or w.lease_until <= t
    returning w.root, w.fence, w.state, w.attempts, w.reason, w.notes),
  -- Remote ids that tell nobody the rows' ids.
  reserved as (insert into tandem.links (connection_id, remote, event, root, origin, state, standing, synced_rev)
    select k.id, replace(gen_random_uuid()::text, '-', ''), t.root, t.root, 'crm', 'reserved',
      '{"kind": "reserved", "generation": 0}', 0
    from taken t join f using (root) join tandem.connections k on k.id = f.target and k.state = 'active' order by t.root
    on conflict do nothing)
  select coalesce(jsonb_object_agg(k.root, jsonb_build_object('fence', k.fence, 'work', jsonb_build_object(
    'state', k.state, 'attempts', k.attempts, 'reason', k.reason, 'notes', k.notes))), '{}') into leased from taken k;
  return leased;
end $$;
comment on function tandem.lease(jsonb, boolean, timestamptz, timestamptz) is
  'Takes the families, and reserves links of new ones; by root: fence and work.';

