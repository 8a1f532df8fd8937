set local lock_timeout = '3s';
-- The CRM's table. Everything that knows its columns is generated here from a mapping:
--   key, owner, enabled, series, original_start: a column or an expression; owner is needed, key is "id" by default
--   fields: {name: column | {"read": expression} | {"read", "write": {column: expression}} | {"constant": value}}
--   columns: {column: {"from": [fields], "write": expression}} for columns that several fields are in
--   where: which rows are events; delete: {column: expression} instead of a deletion
--   own: columns that only Tandem writes; touch: {column: expression} set with each write
--   state: {"state", "error", "remote", "calendar", "access": column}; without it, it is in tandem.event_state
-- In "write", $1 is the field's jsonb value (of "columns": all fields) and $2 all fields.

create or replace function tandem.column_type(relation regclass, name text) returns text
language plpgsql stable set search_path = '' as $$
begin
  return (select format_type(a.atttypid, a.atttypmod) from pg_catalog.pg_attribute a
    where a.attrelid = relation and a.attname = name and a.attnum > 0 and not a.attisdropped);
end $$;
comment on function tandem.column_type(regclass, text) is 'A column''s type, or null where there is none of that name.';

-- Not a call of tandem.utc: a bulk statement reads many.
create or replace function tandem.utc_sql(expression text) returns text
language plpgsql immutable set search_path = '' as $$
begin
  return format('to_char(timezone(''UTC'', %s), ''YYYY-MM-DD"T"HH24:MI:SS.US"Z"'')', expression);
end $$;
comment on function tandem.utc_sql(text) is 'A time as tandem.utc gives it.';

create or replace function tandem.read_sql(relation regclass, spec jsonb) returns text
language plpgsql stable set search_path = '' as $$
declare name text := spec #>> '{}';
begin
  if spec ? 'constant' then return format('%L::jsonb', spec -> 'constant'); end if;
  if spec ? 'read' then return '(' || (spec ->> 'read') || ')'; end if;
  return case tandem.column_type(relation, name)
    when 'timestamp with time zone' then tandem.utc_sql(quote_ident(name))
    when 'timestamp without time zone' then tandem.utc_sql(format('timezone(''UTC'', %I)', name))
    else format('to_jsonb(%I)', name) end;
end $$;
comment on function tandem.read_sql(regclass, jsonb) is 'How a field is read.';

create or replace function tandem.cast_sql(type text, source text) returns text
language plpgsql immutable set search_path = '' as $$
begin
  return case when type in ('jsonb', 'json') then format('nullif(%s, ''null''::jsonb)::%s', source, type)
    when type like '%[]' then format('case when jsonb_typeof(%1$s) = ''array'' then '
      'array(select jsonb_array_elements_text(%1$s))::%2$s end', source, type)
    when type = 'timestamp without time zone' then format('timezone(''UTC'', (%s #>> ''{}'')::timestamptz)', source)
    else format('(%s #>> ''{}'')::%s', source, type) end;
end $$;
comment on function tandem.cast_sql(text, text) is 'How a column''s value is made of jsonb.';

