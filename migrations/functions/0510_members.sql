set local lock_timeout = '3s';

-- Moves a family's changes out of the queue and reads it, rows and revs in one snapshot.
create or replace function tandem.members(families jsonb, leased jsonb, writes boolean, t timestamptz) returns jsonb
language plpgsql volatile set search_path = '' set enable_seqscan = off set jit = off as $$
declare found jsonb;
begin
  with m as materialized (select e.key::uuid as event, e.value::uuid as root from jsonb_each_text(families) e
    union select k::uuid, k::uuid from jsonb_object_keys(leased) k),
  moved as (delete from tandem.changes c where c.event in (select m.event from m) returning c.*),
  ends as (select c.event, max(c.rev) as rev, (array_agg(c.owner order by c.rev desc))[1] as owner,
      (array_agg(c.op order by c.rev desc))[1] as op,
      (array_agg(c.old_row order by c.rev desc) filter (where c.old_row is not null))[1] as old_row,
      (array_agg(c.txid order by c.rev desc) filter (where c.op = 'insert'))[1] as inserted_by,
      (array_agg(c.txid order by c.rev desc))[1:20] as txids from moved c group by c.event),
  times as (select x.event, jsonb_object_agg(x.field, tandem.utc(x.at)) as changed
    from (select c.event, f.field, max(c.changed_at) as at from moved c
      cross join lateral unnest(coalesce(c.fields, (select a.fields from tandem.adoption a))) f (field) group by 1, 2) x
    group by x.event),
  stored as (insert into tandem.open_changes as o (event, root, owner, rev, changed, deleted_row, inserted_by, txids)
    select e.event, m.root, e.owner, e.rev, coalesce(x.changed, '{}'), e.old_row, e.inserted_by, e.txids
    from ends e join m using (event) left join times x using (event) order by e.event
    on conflict (event) do update set root = excluded.root, owner = excluded.owner, rev = excluded.rev,
      changed = o.changed || excluded.changed, deleted_row = coalesce(excluded.deleted_row, o.deleted_row),
      inserted_by = coalesce(excluded.inserted_by, o.inserted_by), txids = (excluded.txids || o.txids)[1:20]
    returning o.*), noticed as (insert into tandem.touched as x (event, owner, at, is_gone, touched_at)
    select e.event, e.owner, pg_current_xact_id(), e.op = 'delete', t from ends e order by 1, 2
    on conflict (event, owner) do update set at = excluded.at, is_gone = excluded.is_gone,
      touched_at = excluded.touched_at),
  seen as materialized (
    select m.event, m.root, r.row, s.rev as open_rev, s.changed, s.deleted_row, s.inserted_by, s.owner,
      greatest(s.rev, (select max(l.last_rev) from tandem.links l where l.event = m.event), 0) as rev
    from m left join lateral (select jsonb_build_object('fields', r.fields, 'owner', r.owner, 'enabled', r.enabled,
        'series', r.series, 'original_start', r.original_start) as row
      from tandem.crm_rows r where r.event = m.event) r on true
    left join lateral (select o.* from stored o where o.event = m.event
      union all select o.* from tandem.open_changes o
        where o.event = m.event and not exists (select from ends e where e.event = m.event)) s on true),
  tried as (insert into tandem.attempts as a (event, rev, row, at)
    select x.event, x.rev, x.row -> 'fields', t from seen x
    where writes and (x.row is not null or x.open_rev is not null) order by 1, 2
    on conflict (event, rev) do update set loads = a.loads + 1, row = excluded.row, at = excluded.at
    returning a.event, a.rev, a.row, a.loads),
  told as materialized (select x.event, x.root, jsonb_build_object('event', x.event, 'row', x.row,
    'deleted', x.deleted_row, 'rev', x.rev, 'changed', coalesce(x.changed, '{}'), 'links', coalesce(l.links, '[]'),
    'attempts', coalesce(a.attempts, '[]'), 'parked', (select coalesce(jsonb_agg(tandem.parked_json(k)
      order by k.connection_id, k.remote), '[]') from (select k.* from tandem.parked k where k.event = x.event
        union select k.* from tandem.links l join tandem.parked k on k.connection_id = l.connection_id
          and k.remote = l.remote and k.state in ('waiting', 'orphan') where l.event = x.event) k)) as member
    from seen x cross join lateral (select jsonb_agg(tandem.link_json(l) order by l.connection_id) as links
      from tandem.links l where l.event = x.event) l
    cross join lateral (select jsonb_agg(jsonb_build_object('rev', a.rev, 'row', a.row, 'loads', a.loads)
      order by a.is_mine, a.rev) as attempts from (
        select a.rev, a.row, a.loads, false as is_mine from tandem.attempts a
          where a.event = x.event and not exists (select from tried y where y.event = a.event and y.rev = a.rev)
        union all select a.rev, a.row, a.loads, true from tried a where a.event = x.event) a) a
    where x.row is not null or x.open_rev is not null or l.links is not null or a.attempts is not null)
  select jsonb_agg(jsonb_build_object('root', x.root, 'fence', leased -> x.root::text -> 'fence',
    'work', leased -> x.root::text -> 'work', 'members', x.members, 'same_transaction', (
      select coalesce(jsonb_agg(o), '[]') from jsonb_array_elements(i.others) o where o ->> 'root' <> x.root::text))
    order by x.root) into found
  from (select y.root, jsonb_agg(y.member order by y.event <> y.root, y.event) as members from told y group by 1) x
  left join seen s on s.event = x.root left join (select n.*, tandem.same_transaction(n.owner, n.inserted_by) as others
    from (select distinct coalesce(y.row ->> 'owner', y.owner) as owner, y.inserted_by from seen y
      where y.event = y.root and y.inserted_by is not null) n) i
    on i.inserted_by = s.inserted_by and i.owner = coalesce(s.row ->> 'owner', s.owner)
  where leased ? x.root::text;
  return coalesce(found, '[]');
