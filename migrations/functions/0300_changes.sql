set local lock_timeout = '3s';
-- What CRM transactions leave behind: rows in tandem.changes, and a poke. They take no lock of Tandem's.

-- A service may store what it likes; a load takes such a row for a family of its own.
create or replace function tandem.check_series(named uuid, owner_id text) returns void
language plpgsql stable set search_path = '' as $$
begin
  if named is null or tandem.uid() is null then return; end if;
  if exists (select from tandem.crm_rows r where r.event = named and r.owner is distinct from owner_id) then
    raise sqlstate 'PT403' using message = 'the series that this occurrence names is another user''s';
  end if;
end $$;
comment on function tandem.check_series(uuid, text) is 'Refuses an occurrence of a series of somebody else''s.';

create or replace function tandem.key_of(row_key text) returns uuid
language plpgsql volatile set search_path = '' as $$
declare known uuid := (select k.event from tandem.keys k where k.key = row_key);
begin
  if known is null then
    insert into tandem.keys (key) values (row_key) returning event into known;
  end if;
  return known;
end $$;
comment on function tandem.key_of(text) is 'Tandem''s id of a row, made where it has none.';

-- One statement, part of the generated trigger: a function of its own would cost more than it does.
create or replace function tandem.append_sql() returns text
language plpgsql immutable set search_path = '' as $$
begin
  return $sql$
    -- tandem.poke: 0, or c in a commit of Tandem's, or - where tests have moved the clock; then what has changed so
    -- far.
    v_poke := current_setting('tandem.poke', true);
    if v_poke is null or v_poke = '' then
      v_poke := case when coalesce(tandem.setting('clock'), tandem.setting('clock_offset'), '0') = '0' then '0' else
        '-' end;
    end if;
    v_time := clock_timestamp();
    if not starts_with(v_poke, '0') then
      -- What Tandem writes itself is compared once it is written.
      if starts_with(v_poke, 'c') and exists (select from tandem.writing w where w.event = v_event) then return null;
        end if;
      v_time := tandem.clock();
    end if;
    v_rev := (extract(epoch from v_time) * 1000000)::bigint;
    v_high := nextval('tandem.revs');
    if v_rev < v_high then
      -- The clock is not ahead of all revs there have been: this event's are looked at.
      v_rev := tandem.next_rev(v_event, v_rev);
    end if;
    v_high := setval('tandem.revs', greatest(v_high, v_rev));
    insert into tandem.changes (event, root, owner, rev, op, fields, old_row, changed_at)
    values (v_event, coalesce(v_series, v_event), v_owner, v_rev, v_op, v_fields, v_old, v_time);
    if length(v_poke) < 760 then
      v_poke := set_config('tandem.poke', v_poke || ' ' || v_event, true);
    end if;
  $sql$;
end $$;
comment on function tandem.append_sql() is 'How a generated trigger appends a change.';

create or replace function tandem.next_rev(event_id uuid, clock_rev bigint) returns bigint
language plpgsql stable set search_path = '' set enable_seqscan = off as $$
begin
  return greatest(clock_rev, 1 + (select c.rev from tandem.changes c where c.event = event_id order by c.rev desc
    limit 1),
    1 + (select o.rev from tandem.open_changes o where o.event = event_id),
    1 + (select max(l.last_rev) from tandem.links l where l.event = event_id));
end $$;
comment on function tandem.next_rev(uuid, bigint) is
  'The rev of a change, where the clock may be behind: more than the event''s last.';

create or replace function tandem.add_change(v_event uuid, v_series uuid, v_owner text, v_fields text[]) returns void
language plpgsql volatile set search_path = '' as $$
declare t timestamptz := tandem.clock(); v_rev bigint := tandem.next_rev(v_event, tandem.rev(t)); v_high bigint;
begin
  insert into tandem.changes (event, root, owner, rev, op, fields, changed_at)
  values (v_event, coalesce(v_series, v_event), v_owner, v_rev, 'update', v_fields, t);
  v_high := setval('tandem.revs', greatest(nextval('tandem.revs'), v_rev));
end $$;
comment on function tandem.add_change(uuid, uuid, text, text[]) is
  'Appends the edit of a CRM''s trigger to what Tandem wrote.';

