set local lock_timeout = '3s';
-- commit: families' operations, a few statements for all of them.

-- "ops" of a commit: by kind the operations of all families, in order, each with its root.
create or replace function tandem.ops_without(ops jsonb, roots jsonb) returns jsonb
language plpgsql immutable set search_path = '' as $$
begin return (select coalesce(jsonb_object_agg(k.kind, k.kept), '{}') from (select x.key as kind,
      (select jsonb_agg(y.o order by y.n) from jsonb_array_elements(x.value) with ordinality y (o, n)
        where not roots ? (y.o ->> 'root')) as kept from jsonb_each(ops) x) k where k.kept is not null); end $$;
comment on function tandem.ops_without(jsonb, jsonb) is 'The operations of all but some families.';

create or replace function tandem.ops_by_root(ops jsonb) returns jsonb
language plpgsql immutable set search_path = '' as $$
begin return (select coalesce(jsonb_object_agg(r.root, r.ops), '{}') from (
    select k.root, jsonb_object_agg(k.kind, k.ops) as ops from (
      select y.o ->> 'root' as root, x.key as kind, jsonb_agg(y.o order by y.n) as ops from jsonb_each(ops) x
      cross join lateral jsonb_array_elements(x.value) with ordinality y (o, n) group by 1, 2) k group by 1) r); end $$;
comment on function tandem.ops_by_root(jsonb) is 'By root: the operations of one family.';

create or replace function tandem.refusal(code text, message text) returns jsonb
language plpgsql immutable set search_path = '' as $$
begin return jsonb_build_object('refused', jsonb_build_object('code', code, 'message', message,
    'transient', left(code, 2) in ('08', '40', '53', '55', '57', '58'))); end $$;
comment on function tandem.refusal(text, text) is 'An outcome.';

-- By root: what stands against a family's part before any row is looked at; and whether links have to go first.
create or replace function tandem.check_families(families jsonb, ops jsonb, page uuid, t timestamptz) returns jsonb
language plpgsql volatile set search_path = '' set enable_seqscan = off set jit = off as $$
begin
  return (with f as materialized (select (x ->> 'root')::uuid as root, (x ->> 'fence')::bigint as fence
    from jsonb_array_elements(families) x),
  have as materialized (select w.root, w.fence, w.lease_until > t as leased from tandem.work w
    where w.root = any (array(select f.root from f)) order by w.root for no key update),
  put as materialized (select o.root, k.* from jsonb_to_recordset(ops -> 'put_link') as o (root uuid, link jsonb)
    cross join lateral jsonb_to_record(o.link) as k (connection uuid, remote text, event uuid)),
  dropped as materialized (select o.* from jsonb_to_recordset(ops -> 'drop_link') as o (root uuid, connection uuid,
    remote text)),
  taken as (select p.root, bool_or(l.state <> 'deleted') as is_held from put p join tandem.links l
      on l.connection_id = p.connection and l.remote = p.remote and l.event <> p.event
    where (p.root, p.connection, p.remote) not in (select d.root, d.connection, d.remote from dropped d) group by 1),
  -- A row of another owner's is a family of its own, whatever series it names.
  added as (select o.root, min(case when not exists (select from tandem.connections k where k.user_id = n.owner
        and (k.id = page or k.id in (select p.connection from put p where p.root = o.root
          union all select l.connection_id from tandem.links l where l.event = o.root))) then 'owner'
      when r.root = o.root then 'stale' when r.root is not null then 'taken' end) as why
    from jsonb_to_recordset(ops -> 'insert_row') as o (root uuid, event uuid, "row" jsonb)
    cross join lateral jsonb_to_record(o."row") as n (owner text, series uuid, original_start text)
    left join lateral (select case when x.owner = n.owner then coalesce(x.series, x.event) else x.event end as root
        from tandem.crm_rows x where x.event = o.event
      union all select x.series from tandem.crm_series c join tandem.crm_rows x on x.event = c.event
        where c.root = n.series and x.original_start = n.original_start and x.owner = n.owner limit 1) r on true
    group by 1)
  select jsonb_build_object('drops', exists (select from dropped union all select from taken union all select from put p
      join tandem.links l on l.event = p.event and l.connection_id = p.connection and l.remote <> p.remote),
    'outcomes', coalesce(jsonb_object_agg(f.root, o.outcome) filter (where o.outcome is not null), '{}'))
  from f left join have h on h.root = f.root left join taken k on k.root = f.root left join added a on a.root = f.root
  cross join lateral (select case when not coalesce(case when f.fence is null then not coalesce(h.leased, false)
      else h.leased and h.fence = f.fence end, false) then '"fenced"'
    when k.is_held or a.why = 'stale' then '"stale"'
    when a.why = 'owner' then tandem.refusal('42501', 'a row''s owner owns no connection of the commit')
    when a.why = 'taken' then tandem.refusal('23505', 'another family has such a row') end as outcome) o);
