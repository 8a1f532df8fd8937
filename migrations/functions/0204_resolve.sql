set local lock_timeout = '3s';
-- What a mapping says in short, in the form that is generated from. A unit is what is read and written as one and says
-- less than the event does: what was written is kept aside whole, and is the answer while the columns still hold it.
--   units: [{"fields": [names], "read": expression for an object of them, "columns": {column: expression over $1, all
--   fields}, "kept": whether aside}]. In "read", tandem_kept is what is kept aside, or null.

create or replace function tandem.mapping_keys() returns text[]
language plpgsql immutable set search_path = '' as $$
begin
  return '{key,owner,fields,enabled,where,insert,touch,delete,series,original_start,state,known_google_id,
    aside,columns,own,users}'::text[];
end $$;
comment on function tandem.mapping_keys() is 'What a mapping can say.';

-- The fewest letters to change, by Levenshtein's way; only for words that people type.
create or replace function tandem.distance(a text, b text) returns integer
language plpgsql immutable set search_path = '' as $$
declare row integer[] := array(select generate_series(0, length(b))); above integer[];
begin
  for i in 1 .. length(a) loop
    above := row; row := array[i];
    for j in 1 .. length(b) loop
      row := row || least(above[j + 1] + 1, row[j] + 1,
        above[j] + (substr(a, i, 1) <> substr(b, j, 1))::integer);
    end loop;
  end loop;
  return row[length(b) + 1];
end $$;
comment on function tandem.distance(text, text) is 'How far two words are from one another.';

create or replace function tandem.refuse(message text, hint text default null) returns void
language plpgsql immutable set search_path = '' as $$
begin raise sqlstate 'PT400' using message = refuse.message, hint = coalesce(refuse.hint, ''); end $$;
comment on function tandem.refuse(text, text) is 'Refuses a mapping with a sentence and its remedy.';

create or replace function tandem.check_words(said jsonb, known text[], place text) returns void
language plpgsql immutable set search_path = '' as $$
declare word text; near text;
begin
  if jsonb_typeof(said) <> 'object' then perform tandem.refuse(place || ' is to be an object'); end if;
  for word in select k from jsonb_object_keys(said) k where k <> all (known) order by 1 loop
    select k into near from unnest(known) k order by tandem.distance(word, k), length(k) desc limit 1;
    perform tandem.refuse(format('%s has no key %s', place, word), case when tandem.distance(word, near)
      <= length(word) / 2 then format('Do you mean %s?', near) else 'It can have ' || array_to_string(known, ', ')
        || '.' end);
  end loop;
end $$;
comment on function tandem.check_words(jsonb, text[], text) is 'Refuses a word that a mapping cannot have.';

create or replace function tandem.need_column(relation regclass, name text, place text) returns text
language plpgsql stable set search_path = '' as $$
declare near text;
begin
  if tandem.column_type(relation, name) is not null then return name; end if;
  select a.attname into near from pg_catalog.pg_attribute a where a.attrelid = relation and a.attnum > 0
    and not a.attisdropped order by tandem.distance(name, a.attname), a.attname limit 1;
  perform tandem.refuse(format('%s has no column %s, which %s is mapped to', relation, name, place),
    format('Do you mean %s? An expression is written as {"read": "…"}.', near));
  return null;
end $$;
comment on function tandem.need_column(regclass, text, text) is 'A column that is there.';

-- Cut to what the column can hold, one of its labels, or another text than none.
create or replace function tandem.is_lossy(relation regclass, name text) returns boolean
language plpgsql stable set search_path = '' as $$
begin
  return tandem.labels_sql(relation, name) is not null
    or tandem.column_type(relation, name) ~ '^(character|character varying)\(\d+\)$'
    or tandem.not_null(relation, name) and tandem.default_sql(relation, name) is null
      and tandem.empty_sql(relation, name) is not null;
end $$;
comment on function tandem.is_lossy(regclass, text) is 'Whether a column can hold less than what an event says.';

