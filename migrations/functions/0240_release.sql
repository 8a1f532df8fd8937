set local lock_timeout = '3s';
-- The way back: a table as it was, with the data that it has.

create or replace function tandem.disconnect_all(choice text default 'keep') returns integer
language plpgsql volatile set search_path = '' as $$
declare who text; n integer := 0;
begin
  perform tandem.is_choice(choice);
  for who in select distinct a.user_id from tandem.accounts a where a.state <> 'disconnected' order by 1 loop
    perform tandem.user_left(who, choice, 'operator', tandem.clock());
    n := n + 1;
  end loop;
  return n;
end $$;
comment on function tandem.disconnect_all(text) is
  'Begins to disconnect everybody, with one choice for all; the scheduler ends it. Returns how many users there are.';

-- Rows that are gone from under their links would look deleted.
create or replace function tandem.need_unused(table_name text) returns void
language plpgsql stable set search_path = '' as $$
declare n integer := (select count(*) from tandem.connections k where k.state <> 'disconnected');
begin
  if n > 0 then
    raise sqlstate 'PT409' using message = format('%s is in use: %s calendars are connected, or are not disconnected '
      'yet', table_name, n), hint = 'Disconnect them: select tandem.disconnect_all(); the scheduler ends it within '
      'some minutes. Then try again.';
  end if;
end $$;
comment on function tandem.need_unused(text) is 'Refuses to take the adopted table from connected calendars.';

create or replace function tandem.drop_generated() returns void
language plpgsql volatile set search_path = '' as $$
declare f regprocedure;
begin
  drop view if exists tandem.events, tandem.meetings;
  perform tandem.generate_nothing();
  for f in select p.oid::regprocedure from pg_catalog.pg_proc p where p.pronamespace = 'tandem'::regnamespace
    and p.proname in ('crm_write', 'crm_insert', 'crm_delete', 'crm_lock', 'crm_show', 'crm_before', 'crm_changed',
      'crm_own', 'crm_owned', 'crm_of', 'crm_states', 'crm_shown', 'my_view', 'my_between', 'my_rows', 'my_lock',
      'my_record', 'my_insert', 'my_update', 'my_delete')
  loop
    execute format('drop function %s', f);
  end loop;
  perform tandem.nobodys_rows();
  perform tandem.seal();
end $$;
comment on function tandem.drop_generated() is 'Takes away everything that knows the adopted table''s columns.';

create or replace function tandem.release() returns setof text
language plpgsql volatile set search_path = '' as $$
declare a tandem.adoption; relation regclass; c record;
begin
  select * into a from tandem.adoption;
  if not found then
    return next 'no table is adopted';
    return;
  end if;
  if current_setting('lock_timeout') = '0' then perform set_config('lock_timeout', '3s', true); end if;
  perform tandem.need_unused(a.relation);
  relation := to_regclass(a.relation);
  if relation is not null then
    perform tandem.drop_triggers(relation);
    return next format('triggers: none of ours is left on %s', relation);
  end if;
  delete from tandem.adoption where true;
  perform tandem.drop_generated();
  for c in select to_regclass(x ->> 0) as relation, x ->> 1 as name from jsonb_array_elements(a.added) x loop
    if tandem.column_type(c.relation, c.name) is not null then
      execute format('alter table %s drop column %I', c.relation, c.name);
      return next format('column dropped: %s.%s', c.relation, c.name);
    end if;
  end loop;
  -- Nothing is due of a table that is nobody's.
  delete from tandem.changes where true;
  delete from tandem.open_changes where true;
  delete from tandem.work where true;
  delete from tandem.settings s where s.key = 'adoption';
  return next format('%s keeps its rows, and its own columns what is in them', coalesce(relation::text, a.relation));
  return next 'Tandem keeps history, links and what had no column until their time is over; '
    'to have none of it: drop schema tandem cascade';
end $$;
comment on function tandem.release() is
  'Takes every trigger and column of ours from the adopted table, leaves its data, and says what stays.';
