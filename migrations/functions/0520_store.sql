set local lock_timeout = '3s';
-- commit: families' operations, a few statements for all of them.

create or replace function tandem.refusal(code text, message text) returns jsonb
language plpgsql immutable set search_path = '' as $$
begin
  return jsonb_build_object('refused', jsonb_build_object('code', code, 'message', message,
    'transient', left(code, 2) in ('08', '40', '53', '55', '57', '58')));
end $$;
comment on function tandem.refusal(text, text) is 'An outcome.';

-- By root: what stands against a family's part before any row is looked at; and whether links have to go first.
create or replace function tandem.check_families(families jsonb, page uuid, t timestamptz) returns jsonb
language plpgsql volatile set search_path = '' set enable_seqscan = off set jit = off as $$
begin
  return (with f as materialized (select (x ->> 'root')::uuid as root, (x ->> 'fence')::bigint as fence, x -> 'ops' as
    ops
      from jsonb_array_elements(families) x),
  have as materialized (select w.root, w.fence, w.lease_until > t as leased from tandem.work w
    where w.root = any (array(select f.root from f)) order by w.root for no key update)
  select jsonb_object_agg(f.root, jsonb_build_object('drops', coalesce(l.drops, false), 'outcome', case
    when not coalesce(case when f.fence is null then not coalesce(h.leased, false)
      else h.leased and h.fence = f.fence end, false) then '"fenced"'
    when coalesce(l.taken, false) or i.why = 'stale' then '"stale"'
    when i.why = 'owner' then tandem.refusal('42501', 'a row''s owner owns no connection of the commit')
    when i.why = 'taken' then tandem.refusal('23505', 'another family has such a row') end))
  from f left join have h on h.root = f.root
  left join lateral (select bool_or(o ->> 'op' = 'drop_link' or exists (select from tandem.links x
        where x.event = (o -> 'link' ->> 'event')::uuid and x.connection_id = (o -> 'link' ->> 'connection')::uuid
          and x.remote <> o -> 'link' ->> 'remote')) as drops,
      bool_or(exists (select from tandem.links x where x.connection_id = (o -> 'link' ->> 'connection')::uuid
        and x.remote = o -> 'link' ->> 'remote' and x.event <> (o -> 'link' ->> 'event')::uuid
        and not exists (select from jsonb_array_elements(f.ops) d where d ->> 'op' = 'drop_link'
          and d ->> 'connection' = o -> 'link' ->> 'connection' and d ->> 'remote' = x.remote))) as taken
    from jsonb_array_elements(f.ops) o where o ->> 'op' in ('put_link', 'drop_link')) l on true
  left join lateral (select case
      when not exists (select from tandem.connections k where k.user_id = o -> 'row' ->> 'owner' and k.id in (
        select page union select (x -> 'link' ->> 'connection')::uuid from jsonb_array_elements(f.ops) x
          where x ->> 'op' = 'put_link' union select x.connection_id from tandem.links x where x.event = f.root)) then
            'owner'
      when r.root = f.root then 'stale' when r.root is not null then 'taken' end as why
    from jsonb_array_elements(f.ops) o left join lateral (
      -- A row of another owner's is a family of its own, whatever series it names.
      select case when x.owner = o -> 'row' ->> 'owner' then coalesce(x.series, x.event) else x.event end as root
        from tandem.crm_rows x where x.event = (o ->> 'event')::uuid
      union all select case when x.owner = o -> 'row' ->> 'owner' then x.series else x.event end from
        tandem.crm_series c join tandem.crm_rows x on x.event = c.event
        where c.root = (o -> 'row' ->> 'series')::uuid and x.original_start = o -> 'row' ->> 'original_start' limit 1)
          r on true
    where o ->> 'op' = 'insert_row' order by 1 nulls last limit 1) i on true);
end $$;
comment on function tandem.check_families(jsonb, uuid, timestamptz) is
  'By root: its outcome where that is known beforehand.';

