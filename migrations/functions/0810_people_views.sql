set local lock_timeout = '3s';

-- The column that a field is in, where it is in one of that type and can be compared as it is.
create or replace function tandem.column_of(relation regclass, m jsonb, field text, type text) returns text
language plpgsql stable set search_path = '' as $$
begin
  return (select c from (
    select m -> 'fields' ->> field as c where jsonb_typeof(m -> 'fields' -> field) = 'string'
    union all select k.key from jsonb_each(coalesce(m -> 'columns', '{}')) k where k.value -> 'from' ? field
      and k.value ->> 'write' like '%' || field || '%'
    union all select k.key from jsonb_each(coalesce(m -> 'columns', '{}')) k
      where k.value -> 'from' ? field and k.key = field) x
  where tandem.column_type(relation, c) = type limit 1);
end $$;
comment on function tandem.column_of(regclass, jsonb, text, text) is
  'The column of a type that holds a field, or null.';

create or replace function tandem.generate_view(relation regclass, m jsonb, s jsonb) returns void
language plpgsql volatile set search_path = '' as $$
declare f regprocedure; state text; stamps text; series text; columns jsonb := nullif(m -> 'state', 'null');
  joins text := '';
begin
  for f in select p.oid::regprocedure from pg_catalog.pg_proc p where p.pronamespace = 'tandem'::regnamespace
    and p.proname in ('my_view', 'my_record')
    and p.proargtypes[0] <> (select k.reltype from pg_catalog.pg_class k where k.oid = relation)
  loop
    execute format('drop function %s', f);
  end loop;
  select string_agg(format('%L, %s', n, case when columns is null and c = 'state' then 'coalesce(a.state, ''none'')'
    when columns is null then format('a.%I', c) when columns ->> c is null then 'null'
    else format('($1).%I', columns ->> c) end), ', ')
  into state from (values ('sync_state', 'state'), ('sync_error', 'error'), ('google_event_id', 'remote'),
    ('google_calendar_id', 'calendar'), ('google_access', 'access')) x (n, c);
  select string_agg(format('%L, %s', c, case tandem.column_type(relation, c) when 'timestamp with time zone'
    then format('tandem.utc(($1).%I)', c) else 'null' end), ', ')
  into stamps from unnest('{created_at,updated_at}'::text[]) c;
  series := case when (s -> 'is_uuid')::boolean then s ->> 'series'
    else format('(select k.event from tandem.keys k where k.key = (%s)::text)', s ->> 'series') end;
  -- What is kept beside the table is for the row's owner alone, since any caller can make up a row.
  if (s -> 'has_aside')::boolean or m ->> 'series' is null or m ->> 'original_start' is null or columns is null then
    joins := ' left join tandem.crm_rows r on r.event = y.event and r.owner = tandem.uid() '
      'left join tandem.event_fields f on f.event = r.event left join tandem.event_state a on a.event = r.event';
  end if;
  execute format('create or replace function tandem.my_view(%1$s) returns jsonb language plpgsql stable '
    'security definer set search_path = '''' set enable_seqscan = off set jit = off as $f$ #variable_conflict use_column
begin return (select y.fields || jsonb_build_object(''id'', y.event, '
    '''google_sync_enabled'', y.enabled, ''recurring_event_id'', %9$s, ''original_start'', %10$s, %2$s, %3$s) '
    'from (select %4$s as fields, %5$s as enabled, %6$s as series, %7$s as original_start, %8$s as event '
    'from (select ($1).*) e%12$s) y%11$s); end $f$',
    relation, state, stamps, s ->> 'fields', s ->> 'enabled', series, s ->> 'original_start',
    tandem.event_sql(s, 'e.' || (s ->> 'key')),
    case joins when '' then 'y.series' else 'coalesce(y.series, f.series)' end,
    case joins when '' then 'y.original_start' else 'coalesce(y.original_start, f.original_start)' end, joins,
    replace(tandem.kept_sql(s, tandem.event_sql(s, 'e.' || (s ->> 'key'))), 'where tandem_f.event',
      'join tandem.crm_rows '
      'tandem_r on tandem_r.event = tandem_f.event and tandem_r.owner = tandem.uid() where tandem_f.event'));
end $$;
comment on function tandem.generate_view(regclass, jsonb, jsonb) is
  'Makes tandem.my_view: a row as the page''s interface shows it, for a caller who has the row.';