end $$;
comment on function tandem.members(jsonb, jsonb, boolean, timestamptz) is 'Families in the contract''s form.';

create or replace function tandem.link_json(l tandem.links) returns jsonb
language plpgsql immutable set search_path = '' as $$
begin return to_jsonb(l) - '{connection_id,last_rev,gone_at,gone_by,is_blank,stored_at}'::text[]
    || jsonb_build_object('connection', l.connection_id); end $$;
comment on function tandem.link_json(tandem.links) is 'A link in the contract''s form.';

create or replace function tandem.parked_json(k tandem.parked) returns jsonb
language plpgsql immutable set search_path = '' as $$
begin return to_jsonb(k) - '{connection_id,parked_at}'::text[]
    || jsonb_build_object('connection', k.connection_id); end $$;
comment on function tandem.parked_json(tandem.parked) is 'A parked version in the contract''s form.';

create or replace function tandem.same_transaction(v_owner text, txid xid8) returns jsonb
language plpgsql stable set search_path = '' set enable_seqscan = off set jit = off as $$
begin
  return (with e as ((select o.event from tandem.open_changes o where o.txids @> array[same_transaction.txid]
      and o.owner = v_owner limit 500)
    union (select c.event from tandem.changes c where c.txid = same_transaction.txid and c.owner = v_owner limit 500)),
  x as (select distinct r.value::uuid as root
    from jsonb_each_text(tandem.roots((select jsonb_agg(e.event) from e))) r where not exists (
      select from tandem.crm_rows o where o.event = r.value::uuid and o.owner <> v_owner offset 0) order by 1 limit 51)
  select coalesce(jsonb_agg(jsonb_build_object('root', x.root, 'fields', (
      select coalesce(jsonb_agg(distinct y.field), '[]') from (
        select jsonb_object_keys(o.changed) as field from tandem.open_changes o
          where o.event = x.root or o.root = x.root
        union all select f.field from tandem.changes c cross join lateral
          unnest(coalesce(c.fields, (select a.fields from tandem.adoption a))) f (field)
          where c.event = x.root or c.root = x.root and c.root <> c.event) y)) order by x.root), '[]') from x);
end $$;
comment on function tandem.same_transaction(text, xid8) is
  'Families of an owner that a transaction changed, and what is open of them.';

-- Members by what names the root; where there are others than the root, each is asked for its own.
create or replace function tandem.family_of(plan jsonb, leased jsonb) returns jsonb
language plpgsql stable set search_path = '' as $$
begin
  return (with f as materialized (select x ->> 'root' as root, x -> 'others' as others
    from jsonb_array_elements(plan) x where leased ? (x ->> 'root'))
  select coalesce(jsonb_object_agg(x.key, x.value), '{}') from (select f.root as key, f.root as value from f
    union all select r.key, r.value from (select jsonb_agg(o) as events from f
      cross join jsonb_array_elements(f.others) o having count(*) > 0) o
    cross join jsonb_each_text(tandem.roots(o.events)) r where leased ? r.value) x);
end $$;
comment on function tandem.family_of(jsonb, jsonb) is 'By event: its root, of all members of the leased families.';

create or replace function tandem.listed_events(which jsonb, t timestamptz) returns jsonb
language plpgsql stable set search_path = '' set enable_seqscan = off set jit = off as $$
declare owner text;
begin
  select c.user_id into owner from tandem.connections c where c.id = (which ->> 'connection')::uuid
    and c.fence = (which ->> 'fence')::bigint and c.lease_until > t;
  if not found then raise sqlstate 'PT409' using message = 'the listing''s lease is over'; end if;
  return (select jsonb_build_object('events', coalesce(jsonb_agg(distinct l.event), '[]'),
      'pairs', coalesce(jsonb_agg(jsonb_build_array(l.event, l.remote)), '[]'))
    from (select distinct i from jsonb_array_elements_text(which -> 'ids') i) x
    join tandem.connections c on c.user_id = owner join tandem.links l on l.connection_id = c.id and l.remote = x.i);