-- Rows as they are under our lock, against what was planned on.
create or replace function tandem.judge_rows(families jsonb, locked uuid[]) returns jsonb
language plpgsql stable set search_path = '' set enable_seqscan = off set jit = off as $$
begin
  return (select jsonb_build_object(
    'stale', coalesce(jsonb_agg(distinct o.root) filter (where r.event is not null and not o.event = any (locked)
      or o.kind = 'delete_row' and (r.event is null or r.fields <> o.op -> 'expected'
        or exists (select from tandem.changes c where c.event = o.event))), '[]'),
    'deleted', coalesce(jsonb_agg(jsonb_build_object('root', o.root, 'event', o.event, 'owner', r.owner))
      filter (where o.kind = 'delete_row'), '[]'),
    'written', coalesce(jsonb_agg(jsonb_build_object('root', o.root, 'event', o.event, 'names', n.names,
        'image', r.fields || jsonb_build_object('owner', r.owner, 'enabled', r.enabled, 'series', r.series,
          'original_start', r.original_start) || n.fields))
      filter (where o.kind = 'write_row' and r.event is not null and n.fields <> '{}'), '[]'))
  from (select (f ->> 'root')::uuid as root, n as ord, x ->> 'op' as kind, (x ->> 'event')::uuid as event, x as op
    from jsonb_array_elements(families) f cross join lateral jsonb_array_elements(f -> 'ops') with ordinality y (x, n)
    where x ->> 'op' = any ('{write_row,delete_row,show}')) o
  left join tandem.crm_rows r on r.event = o.event
  -- Only what still holds what was loaded; what is so already is not written.
  left join lateral (select coalesce(jsonb_agg(x.key), '[]') as names, coalesce(jsonb_object_agg(x.key, x.value),
    '{}') as fields
    from jsonb_each(o.op -> 'fields') x where (r.fields -> x.key) is not distinct from (o.op -> 'expected' -> x.key)
      and (r.fields -> x.key) is distinct from x.value) n on o.kind = 'write_row');
end $$;
comment on function tandem.judge_rows(jsonb, uuid[]) is
  'Families whose rows are not as planned on, and what is to be written.';

create or replace function tandem.without(items jsonb, roots jsonb) returns jsonb
language plpgsql immutable set search_path = '' as $$
begin
  if roots = '[]' then return items; end if;
  return (select coalesce(jsonb_agg(x order by n), '[]') from jsonb_array_elements(items) with ordinality i (x, n)
    where not roots ? (x ->> 'root'));
end $$;
comment on function tandem.without(jsonb, jsonb) is 'Without items of some roots.';

create or replace function tandem.drop_links(families jsonb) returns void
language plpgsql volatile set search_path = '' set enable_seqscan = off as $$
begin
  delete from tandem.links l using (select (f ->> 'root')::uuid as root, n as ord, x ->> 'op' as kind, (x ->>
    'event')::uuid as event, x as op
    from jsonb_array_elements(families) f cross join lateral jsonb_array_elements(f -> 'ops') with ordinality y (x, n)
    where x ->> 'op' = any ('{drop_link,put_link}')) o
  where o.kind = 'drop_link' and l.connection_id = (o.op ->> 'connection')::uuid and l.remote = o.op ->> 'remote'
    or o.kind = 'put_link' and l.event = (o.op -> 'link' ->> 'event')::uuid
      and l.connection_id = (o.op -> 'link' ->> 'connection')::uuid and l.remote <> o.op -> 'link' ->> 'remote';
end $$;
comment on function tandem.drop_links(jsonb) is 'Forgets links, also those that others take the place of.';

create or replace function tandem.gone_by(standing jsonb) returns text
language plpgsql immutable set search_path = '' as $$
begin
  return case when standing -> 'confirmed_by_person' = 'true' then null
    when standing ->> 'deleted_by' in ('crm', 'remote') then standing ->> 'deleted_by' end;
end $$;
comment on function tandem.gone_by(jsonb) is
  'Who deleted an event, where no person has confirmed it: for guards against mass deletion.';