end $$;
comment on function tandem.check_families(jsonb, jsonb, uuid, timestamptz) is
  'By root: its outcome where that is known beforehand.';

-- Rows as they are under our lock, against what was planned on.
create or replace function tandem.judge_rows(ops jsonb, locked uuid[]) returns jsonb
language plpgsql stable set search_path = '' set enable_seqscan = off set jit = off as $$
begin
  return (with o as materialized (select k.kind, x.*, r.event is not null as is_there, r.owner, r.fields as now,
      case k.kind when 'write_row' then r.fields || jsonb_build_object('owner', r.owner, 'enabled', r.enabled,
        'series', r.series, 'original_start', r.original_start) end as image
    from unnest('{write_row,delete_row,show}'::text[]) k (kind) cross join lateral jsonb_to_recordset(ops -> k.kind)
      as x (root uuid, event uuid, expected jsonb, fields jsonb) left join tandem.crm_rows r on r.event = x.event),
  stale as materialized (select distinct o.root from o where o.is_there and not o.event = any (locked)
    or not o.is_there and (o.kind = 'delete_row' or o.kind = 'write_row' and o.fields <> '{}')
    or o.kind = 'delete_row' and (o.now <> o.expected
      or exists (select from tandem.changes c where c.event = o.event offset 0)))
  select jsonb_build_object('stale', (select coalesce(jsonb_object_agg(s.root, 'stale'), '{}') from stale s),
    'deleted', coalesce(jsonb_agg(jsonb_build_object('event', o.event, 'owner', o.owner))
      filter (where o.kind = 'delete_row'), '[]'),
    'written', coalesce(jsonb_agg(jsonb_build_object('event', o.event, 'names', n.names, 'image', o.image || n.fields))
      filter (where o.is_there and n.fields <> '{}'), '[]'))
  -- Only what still holds what was loaded; what is so already is not written.
  from o left join lateral (select jsonb_agg(x.key) as names, coalesce(jsonb_object_agg(x.key, x.value), '{}') as fields
    from jsonb_each(o.fields) x where (o.now -> x.key) is not distinct from (o.expected -> x.key)
      and (o.now -> x.key) is distinct from x.value) n on o.kind = 'write_row'
  where o.root not in (select s.root from stale s));
end $$;
comment on function tandem.judge_rows(jsonb, uuid[]) is
  'Families whose rows are not as planned on, and what is to be written.';

create or replace function tandem.drop_links(ops jsonb) returns void
language plpgsql volatile set search_path = '' set enable_seqscan = off set jit = off as $$
begin
  delete from tandem.links l using jsonb_to_recordset(ops -> 'drop_link') as o (connection uuid, remote text)
  where l.connection_id = o.connection and l.remote = o.remote;
  delete from tandem.links l using jsonb_to_recordset(ops -> 'put_link') as o (link jsonb)
  where l.connection_id = (o.link ->> 'connection')::uuid
    and (l.event = (o.link ->> 'event')::uuid and l.remote <> o.link ->> 'remote'
      or l.remote = o.link ->> 'remote' and l.event <> (o.link ->> 'event')::uuid);
