set local lock_timeout = '3s';
-- What is done to all events of a connection: a chunk of each walk in turn, as long as there is time.

-- A row that was imported from a calendar that is not connected any more stays as it is.
create or replace function tandem.walk_rows(w tandem.walks, k tandem.connections, most integer, t timestamptz)
returns text
language plpgsql volatile set search_path = '' as $$
declare ids uuid[]; wanted uuid[];
begin
  ids := array(with mine as materialized (select tandem.crm_owned(k.user_id) as event)
    select m.event from mine m where m.event::text > w.place order by m.event::text limit most);
  wanted := array(select i from unnest(ids) i where not exists (
    select from tandem.links l join tandem.connections c on c.id = l.connection_id where l.event = i
      and (c.user_id = k.user_id and c.state <> 'disconnected'
        or l.origin = 'remote' and l.state in ('live', 'kept'))));
  with made as (insert into tandem.work (root, owner, connection_id, at, notes, is_bulk)
    select i, k.user_id, k.id, t, '{"quiet": true}', true from unnest(wanted) i order by i
    on conflict (root) do nothing returning root)
  select coalesce(array_agg(m.root), '{}') into wanted from made m;
  if wanted <> '{}' then perform tandem.show_events(wanted, k.user_id, 'pending', null, false); end if;
  return case when cardinality(ids) = most then ids[most]::text end;
end $$;
comment on function tandem.walk_rows(tandem.walks, tandem.connections, integer, timestamptz) is
  'Makes work, that nobody gets mail of, for rows that are in no calendar. The place to go on from; null: it is over.';

create or replace function tandem.walk_links(w tandem.walks, k tandem.connections, most integer, t timestamptz)
returns text
language plpgsql volatile set search_path = '' as $$
declare ids text[]; roots uuid[];
begin
  select coalesce(array_agg(x.remote order by x.remote), '{}'), coalesce(array_agg(distinct x.root), '{}')
  into ids, roots from (select l.remote, l.root from tandem.links l where l.connection_id = k.id and l.remote > w.place
    order by l.remote limit most) x;
  if w.kind = 'unread' then
    update tandem.links l set standing = tandem.unread(l.standing)
    where l.connection_id = k.id and l.remote = any (ids) and l.state = 'live';
  else
    perform tandem.ask_work(roots, k.user_id, k.id, t);
  end if;
  if cardinality(ids) = most then return ids[most]; end if;
  if w.kind = 'unread' then perform tandem.list_everything(k.id, t); end if;
  return null;
end $$;
comment on function tandem.walk_links(tandem.walks, tandem.connections, integer, timestamptz) is
  'Has linked events looked at, or read anew. The place to go on from; null: it is over.';

-- Whoever works on a family commits in the order of roots, too; a chunk that meets somebody is tried later.
create or replace function tandem.walk_one(w tandem.walks, most integer, t timestamptz) returns void
language plpgsql volatile set search_path = '' set lock_timeout = '500ms' as $$
declare k tandem.connections; next text;
begin
  select * into k from tandem.connections c where c.id = w.connection_id;
  next := case w.kind when 'backfill' then tandem.walk_rows(w, k, most, t) else tandem.walk_links(w, k, most, t) end;
  if next is null then
    delete from tandem.walks x where x.id = w.id;
  else
    update tandem.walks x set place = next, walked_at = t where x.id = w.id;
  end if;
exception when lock_not_available or deadlock_detected then
  update tandem.walks x set walked_at = t where x.id = w.id;
end $$;
comment on function tandem.walk_one(tandem.walks, integer, timestamptz) is 'Does the next chunk of a walk.';

create or replace function tandem.walk_some(most integer, milliseconds integer, t timestamptz) returns integer
language plpgsql volatile set search_path = '' as $$
declare w tandem.walks; n integer := 0; begun timestamptz := clock_timestamp();
begin
  loop
    -- Work waits for the first import, so making it waits, too.
    select x.* into w from tandem.walks x join tandem.connections c on c.id = x.connection_id
    where c.state in ('active', 'paused', 'unreachable') and (x.kind = 'unread' or c.imported_at is not null)
    order by x.walked_at, x.id limit 1 for update of x skip locked;
    exit when not found;
    perform tandem.walk_one(w, most, greatest(t, w.walked_at));
    n := n + 1;
    exit when clock_timestamp() > begun + milliseconds * interval '1 millisecond';
  end loop;
  return n;
end $$;
comment on function tandem.walk_some(integer, integer, timestamptz) is
  'Does chunks of walks, each in turn; says how many.';

select tandem.seal();
