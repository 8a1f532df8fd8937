set local lock_timeout = '3s';
-- load: families under leases. A few statements for all families of a call.

-- An occurrence belongs to the series that its row or link names, if that is the same user's.
create or replace function tandem.roots(events jsonb) returns jsonb
language plpgsql stable set search_path = '' set enable_seqscan = off set jit = off as $$
begin
  return (with e as materialized (
    select x.event, coalesce(r.series, l.root, o.root, c.root, x.event) as root,
      coalesce(r.owner, o.owner, c.owner, l.owner) as owner
    from (select distinct y::uuid as event from jsonb_array_elements_text(events) y) x
    left join lateral (select r.owner, r.series from tandem.crm_rows r where r.event = x.event) r on true
    left join lateral (select o.root, o.owner from tandem.open_changes o where o.event = x.event) o on true
    left join lateral (select c.root, c.owner from tandem.changes c where c.event = x.event
      order by c.rev desc limit 1) c on true
    left join lateral (select l.root, k.user_id as owner from tandem.links l
      join tandem.connections k on k.id = l.connection_id where l.event = x.event
      order by l.state = 'deleted', l.recorded desc limit 1) l on true)
  select coalesce(jsonb_object_agg(e.event, case when e.root = e.event or e.owner is null or s.owner is null
    or s.owner = e.owner then e.root else e.event end), '{}')
  from e left join lateral (select coalesce(
    (select r.owner from tandem.crm_rows r where r.event = e.root),
    (select o.owner from tandem.open_changes o where o.event = e.root),
    (select c.owner from tandem.changes c where c.event = e.root order by c.rev desc limit 1),
    (select k.user_id from tandem.links l join tandem.connections k on k.id = l.connection_id where l.event = e.root
      order by l.state = 'deleted', l.recorded desc limit 1)) as owner where e.root <> e.event) s on true);
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
      when h.lease_until > t or h.root is null and exists (select from tandem.work w where w.root = x.root) then 'leased'
      when writes and not q.queued and not coalesce(h.state = 'open' and h.at <= t, false) then 'not_due' end,
    'owner', coalesce(r.owner, o.owner, c.owner, l.owner, ''), 'connection', coalesce(l.connection, k.id),
    'target', case when writes and r.enabled and not coalesce(l.own, false) then k.id end,
    'accounts', case when writes then coalesce(case when r.enabled and not coalesce(l.own, false) then
      l.open_accounts || k.account_id else l.open_accounts end, l.accounts, array[k.account_id]) end,
    'others', m.events) order by x.root), '[]')
  from wanted x
  left join have h on h.root = x.root
  cross join lateral (select exists (select from tandem.changes c where c.event = x.root)
    or exists (select from tandem.changes c where c.root = x.root and c.root <> c.event) as queued) q
  left join lateral (select r.owner, r.enabled from tandem.crm_rows r where r.event = x.root) r on true
  left join lateral (select o.owner from tandem.open_changes o where o.event = x.root) o on true
  left join lateral (select c.owner from tandem.changes c where c.event = x.root order by c.rev desc limit 1) c on true
  left join lateral (select bool_or(k.user_id = r.owner) as own, array_agg(distinct k.account_id) as accounts,
      array_agg(distinct k.account_id) filter (where l.state <> 'deleted') as open_accounts,
      (array_agg(k.user_id order by l.state = 'deleted', l.recorded desc))[1] as owner,
      (array_agg(k.id order by l.state = 'deleted', k.user_id is distinct from r.owner, l.recorded desc))[1] as connection
    from tandem.links l join tandem.connections k on k.id = l.connection_id where l.event = x.root) l on true
  left join tandem.connections k on k.user_id = r.owner and k.takes_new
  cross join lateral (select array(
    select s.event from tandem.crm_series s where s.root = x.root
    union select l.event from tandem.links l where l.root = x.root and l.event <> x.root
    union select o.event from tandem.open_changes o where o.root = x.root and o.event <> x.root
    union select c.event from tandem.changes c where c.root = x.root and c.root <> c.event) as events) m);
end $$;
comment on function tandem.look(jsonb, boolean, timestamptz) is
  'Families as they are before a lease: why not, owner, accounts to be used, the target of a new link, other members.';

-- Quota and tokens, once an account. An account that is not active has neither, and its work says so.
create or replace function tandem.admit(plan jsonb, s jsonb, t timestamptz, out admitted jsonb, out granted jsonb)
language plpgsql volatile set search_path = '' as $$
declare ids jsonb := '[]'; id text; calls jsonb := '{}'; taken jsonb := '{}'; f jsonb; a jsonb; later jsonb; used jsonb := '{}';
  pass integer; late boolean := false;