create or replace function tandem.store_ops(families jsonb, t timestamptz) returns void
language plpgsql volatile set search_path = '' set enable_seqscan = off set jit = off as $$
begin
  with o as materialized (select o.* from (select (f ->> 'root')::uuid as root, n as ord, x ->> 'op' as kind, (x ->>
    'event')::uuid as event, x as op
    from jsonb_array_elements(families) f cross join lateral jsonb_array_elements(f -> 'ops') with ordinality y (x, n)
    where x ->> 'op' = any ('{put_link,acknowledge,not_written,unpark,note,list}')) o),
  done as materialized (select o.event, max((o.op ->> 'rev')::bigint) as rev from o where o.kind = 'acknowledge' group
    by 1),
  links as (insert into tandem.links as l (connection_id, remote, event, root, origin, ical_uid, original_start,
    state, standing,
      synced_rev, recorded, stored_at, last_rev)
    select distinct on (1, 2) k.connection, k.remote, k.event, k.root, k.origin, k.ical_uid, k.original_start, k.state,
      k.standing, k.synced_rev, nextval('tandem.recorded'), t, greatest(k.synced_rev, (select d.rev from done d where
        d.event = k.event))
    from o cross join lateral jsonb_to_record(o.op -> 'link') as k (connection uuid, remote text, event uuid, root uuid,
      origin text, ical_uid text, original_start text, state text, standing jsonb, synced_rev bigint)
    where o.kind = 'put_link' order by 1, 2, o.ord desc
    on conflict (connection_id, remote) do update set event = excluded.event, root = excluded.root, origin =
      excluded.origin,
      ical_uid = excluded.ical_uid, original_start = excluded.original_start, state = excluded.state, is_blank = false,
      standing = excluded.standing, synced_rev = excluded.synced_rev, recorded = excluded.recorded, stored_at =
        excluded.stored_at,
      last_rev = greatest(l.last_rev, excluded.last_rev),
      gone_by = case when excluded.state <> 'deleted' or tandem.gone_by(excluded.standing) is null then null
        when l.state in ('live', 'kept', 'leaving') then tandem.gone_by(excluded.standing) else l.gone_by end,
      gone_at = case when excluded.state <> 'deleted' or tandem.gone_by(excluded.standing) is null then null
        when l.state in ('live', 'kept', 'leaving') then t else l.gone_at end),
  remembered as (update tandem.links l set last_rev = d.rev from done d where l.event = d.event and l.last_rev < d.rev
    and not exists (select from o where o.kind = 'put_link' and o.op -> 'link' ->> 'connection' = l.connection_id::text
      and o.op -> 'link' ->> 'remote' = l.remote)),
  closed as (delete from tandem.open_changes c using done d where c.event = d.event and c.rev <= d.rev),
  unwritten as materialized (select o.event, (o.op ->> 'rev')::bigint as rev from o where o.kind = 'not_written'),
  answered as (delete from tandem.attempts a where exists (select from done d where d.event = a.event and a.rev <=
    d.rev)
    and a.event in (select d.event from done d)
    or (a.event, a.rev) in (select u.event, u.rev from unwritten u) and a.loads <= 1),
  fewer as (update tandem.attempts a set loads = a.loads - 1 from unwritten u where a.event = u.event and a.rev = u.rev
    and a.loads > 1 and not exists (select from done d where d.event = a.event and a.rev <= d.rev)),
  settled as (delete from tandem.parked k using o where o.kind = 'unpark' and k.connection_id = (o.op ->>
    'connection')::uuid
    and k.remote = o.op ->> 'remote' and (k.as_of < (o.op ->> 'as_of')::bigint or k.etag = o.op ->> 'etag')),
  asks as (insert into tandem.asked (connection_id) select (o.op ->> 'connection')::uuid from o where o.kind = 'list')
  insert into tandem.history (event, owner, at, kind, detail)
  select o.event, o.op ->> 'owner', t, o.op ->> 'kind', coalesce(o.op -> 'detail', 'null') from o where o.kind =
    'note' order by o.ord;
end $$;
comment on function tandem.store_ops(jsonb, timestamptz) is
  'Links, acknowledgements, attempts, settled versions, requests and notes.';

