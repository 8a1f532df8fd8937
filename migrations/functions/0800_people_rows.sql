set local lock_timeout = '3s';
-- The adopted table as users see it: made from the mapping, like all that knows its columns. What is called my_ runs as
-- the user, so that the table's row level security has the last word; what is security definer among it only turns rows
-- that the caller has into another form. Parameters are named $1, since a CRM's columns may have any name.

-- Before a table is adopted there are no rows.
create or replace function tandem.nobodys_rows() returns void
language plpgsql volatile set search_path = '' as $$
begin
  if to_regprocedure('tandem.crm_owned(text)') is not null then return; end if;
  create function tandem.crm_owned(owner text) returns setof uuid language sql stable set search_path = ''
    as 'select null::uuid where false';
  create function tandem.crm_of(owner text) returns setof uuid language sql stable set search_path = ''
    as 'select null::uuid where false';
  create function tandem.crm_states(owner text) returns jsonb language sql stable set search_path = ''
    as 'select ''{}''::jsonb';
  create function tandem.crm_shown(events uuid[]) returns table (event uuid, state text, error text, remote text,
    calendar text, access text) language sql stable set search_path = ''
    as 'select null::uuid, null, null, null, null, null where false';
  create function tandem.my_between(timestamptz, timestamptz) returns setof uuid language sql stable
    set search_path = '' as 'select null::uuid where false';
  create function tandem.my_rows(uuid[]) returns table (id uuid, version text, starts timestamptz, shown jsonb)
    language sql stable set search_path = '' as 'select null::uuid, null, null::timestamptz, null::jsonb where false';
  create function tandem.my_lock(uuid[]) returns void language sql volatile set search_path = '' as 'select';
  create function tandem.my_insert(uuid, jsonb) returns void language sql volatile set search_path = '' as 'select';
  create function tandem.my_update(uuid, text, jsonb) returns boolean language sql volatile set search_path = ''
    as 'select false';
  create function tandem.my_delete(uuid[]) returns integer language sql volatile set search_path = '' as 'select 0';
end $$;
comment on function tandem.nobodys_rows() is 'What stands in the place of users'' rows without an adopted table.';
select tandem.nobodys_rows();

-- A condition on the owner that an index on the column can be used for.
create or replace function tandem.owner_sql(relation regclass, m jsonb, who text) returns text
language plpgsql stable set search_path = '' as $$
declare type text := tandem.column_type(relation, m ->> 'owner');
begin
  return case when type is null then format('(%s)::text = %s', m ->> 'owner', who)
    else format('%I = (%s)::%s', m ->> 'owner', who, type) end;
end $$;
comment on function tandem.owner_sql(regclass, jsonb, text) is 'The condition that a row is a user''s.';

create or replace function tandem.uid_sql(relation regclass, m jsonb) returns text
language plpgsql stable set search_path = '' as $$
begin
  return tandem.owner_sql(relation, m, case tandem.column_type(relation, m ->> 'owner')
    when 'uuid' then '(select tandem.user_uuid())' else '(select tandem.uid())' end);
end $$;
comment on function tandem.uid_sql(regclass, jsonb) is 'The condition that a row is the caller''s.';

create or replace function tandem.event_sql(s jsonb, key text) returns text
language plpgsql immutable set search_path = '' as $$
begin
  return case when (s -> 'is_uuid')::boolean then key
    else format('(select k.event from tandem.keys k where k.key = %s::text)', key) end;
end $$;
comment on function tandem.event_sql(jsonb, text) is 'Tandem''s id of the row that has a key.';

-- Ids of events as keys of rows, for a user, who may not read tandem.keys.
create or replace function tandem.picked_sql(s jsonb) returns text
language plpgsql immutable set search_path = '' as $$
begin
  return format('%s = any (%s)', s ->> 'key', case when (s -> 'is_uuid')::boolean then '$1'
    else format('tandem.my_keys($1)::%s[]', s ->> 'key_type') end);
end $$;
comment on function tandem.picked_sql(jsonb) is 'The condition that a row is one of the events $1.';

-- Where no policy says whose rows a caller sees, they see their own.
create or replace function tandem.may_sql(relation regclass, m jsonb, s jsonb) returns text
language plpgsql stable set search_path = '' as $$
begin
  return format('%s and (row_security_active(%L::regclass) or %s)', tandem.picked_sql(s), relation,
    tandem.uid_sql(relation, m));
end $$;
comment on function tandem.may_sql(regclass, jsonb, jsonb) is
  'The condition that a row is one of the caller''s events $1.';

create or replace function tandem.my_keys(uuid[]) returns text[]
language plpgsql stable security definer set search_path = '' as $$
begin return array(select k.key from tandem.keys k where k.event = any ($1)); end $$;
comment on function tandem.my_keys(uuid[]) is 'Keys of events; a key gives access to nothing.';

create or replace function tandem.my_parents(uuid[]) returns uuid[]
language plpgsql stable security definer set search_path = '' set enable_seqscan = off set jit = off as $$
begin
  return array(select distinct r.series from tandem.crm_rows r where r.event = any ($1) and r.series is not null);
