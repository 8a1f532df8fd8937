set local lock_timeout = '3s';
-- What is known of the adopted table's columns, and of the columns that the mapping's expressions name.

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

create or replace function tandem.is_column(relation regclass, spec jsonb) returns boolean
language plpgsql stable set search_path = '' as $$
begin
  return jsonb_typeof(spec) = 'string' and tandem.column_type(relation, spec #>> '{}') is not null;
end $$;
comment on function tandem.is_column(regclass, jsonb) is 'Whether a mapping''s entry is a column by itself.';

create or replace function tandem.expr_sql(relation regclass, spec text) returns text
language plpgsql stable set search_path = '' as $$
begin
  return case when tandem.column_type(relation, spec) is not null then quote_ident(spec) else '(' || spec || ')' end;
end $$;
comment on function tandem.expr_sql(regclass, text) is 'A column or an expression as SQL.';

create or replace function tandem.not_null(relation regclass, name text) returns boolean
language plpgsql stable set search_path = '' as $$
begin
  return (select a.attnotnull from pg_catalog.pg_attribute a where a.attrelid = relation and a.attname = name);
end $$;
comment on function tandem.not_null(regclass, text) is 'Whether a column refuses null.';

create or replace function tandem.default_sql(relation regclass, name text) returns text
language plpgsql stable set search_path = '' as $$
begin
  return (select coalesce(pg_get_expr(d.adbin, d.adrelid), case when a.attidentity <> '' then
      format('nextval(%L::regclass)', pg_get_serial_sequence(relation::text, name)) end)
    from pg_catalog.pg_attribute a left join pg_catalog.pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
    where a.attrelid = relation and a.attname = name and a.attgenerated = '');
end $$;
comment on function tandem.default_sql(regclass, text) is 'What the table itself puts into a column of a new row.';

-- The table and the column that a column refers to.
create or replace function tandem.foreign_key(relation regclass, name text, out target regclass, out key text)
language plpgsql stable set search_path = '' as $$
begin
  select c.confrelid, f.attname into target, key from pg_catalog.pg_constraint c
  join pg_catalog.pg_attribute a on a.attrelid = c.conrelid and a.attnum = c.conkey[1]
  join pg_catalog.pg_attribute f on f.attrelid = c.confrelid and f.attnum = c.confkey[1]
  where c.conrelid = relation and c.contype = 'f' and cardinality(c.conkey) = 1 and a.attname = name limit 1;
end $$;
comment on function tandem.foreign_key(regclass, text) is 'What a column refers to, where it is a foreign key.';

-- What is not of the key's form is as stale as a key that is gone.
create or replace function tandem.known_key_sql(relation regclass, name text, source text) returns text
language plpgsql stable set search_path = '' as $$
declare f record; type text; form text;
begin
  select * into f from tandem.foreign_key(relation, name);
  if f.target is null then return null; end if;
  type := tandem.column_type(f.target, f.key);
  form := case when type in ('smallint', 'integer', 'bigint') then '^-?\d{1,' || case type when 'smallint' then 4
      when 'integer' then 9 else 18 end || '}$'
    when type = 'uuid' then '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$' end;
  return format('(select tandem_f.%1$I from %2$s tandem_f where tandem_f.%1$I = %3$s)', f.key, f.target, case
    when form is null then format('(%s #>> ''{}'')::%s', source, type)
    else format('case when %1$s #>> ''{}'' ~ %2$L then (%1$s #>> ''{}'')::%3$s end', source, form, type) end);
end $$;
comment on function tandem.known_key_sql(regclass, text, text) is
  'A foreign key''s value of jsonb, null where there is no such row any more; null for other columns.';

create or replace function tandem.labels_sql(relation regclass, name text) returns text
language plpgsql stable set search_path = '' as $$
begin
  return (select format('enum_range(null::%s)', tandem.column_type(relation, name)) from pg_catalog.pg_attribute a
    join pg_catalog.pg_type t on t.oid = a.atttypid
    where a.attrelid = relation and a.attname = name and t.typtype = 'e');
end $$;
comment on function tandem.labels_sql(regclass, text) is 'All labels of a column that is an enum, else null.';

create or replace function tandem.empty_sql(relation regclass, name text) returns text
language plpgsql stable set search_path = '' as $$
declare type text := tandem.column_type(relation, name);
begin
  return case when not tandem.not_null(relation, name) then null
    when tandem.default_sql(relation, name) is not null then tandem.default_sql(relation, name)
    when type ~ '^(text|character varying|citext|.*\.citext)' then format('''''::%s', type)
    when type like '%[]' then format('''{}''::%s', type)
    when type in ('json', 'jsonb') then format('''[]''::%s', type)
    when type = 'boolean' then 'false' end;
end $$;
comment on function tandem.empty_sql(regclass, text) is
  'What a column that refuses null has in place of nothing; null where there is no such thing.';

-- How a plain column's value is made of a field's jsonb.
create or replace function tandem.column_sql(relation regclass, name text, source text) returns text
language plpgsql stable set search_path = '' as $$
declare labels text := tandem.labels_sql(relation, name); empty text := tandem.empty_sql(relation, name);
  value text := coalesce(tandem.known_key_sql(relation, name, source),
    case when labels is not null then format('case when %s #>> ''{}'' = any (%s::text[]) then %s end', source, labels,
      tandem.cast_sql(tandem.column_type(relation, name), source)) end,
    tandem.cast_sql(tandem.column_type(relation, name), source));
begin
  return case when empty is null then value else format('coalesce(%s, %s)', value, empty) end;
end $$;
comment on function tandem.column_sql(regclass, text, text) is 'How a plain column is made of a field''s value.';

-- One entry for each column that is written: from which fields, and the expression over i.image.
create or replace function tandem.written_columns(relation regclass, m jsonb)
returns table (name text, sources text[], value text)
language plpgsql stable set search_path = '' as $$
declare f record; w record; field text;
begin
  for f in select x.key, x.value as spec from jsonb_each((m -> 'fields') || jsonb_strip_nulls(jsonb_build_object(
    'enabled', coalesce(m -> 'enabled_spec', m -> 'enabled'), 'original_start', m -> 'original_start'))) x loop
    field := format('(i.image -> %L)', f.key);
    if tandem.is_column(relation, f.spec) then
      return query select f.spec #>> '{}', array[f.key], tandem.column_sql(relation, f.spec #>> '{}', field);
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
  for f in select u.value as unit from jsonb_array_elements(coalesce(m -> 'units', '[]')) u loop
    for w in select x.key, x.value from jsonb_each_text(f.unit -> 'columns') x loop
      return query select w.key, array(select jsonb_array_elements_text(f.unit -> 'fields')),
        replace(w.value, '$1', 'i.image');
    end loop;
  end loop;
  if tandem.column_type(relation, m ->> 'series') is not null then
    return query select m ->> 'series', array['series'], case tandem.column_type(relation, m ->> 'key')
      when 'uuid' then '(i.image ->> ''series'')::uuid'
      else format('(select s.key::%s from tandem.keys s where s.event = (i.image ->> ''series'')::uuid)',
        tandem.column_type(relation, m ->> 'series')) end;
  end if;
end $$;
comment on function tandem.written_columns(regclass, jsonb) is 'What is written into which column.';

-- What a new row says besides: whose it is, and what the mapping puts there. Over i.image.
create or replace function tandem.new_columns(relation regclass, m jsonb, who text)
returns table (name text, value text)
language plpgsql stable set search_path = '' as $$
begin
  return query with w as materialized (select x.name from tandem.written_columns(relation, m) x),
  o as (select m ->> 'owner' as name, format('(%s #>> ''{}'')::%s', who, tandem.column_type(relation, m ->> 'owner'))
      as value where tandem.column_type(relation, m ->> 'owner') is not null
    union all select x.key, replace(x.value, '$1', who) from jsonb_each_text(coalesce(m -> 'owner_write', '{}')) x),
  n as (select x.key as name, replace(x.value, '$1', 'i.image') as value
      from jsonb_each_text(coalesce(m -> 'insert', '{}')) x
    union all select x.key, x.value from jsonb_each_text(coalesce(m -> 'touch', '{}')) x
      where not coalesce(m -> 'insert', '{}') ? x.key and tandem.default_sql(relation, x.key) is null)
  select o.name, o.value from o union all select n.name, n.value from n
  where n.name not in (select w.name from w) and n.name not in (select o.name from o) and n.name <> m ->> 'key';
end $$;
comment on function tandem.new_columns(regclass, jsonb, text) is
  'What a new row has in columns that no field is in.';

-- A new row's key: as the mapping says, or as the table makes it; null where a trigger of the table's does.
create or replace function tandem.new_key_sql(relation regclass, m jsonb) returns text
language plpgsql stable set search_path = '' as $$
begin
  return coalesce(m -> 'insert' ->> (m ->> 'key'), tandem.default_sql(relation, m ->> 'key'),
    case when not tandem.makes_keys(relation, m) then 'gen_random_uuid()::text' end);
end $$;
comment on function tandem.new_key_sql(regclass, jsonb) is 'How the key of a row that Tandem inserts is made.';

-- tgtype: 1 for each row, 2 before, 4 insert.
create or replace function tandem.makes_keys(relation regclass, m jsonb) returns boolean
language plpgsql stable set search_path = '' as $$
begin
  return tandem.column_type(relation, m ->> 'key') <> 'uuid' and tandem.default_sql(relation, m ->> 'key') is null
    and not coalesce(m -> 'insert' ? (m ->> 'key'), false)
    and exists (select from pg_catalog.pg_trigger t join pg_catalog.pg_proc p on p.oid = t.tgfoid
      where t.tgrelid = relation and not t.tgisinternal and t.tgtype::integer & 7 = 7
        and p.pronamespace <> 'tandem'::regnamespace
        and p.prosrc ~* format('new\s*\.\s*"?%1$s"?\s*:?=|into\s+new\s*\.\s*"?%1$s"?\y', m ->> 'key'));
end $$;
comment on function tandem.makes_keys(regclass, jsonb) is 'Whether a trigger of the table''s makes the keys.';
