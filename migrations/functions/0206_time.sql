set local lock_timeout = '3s';
-- When an event is, as the CRM's table says it: times with or without a zone, a date and a time, an end as a column, a
-- length or nothing, dates of whole days beside. These fields of a mapping are one unit:
--   starts_at, ends_at: column | {"column", "zone"} | {"date", "time", "zone"}; ends_at also {"length": interval} or
--   {"column", "unit": interval} for a column that counts units; all_day: column | {"constant": true or false};
--   starts_on, ends_on: column | {"column"} | {"last": column} where the column has the last day, not the one after.

create or replace function tandem.moment_of(f jsonb, side text, zone text) returns timestamptz
language plpgsql stable set search_path = '' as $$
begin
  return case when (f ->> 'all_day')::boolean then timezone(zone, (f ->> (side || '_on'))::timestamp)
    else (f ->> (side || '_at'))::timestamptz end;
end $$;
comment on function tandem.moment_of(jsonb, text, text) is 'When an event''s fields say that it starts or ends.';

-- Of what the columns say now, and of how long the event was and whether it was of whole days.
create or replace function tandem.time_fields(starts timestamptz, ends timestamptz, first_day date, end_day date,
  whole boolean, zone text, length interval, kept jsonb) returns jsonb
language plpgsql stable set search_path = '' as $$
declare local timestamp := timezone(zone, starts); was_whole boolean := coalesce((kept ->> 'all_day')::boolean, false);
  days integer := (kept ->> 'ends_on')::date - (kept ->> 'starts_on')::date;
begin
  if coalesce(whole, was_whole and local = date_trunc('day', local)
    and coalesce(timezone(zone, ends) = date_trunc('day', timezone(zone, ends)), true)) then
    first_day := coalesce(first_day, local::date);
    end_day := greatest(coalesce(end_day, timezone(zone, ends)::date, first_day + coalesce(days, 1)), first_day + 1);
    return jsonb_build_object('all_day', true, 'starts_on', first_day, 'ends_on', end_day, 'starts_at', null,
      'ends_at', null);
  end if;
  ends := coalesce(ends, starts + coalesce(case when not was_whole then (kept ->> 'ends_at')::timestamptz
    - (kept ->> 'starts_at')::timestamptz end, length, interval '1 hour'));
  return jsonb_build_object('all_day', false, 'starts_at', tandem.utc(starts), 'ends_at',
    tandem.utc(greatest(starts, ends)), 'starts_on', null, 'ends_on', null);
end $$;
comment on function tandem.time_fields(timestamptz, timestamptz, date, date, boolean, text, interval, jsonb) is
  'An event''s time of what the table''s columns say.';

create or replace function tandem.spec_of(spec jsonb) returns jsonb
language plpgsql immutable set search_path = '' as $$
begin return case jsonb_typeof(spec) when 'string' then jsonb_build_object('column', spec) else spec end; end $$;
comment on function tandem.spec_of(jsonb) is 'A mapping''s entry as an object.';

-- A moment of columns, and columns of a moment.
create or replace function tandem.side_of(relation regclass, side text, spec jsonb, out read text, out writes jsonb)
language plpgsql stable set search_path = '' as $$
declare zone text := coalesce(spec ->> 'zone', 'UTC'); name text; type text; moment text; field text := side || '_at';
begin
  name := tandem.need_column(relation, coalesce(spec ->> 'column', spec ->> 'date'), field);
  type := tandem.column_type(relation, name);
  moment := format('tandem.moment_of($1, %L, %L)', side, zone);
  writes := jsonb_build_object(name, case when type = 'timestamp with time zone' then moment
    else format('timezone(%L, %s)::%s', zone, moment, type) end);
  if spec ? 'time' then
    read := format('timezone(%L, %I + coalesce(%I, ''00:00''::time)::time)', zone, name,
      tandem.need_column(relation, spec ->> 'time', field));
    writes := writes || jsonb_build_object(spec ->> 'time', format('case when not coalesce(($1 '
      '->> ''all_day'')::boolean, false) then timezone(%L, %s)::%s end', zone, moment,
      tandem.column_type(relation, spec ->> 'time')));
  elsif type = 'timestamp with time zone' then read := quote_ident(name);
  elsif type ~ '^(timestamp|date)' then read := format('timezone(%L, %I::timestamp)', zone, name);
  else perform tandem.refuse(format('%s is mapped to %s, which is %s', field, name, type),
    'Name a column of timestamptz, timestamp or date, or write {"date": …, "time": …}.');
  end if;
end $$;
comment on function tandem.side_of(regclass, text, jsonb) is 'How a start or an end is read and written.';

create or replace function tandem.length_of(relation regclass, starts text, zone text, spec jsonb, out read text,
  out writes jsonb)
language plpgsql stable set search_path = '' as $$
declare name text := tandem.need_column(relation, spec ->> 'column', 'ends_at'); length text;
  type text := tandem.column_type(relation, spec ->> 'column');