end $$;
comment on function tandem.listed_events(jsonb, timestamptz) is
  'Events that are linked to listed ids in any of the user''s connections.';

-- What nothing is known of, or nothing is left of, has no work.
create or replace function tandem.skipped(plan jsonb, leased jsonb, loaded jsonb, pairs jsonb, roots jsonb,
  t timestamptz) returns jsonb
language plpgsql volatile set search_path = '' as $$
begin
  delete from tandem.work w using jsonb_array_elements(plan) f where w.root = (f ->> 'root')::uuid and (
    leased ? (f ->> 'root') and not loaded ? (f ->> 'root')
    or not (f -> 'is_known')::boolean and (w.lease_until is null or w.lease_until <= t));
  return (select coalesce(jsonb_agg(jsonb_build_object('root', f -> 'root', 'why', case
      when f ->> 'why' is not null then f -> 'why' when leased ? (f ->> 'root') then '"not_due"' else '"leased"' end,
    'remotes', (select coalesce(jsonb_agg(distinct x -> 1), '[]') from jsonb_array_elements(pairs) x
      where roots ->> (x ->> 0) = f ->> 'root')) order by n), '[]')
    from jsonb_array_elements(plan) with ordinality x (f, n) where not loaded ? (f ->> 'root'));
end $$;
comment on function tandem.skipped(jsonb, jsonb, jsonb, jsonb, jsonb, timestamptz) is 'Families that are not loaded.';

create or replace function public.tandem_load(p jsonb) returns jsonb
language plpgsql security definer set search_path = '' set timezone = 'UTC' set lock_timeout = 500 set jit = off as $$
declare s jsonb := tandem.begin_call(p); t timestamptz := s ->> 'now'; writes boolean := p ->> 'purpose' = 'write';
  as_of bigint := nextval('tandem.recorded'); which jsonb := p -> 'which'; remote jsonb := which -> 'remote';
  asked jsonb; parked jsonb := '[]'; roots jsonb; plan jsonb;
  granted jsonb := '{}'; leased jsonb; members jsonb; loaded jsonb; skipped jsonb := '[]'; done text;
begin
  done := tandem.need(p, 'which object', 'purpose string', 'lease_seconds number');
  done := case when remote is null then tandem.need(which, 'events array')
    else tandem.need(remote, 'connection uuid', 'fence number', 'ids array') end;
  if p ->> 'purpose' not in ('write', 'store') then
    raise sqlstate 'PT400' using message = 'the argument purpose is to be write or store';
  elsif jsonb_array_length(coalesce(remote -> 'ids', which -> 'events')) > 2500 then
    raise sqlstate 'PT400' using message = 'at most 2500 ids can be loaded at once';
  end if;
  if remote is not null then
    asked := tandem.with_named(tandem.listed_events(remote, t), remote);
    -- What is parked for listed ids without an event, and orphans of listed series.
    select coalesce(jsonb_agg(tandem.parked_json(k) order by k.remote), '[]') into parked
    from jsonb_array_elements_text(remote -> 'ids') i cross join (select (remote ->> 'connection')::uuid as id) c
    cross join lateral (
      select x.* from tandem.parked x where x.connection_id = c.id and x.remote = i and x.event is null
      union select x.* from tandem.parked x where x.connection_id = c.id and x.series = i and x.state = 'orphan') k;
  end if;
  if writes and s ->> 'users' is not null then done := tandem.ask_for_owners(which -> 'events', t); end if;
  roots := tandem.roots(coalesce(asked -> 'events', which -> 'events'));
  plan := tandem.look(roots, writes, t);
  if writes then
    plan := tandem.admit(plan, s, t);
    granted := plan -> 'granted'; plan := plan -> 'admitted';
  end if;
  leased := tandem.lease(plan, writes, t + (p ->> 'lease_seconds')::double precision * interval '1 second', t);
  members := tandem.members(case when jsonb_path_exists(plan, '$[*].others[*]') then tandem.family_of(plan, leased)
    else '{}' end, leased, writes, t);
  loaded := jsonb_path_query_array(members, '$[*].root');
  if jsonb_array_length(loaded) < jsonb_array_length(plan) then
    skipped := tandem.skipped(plan, leased, loaded, coalesce(asked -> 'pairs', '[]'), roots, t);
  end if;
  return tandem.connections_json(plan, members, null, t, granted) || jsonb_build_object('now', tandem.utc(t),
    'as_of', as_of, 'families', members, 'skipped', skipped, 'parked', parked,
    'named', coalesce(asked -> 'named', '[]'));
end $$;
comment on function public.tandem_load(jsonb) is 'The contract''s load. p: Load; returns Loaded.';

select tandem.seal();
