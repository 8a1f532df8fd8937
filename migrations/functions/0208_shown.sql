set local lock_timeout = '3s';
-- What a row shows of its sync, where the table has no columns for it: the view tandem.events.

-- For a caller who has the row. Anybody can make up a key, so what is another user's is not told.
create or replace function tandem.my_state(key text) returns tandem.event_state
language plpgsql stable security definer set search_path = '' set enable_seqscan = off set jit = off as $$
declare it uuid := tandem.my_event_of($1); s tandem.event_state;
begin
  -- The owner of the database, in a session of their own, sees all.
  if session_user = current_user and current_setting('role') in ('none', current_user) or exists (
      select from tandem.crm_rows r where r.event = it and r.owner = tandem.uid()) then
    select * into s from tandem.event_state x where x.event = it;
  end if;
  s.state := coalesce(s.state, 'none');
  return s;
end $$;
comment on function tandem.my_state(text) is 'What an event of the caller''s shows of its sync.';

create or replace function tandem.generate_shown(relation regclass, m jsonb, s jsonb) returns void
language plpgsql volatile set search_path = '' as $$
declare names text; role text; sql text;
begin
  if nullif(m -> 'state', 'null') is not null then
    drop view if exists tandem.events;
    return;
  end if;
  select string_agg(format('tandem_s.%I as %I', c, case when tandem.column_type(relation, n) is null then n
    else 'tandem_' || n end), ', ') into names
  from (values ('state', 'sync_state'), ('error', 'sync_error'), ('remote', 'google_event_id')) x (c, n);
  sql := format('create or replace view tandem.events with (security_invoker = true) as select tandem_e.*, %s '
    'from (select * from %s where %s) tandem_e cross join lateral tandem.my_state(tandem_e.%s::text) tandem_s',
    names, relation, s ->> 'where', s ->> 'key');
  -- Only another table, or one whose columns changed, takes a new view: the CRM may have its own upon this.
  begin
    execute sql;
  exception when invalid_table_definition then
    drop view tandem.events;
    execute sql;
  end;
  comment on view tandem.events is 'Those of the table''s rows that are events, with what each shows of its sync.';
  for role in select r.rolname from pg_catalog.pg_roles r where r.rolname in ('authenticated', 'tandem_user') loop
    execute format('grant select on tandem.events to %I', role);
  end loop;
end $$;
comment on function tandem.generate_shown(regclass, jsonb, jsonb) is 'Makes the view of rows with their sync states.';