end $$;
comment on function tandem.drop_links(jsonb) is 'Forgets links, also those that others take the place of.';

-- By their keys: planned for next to nothing, a table would be read and hashed.
create or replace function tandem.store_ops(ops jsonb, t timestamptz) returns void
language plpgsql volatile set search_path = '' set enable_seqscan = off set jit = off
set enable_hashjoin = off set enable_mergejoin = off set enable_material = off as $$
begin
  with done as materialized (select o.event, max(o.rev) as rev
    from jsonb_to_recordset(ops -> 'acknowledge') as o (event uuid, rev bigint) group by 1),
  put as materialized (select distinct on (1, 2) k.connection, k.remote, k.event, k.root, k.origin, k.ical_uid,
      k.original_start, k.state, k.standing, k.synced_rev,
      -- Who deleted it, where no person has confirmed it: guards against mass deletion count these.
      case when k.state = 'deleted' and k.standing -> 'confirmed_by_person' is distinct from 'true'
        and k.standing ->> 'deleted_by' in ('crm', 'remote') then k.standing ->> 'deleted_by' end as gone_by
    from jsonb_array_elements(ops -> 'put_link') with ordinality o (op, n)
    cross join lateral jsonb_to_record(o.op -> 'link') as k (connection uuid, remote text, event uuid, root uuid,
      origin text, ical_uid text, original_start text, state text, standing jsonb, synced_rev bigint)
    order by 1, 2, o.n desc),
  links as (insert into tandem.links as l (connection_id, remote, event, root, origin, ical_uid, original_start, state,
      standing, synced_rev, gone_by, recorded, stored_at, last_rev)
    select k.*, nextval('tandem.recorded'), t,
      greatest(k.synced_rev, (select d.rev from done d where d.event = k.event))
    from put k order by 1, 2
    on conflict (connection_id, remote) do update set event = excluded.event, root = excluded.root,
      origin = excluded.origin, ical_uid = excluded.ical_uid, original_start = excluded.original_start,
      state = excluded.state, is_blank = false, standing = excluded.standing, synced_rev = excluded.synced_rev,
      recorded = excluded.recorded, stored_at = excluded.stored_at, last_rev = greatest(l.last_rev, excluded.last_rev),
      gone_by = case when excluded.gone_by is null or l.state in ('live', 'kept', 'leaving') then excluded.gone_by
        else l.gone_by end, gone_at = case when excluded.gone_by is null then null
        when l.state in ('live', 'kept', 'leaving') then t else l.gone_at end),
  remembered as (update tandem.links l set last_rev = d.rev from done d where l.event = d.event and l.last_rev < d.rev
    and not exists (select from put k where k.connection = l.connection_id and k.remote = l.remote)),
  closed as (delete from tandem.open_changes c using done d where c.event = d.event and c.rev <= d.rev),
  unwritten as materialized (select o.* from jsonb_to_recordset(ops -> 'not_written') as o (event uuid, rev bigint)),
  answered as (delete from tandem.attempts a using (select d.event, d.rev, true as is_done from done d
      union all select u.event, u.rev, false from unwritten u) x where a.event = x.event
    and case when x.is_done then a.rev <= x.rev else a.rev = x.rev and a.loads <= 1 end),
  fewer as (update tandem.attempts a set loads = a.loads - 1 from unwritten u where a.event = u.event and a.rev = u.rev
    and a.loads > 1 and not exists (select from done d where d.event = a.event and a.rev <= d.rev)),
  settled as (delete from tandem.parked k using jsonb_to_recordset(ops -> 'unpark') as o (connection uuid, remote text,
    etag text, as_of bigint) where k.connection_id = o.connection and k.remote = o.remote
    and (k.as_of < o.as_of or k.etag = o.etag)), asks as (insert into tandem.asked (connection_id)
    select o.connection from jsonb_to_recordset(ops -> 'list') as o (connection uuid))
  insert into tandem.history (event, owner, at, kind, detail)
  select (o ->> 'event')::uuid, o ->> 'owner', t, o ->> 'kind', coalesce(o -> 'detail', 'null')
  from jsonb_array_elements(ops -> 'note') with ordinality x (o, n) order by n;