create or replace function tandem.generate_my_reads(relation regclass, m jsonb, s jsonb) returns void
language plpgsql volatile set search_path = '' as $$
declare starts text := tandem.column_of(relation, m, 'starts_at', 'timestamp with time zone');
  ends text := tandem.column_of(relation, m, 'ends_at', 'timestamp with time zone');
  all_day text := coalesce('e.' || quote_ident(tandem.column_of(relation, m, 'all_day', 'boolean')), 'false');
  rule text := tandem.column_of(relation, m, 'recurrence', 'text[]'); mine text := tandem.uid_sql(relation, m);
  hits text; event text := '(tandem.my_view(e) ->> ''id'')::uuid';
begin
  if starts is null or ends is null or rule is null and m -> 'fields' ? 'recurrence' then
    hits := format('select tandem.my_hits(array(select tandem.my_view(e) from %s e where %s and %s), $1, $2)',
      relation, s ->> 'where', mine);
  else
    -- An event longer than a month is looked for by itself, so that a range need not be read from the beginning of
    -- time. A day more for dates, which begin and end elsewhere in other zones.
    hits := format('select (tandem.my_view(e) ->> ''id'')::uuid from (select * from %1$s where %2$s and %3$s '
      'and %4$I >= $1 - interval ''32 days'' and %4$I < $2 + interval ''1 day'' union all select * from %1$s '
      'where %2$s and %3$s and %4$I < $1 - interval ''32 days'' and %5$I - %4$I > interval ''31 days'') e '
      'where case when %6$s then e.%5$I > $1 - interval ''1 day'' '
      'else e.%4$I < $2 and (e.%5$I > $1 or e.%4$I >= $1) end',
      relation, s ->> 'where', mine, starts, ends, all_day);
    if rule is not null then
      hits := hits || format(' union select (tandem.my_view(e) ->> ''id'')::uuid from %1$s e where %2$s and %3$s '
        'and %6$I is not null and %4$I < $2 + interval ''1 day'' and tandem.my_reaches(%6$I, %5$I - %4$I, $1)',
        relation, s ->> 'where', mine, starts, ends, rule);
    end if;
  end if;
  if (s -> 'is_uuid')::boolean then hits := replace(hits, event, 'e.' || (s ->> 'key')); end if;
  execute format('create or replace function tandem.my_between(timestamptz, timestamptz) returns setof uuid '
    'language plpgsql stable set search_path = '''' as $f$ begin return query %s; end $f$', hits);
  execute format('create or replace function tandem.my_rows(uuid[]) returns table (id uuid, version text, '
    'starts timestamptz, shown jsonb) language plpgsql stable set search_path = '''' '
    'set enable_seqscan = off set jit = off '
    'as $f$ #variable_conflict use_column
begin return query select (x.v ->> ''id'')::uuid, x.version, coalesce((x.v ->> ''starts_at'')::timestamptz, '
    'timezone(''UTC'', (x.v ->> ''starts_on'')::timestamp)), x.v '
    'from (select e.xmin::text as version, tandem.my_view(e) as v from %s e where %s and %s) x '
    'order by 3, 1; end $f$', relation, s ->> 'where', tandem.may_sql(relation, m, s));
  execute format('create or replace function tandem.my_lock(uuid[]) returns void language plpgsql volatile '
    'set search_path = '''' set enable_seqscan = off set jit = off as $f$ begin '
    'perform from %s e where %s order by %s for update; end $f$',
    relation, tandem.may_sql(relation, m, s), s ->> 'key');
end $$;
comment on function tandem.generate_my_reads(regclass, jsonb, jsonb) is 'Makes what reads a user''s rows as the user.';

-- For tables whose columns say it otherwise: all of the caller's rows are looked through.
create or replace function tandem.my_hits(rows jsonb[], lo timestamptz, hi timestamptz) returns setof uuid
language plpgsql stable set search_path = '' set timezone = 'UTC' as $$
begin
  return query select (x.r ->> 'id')::uuid from (
    select r, coalesce((r ->> 'starts_at')::timestamptz, (r ->> 'starts_on')::timestamptz) as starts,
      coalesce((r ->> 'ends_at')::timestamptz, (r ->> 'ends_on')::timestamptz) as ends,
      coalesce((r ->> 'all_day')::boolean, false) as all_day, case when jsonb_typeof(r -> 'recurrence') = 'array'
        then array(select jsonb_array_elements_text(r -> 'recurrence')) end as lines from unnest(rows) r) x
  where case when x.all_day then x.starts < hi + interval '1 day' and x.ends > lo - interval '1 day'
      else x.starts < hi and (x.ends > lo or x.starts >= lo) end
    or x.lines is not null and x.starts < hi + interval '1 day' and tandem.my_reaches(x.lines, x.ends - x.starts, lo);
end $$;
comment on function tandem.my_hits(jsonb[], timestamptz, timestamptz) is
  'Those of these rows that may reach into a range.';

select tandem.seal();