-- One entry for each column that is written: from which fields, and the expression over i.image.
create or replace function tandem.written_columns(relation regclass, m jsonb)
returns table (name text, sources text[], value text)
language plpgsql stable set search_path = '' as $$
declare f record; w record; field text;
begin
  for f in select x.key, x.value as spec from jsonb_each((m -> 'fields') || jsonb_strip_nulls(jsonb_build_object(
    'enabled', m -> 'enabled', 'original_start', m -> 'original_start'))) x loop
    field := format('(i.image -> %L)', f.key);
    if jsonb_typeof(f.spec) = 'string' and tandem.column_type(relation, f.spec #>> '{}') is not null then
      return query select f.spec #>> '{}', array[f.key],
        tandem.cast_sql(tandem.column_type(relation, f.spec #>> '{}'), field);
    end if;
    for w in select x.key, x.value from jsonb_each_text(coalesce(nullif(f.spec -> 'write', 'null'), '{}')) x loop
      return query select w.key, array[f.key],
        replace(replace(w.value, '$1', field), '$2', 'i.image');
    end loop;
  end loop;
  for w in select x.key, x.value from jsonb_each(coalesce(m -> 'columns', '{}')) x loop
    return query select w.key, array(select jsonb_array_elements_text(w.value -> 'from')),
      replace(w.value ->> 'write', '$1', 'i.image');
  end loop;
  if tandem.column_type(relation, m ->> 'series') is not null then
    return query select m ->> 'series', array['series'], case tandem.column_type(relation, m ->> 'key')
      when 'uuid' then '(i.image ->> ''series'')::uuid'
      else format('(select s.key::%s from tandem.keys s where s.event = (i.image ->> ''series'')::uuid)',
        tandem.column_type(relation, m ->> 'series')) end;
  end if;
end $$;
comment on function tandem.written_columns(regclass, jsonb) is 'What is written into which column.';

-- Columns that an expression names.
create or replace function tandem.named_columns(relation regclass, spec jsonb) returns text[]
language plpgsql stable set search_path = '' as $$
begin
  return array(select a.attname::text from pg_catalog.pg_attribute a
    where a.attrelid = relation and a.attnum > 0 and not a.attisdropped
      and coalesce(spec ->> 'read', spec #>> '{}') ~ ('(^|[^[:alnum:]_$])"?' || a.attname || '"?($|[^[:alnum:]_$])')
      and not spec ? 'constant'
    order by a.attnum);
end $$;
comment on function tandem.named_columns(regclass, jsonb) is 'The table''s columns that a mapping''s entry names.';

create or replace function tandem.adopt(relation regclass, mapping jsonb) returns void
language plpgsql volatile set search_path = '' as $$
declare m jsonb := jsonb_build_object('key', 'id', 'fields', '{}'::jsonb) || mapping; name text; c text; old text;
begin
  if tandem.column_type(relation, m ->> 'key') is null then
    raise sqlstate 'PT400' using message = format('%s has no column %s for its key', relation, m ->> 'key');
  elsif m ->> 'owner' is null then
    raise sqlstate 'PT400' using message = 'the mapping says of no column whose an event is: owner';
  end if;
  for name, c in select f.key, f.value #>> '{}' from jsonb_each(m -> 'fields') f where jsonb_typeof(f.value) = 'string'
    union all select 'state', s.value from jsonb_each_text(coalesce(m -> 'state', '{}')) s
  loop
    if tandem.column_type(relation, c) is null then
      raise sqlstate 'PT400' using message = format('%s has no column %s, which %s is mapped to', relation, c, name);
    end if;
  end loop;
  select a.relation into old from tandem.adoption a;
  if old is not null and to_regclass(old) is not null and to_regclass(old) <> relation then
    perform tandem.drop_triggers(to_regclass(old));
  end if;
  insert into tandem.adoption as a (relation, mapping)
  select format('%I.%I', n.nspname, k.relname), m from pg_catalog.pg_class k
  join pg_catalog.pg_namespace n on n.oid = k.relnamespace where k.oid = adopt.relation
  on conflict (one) do update set relation = excluded.relation, mapping = excluded.mapping, adopted_at =
    clock_timestamp();
  perform tandem.generate();
end $$;
comment on function tandem.adopt(regclass, jsonb) is
  'Makes a table the one whose rows are the events; see the head of its file.';

create or replace function tandem.drop_triggers(relation regclass) returns void
language plpgsql volatile set search_path = '' as $$
declare name text;
begin
  for name in select t.tgname from pg_catalog.pg_trigger t join pg_catalog.pg_proc p on p.oid = t.tgfoid
    where t.tgrelid = relation and p.pronamespace = 'tandem'::regnamespace and not t.tgisinternal loop
    execute format('drop trigger %I on %s', name, relation);
  end loop;
end $$;
comment on function tandem.drop_triggers(regclass) is 'Takes Tandem''s triggers from a table.';

create or replace function tandem.generate() returns void
language plpgsql volatile set search_path = '' as $$
declare relation regclass; m jsonb; names text[];
begin
  select to_regclass(a.relation), a.mapping into relation, m from tandem.adoption a;
  if relation is null then
    create or replace view tandem.crm_rows as select null::uuid as event, null::text as owner, null::boolean as enabled,
      null::uuid as series, null::text as original_start, null::jsonb as fields where false;
    create or replace view tandem.crm_series as select null::uuid as root, null::uuid as event where false;
    create or replace function tandem.crm_named(remotes text[]) returns table (event uuid, remote text)
      language sql stable set search_path = '' as 'select null::uuid, null::text where false';
    return;
  end if;
  names := array(select jsonb_object_keys(m -> 'fields') union select jsonb_array_elements_text(
    coalesce(m -> 'aside', '[]')) order by 1);
  update tandem.adoption a set fields = names || '{owner,enabled,series,original_start}' where true;
  if tandem.column_type(relation, m ->> 'key') <> 'uuid' then
    execute format('insert into tandem.keys (key) select %I::text from %s on conflict (key) do nothing', m ->> 'key',
      relation);
  end if;
  perform tandem.generate_reads(relation, m);
  perform tandem.generate_writes(relation, m);
  perform tandem.generate_show(relation, m);
  perform tandem.generate_triggers(relation, m);
  perform tandem.seal();
end $$;
comment on function tandem.generate() is 'Makes everything anew that knows the adopted table''s columns.';