end $$;
comment on function tandem.my_parents(uuid[]) is 'The series that occurrences name.';

create or replace function tandem.my_children(uuid[]) returns uuid[]
language plpgsql stable security definer set search_path = '' set enable_seqscan = off set jit = off as $$
begin return array(select s.event from tandem.crm_series s where s.root = any ($1)); end $$;
comment on function tandem.my_children(uuid[]) is 'The occurrences that name series.';

create or replace function tandem.my_series(event uuid) returns uuid[]
language plpgsql stable set search_path = '' as $$
declare root uuid := coalesce((tandem.my_parents(array[event]))[1], event);
begin return array(select root union select event union select unnest(tandem.my_children(array[root]))); end $$;
comment on function tandem.my_series(uuid) is 'An event with its series and all occurrences of that.';

create or replace function tandem.my_reaches(lines text[], length interval, since timestamptz) returns boolean
language sql stable set search_path = '' set timezone = 'UTC' as $$
  select array_to_string(lines, ' ') ~ 'RDATE' or (select count(*) from unnest(lines) l where l ~ 'RRULE') <> 1
    or coalesce(substring(array_to_string(lines, ' ') from 'UNTIL=(\d{8})')
      >= to_char(since - length - interval '2 days', 'YYYYMMDD'), true);
$$;
comment on function tandem.my_reaches(text[], interval, timestamptz) is
  'Whether a series may have occurrences after a time; a rule without an end has, and nothing is expanded here.';

create or replace function tandem.generate_owned(relation regclass, m jsonb, s jsonb) returns void
language plpgsql volatile set search_path = '' as $$
declare state jsonb := nullif(m -> 'state', 'null'); shown text;
begin
  execute format('create or replace function tandem.crm_owned(owner text) returns setof uuid language plpgsql stable '
    'set search_path = '''' as $f$ #variable_conflict use_column
begin return query select x.event from (select %s as event, %s as tandem_series '
    'from %s e where %s and %s and %s) x where x.event is not null and x.tandem_series is null; '
    'exception when invalid_text_representation then return; end $f$', tandem.event_sql(s, 'e.' || (s ->> 'key')),
    s ->> 'series', relation, s ->> 'where', s ->> 'enabled', tandem.owner_sql(relation, m, '$1'));
  execute format('create or replace function tandem.crm_of(owner text) returns setof uuid language plpgsql stable '
    'set search_path = '''' as $f$ #variable_conflict use_column
begin return query select x.event from (select %s as event from %s e where %s and %s) x where x.event is not null; '
    'exception when invalid_text_representation then return; end $f$', tandem.event_sql(s, 'e.' || (s ->> 'key')),
    relation, s ->> 'where', tandem.owner_sql(relation, m, '$1'));
  shown := case when state is null then format('select count(*) as n, a.state as what from (select %s as event '
      'from %s e where %s and %s) x left join tandem.event_state a on a.event = x.event group by 2',
      tandem.event_sql(s, 'e.' || (s ->> 'key')), relation, s ->> 'where', tandem.owner_sql(relation, m, '$1'))
    else format('select count(*) as n, e.%I::text as what from %s e where %s and %s group by 2', state ->> 'state',
      relation, s ->> 'where', tandem.owner_sql(relation, m, '$1')) end;
  execute format('create or replace function tandem.crm_states(owner text) returns jsonb language plpgsql stable '
    'set search_path = '''' as $f$ #variable_conflict use_column
begin return (select coalesce(jsonb_object_agg(coalesce(y.what, ''none''), y.n), ''{}'') from (%s) y); '
    'exception when invalid_text_representation then return ''{}''; end $f$', shown);
  shown := case when state is null then 'select a.event, a.state, a.error, a.remote, a.calendar, a.access '
      'from tandem.event_state a where a.event = any ($1) union all select r.event, ''none'', null, null, null, null '
      'from tandem.crm_rows r where r.event = any ($1) '
      'and not exists (select from tandem.event_state a where a.event = r.event)'
    else (select format('select x.event, x.s, x.e, x.r, x.c, x.a from (select %s as event, %s from %s e where %s) x',
      tandem.event_sql(s, 'e.' || (s ->> 'key')), string_agg(case when state ->> c is null then 'null::text'
        else format('e.%I::text', state ->> c) end || ' as ' || left(c, 1), ', '), relation, tandem.picked_sql(s))
      from unnest('{state,error,remote,calendar,access}'::text[]) c) end;
  execute format('create or replace function tandem.crm_shown(events uuid[]) returns table (event uuid, state text, '
    'error text, remote text, calendar text, access text) language plpgsql stable set search_path = '''' '
    'set enable_seqscan = off set jit = off as $f$ #variable_conflict use_column
begin return query %s; end $f$', shown);
end $$;
comment on function tandem.generate_owned(regclass, jsonb, jsonb) is
  'Makes what asks for a user''s rows, and what they show.';

select tandem.seal();