-- Whatever goes wrong here costs only time: the scheduler finds the changes.
create or replace function tandem.poke() returns trigger
language plpgsql volatile security definer set search_path = '' as $$
declare events text[] := string_to_array(current_setting('tandem.poke', true), ' '); s jsonb; headers jsonb; event text;
  post text := 'select net.http_post(url := $1, body := $2, headers := $3, timeout_milliseconds := 5000)';
begin
  if coalesce(cardinality(events), 0) < 2 then return null; end if;
  event := set_config('tandem.poke', case events[1] when 'c' then 'c' else '' end, true);
  if to_regprocedure('net.http_post(text, jsonb, jsonb, jsonb, integer)') is null then return null; end if;
  select jsonb_object_agg(x.key, x.value) into s from tandem.settings x
  where x.key in ('function_url', 'function_secret', 'cluster');
  if s ->> 'function_url' is null or s ->> 'cluster' is distinct from tandem.cluster() then return null; end if;
  headers := jsonb_build_object('Content-Type', 'application/json', 'Authorization', 'Bearer ' || (s ->>
    'function_secret'));
  if cardinality(events) > 20 then
    execute post using (s ->> 'function_url') || '/scheduler/tick', jsonb_build_object('due', 20), headers;
    return null;
  end if;
  foreach event in array events[2:] loop
    execute post using (s ->> 'function_url') || case tg_op when 'INSERT' then '/event-create'
        when 'UPDATE' then '/event-update' else '/event-delete' end,
      jsonb_build_object('type', tg_op, 'schema', tg_table_schema, 'table', tg_table_name,
        'record', case when tg_op <> 'DELETE' then jsonb_build_object('id', event) end,
        'old_record', case when tg_op <> 'INSERT' then jsonb_build_object('id', event) end), headers;
  end loop;
  return null;
exception when others then
  raise warning 'Tandem was not poked: %', sqlerrm;
  return null;
end $$;
comment on function tandem.poke() is
  'Tells the components, after the commit, that events changed. Uses pg_net where there is one.';

create or replace function tandem.before_truncate() returns trigger
language plpgsql volatile security definer set search_path = '' as $$
begin
  if exists (select from tandem.links l where l.state <> 'deleted') then
    raise exception 'events that are linked to a calendar cannot be truncated'
      using hint = 'Use DELETE, which the calendar follows, or disconnect the calendars first.';
  end if;
  insert into tandem.settings as s (key, value) values ('touched_horizon', pg_current_xact_id()::text)
  on conflict (key) do update set value = excluded.value;
  return null;
end $$;
comment on function tandem.before_truncate() is 'TRUNCATE fires no row trigger, so it would lose deletions.';

-- After a write: what the rows say now, against what was written. Triggers of the CRM's may have changed it.
create or replace function tandem.settle() returns void
language plpgsql volatile set search_path = '' set enable_seqscan = off as $$
declare n bigint;
begin
  with written as materialized (delete from tandem.writing where true returning event, expected),
  -- What is kept aside is not in the table, so no trigger of the CRM's can change it.
  differs as (
    select r.event, r.owner, r.series, tandem.differing(w.expected -> 'fields', (select
      coalesce(jsonb_object_agg(x.key, x.value), '{}')
        from jsonb_each(r.fields) x where w.expected -> 'fields' ? x.key)) || array_remove(array[
      case when w.expected ->> 'owner' is distinct from r.owner then 'owner' end,
      case when (w.expected ->> 'enabled')::boolean is distinct from r.enabled then 'enabled' end,
      case when w.expected ->> 'series' is distinct from r.series::text and a.mapping ? 'series' then 'series' end,
      case when w.expected ->> 'original_start' is distinct from r.original_start and a.mapping ? 'original_start'
        then 'original_start' end], null) as fields
    -- Row by row by its key, however many rows there are.
    from written w cross join lateral (select x.* from tandem.crm_rows x where x.event = w.event offset 0) r
    cross join tandem.adoption a where w.expected is not null)
  select count(tandem.add_change(d.event, d.series, d.owner, d.fields)) into n from differs d where d.fields <> '{}';
end $$;
comment on function tandem.settle() is 'Notes the edits that the CRM''s triggers made to what Tandem wrote.';
