set local lock_timeout = '3s';
-- What the triggers are made of and call that the mapping makes for the adopted table.

-- Two texts of one moment would be two exceptions.
create or replace function tandem.planned_start(t text) returns text
language plpgsql immutable set search_path = '' set timezone = 'UTC' as $$
begin
  if t is null or t ~ '^\d{4}-\d{2}-\d{2}$' then return t; end if;
  return to_char(timezone('UTC', t::timestamptz), 'YYYY-MM-DD"T"HH24:MI:SS"Z"');
exception when datetime_field_overflow or invalid_datetime_format then
  raise exception 'the original start is neither a date nor a time: %', t
    using hint = 'Write 2031-03-03T09:00:00Z, or 2031-03-03 for an all-day series.', errcode =
      'invalid_datetime_format';
end $$;
comment on function tandem.planned_start(text) is
  'The planned start of an occurrence in the one form that is compared: a date, or RFC 3339 in UTC to the second.';

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
      v_poke := case when exists (select from tandem.settings s where s.key in ('clock', 'clock_offset')
        and s.value <> '0') then '-' else '0' end;
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

-- Whatever goes wrong here costs only time: the scheduler finds the changes.
create or replace function tandem.poke() returns trigger
language plpgsql volatile security definer set search_path = '' as $$
declare said text := current_setting('tandem.poke', true); events text[]; s jsonb; headers jsonb; event text; url text;
begin
  if coalesce(position(' ' in said), 0) = 0 then return null; end if;
  events := string_to_array(said, ' ');
  event := set_config('tandem.poke', case events[1] when 'c' then 'c' else '' end, true);
  select jsonb_object_agg(x.key, x.value) into s from tandem.settings x
  where x.key in ('function_url', 'function_secret', 'cluster');
  url := s ->> 'function_url';
  if url is null or to_regprocedure('net.http_post(text, jsonb, jsonb, jsonb, integer)') is null then
    return null;
  -- A session asks once which server this is: it reads a file.
  elsif s ->> 'cluster' is distinct from coalesce(nullif(current_setting('tandem.cluster', true), ''),
    set_config('tandem.cluster', tandem.cluster(), false)) then
    return null;
  end if;
  headers := jsonb_build_object('Content-Type', 'application/json',
    'Authorization', 'Bearer ' || (s ->> 'function_secret'));
  if cardinality(events) > 21 then
    event := net.http_post(url := url || '/scheduler/tick', body := jsonb_build_object('due', 20), headers := headers,
      timeout_milliseconds := 5000);
    return null;
  end if;
  url := url || case tg_op when 'INSERT' then '/event-create' when 'UPDATE' then '/event-update'
    else '/event-delete' end;
  foreach event in array events[2:] loop
    -- Components know the adopted table by this name.
    event := net.http_post(url := url, body := jsonb_build_object('type', tg_op, 'schema', 'public',
      'table', 'events', 'record', case when tg_op <> 'DELETE' then jsonb_build_object('id', event) end,
      'old_record', case when tg_op <> 'INSERT' then jsonb_build_object('id', event) end), headers := headers,
      timeout_milliseconds := 5000);
  end loop;
  return null;
exception when others then
  raise warning 'Tandem was not poked: %', sqlerrm;
  return null;
end $$;
comment on function tandem.poke() is
  'Tells the components, after the commit, that events changed. Uses pg_net where there is one.';
