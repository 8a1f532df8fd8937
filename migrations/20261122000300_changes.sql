-- What CRM transactions leave behind: rows in tandem.changes, and a poke.

do $$ begin
  create type tandem.change as (event_id uuid, fields text[], old_row jsonb, owner_id uuid);
exception when duplicate_object then null;
end $$;
comment on type tandem.change is 'One event''s part of a statement.';

create or replace function tandem.has_target(owner uuid) returns boolean
language plpgsql stable set search_path = '' as $$
begin
  return exists (select from tandem.connections c where c.user_id = owner and c.is_target
    and c.state in ('active', 'paused') and c.direction <> 'in');
end $$;
comment on function tandem.has_target(uuid) is 'Whether the user''s new events go to a calendar.';

create or replace function tandem.differing(a jsonb, b jsonb) returns text[]
language plpgsql immutable set search_path = '' as $$
begin
  return (select coalesce(array_agg(k order by k), '{}') from (select jsonb_object_keys(a || b) k) keys
  where (a -> k) is distinct from (b -> k));
end $$;
comment on function tandem.differing(jsonb, jsonb) is 'Keys whose values differ.';

-- Null where nothing changed, or only what Tandem itself is writing.
create or replace function tandem.changed(event uuid, before jsonb, after jsonb) returns tandem.change
language plpgsql stable set search_path = '' as $$
declare own tandem.writing; fields text[];
begin
  select * into own from tandem.writing w where w.event_id = event and w.txid = pg_current_xact_id_if_assigned();
  if found then
    if after is null then return null; end if;
    fields := tandem.differing(coalesce(own.expected, '{}'), after);
  else
    fields := tandem.differing(coalesce(before, '{}'), coalesce(after, '{}'));
  end if;
  if fields = '{}' then return null; end if;
  return (event, fields, case when after is null then before end, (coalesce(after, before) ->> 'owner_id')::uuid)::tandem.change;
end $$;
comment on function tandem.changed(uuid, jsonb, jsonb) is 'What a statement did to one event, apart from what Tandem writes in the same transaction.';

create or replace function tandem.add_changes(op text, edits tandem.change[]) returns uuid[]
language plpgsql volatile set search_path = '' as $$
declare events uuid[];
begin
  with added as (
    insert into tandem.changes (event_id, rev, op, fields, old_row, owner_id)
    select f.event_id,
      greatest(1 + coalesce((select max(c.rev) from tandem.changes c where c.event_id = f.event_id), 0),
               (extract(epoch from tandem.clock()) * 1000000)::bigint),
      op, f.fields, f.old_row, f.owner_id
    from unnest(edits) f where f.event_id is not null
    returning event_id)
  select coalesce(array_agg(a.event_id), '{}') into events from added a;
  return events;
end $$;
comment on function tandem.add_changes(text, tandem.change[]) is 'Appends to tandem.changes; returns the events.';

-- Whatever goes wrong here costs only time: the scheduler finds the changes.
create or replace function tandem.poke(op text, ids uuid[]) returns void
language plpgsql volatile set search_path = '' as $$
declare
  base text := tandem.setting('function_url');
  headers jsonb := jsonb_build_object('Content-Type', 'application/json',
    'Authorization', 'Bearer ' || tandem.setting('function_secret'));
  post text := 'select net.http_post(url := $1, body := $2, headers := $3, timeout_milliseconds := 5000)';
  event uuid;
begin
  if base is null or cardinality(ids) = 0
    or to_regprocedure('net.http_post(text, jsonb, jsonb, jsonb, integer)') is null then
    return;
  end if;
  if cardinality(ids) > 20 then
    execute post using base || '/scheduler/tick', jsonb_build_object('due', cardinality(ids)), headers;
    return;
  end if;
  foreach event in array ids loop
    execute post using
      base || case op when 'INSERT' then '/event-create' when 'UPDATE' then '/event-update' else '/event-delete' end,
      jsonb_build_object('type', op, 'schema', 'public', 'table', 'events',
        'record', case when op <> 'DELETE' then jsonb_build_object('id', event) end,
        'old_record', case when op <> 'INSERT' then jsonb_build_object('id', event) end),
      headers;
  end loop;
exception when others then
  raise warning 'Tandem was not poked: %', sqlerrm;
end $$;
comment on function tandem.poke(text, uuid[]) is 'Tells the functions, after the commit, that events changed. Uses pg_net where there is one.';
