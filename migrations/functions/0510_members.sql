set local lock_timeout = '3s';

-- Moves a family's changes out of the queue and reads it, rows and revs in one snapshot.
create or replace function tandem.members(families jsonb, leased jsonb, writes boolean, t timestamptz) returns jsonb
language plpgsql volatile set search_path = '' set enable_seqscan = off set jit = off as $$
declare found jsonb;
begin
  with m as materialized (select e.key::uuid as event, e.value::uuid as root from jsonb_each_text(families) e),
  moved as (delete from tandem.changes c where c.event in (select m.event from m) returning c.*),
  ends as (select c.event, max(c.rev) as rev, (array_agg(c.owner order by c.rev desc))[1] as owner,
      (array_agg(c.op order by c.rev desc))[1] as op,
      (array_agg(c.old_row order by c.rev desc) filter (where c.old_row is not null))[1] as old_row,
      (array_agg(c.txid order by c.rev desc) filter (where c.op = 'insert'))[1] as inserted_by,
      (array_agg(c.txid order by c.rev desc))[1:20] as txids from moved c group by c.event),
  times as (select x.event, jsonb_object_agg(x.field, to_char(timezone('UTC', x.at), 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'))
    as changed
    from (select c.event, f.field, max(c.changed_at) as at from moved c
      cross join lateral unnest(coalesce(c.fields, (select a.fields from tandem.adoption a))) f (field) group by 1, 2) x
    group by x.event),
  stored as (insert into tandem.open_changes as o (event, root, owner, rev, changed, deleted_row, inserted_by, txids)
    select e.event, m.root, e.owner, e.rev, coalesce(x.changed, '{}'), e.old_row,
      e.inserted_by, e.txids from ends e join m using (event) left join times x using (event) order by e.event
    on conflict (event) do update set root = excluded.root, owner = excluded.owner, rev = excluded.rev,
      changed = o.changed || excluded.changed, deleted_row = coalesce(excluded.deleted_row, o.deleted_row),
      inserted_by = coalesce(excluded.inserted_by, o.inserted_by), txids = (excluded.txids || o.txids)[1:20]
    returning o.*),
  noticed as (insert into tandem.touched as x (event, owner, at, is_gone, touched_at)
    select e.event, e.owner, pg_current_xact_id(), e.op = 'delete', t from ends e order by 1, 2
    on conflict (event, owner) do update set at = excluded.at, is_gone = excluded.is_gone, touched_at =
      excluded.touched_at),
  seen as materialized (
    select m.event, m.root, r.row, s.rev as open_rev, s.changed, s.deleted_row, s.inserted_by, s.owner,
      greatest(s.rev, (select max(l.last_rev) from tandem.links l where l.event = m.event), 0) as rev
    from m left join lateral (select jsonb_build_object('fields', r.fields, 'owner', r.owner, 'enabled', r.enabled,
        'series', r.series, 'original_start', r.original_start) as row
      from tandem.crm_rows r where r.event = m.event) r on true
    left join lateral (select o.rev, o.changed, o.deleted_row, o.inserted_by, o.owner from stored o where o.event =
      m.event
      union all (select o.rev, o.changed, o.deleted_row, o.inserted_by, o.owner from tandem.open_changes o
        where o.event = m.event and not exists (select from ends e where e.event = m.event))) s on true),
  tried as (insert into tandem.attempts as a (event, rev, row, at)
    select x.event, x.rev, x.row -> 'fields', t from seen x
    where writes and (x.row is not null or x.open_rev is not null) order by 1, 2
    on conflict (event, rev) do update set loads = a.loads + 1, row = excluded.row, at = excluded.at
    returning a.event, a.rev, a.row, a.loads),
  told as materialized (select x.event, x.root, jsonb_build_object('event', x.event, 'row', x.row, 'deleted',
    x.deleted_row,
    'rev', x.rev, 'changed', coalesce(x.changed, '{}'),
    'links', (select coalesce(jsonb_agg(tandem.link_json(l) order by l.connection_id), '[]') from tandem.links l
      where l.event = x.event),
    'attempts', (select coalesce(jsonb_agg(jsonb_build_object('rev', a.rev, 'row', a.row, 'loads', a.loads)
      order by a.mine, a.rev), '[]') from (select a.rev, a.row, a.loads, false as mine from tandem.attempts a
        where a.event = x.event and not exists (select from tried y where y.event = a.event and y.rev = a.rev)
        union all select a.rev, a.row, a.loads, true from tried a where a.event = x.event) a),
    'parked', (select coalesce(jsonb_agg(tandem.parked_json(k) order by k.connection_id, k.remote), '[]')
      from (select k.* from tandem.parked k where k.event = x.event
        union select k.* from tandem.links l join tandem.parked k on k.connection_id = l.connection_id
          and k.remote = l.remote and k.state = 'waiting' where l.event = x.event) k)) as member
    from seen x where x.row is not null or x.open_rev is not null
      or exists (select from tandem.links l where l.event = x.event)
      or exists (select from tandem.attempts a where a.event = x.event))
  select jsonb_agg(jsonb_build_object('root', f.key, 'fence', f.value -> 'fence', 'work', f.value -> 'work',
    'members', (select coalesce(jsonb_agg(x.member order by x.event <> x.root, x.event), '[]') from told x
      where x.root = f.key::uuid),
    'same_transaction', (select tandem.same_transaction(x.root, coalesce(x.row ->> 'owner', x.owner), x.inserted_by)
      from seen x where x.event = f.key::uuid)) order by f.key) into found
  from jsonb_each(leased) f;
  return coalesce(found, '[]');
end $$;
comment on function tandem.members(jsonb, jsonb, boolean, timestamptz) is 'Families in the contract''s form.';

create or replace function tandem.link_json(l tandem.links) returns jsonb
language plpgsql immutable set search_path = '' as $$
begin
  return jsonb_build_object('connection', l.connection_id, 'remote', l.remote, 'event', l.event, 'root', l.root,
    'origin', l.origin, 'ical_uid', l.ical_uid, 'original_start', l.original_start, 'state', l.state, 'standing',
      l.standing,
    'synced_rev', l.synced_rev, 'recorded', l.recorded);
end $$;
comment on function tandem.link_json(tandem.links) is 'A link in the contract''s form.';

create or replace function tandem.parked_json(k tandem.parked) returns jsonb
language plpgsql immutable set search_path = '' as $$
begin
  return jsonb_build_object('connection', k.connection_id, 'remote', k.remote, 'event', k.event, 'series', k.series,
    'state', k.state, 'etag', k.etag, 'raw', k.raw, 'item', k.item, 'reason', k.reason, 'as_of', k.as_of,
    'is_gone', k.is_gone);
end $$;
comment on function tandem.parked_json(tandem.parked) is 'A parked version in the contract''s form.';

create or replace function tandem.same_transaction(v_root uuid, v_owner text, txid xid8) returns jsonb
language plpgsql stable set search_path = '' set enable_seqscan = off as $$
begin
  if txid is null then return '[]'; end if;
  return (select coalesce(jsonb_agg(jsonb_build_object('root', x.root, 'fields', (
      select coalesce(jsonb_agg(distinct y.field), '[]') from (
        select jsonb_object_keys(o.changed) as field from tandem.open_changes o where o.event = x.root or o.root =
          x.root
        union all select f.field from tandem.changes c cross join lateral
          unnest(coalesce(c.fields, (select a.fields from tandem.adoption a))) f (field)
          where c.event = x.root or c.root = x.root and c.root <> c.event) y)) order by x.root), '[]')
  from (select y.root from (
      (select o.root from tandem.open_changes o where o.txids @> array[same_transaction.txid] and o.owner = v_owner
        and o.root <> v_root limit 500)
      union (select c.root from tandem.changes c where c.txid = same_transaction.txid and c.owner = v_owner
        and c.root <> v_root limit 500)) y order by y.root limit 50) x);
end $$;
comment on function tandem.same_transaction(uuid, text, xid8) is
  'Other families that the inserting transaction changed.';

-- Members by what names the root; where there are others than the root, each is asked for its own.
create or replace function tandem.family_of(plan jsonb, leased jsonb) returns jsonb
language plpgsql stable set search_path = '' as $$
declare others jsonb := '[]'; f jsonb; families jsonb := '{}'; e text; r text;
begin
  for i in 0 .. jsonb_array_length(plan) - 1 loop
    f := plan -> i;
    continue when not leased ? (f ->> 'root');
    families := families || jsonb_build_object(f ->> 'root', f ->> 'root');
    others := others || (f -> 'others');
  end loop;
  if others <> '[]' then
    for e, r in select x.key, x.value from jsonb_each_text(tandem.roots(others)) x loop
      if leased ? r then families := families || jsonb_build_object(e, r); end if;
    end loop;
  end if;
  return families;
end $$;
comment on function tandem.family_of(jsonb, jsonb) is 'By event: its root, of all members of the leased families.';

create or replace function tandem.remotes_of(asked jsonb, roots jsonb, root text) returns jsonb
language plpgsql immutable set search_path = '' as $$
begin
  return (select coalesce(jsonb_agg(distinct x -> 1), '[]') from jsonb_array_elements(asked -> 'pairs') x
    where roots ->> (x ->> 0) = root);
end $$;
comment on function tandem.remotes_of(jsonb, jsonb, text) is 'The ids that a family was asked for by.';

create or replace function tandem.check_load(p jsonb) returns void
language plpgsql immutable set search_path = '' as $$
declare ids jsonb; done text;
begin
  done := tandem.need(p, 'which object', 'purpose string', 'lease_seconds number');
  if p ->> 'purpose' not in ('write', 'store') then
    raise sqlstate 'PT400' using message = 'the argument purpose is to be write or store';
  end if;
  if p -> 'which' ? 'remote' then
    done := tandem.need(p -> 'which' -> 'remote', 'connection uuid', 'fence number', 'ids array');
    ids := p -> 'which' -> 'remote' -> 'ids';
  else
    done := tandem.need(p -> 'which', 'events array');
    ids := p -> 'which' -> 'events';
  end if;
  if jsonb_array_length(ids) > 2500 then
    raise sqlstate 'PT400' using message = 'at most 2500 ids can be loaded at once';
  end if;
end $$;
comment on function tandem.check_load(jsonb) is 'Refuses arguments that are none.';

create or replace function tandem.parked_for(asked jsonb) returns jsonb
language plpgsql stable set search_path = '' set enable_seqscan = off as $$
begin
  return (select coalesce(jsonb_agg(tandem.parked_json(k) order by k.remote), '[]') from (
    select k.* from jsonb_array_elements_text(asked -> 'ids') i
      join tandem.parked k on k.connection_id = (asked ->> 'connection')::uuid and k.remote = i and k.event is null
    union select k.* from jsonb_array_elements_text(asked -> 'ids') i
      join tandem.parked k on k.connection_id = (asked ->> 'connection')::uuid and k.series = i and k.state =
        'orphan') k);
end $$;
comment on function tandem.parked_for(jsonb) is
  'What is parked for listed ids without an event, and orphans of listed series.';

create or replace function tandem.listed_events(which jsonb, t timestamptz) returns jsonb
language plpgsql stable set search_path = '' set enable_seqscan = off as $$
declare owner text;
begin
  select c.user_id into owner from tandem.connections c where c.id = (which ->> 'connection')::uuid
    and c.fence = (which ->> 'fence')::bigint and c.lease_until > t;
  if not found then raise sqlstate 'PT409' using message = 'the listing''s lease is over'; end if;
  return (select jsonb_build_object('events', coalesce(jsonb_agg(distinct l.event), '[]'), 'pairs',
      coalesce(jsonb_agg(jsonb_build_array(l.event, l.remote)), '[]'))
    from (select distinct i from jsonb_array_elements_text(which -> 'ids') i) x
    join tandem.connections c on c.user_id = owner join tandem.links l on l.connection_id = c.id and l.remote = x.i);
end $$;
comment on function tandem.listed_events(jsonb, timestamptz) is
  'Events that are linked to listed ids in any of the user''s connections.';

create or replace function public.tandem_load(p jsonb) returns jsonb
language plpgsql volatile security definer set search_path = '' set timezone = 'UTC' set lock_timeout = '500ms' as $$
declare s jsonb := tandem.begin_call(p); t timestamptz := s ->> 'now'; writes boolean := p ->> 'purpose' = 'write';
  as_of bigint := nextval('tandem.recorded'); asked jsonb; roots jsonb; done text; which jsonb := p -> 'which'; plan
    jsonb; granted jsonb := '{}'; leased jsonb; families jsonb; loaded jsonb; why jsonb := '[]';
begin
  done := tandem.check_load(p);
  if which ? 'remote' then
    asked := tandem.with_named(tandem.listed_events(which -> 'remote', t), which -> 'remote');
  end if;
  if writes then perform tandem.ask_for_owners(which -> 'events', t); end if;
  roots := tandem.roots(coalesce(asked -> 'events', which -> 'events'));
  plan := tandem.look(roots, writes, t);
  if writes then
    plan := tandem.admit(plan, s, t);
    granted := plan -> 'granted'; plan := plan -> 'admitted';
  end if;
  leased := tandem.lease(plan, writes, (p ->> 'lease_seconds')::double precision, t);
  for i in 0 .. jsonb_array_length(plan) - 1 loop
    if plan -> i ->> 'target' is not null and leased ? (plan -> i ->> 'root') then
      perform tandem.reserve(plan, leased);
      exit;
    end if;
  end loop;
  families := tandem.family_of(plan, leased);
  loaded := jsonb_build_object('now', tandem.utc(t), 'as_of', as_of, 'families', tandem.members(families, leased,
    writes, t));
  for i in 0 .. jsonb_array_length(plan) - 1 loop
    if not leased ? (plan -> i ->> 'root') then
      why := why || jsonb_build_object('root', plan -> i -> 'root', 'remotes', case when asked is null then '[]'
        else tandem.remotes_of(asked, roots, plan -> i ->> 'root') end,
        'why', coalesce(nullif(plan -> i -> 'why', 'null'), '"leased"'));
      if not (plan -> i -> 'is_known')::boolean then
        delete from tandem.work w where w.root = (plan -> i ->> 'root')::uuid and (w.lease_until is null or
          w.lease_until <= t);
      end if;
    end if;
  end loop;
  return loaded || jsonb_build_object('named', coalesce(asked -> 'named', '[]'), 'skipped', why, 'parked', case when which ? 'remote'
      then tandem.parked_for(which -> 'remote') else '[]' end)
    || tandem.connections_json(plan, families, (which -> 'remote' ->> 'connection')::uuid, t, granted);
end $$;
comment on function public.tandem_load(jsonb) is 'The contract''s load. p: Load; returns Loaded.';

select tandem.seal();