begin
  admitted := plan;
  for i in 0 .. jsonb_array_length(plan) - 1 loop
    if plan -> i ->> 'why' is null then
      ids := ids || coalesce(nullif(plan -> i -> 'accounts', 'null'), '[]');
    end if;
  end loop;
  granted := tandem.grant_accounts(ids, t);
  for pass in 1 .. 2 loop
    for i in 0 .. jsonb_array_length(plan) - 1 loop
      f := admitted -> i;
      continue when f ->> 'why' is not null;
      for k in 0 .. coalesce(jsonb_array_length(nullif(f -> 'accounts', 'null')), 0) - 1 loop
        id := f -> 'accounts' ->> k; a := granted -> id; later := null;
        continue when id is null or a ->> 'state' not in ('active', 'disconnecting');
        if a ->> 'paused_until' is not null then
          later := jsonb_build_object('at', tandem.utc((a ->> 'paused_until')::timestamptz),
            'reason', coalesce(a ->> 'pause_reason', 'the account rests'));
        elsif a ->> 'token' is null then
          later := jsonb_build_object('at', tandem.utc(t + interval '5 seconds'), 'reason', 'the access token is being refreshed');
        elsif pass = 1 then
          calls := jsonb_set(calls, array[id], to_jsonb(coalesce((calls ->> id)::integer, 0) + 1));
        else
          used := jsonb_set(used, array[id], to_jsonb(coalesce((used ->> id)::integer, 0) + 1));
          if (used ->> id)::integer > (taken -> id ->> 'n')::double precision then
            later := jsonb_build_object('reason', 'waiting for quota',
              'at', tandem.utc(t + (taken -> id ->> 'wait')::double precision * interval '1 second'));
          end if;
        end if;
        if later is not null then
          late := true;
          admitted := jsonb_set(admitted, array[i::text, 'why'], jsonb_build_object('later', later));
          exit;
        end if;
      end loop;
    end loop;
    if pass = 1 and calls <> '{}' then taken := tandem.take_calls(calls, s, t); end if;
  end loop;
  if late then perform tandem.put_off(admitted, t); end if;
end $$;
comment on function tandem.admit(jsonb, jsonb, timestamptz) is
  'Takes quota and tokens for the families that can be worked on; those of an account that has none wait.';

create or replace function tandem.put_off(plan jsonb, t timestamptz) returns void
language plpgsql volatile set search_path = '' set enable_seqscan = off as $$
begin
  with late as materialized (select (f ->> 'root')::uuid as root, f ->> 'owner' as owner, (f ->> 'connection')::uuid as c,
      (f -> 'why' -> 'later' ->> 'at')::timestamptz as at, f -> 'accounts' as accounts
    from jsonb_array_elements(plan) f where f -> 'why' -> 'later' is not null),
  busy as (update tandem.accounts a set busy_until = l.at from (
      select distinct on (1) x::uuid as id, l.at from late l, jsonb_array_elements_text(l.accounts) x order by 1, 2) l
    where a.id = l.id and a.busy_until is distinct from l.at)
  insert into tandem.work as w (root, owner, connection_id, at) select l.root, l.owner, l.c, l.at from late l order by 1
  on conflict (root) do update set at = greatest(w.at, excluded.at) where w.state = 'open';
end $$;
comment on function tandem.put_off(jsonb, timestamptz) is 'Lets families wait for their account. No attempt is counted.';

create or replace function tandem.lease(plan jsonb, writes boolean, seconds double precision, t timestamptz) returns jsonb
language plpgsql volatile set search_path = '' set enable_seqscan = off as $$
declare leased jsonb;
begin
  with f as (select (x ->> 'root')::uuid as root, x ->> 'owner' as owner, (x ->> 'connection')::uuid as c,
      (x -> 'queued')::boolean as queued from jsonb_array_elements(plan) x where x ->> 'why' is null),
  taken as (insert into tandem.work as w (root, owner, connection_id, at, attempts, fence, lease_until)
    select f.root, f.owner, f.c, case when writes or f.queued then t else 'infinity' end, writes::integer,
      nextval('tandem.fences'), t + seconds * interval '1 second' from f order by f.root
    on conflict (root) do update set owner = excluded.owner, connection_id = excluded.connection_id, fence = excluded.fence,
      lease_until = excluded.lease_until, is_asked = false, waits_for = case when not writes then w.waits_for end,
      -- excluded.at says infinity unless something is queued or it is due anyway.
      at = case when excluded.at = 'infinity' then w.at else least(w.at, excluded.at) end,
      state = case when exists (select from f where f.root = w.root and f.queued) then 'open' else w.state end,
      attempts = excluded.attempts + case when exists (select from f where f.root = w.root and f.queued) then 0 else w.attempts end
    where w.lease_until is null or w.lease_until <= t
    returning w.root, w.fence, w.state, w.attempts, w.reason, w.notes)
  select coalesce(jsonb_object_agg(k.root, jsonb_build_object('fence', k.fence, 'work', jsonb_build_object('state', k.state,
    'attempts', k.attempts, 'reason', k.reason, 'notes', k.notes))), '{}') into leased from taken k;
  return leased;
end $$;
comment on function tandem.lease(jsonb, boolean, double precision, timestamptz) is 'Takes the families; by root: fence and work.';

create or replace function tandem.reserve(plan jsonb, leased jsonb) returns void
language plpgsql volatile set search_path = '' as $$
begin
  insert into tandem.links (connection_id, remote, event, root, origin, state, standing, synced_rev)
  select (f ->> 'target')::uuid, replace(gen_random_uuid()::text, '-', ''), (f ->> 'root')::uuid, (f ->> 'root')::uuid, 'crm',
    'reserved', '{"kind": "reserved"}', 0
  from jsonb_array_elements(plan) f where f ->> 'target' is not null and leased ? (f ->> 'root') order by 3
  on conflict do nothing;
end $$;
comment on function tandem.reserve(jsonb, jsonb) is 'Chooses remote ids that tell nobody the rows'' ids.';