-- Work that something else than its own family asks for.
create or replace function tandem.ask_for(roots uuid[], t timestamptz) returns void
language plpgsql volatile set search_path = '' set enable_seqscan = off as $$
begin
  insert into tandem.work as w (root, owner, at)
  select x.root, coalesce((select r.owner from tandem.crm_rows r where r.event = x.root),
    (select k.user_id from tandem.links l join tandem.connections k on k.id = l.connection_id where l.event = x.root
      order by l.recorded desc limit 1), ''), t
  from (select distinct y.root from unnest(roots) y (root)) x order by 1
  on conflict (root) do update set is_asked = true, at = least(w.at, t),
    attempts = case w.state when 'dead' then 0 else w.attempts end, state = case w.state when 'dead' then 'open' else
      w.state end;
end $$;
comment on function tandem.ask_for(uuid[], timestamptz) is 'Makes families'' work due; what waits for a person stays.';

-- own: roots of families whose part says itself what stays open.
create or replace function tandem.park(versions jsonb, own jsonb, t timestamptz) returns void
language plpgsql volatile set search_path = '' set enable_seqscan = off as $$
declare waited jsonb; asked uuid[];
begin
  if versions = '[]' then return; end if;
  insert into tandem.parked as k (connection_id, remote, event, series, state, etag, raw, item, reason, as_of,
    is_gone, parked_at)
  select distinct on (1, 2) v.connection, v.remote, v.event, v.series, v.state, v.etag, v.raw, v.item, v.reason,
    v.as_of, coalesce(v.is_gone, false), t
  from jsonb_array_elements(versions) with ordinality x (one, n) cross join lateral jsonb_to_record(x.one) as v
    (connection uuid, remote text, event uuid, series text, state text, etag text, raw text, item jsonb, reason text,
      as_of bigint, is_gone boolean)
  order by 1, 2, x.n desc
  on conflict (connection_id, remote) do update set event = excluded.event, series = excluded.series, state =
    excluded.state,
    etag = excluded.etag, raw = excluded.raw, item = excluded.item, reason = excluded.reason, as_of = excluded.as_of,
    is_gone = excluded.is_gone, parked_at = excluded.parked_at;
  select jsonb_agg(distinct e.event) into waited from (
    select coalesce(l.event, (v ->> 'event')::uuid) as event from jsonb_array_elements(versions) v
    left join tandem.links l on l.connection_id = (v ->> 'connection')::uuid and l.remote = v ->> 'remote'
    where v ->> 'state' = 'waiting') e where e.event is not null;
  if waited is null then return; end if;
  select array_agg(distinct x.value::uuid) into asked from jsonb_each_text(tandem.roots(waited)) x where not own ?
    x.value;
  if asked is not null then perform tandem.ask_for(asked, t); end if;
end $$;
comment on function tandem.park(jsonb, jsonb, timestamptz) is
  'Keeps remote versions; those that wait make their family due.';

create or replace function tandem.show(families jsonb) returns uuid[]
language plpgsql volatile set search_path = '' set enable_seqscan = off set jit = off as $$
declare items jsonb;
begin
  -- Not over a change that is not acknowledged.
  select jsonb_agg(x.item) into items from (
    select distinct on (o.event) (o.op -> 'shown') || jsonb_build_object('event', o.event) as item
    from (select (f ->> 'root')::uuid as root, n as ord, x ->> 'op' as kind, (x ->> 'event')::uuid as event, x as op
    from jsonb_array_elements(families) f cross join lateral jsonb_array_elements(f -> 'ops') with ordinality y (x, n)
    where x ->> 'op' = any ('{show}')) o
    where o.op -> 'shown' ->> 'state' not in ('none', 'synced')
      or not exists (select from tandem.changes c where c.event = o.event)
        and not exists (select from tandem.open_changes c where c.event = o.event)
    order by o.event, o.ord desc) x;
  if items is null then return '{}'; end if;
  return tandem.crm_show(items);
end $$;
comment on function tandem.show(jsonb) is 'Shows rows'' states; events where something differs.';

-- Everything of these families that is not the work itself. Raises where the database refuses any of it.
create or replace function tandem.store_families(families jsonb, page uuid, t timestamptz) returns jsonb
language plpgsql volatile set search_path = '' as $$
declare checked jsonb := tandem.check_families(families, page, t); outcomes jsonb := '{}'; bad jsonb := '[]'; good
  jsonb := families;
  drops boolean := false; kinds text := ''; events uuid[] := '{}'; rows jsonb; root text; f jsonb; inserted jsonb :=
    '[]'; o jsonb;
  touched uuid[] := '{}'; parks jsonb := '[]'; own jsonb := '{}';
