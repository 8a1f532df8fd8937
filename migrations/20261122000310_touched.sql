-- What of a user's events changed since they last looked, whoever changed it. A sequence or a clock would
-- lose what commits late; the transaction's own id, compared with a snapshot, does not.

create table if not exists tandem.touched (
  event_id uuid not null,
  owner_id uuid not null,
  at xid8 not null,
  gone boolean not null,
  touched_at timestamptz not null default tandem.clock(),
  primary key (event_id, owner_id)
);
create index if not exists touched_owner on tandem.touched (owner_id, at);
create index if not exists touched_gone on tandem.touched (touched_at) where gone;
comment on table tandem.touched is 'The last transaction that wrote each event, by whose it is. Who writes a row here holds the event''s own row, so nobody waits here who does not wait there.';
comment on column tandem.touched.event_id is 'The event.';
comment on column tandem.touched.owner_id is 'Whose it is, or was.';
comment on column tandem.touched.at is 'The transaction: a cursor that does not see it has not seen the change.';
comment on column tandem.touched.gone is 'It was deleted, or has another owner.';
comment on column tandem.touched.touched_at is 'When; what is gone is forgotten after a week.';

do $$ begin
  create type tandem.owned as (event_id uuid, owner_id uuid, gone boolean);
exception when duplicate_object then null;
end $$;
comment on type tandem.owned is 'An event, whose it is, and whether it has left them.';

create or replace function tandem.touch(events tandem.owned[]) returns void
language sql volatile set search_path = '' as $$
  insert into tandem.touched as t (event_id, owner_id, at, gone)
  select x.event_id, x.owner_id, pg_current_xact_id(), x.gone from unnest(events) x order by x.event_id, x.owner_id
  on conflict (event_id, owner_id) do update set at = excluded.at, gone = excluded.gone, touched_at = excluded.touched_at
  where (t.at, t.gone) is distinct from (excluded.at, excluded.gone);
$$;
comment on function tandem.touch(tandem.owned[]) is 'Notes that the running transaction wrote these events.';

create or replace function tandem.raise_horizon(xid xid8) returns void
language sql volatile set search_path = '' as $$
  insert into tandem.settings as s (key, value) values ('touched_horizon', xid::text)
  on conflict (key) do update set value = greatest(s.value::xid8, excluded.value::xid8)::text;
$$;
comment on function tandem.raise_horizon(xid8) is 'Ends all cursors that may not have seen this transaction.';

create or replace function tandem.forget_cursors() returns void
language sql volatile set search_path = '' as $$ select tandem.raise_horizon(pg_current_xact_id()); $$;
comment on function tandem.forget_cursors() is 'Ends all cursors: what this transaction does is noted nowhere.';

-- Nobody waits for this: a row that somebody holds is left for the next time.
create or replace function tandem.forget_deletions(most integer) returns void
language plpgsql volatile set search_path = '' as $$
declare last xid8; old timestamptz := tandem.clock() - interval '7 days';
begin
  with dead as (
    select t.event_id, t.owner_id from tandem.touched t where t.gone and t.touched_at < old order by t.touched_at limit most for update skip locked),
  forgotten as (delete from tandem.touched t using dead d where t.event_id = d.event_id and t.owner_id = d.owner_id returning t.at)
  select max(f.at) into last from forgotten f;
  if last is not null then perform tandem.raise_horizon(last); end if;
end $$;
comment on function tandem.forget_deletions(integer) is 'Drops deletions that are older than a week; cursors from before are refused from then on.';

-- The text of a snapshot with very many transactions under way would fit into no URL. One that sees less
-- is as good: what it does not see is told once more.
create or replace function tandem.my_cursor() returns text
language sql stable set search_path = '' as $$
  select case when length(s::text) <= 2000 then s::text else format('%s:%s:', pg_snapshot_xmin(s), pg_snapshot_xmin(s)) end
  from pg_current_snapshot() s;
$$;
comment on function tandem.my_cursor() is 'What the running statement sees, as text: changes since are those that it does not see.';

create or replace function tandem.my_touched(since pg_snapshot, most integer) returns jsonb
language plpgsql stable security definer set search_path = '' as $$
declare owner uuid := tandem.uid(); found jsonb;
begin
  -- A cursor of another database, or of this one before it was restored, may be ahead.
  if pg_snapshot_xmin(since) <= coalesce(tandem.setting('touched_horizon'), '0')::xid8
    or pg_snapshot_xmax(since) > pg_snapshot_xmax(pg_current_snapshot()) then
    return null;
  end if;
  select jsonb_build_object('n', count(*), 'tag', md5(coalesce(string_agg(x.event_id || ' ' || x.at, ' ' order by x.event_id), '')),
    'changed', coalesce(jsonb_agg(x.event_id) filter (where not x.gone), '[]'), 'removed', coalesce(jsonb_agg(x.event_id) filter (where x.gone), '[]'))
  into found from (
    select t.event_id, t.at, t.gone from tandem.touched t
    where t.owner_id = owner and t.at >= pg_snapshot_xmin(since) and not pg_visible_in_snapshot(t.at, since) limit most + 1) x;
  return case when (found ->> 'n')::integer <= most then found end;
end $$;
comment on function tandem.my_touched(pg_snapshot, integer) is 'The caller''s events that were written since a cursor; null where it is too old, or so much changed that a listing is cheaper.';