begin
  length := format('(tandem.moment_of($1, ''ends'', %L) - tandem.moment_of($1, ''starts'', %1$L))', zone);
  if type = 'interval' then
    read := format('%s + %I', starts, name);
    writes := jsonb_build_object(name, length);
  else
    read := format('%s + %I * %L::interval', starts, name, spec ->> 'unit');
    writes := jsonb_build_object(name, format('(extract(epoch from %s) / extract(epoch from %L::interval))::%s', length,
      spec ->> 'unit', type));
  end if;
end $$;
comment on function tandem.length_of(regclass, text, text, jsonb) is 'How an end is read and written that is a length.';

create or replace function tandem.day_of(relation regclass, field text, spec jsonb, out read text, out writes jsonb)
language plpgsql stable set search_path = '' as $$
declare name text; shift integer := (coalesce(spec ? 'last', false) and jsonb_typeof(spec) = 'object')::integer;
begin
  if spec is null then return; end if;
  name := tandem.need_column(relation, case jsonb_typeof(spec) when 'string' then spec #>> '{}'
    else coalesce(spec ->> 'column', spec ->> 'last') end, field);
  read := format('(%I::date + %s)', name, shift);
  writes := jsonb_build_object(name, format('case when ($1 ->> ''all_day'')::boolean then (($1 ->> %L)::date - %s)::%s '
    'end', field, shift, tandem.column_type(relation, name)));
end $$;
comment on function tandem.day_of(regclass, text, jsonb) is 'How a date of an event of whole days is read and written.';

-- Null where the mapping itself says how the start is read.
create or replace function tandem.time_unit(relation regclass, fields jsonb) returns jsonb
language plpgsql stable set search_path = '' as $$
declare spec jsonb := tandem.spec_of(fields -> 'starts_at'); ending jsonb := tandem.spec_of(fields -> 'ends_at');
  zone text; starts record; ends record; first record; day record;
  whole text := 'null'; columns jsonb; is_date boolean; said jsonb := fields -> 'all_day';
begin
  if spec is null or spec ?| '{read,constant}' or ending ?| '{read,constant}' then return null; end if;
  perform tandem.check_words(spec, '{column,date,time,zone}', 'starts_at');
  perform tandem.check_words(coalesce(ending, '{}'), '{column,date,time,zone,length,unit}', 'ends_at');
  zone := coalesce(spec ->> 'zone', ending ->> 'zone', 'UTC');
  select * into starts from tandem.side_of(relation, 'starts', spec);
  is_date := not spec ? 'time' and starts.read like '%::timestamp)' and tandem.column_type(relation,
    coalesce(spec ->> 'date', spec ->> 'column')) = 'date';
  if ending ? 'unit' or tandem.column_type(relation, ending ->> 'column') = 'interval' then
    select * into ends from tandem.length_of(relation, starts.read, zone, ending);
  elsif ending is not null and not ending ? 'length' then
    select * into ends from tandem.side_of(relation, 'ends', ending);
  else select null::text as read, '{}'::jsonb as writes into ends; end if;
  select * into first from tandem.day_of(relation, 'starts_on', fields -> 'starts_on');
  select * into day from tandem.day_of(relation, 'ends_on', fields -> 'ends_on');
  columns := starts.writes || ends.writes || coalesce(first.writes, '{}') || coalesce(day.writes, '{}');
  if tandem.is_column(relation, said) then
    whole := format('coalesce(%I::boolean, false)', said #>> '{}');
    columns := columns || jsonb_build_object(said #>> '{}', format('coalesce(($1 ->> ''all_day'')::boolean, false)::%s',
      tandem.column_type(relation, said #>> '{}')));
  elsif said ? 'read' then
    whole := '(' || (said ->> 'read') || ')';
    columns := columns || coalesce((select jsonb_object_agg(w.key, replace(w.value, '$1', '($1 -> ''all_day'')'))
      from jsonb_each_text(said -> 'write') w), '{}');
  elsif is_date or said -> 'constant' = 'true' then whole := 'true';
  elsif spec ? 'time' then
    -- A day without a time.
    whole := format('case when %I is null then true end', spec ->> 'time');
  elsif said is not null and not said ? 'constant' then
    perform tandem.need_column(relation, said #>> '{}', 'all_day');
  end if;
  return jsonb_build_object('reads', said -> 'read', 'columns', columns,
    'fields', '["all_day", "starts_at", "ends_at", "starts_on", "ends_on"]'::jsonb,
    'kept', not (tandem.is_column(relation, said) and ends.read is not null
      and not coalesce(ending ? 'unit', false)), 'read', format(
    'tandem.time_fields(%s, %s, %s, %s, %s, %L, %L::interval, tandem_kept)', starts.read, coalesce(ends.read, 'null'),
    coalesce(first.read, 'null'), coalesce(day.read, 'null'), whole, zone, ending ->> 'length'));
end $$;
comment on function tandem.time_unit(regclass, jsonb) is 'When an event is, as the mapping''s fields say.';