end $$;
comment on function tandem.store_ops(jsonb, timestamptz) is
  'Links, acknowledgements, attempts, settled versions, requests and notes.';

create or replace function tandem.owner_of(family uuid) returns text
language plpgsql stable set search_path = '' set enable_seqscan = off set jit = off as $$
begin
  return coalesce((select r.owner from tandem.crm_rows r where r.event = family), (select k.user_id from tandem.links l
    join tandem.connections k on k.id = l.connection_id where l.event = family order by l.recorded desc limit 1), '');
end $$;
comment on function tandem.owner_of(uuid) is 'Whose a family is, as its row or its newest link says; else nobody''s.';

-- Work that something else than its own family asks for.
create or replace function tandem.ask_for(roots uuid[], t timestamptz) returns void
language plpgsql volatile set search_path = '' set enable_seqscan = off set jit = off as $$
begin
  insert into tandem.work as w (root, owner, at)
  select x.root, tandem.owner_of(x.root), t from (select distinct y.root from unnest(roots) y (root)) x order by 1
  on conflict (root) do update set is_asked = true, at = least(w.at, t), attempts = case w.state when 'dead' then 0
    else w.attempts end, state = case w.state when 'dead' then 'open' else w.state end;
end $$;
comment on function tandem.ask_for(uuid[], timestamptz) is 'Makes families'' work due; what waits for a person stays.';

-- own: roots of families whose part says itself what stays open.
create or replace function tandem.park(versions jsonb, own jsonb, t timestamptz) returns void
language plpgsql volatile set search_path = '' set enable_seqscan = off set jit = off as $$
declare waited jsonb; asked uuid[];
begin
  if coalesce(versions, '[]') = '[]' then return; end if;
  with v as materialized (select distinct on (1, 2) v.* from jsonb_array_elements(versions) with ordinality x (one, n)
    cross join lateral jsonb_to_record(x.one) as v (connection uuid, remote text, event uuid, series text, state text,
      etag text, raw text, item jsonb, reason text, as_of bigint, is_gone boolean) order by 1, 2, x.n desc),
  stored as (insert into tandem.parked as k (connection_id, remote, event, series, state, etag, raw, item, reason,
      as_of, is_gone, parked_at)
    select v.connection, v.remote, v.event, v.series, v.state, v.etag, v.raw, v.item, v.reason, v.as_of,
      coalesce(v.is_gone, false), t from v order by 1, 2
    on conflict (connection_id, remote) do update set event = excluded.event, series = excluded.series,
      state = excluded.state, etag = excluded.etag, raw = excluded.raw, item = excluded.item,
      reason = excluded.reason, as_of = excluded.as_of, is_gone = excluded.is_gone, parked_at = excluded.parked_at)
  select jsonb_agg(distinct e.event) into waited from (select coalesce(l.event, v.event) as event from v
    left join tandem.links l on l.connection_id = v.connection and l.remote = v.remote
    where v.state in ('waiting', 'orphan')) e where e.event is not null;
  if waited is null then return; end if;
  select array_agg(distinct x.value::uuid) into asked from jsonb_each_text(tandem.roots(waited)) x
  where not coalesce(own, '[]') ? x.value;
  if asked is not null then perform tandem.ask_for(asked, t); end if;
end $$;
comment on function tandem.park(jsonb, jsonb, timestamptz) is
  'Keeps remote versions; those that wait make their family due.';

create or replace function tandem.show(shown jsonb) returns uuid[]
language plpgsql volatile set search_path = '' set enable_seqscan = off set jit = off as $$
begin
  -- Not over a change that is not acknowledged.
  return coalesce((select tandem.crm_show(jsonb_agg(x.item)) from (
    select distinct on (o.event) o.shown || jsonb_build_object('event', o.event) as item
    from (select (y.op ->> 'event')::uuid as event, y.op -> 'shown' as shown, y.n
      from jsonb_array_elements(shown) with ordinality y (op, n)) o
    where o.shown ->> 'state' not in ('none', 'synced')
      or not exists (select from tandem.changes c where c.event = o.event offset 0)
        and not exists (select from tandem.open_changes c where c.event = o.event offset 0)
    order by o.event, o.n desc) x having count(*) > 0), '{}');