create or replace function tandem.plain_unit(relation regclass, field text, name text) returns jsonb
language plpgsql stable set search_path = '' as $$
begin
  return jsonb_build_object('fields', jsonb_build_array(field), 'kept', true,
    'read', format('jsonb_build_object(%L, %s)', field, tandem.read_sql(relation, to_jsonb(name))),
    'columns', jsonb_build_object(name, tandem.column_sql(relation, name, format('($1 -> %L)', field))));
end $$;
comment on function tandem.plain_unit(regclass, text, text) is 'A field in a column that can hold less.';

-- "values": by the field's value, what of the column's is that; of several, the first is written.
create or replace function tandem.values_unit(relation regclass, field text, spec jsonb) returns jsonb
language plpgsql stable set search_path = '' as $$
declare name text := tandem.need_column(relation, spec ->> 'column', field); reads text; writes text; other text;
  type text := tandem.column_type(relation, spec ->> 'column');
begin
  perform tandem.check_words(spec, '{column,values,else}', field);
  with v as (select x.key, n, case jsonb_typeof(y.value) when 'null' then null else y.value #>> '{}' end as value
    from jsonb_each(spec -> 'values') x cross join lateral jsonb_array_elements(case jsonb_typeof(x.value)
      when 'array' then x.value else jsonb_build_array(x.value) end) with ordinality y (value, n))
  select string_agg(format('when %I::text is not distinct from %L then %L', name, v.value, v.key), ' '),
    string_agg(format('when %L then %L::%s', v.key, v.value, type), ' ') filter (where v.n = 1)
  into reads, writes from v;
  other := coalesce(spec ->> 'else', spec #>> '{values,confirmed,0}', spec #>> '{values,confirmed}',
    spec #>> '{values,default}', spec #>> '{values,opaque}');
  return jsonb_build_object('fields', jsonb_build_array(field), 'kept', true,
    'read', format('jsonb_build_object(%L, case %s end)', field, reads),
    'columns', jsonb_build_object(name, format('case $1 ->> %L %s else %L::%s end', field, writes, other, type)));
end $$;
comment on function tandem.values_unit(regclass, text, jsonb) is 'A field whose words the table has others for.';

-- Guests as addresses alone, or as objects under names of the CRM's.
create or replace function tandem.guests_unit(relation regclass, spec jsonb) returns jsonb
language plpgsql stable set search_path = '' as $$
declare name text := tandem.need_column(relation, coalesce(spec ->> 'emails', spec ->> 'people'), 'attendees');
  type text := tandem.column_type(relation, name); reads text; writes text; mail text; called text;
begin
  perform tandem.check_words(spec, '{emails,people,email,name}', 'attendees');
  mail := coalesce(spec ->> 'email', 'email'); called := coalesce(spec ->> 'name', 'name');
  reads := case when type like '%[]' or type in ('json', 'jsonb') then format('to_jsonb(%I)', name)
    else format('to_jsonb(regexp_split_to_array(nullif(trim(%I), ''''), ''\s*[,;]\s*''))', name) end;
  writes := 'tandem.emails_of($1 -> ''attendees'')';
  writes := case when spec ? 'people' then format('tandem.people_of($1 -> ''attendees'', %L, %L)', mail, called)
    when type in ('json', 'jsonb') then writes
    when type like '%[]' then format('array(select jsonb_array_elements_text(%s))', writes)
    else format('array_to_string(array(select jsonb_array_elements_text(%s)), '', '')', writes) end || '::' || type;
  return jsonb_build_object('fields', '["attendees"]'::jsonb, 'kept', true, 'columns', jsonb_build_object(name, writes),
    'read', format('jsonb_build_object(''attendees'', tandem.guests(%s, %L, %L, tandem_kept -> ''attendees''))', reads,
      mail, called));
end $$;
comment on function tandem.guests_unit(regclass, jsonb) is 'Guests as the table has them.';

create or replace function tandem.listed(value jsonb) returns jsonb
language plpgsql immutable set search_path = '' as $$
begin return case when jsonb_typeof(value) = 'array' then value else '[]' end; end $$;
comment on function tandem.listed(jsonb) is 'An array, or none.';

create or replace function tandem.emails_of(attendees jsonb) returns jsonb
language plpgsql immutable set search_path = '' as $$
begin
  return (select coalesce(jsonb_agg(x -> 'email' order by n), '[]') from jsonb_array_elements(tandem.listed(attendees))
    with ordinality y (x, n) where x ->> 'email' is not null);
end $$;
comment on function tandem.emails_of(jsonb) is 'The addresses of guests.';

create or replace function tandem.people_of(attendees jsonb, mail text, called text) returns jsonb
language plpgsql immutable set search_path = '' as $$
begin
  return (select coalesce(jsonb_agg(jsonb_build_object(mail, x -> 'email', called, x -> 'display_name') order by n),
    '[]')
    from jsonb_array_elements(tandem.listed(attendees)) with ordinality y (x, n) where x ->> 'email' is not null);
end $$;
comment on function tandem.people_of(jsonb, text, text) is 'Guests under the CRM''s names.';

-- What was kept of a guest stays theirs, whoever else was added or taken away.
create or replace function tandem.guests(said jsonb, mail text, called text, kept jsonb) returns jsonb
language plpgsql immutable set search_path = '' as $$
begin
  return (select coalesce(jsonb_agg(coalesce(k, '{}') || jsonb_strip_nulls(jsonb_build_object('email', g.email,
      'display_name', g.name)) order by g.n), '[]')
    from (select n, case jsonb_typeof(x) when 'object' then x ->> mail else x #>> '{}' end as email,
        case jsonb_typeof(x) when 'object' then x ->> called end as name
      from jsonb_array_elements(tandem.listed(said)) with ordinality y (x, n)) g
    left join lateral (select z as k from jsonb_array_elements(tandem.listed(kept)) z
      where lower(z ->> 'email') = lower(g.email) limit 1) z on true where g.email <> '');
end $$;
comment on function tandem.guests(jsonb, text, text, jsonb) is 'Guests of what the table says, with what is kept.';

create or replace function tandem.field_unit(relation regclass, field text, spec jsonb) returns jsonb
language plpgsql stable set search_path = '' as $$
begin
  if jsonb_typeof(spec) = 'string' then
    perform tandem.need_column(relation, spec #>> '{}', field);
    return case when tandem.is_lossy(relation, spec #>> '{}')
      then tandem.plain_unit(relation, field, spec #>> '{}') end;
  elsif jsonb_typeof(spec) <> 'object' then
    perform tandem.refuse(format('%s is mapped to %s', field, spec),
      'Name a column, or write {"read": "…", "write": {"column": "…"}} or {"constant": …}.');
  elsif spec ? 'values' then return tandem.values_unit(relation, field, spec);
  elsif field = 'attendees' and spec ?| '{emails,people}' then return tandem.guests_unit(relation, spec);
  end if;
  perform tandem.check_words(spec, '{read,write,constant}', field);
  if not spec ?| '{read,constant}' then
    perform tandem.refuse(format('the mapping does not say how %s is read', field), 'Add "read", or "constant".');
  end if;
  perform tandem.need_column(relation, c, field) from jsonb_object_keys(coalesce(spec -> 'write', '{}')) c;
  return null;
end $$;
comment on function tandem.field_unit(regclass, text, jsonb) is
  'The unit of a field that cannot be read back as it was written, else null.';

create or replace function tandem.split_spec(m jsonb, name text) returns jsonb
language plpgsql immutable set search_path = '' as $$
begin
  if jsonb_typeof(m -> name) <> 'object' then return m; end if;
  perform tandem.check_words(m -> name, '{read,write}', name);
  return m || jsonb_build_object(name, m -> name -> 'read', name || '_write', coalesce(m -> name -> 'write', '{}'),
    name || '_spec', m -> name);
end $$;
comment on function tandem.split_spec(jsonb, text) is 'An owner or a switch that is read and written by expressions.';

create or replace function tandem.resolve(relation regclass, mapping jsonb) returns jsonb
language plpgsql stable set search_path = '' as $$
declare m jsonb; f record; unit jsonb; units jsonb := '[]'; mapped text[];
begin
  perform tandem.check_words(mapping, tandem.mapping_keys(), 'the mapping');
  m := jsonb_build_object('key', tandem.primary_key(relation), 'fields', '{}'::jsonb) || mapping;
  if m ->> 'key' is null or tandem.column_type(relation, m ->> 'key') is null then
    perform tandem.refuse(format('%s has no column %s for its key', relation, coalesce(m ->> 'key', 'id')),
      'Name the column that says which row it is: "key".');
  elsif m ->> 'owner' is null then
    perform tandem.refuse('the mapping says of no column whose an event is: owner',
      'Add "owner": a column, or {"read": "…", "write": {"column": "…"}} where another table knows the user.');
  end if;
  perform tandem.check_words(m -> 'fields', tandem.field_names(), 'fields');
  if m ->> 'state' = 'add' then
    m := m || '{"state": {"state": "sync_state", "error": "sync_error", "remote": "google_event_id"}}'
      || jsonb_build_object('enabled', coalesce(m -> 'enabled', '"google_sync_enabled"'));
  end if;
  perform tandem.check_words(coalesce(nullif(m -> 'state', 'null'), '{}'), '{state,error,remote,calendar,access}',
    'state');
  m := tandem.split_spec(tandem.split_spec(m, 'owner'), 'enabled');
  -- What is nobody's is nobody's event.
  if not coalesce(tandem.not_null(relation, m ->> 'owner'), false) then
    m := m || jsonb_build_object('where', concat_ws(' and ', '(' || (m ->> 'where') || ')',
      tandem.expr_sql(relation, m ->> 'owner') || ' is not null'));
  end if;
  unit := tandem.time_unit(relation, m -> 'fields');
  if unit is not null then
    units := units || unit;
    m := jsonb_set(m, '{fields}', (m -> 'fields') - array(select jsonb_array_elements_text(unit -> 'fields')));
  end if;
  for f in select x.key, x.value from jsonb_each(m -> 'fields') x loop
    unit := tandem.field_unit(relation, f.key, f.value);
    if unit is not null then
      units := units || unit;
      m := m #- array['fields', f.key];
    end if;
  end loop;
  perform tandem.need_column(relation, x.value, 'state') from jsonb_each_text(coalesce(nullif(m -> 'state', 'null'),
    '{}')) x;
  if m ? 'known_google_id' then
    perform tandem.need_column(relation, m ->> 'known_google_id', 'known_google_id');
  end if;
  mapped := array(select jsonb_object_keys(m -> 'fields')
    union select jsonb_array_elements_text(u -> 'fields') from jsonb_array_elements(units) u);
  return m || jsonb_build_object('units', units, 'aside', case when mapping ? 'aside' then mapping -> 'aside'
    else to_jsonb(array(select n from unnest(tandem.field_names()) n where n <> all (mapped))) end);
end $$;
comment on function tandem.resolve(regclass, jsonb) is 'A mapping in full, as everything is generated from it.';

create or replace function tandem.primary_key(relation regclass) returns text
language plpgsql stable set search_path = '' as $$
begin
  return coalesce((select a.attname from pg_catalog.pg_constraint c join pg_catalog.pg_attribute a
    on a.attrelid = c.conrelid and a.attnum = c.conkey[1]
    where c.conrelid = relation and c.contype = 'p' and cardinality(c.conkey) = 1), 'id');
end $$;
comment on function tandem.primary_key(regclass) is 'The column that is the table''s primary key, else id.';
