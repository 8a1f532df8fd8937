set local lock_timeout = '3s';
-- What of a user's events changed since they last looked, whoever changed it. A sequence or a clock would lose what
-- commits late; the transaction's own id, compared with a snapshot, does not. Transactions are numbered by a server, so
-- a cursor names its server, and one of another server's has ended.

-- Definer, since who the server is is for few to ask.
create or replace function tandem.my_server() returns text
language plpgsql stable security definer set search_path = '' as $$
begin return tandem.cluster(); end $$;
comment on function tandem.my_server() is 'The database server that numbers transactions here.';

-- The text of a snapshot with very many transactions under way would fit into no URL. One that sees less is as good:
-- what it does not see is told once more.
create or replace function tandem.my_cursor() returns text
language plpgsql stable set search_path = '' as $$
declare s pg_snapshot := pg_current_snapshot();
begin
  return tandem.my_server() || '/' || case when length(s::text) <= 2000 then s::text
    else format('%s:%s:', pg_snapshot_xmin(s), pg_snapshot_xmin(s)) end;
end $$;
comment on function tandem.my_cursor() is
  'What the running statement sees, as text: changes since are those that it does not see.';

create or replace function tandem.my_snapshot(cursor text) returns pg_snapshot
language plpgsql stable set search_path = '' as $$
begin
  return split_part(cursor, '/', 2)::pg_snapshot;
exception when invalid_text_representation or numeric_value_out_of_range then
  raise sqlstate 'PT400' using message = 'cursor', hint = 'Send the cursor of an earlier answer.';
end $$;
comment on function tandem.my_snapshot(text) is 'What a cursor has seen.';

-- What Tandem noticed, and what CRM transactions did that no load has seen yet. A number that this server has not given
-- yet is one of another server's, from which this database was restored.
create or replace function tandem.my_news(me text, since pg_snapshot, most integer)
returns table (event uuid, at xid8, is_gone boolean)
language plpgsql stable set search_path = '' set enable_seqscan = off set jit = off as $$
declare next_xid xid8 := pg_snapshot_xmax(pg_current_snapshot()); first_xid xid8 := pg_snapshot_xmin(since);
begin
  return query
  (select t.event, t.at, t.is_gone from tandem.touched t where t.owner = me and t.at >= first_xid and t.at < next_xid
    and not pg_visible_in_snapshot(t.at, since) limit most)
  union all
  (select c.event, c.txid, c.op = 'delete' from tandem.changes c where c.owner = me and c.txid >= first_xid
    and c.txid < next_xid and not pg_visible_in_snapshot(c.txid, since) limit most);
end $$;
comment on function tandem.my_news(text, pg_snapshot, integer) is 'What of a user''s events a snapshot does not see.';

-- Another copy of a meeting may be the one to show now.
create or replace function tandem.my_touched(cursor text, most integer) returns jsonb
language plpgsql stable security definer set search_path = '' set enable_seqscan = off set jit = off as $$
declare me text := tandem.uid(); since pg_snapshot; found jsonb;
begin
  if cursor is null or position('/' in cursor) = 0 then
    raise sqlstate 'PT400' using message = 'cursor', hint = 'Send the cursor of an earlier answer.';
  end if;
  since := tandem.my_snapshot(cursor);
  if split_part(cursor, '/', 1) <> tandem.cluster()
    or pg_snapshot_xmin(since) <= coalesce(tandem.setting('touched_horizon'), '0')::xid8
    or pg_snapshot_xmax(since) > pg_snapshot_xmax(pg_current_snapshot()) then
    return null;
  end if;
  with news as materialized (select n.event, max(n.at) as at, (array_agg(n.is_gone order by n.at desc))[1] as is_gone
    from tandem.my_news(me, since, most + 1) n group by n.event),
  copies as materialized (select distinct o.event from news n
    join tandem.links l on l.event = n.event and l.ical_uid is not null
    join tandem.connections c on c.id = l.connection_id and c.user_id = me
    join tandem.links o on o.ical_uid = l.ical_uid and o.original_start is not distinct from l.original_start
    join tandem.connections oc on oc.id = o.connection_id and oc.user_id = me
    where not exists (select from news x where x.event = o.event))
  select jsonb_build_object('n', count(*),
    'tag', md5(coalesce(string_agg(x.event || ' ' || x.at, ' ' order by x.event), '')),
    'changed', coalesce(jsonb_agg(x.event order by x.event) filter (where not x.is_gone), '[]'),
    'removed', coalesce(jsonb_agg(x.event order by x.event) filter (where x.is_gone), '[]'))
  into found from (select n.event, n.at::text as at, n.is_gone from news n
    union all select k.event, '', false from copies k) x;
  return case when (found ->> 'n')::integer <= most then found end;
end $$;
comment on function tandem.my_touched(text, integer) is
  'The caller''s events that were written since a cursor; null where it is too old or of another server, or so much '
  'changed that a listing is cheaper.';

select tandem.seal();