end $$;
comment on function tandem.show(jsonb) is 'Shows rows'' states; events where something differs.';

-- Everything of these families that is not the work itself. Raises where the database refuses any of it.
create or replace function tandem.store_families(families jsonb, ops jsonb, page uuid, t timestamptz) returns jsonb
language plpgsql volatile set search_path = '' as $$
declare checked jsonb := tandem.check_families(families, ops, page, t); outcomes jsonb := checked -> 'outcomes';
  events uuid[]; rows jsonb := '{}'; touched uuid[] := '{}'; done text;
begin
  if outcomes <> '{}' then ops := tandem.ops_without(ops, outcomes); end if;
  events := array(select (o ->> 'event')::uuid from unnest('{write_row,delete_row,show}'::text[]) k
    cross join jsonb_array_elements(ops -> k) o);
  if events <> '{}' then
    rows := tandem.judge_rows(ops, tandem.crm_lock(events));
    if rows -> 'stale' <> '{}' then
      outcomes := outcomes || (rows -> 'stale');
      ops := tandem.ops_without(ops, rows -> 'stale');
    end if;
  end if;
  touched := tandem.write_rows(rows -> 'deleted', rows -> 'written', ops -> 'insert_row');
  if (checked -> 'drops')::boolean then done := tandem.drop_links(ops); end if;
  done := tandem.store_ops(ops, t);
  if ops ? 'park' then
    done := tandem.park((select jsonb_agg(o -> 'parked' order by n)
        from jsonb_array_elements(ops -> 'park') with ordinality x (o, n)),
      (select jsonb_agg(f -> 'root') from jsonb_array_elements(families) f where f ->> 'work' is not null), t);
  end if;
  if ops ? 'show' then touched := touched || tandem.show(ops -> 'show'); end if;
  return jsonb_build_object('outcomes', outcomes, 'touched', to_jsonb(touched),
    'gone', coalesce(rows -> 'deleted', '[]'));
end $$;
comment on function tandem.store_families(jsonb, jsonb, uuid, timestamptz) is
  'Stores families'' operations; outcomes of those that were not.';

create or replace function tandem.write_rows(deleted jsonb, written jsonb, inserted jsonb) returns uuid[]
language plpgsql volatile set search_path = '' as $$
declare gone uuid[]; kept text; items jsonb; done text;
begin
  if coalesce(deleted, '[]') = '[]' and coalesce(written, '[]') = '[]' and inserted is null then return '{}'; end if;
  if inserted is not null then
    -- What a new row does not say has no value.
    select jsonb_agg(jsonb_build_object('event', x -> 'event', 'names', to_jsonb(a.fields), 'image',
      (x -> 'row' -> 'fields') || ((x -> 'row') - 'fields'))) into items
    from jsonb_array_elements(inserted) x cross join tandem.adoption a;
    done := tandem.crm_insert(items);
  end if;
  if written <> '[]' then done := tandem.crm_write(written); end if;
  if deleted <> '[]' then
    gone := array(select (x ->> 'event')::uuid from jsonb_array_elements(deleted) x order by 1);
    done := tandem.crm_delete(gone);
    select r.event into kept from tandem.crm_rows r where r.event = any (gone) limit 1;
    if found then raise sqlstate 'PT422' using message = 'the CRM kept the row ' || kept; end if;
  end if;
  set constraints all immediate;
  done := tandem.settle();
  return array(select (x ->> 'event')::uuid
    from jsonb_array_elements(coalesce(written, '[]') || coalesce(inserted, '[]')) x);
end $$;
comment on function tandem.write_rows(jsonb, jsonb, jsonb) is 'Writes the CRM''s table; events that it wrote.';