begin
  for i in 0 .. jsonb_array_length(families) - 1 loop
    f := families -> i; root := f ->> 'root';
    if checked -> root ->> 'outcome' is not null then
      outcomes := outcomes || jsonb_build_object(root, checked -> root -> 'outcome'); bad := bad || to_jsonb(root);
      continue;
    end if;
    drops := drops or (checked -> root -> 'drops')::boolean;
    if f ->> 'work' is not null then own := own || jsonb_build_object(root, true); end if;
    for j in 0 .. jsonb_array_length(f -> 'ops') - 1 loop
      o := f -> 'ops' -> j;
      if o ->> 'op' in ('write_row', 'delete_row', 'show') then events := events || (o ->> 'event')::uuid;
      elsif o ->> 'op' = 'park' then parks := parks || ((o -> 'parked') || jsonb_build_object('root', root));
      elsif o ->> 'op' = 'insert_row' then inserted := inserted || jsonb_build_object('root', root, 'event', o ->
        'event',
        'names', '[]'::jsonb, 'image', (o -> 'row' -> 'fields') || ((o -> 'row') - 'fields'));
      end if;
    end loop;
  end loop;
  if events <> '{}' then
    rows := tandem.judge_rows(tandem.without(families, bad), tandem.crm_lock(events));
    for i in 0 .. jsonb_array_length(rows -> 'stale') - 1 loop
      outcomes := outcomes || jsonb_build_object(rows -> 'stale' ->> i, 'stale'); bad := bad || (rows -> 'stale' -> i);
    end loop;
  end if;
  good := tandem.without(families, bad);
  if rows -> 'deleted' <> '[]' or rows -> 'written' <> '[]' or inserted <> '[]' then
    touched := tandem.write_rows(tandem.without(coalesce(rows -> 'deleted', '[]'), bad),
      tandem.without(coalesce(rows -> 'written', '[]'), bad), tandem.without(inserted, bad));
  end if;
  if drops then perform tandem.drop_links(good); end if;
  root := tandem.store_ops(good, t);
  root := tandem.park(tandem.without(parks, bad), own, t);
  if events <> '{}' then touched := touched || tandem.show(good); end if;
  return jsonb_build_object('outcomes', outcomes, 'good', good, 'touched', to_jsonb(touched),
    'gone', tandem.without(coalesce(rows -> 'deleted', '[]'), bad));
end $$;
comment on function tandem.store_families(jsonb, uuid, timestamptz) is
  'Stores families'' operations; outcomes of those that were not.';

create or replace function tandem.write_rows(deleted jsonb, written jsonb, inserted jsonb) returns uuid[]
language plpgsql volatile set search_path = '' as $$
declare gone uuid[]; kept text; names jsonb;
begin
  if inserted <> '[]' then
    -- What a new row does not say has no value.
    select jsonb_agg(a.f) into names from (select unnest(x.fields) as f from tandem.adoption x) a;
    select jsonb_agg(x || jsonb_build_object('names', names)) into inserted from jsonb_array_elements(inserted) x;
    perform tandem.crm_insert(inserted);
  end if;
  if written <> '[]' then perform tandem.crm_write(written); end if;
  if deleted <> '[]' then
    gone := array(select (x ->> 'event')::uuid from jsonb_array_elements(deleted) x order by 1);
    perform tandem.crm_delete(gone);
    select r.event into kept from tandem.crm_rows r where r.event = any (gone) limit 1;
    if found then raise sqlstate 'PT422' using message = 'the CRM kept the row ' || kept; end if;
  end if;
  if inserted <> '[]' or written <> '[]' or gone is not null then
    set constraints all immediate;
    perform tandem.settle();
  end if;
  return array(select (x ->> 'event')::uuid from jsonb_array_elements(written || inserted) x);
end $$;
comment on function tandem.write_rows(jsonb, jsonb, jsonb) is 'Writes the CRM''s table; events that it wrote.';
