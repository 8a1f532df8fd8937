set local lock_timeout = '3s';
-- What stands against adopting a table. It only reads: nothing that it looks at is locked or changed.
--   error: adopt refuses it; warning: some events will not sync, or not whole; note: what is going to be made.

create or replace function tandem.finding(level text, subject text, problem text, remedy text) returns jsonb
language plpgsql immutable set search_path = '' as $$
begin
  return jsonb_build_array(jsonb_build_object('level', level, 'subject', subject, 'problem', problem, 'remedy',
    remedy));
end $$;
comment on function tandem.finding(text, text, text, text) is 'One thing that a check found.';

-- "state": "add" before its columns are there.
create or replace function tandem.without_added(relation regclass, mapping jsonb) returns jsonb
language plpgsql stable set search_path = '' as $$
begin
  return case when mapping ->> 'state' = 'add' and exists (select from tandem.state_columns() c
    where tandem.column_type(relation, c.name) is null) then mapping - '{state}'::text[] else mapping end;
end $$;
comment on function tandem.without_added(regclass, jsonb) is 'A mapping as far as it can be read.';

-- What an expression says of some rows, or what is wrong with it.
create or replace function tandem.check_expression(relation regclass, subject text, expression text, source text)
returns jsonb
language plpgsql stable set search_path = '' as $$
declare said text;
begin
  -- Nothing is evaluated: an expression may draw from a sequence.
  execute format('select %s from %s where false', expression, source) into said;
  return '[]';
exception when others then
  return tandem.finding('error', subject, format('%s cannot be read: %s', subject, sqlerrm),
    case when sqlstate = '42P01' then 'Name other tables with their schema: public.users.'
      when sqlstate = '42703' then 'Write columns as SQL does: those with capitals in quotes.'
      else 'Correct the expression.' end);
end $$;
comment on function tandem.check_expression(regclass, text, text, text) is 'Whether an expression can be evaluated.';

create or replace function tandem.check_key(relation regclass, m jsonb) returns jsonb
language plpgsql stable set search_path = '' as $$
declare key text := m ->> 'key'; type text := tandem.column_type(relation, key); found jsonb := '[]';
begin
  if not exists (select from pg_catalog.pg_index i join pg_catalog.pg_attribute a on a.attrelid = i.indrelid
      and a.attnum = i.indkey[0] where i.indrelid = relation and i.indisunique and i.indnkeyatts = 1
      and i.indpred is null and a.attname = key) then
    found := found || case when exists (select from pg_catalog.pg_class c where c.oid = relation and c.relkind = 'p')
      then tandem.finding('warning', 'key', format('%s is partitioned, and no index says that %s is unique', relation,
        key), 'See that it is: two rows of one key would be one event. A row that moves to another partition is '
          'pending again.')
      else tandem.finding('error', 'key', format('%s is not unique in %s', key, relation),
        format('Name the primary key, or create unique index on %s (%s).', relation, quote_ident(key))) end;
  end if;
  if type <> 'uuid' and tandem.default_sql(relation, key) is null and not coalesce(m -> 'insert' ? key, false)
    and type !~ '^(text|character varying)' and not tandem.makes_keys(relation, m) then
    found := found || tandem.finding('error', 'key', format('nothing says what %s of a new row is', key),
      format('Add "insert": {"%s": "nextval(''…'')"}, or a default.', key));
  end if;
  return found;
end $$;
comment on function tandem.check_key(regclass, jsonb) is 'Whether rows can be told apart, and new ones can be made.';

create or replace function tandem.check_owner(relation regclass, m jsonb) returns jsonb
language plpgsql stable set search_path = '' as $$
begin
  if tandem.column_type(relation, m ->> 'owner') is null and coalesce(m -> 'owner_write', '{}') = '{}' then
    return tandem.finding('error', 'owner', 'the owner is an expression, and nothing says where it is written to',
      'Write {"read": "…", "write": {"column": "…"}}: an event that is born in Google becomes a row of its owner.');
  end if;
  return '[]';
end $$;
comment on function tandem.check_owner(regclass, jsonb) is 'Whether a new row can say whose it is.';

create or replace function tandem.check_columns(relation regclass, m jsonb) returns jsonb
language plpgsql stable set search_path = '' as $$
declare a record; found jsonb := '[]'; written text[]; twice text; condition text[];
begin
  written := array(select w.name from tandem.written_columns(relation, m) w
    union all select n.name from tandem.new_columns(relation, m, 'null::jsonb') n);
  for twice in select w from unnest(written) w group by 1 having count(*) > 1 loop
    found := found || tandem.finding('error', twice, format('%s is written by two entries of the mapping', twice),
      'Give it to one of them, or say in "columns" how it is made of several fields.');
  end loop;
  for a in select x.attname::text as name from pg_catalog.pg_attribute x where x.attrelid = relation and x.attnum > 0
      and not x.attisdropped and x.attgenerated <> '' and x.attname = any (written) loop
    found := found || tandem.finding('error', a.name, format('%s is generated, and cannot be written', a.name),
      'Map the field to {"read": "…"}, or to the columns that it is generated from.');
  end loop;
  for a in select x.attname::text as name from pg_catalog.pg_attribute x where x.attrelid = relation and x.attnum > 0
      and not x.attisdropped and x.attnotnull and x.attgenerated = '' and x.attname <> m ->> 'key'
      and tandem.default_sql(relation, x.attname) is null and x.attname <> all (written) loop
    found := found || tandem.finding('error', a.name, format('%s refuses null and has no default, so an event that is '
      'born in Google has nothing to put there', a.name), format('Add "insert": {"%s": "…"}.', a.name));
  end loop;
  -- A label, or a row, that may be missing: a new row has nothing then.
  for a in select w.name from tandem.written_columns(relation, m) w where tandem.not_null(relation, w.name)
      and tandem.empty_sql(relation, w.name) is null and not coalesce(m -> 'insert' ? w.name, false)
      and (tandem.labels_sql(relation, w.name) is not null
        or (tandem.foreign_key(relation, w.name)).target is not null) loop
    found := found || tandem.finding('error', a.name, format('%s refuses null, and what an event of Google''s says may '
      'be none of its values', a.name), format('Add "insert": {"%s": "…"} for such an event.', a.name));
  end loop;
  condition := tandem.named_columns(relation, m -> 'where');
  for a in select c as name from unnest(condition) c where c <> all (written) and c <> m ->> 'key'
      and tandem.default_sql(relation, c) is null and not coalesce(m -> 'delete' ? c, false) loop
    found := found || tandem.finding('warning', a.name, format('"where" asks for %s, which a row that Tandem inserts '
      'does not say', a.name), format('Add "insert": {"%s": "…"}, else the new row may be no event.', a.name));
  end loop;
  return found;
end $$;
comment on function tandem.check_columns(regclass, jsonb) is 'Columns that a new row has to have something in.';

-- What Google says in freedom, and the table in words of its own.
create or replace function tandem.check_values(relation regclass, m jsonb) returns jsonb
language plpgsql stable set search_path = '' as $$
declare c record; found jsonb := '[]'; written text[];
begin
  written := array(select w.name from tandem.written_columns(relation, m) w);
  for c in select x.conname, pg_get_constraintdef(x.oid) as says from pg_catalog.pg_constraint x
      where x.conrelid = relation and x.contype in ('c', 'x', 'u')
        and exists (select from pg_catalog.pg_attribute a where a.attrelid = relation and a.attnum = any (x.conkey)
          and a.attname = any (written)) order by 1 loop
    found := found || tandem.finding('warning', c.conname, format('an event of Google''s may break the constraint '
      '%s: %s', c.conname, c.says), 'If it can, map the field with "values" or "write"; such an event is left out with '
      'the reason.');
  end loop;
  for c in select u #>> '{fields,0}' as field, k as name, tandem.column_type(relation, k) as type
      from jsonb_array_elements(m -> 'units') u cross join jsonb_object_keys(u -> 'columns') k
      where tandem.column_type(relation, k) ~ '^(character|character varying)\(' loop
    found := found || tandem.finding('note', c.name, format('%s holds %s: what is longer is cut there, and kept whole '
      'aside', c.name, c.type), 'None is needed.');
  end loop;
  for c in select u #>> '{fields,0}' as field, k as name, u ->> 'read' as says from jsonb_array_elements(m -> 'units') u
      cross join jsonb_object_keys(u -> 'columns') k
      where tandem.labels_sql(relation, k) is not null and u ->> 'read' not like '%case when%' loop
    found := found || tandem.finding('warning', c.name, format('%s has labels of its own; a word of Google''s that is '
      'none of them is not written', c.name), format('Map %s with {"column": "%s", "values": {"confirmed": "…"}}.',
        c.field, c.name));
  end loop;
  for c in select w.name, f.target, f.key from tandem.written_columns(relation, m) w
      cross join lateral tandem.foreign_key(relation, w.name) f where f.target is not null loop
    found := found || tandem.finding('note', c.name, format('%s refers to %s: a value that is not there any more '
      'becomes null', c.name, c.target), 'None is needed.');
  end loop;
  if not (m -> 'fields' ? 'starts_at' or jsonb_path_exists(m, '$.units[*].fields[*] ? (@ == "starts_at")')
    or coalesce(m -> 'columns', '{}')::text like '%starts_at%') then
    found := found || tandem.finding('warning', 'starts_at', 'the mapping does not say when an event starts, so rows '
      'of the CRM cannot be sent to Google', 'Map "starts_at": a column, or {"date": …, "time": …}.');
  end if;
  return found;
end $$;
comment on function tandem.check_values(regclass, jsonb) is
  'Constraints, lengths, labels and keys that values can break.';

-- What is asked for one user, and for the ids of a page of a listing.
create or replace function tandem.check_indexes(relation regclass, m jsonb) returns jsonb
language plpgsql stable set search_path = '' as $$
declare c record; found jsonb := '[]';
begin
  for c in select distinct on (x.name) x.name, x.what from (values (m ->> 'owner', 'what is asked for one user'),
      (m ->> 'known_google_id', 'the first listing of each calendar'),
      (m -> 'state' ->> 'remote', 'the first listing of each calendar')) x (name, what)
    where tandem.column_type(relation, x.name) is not null and not exists (select from pg_catalog.pg_index i
      join pg_catalog.pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
      where i.indrelid = relation and i.indisvalid and a.attname = x.name) order by 1
  loop
    found := found || tandem.finding('note', c.name, format('no index finds rows by %s, so %s reads the whole table',
      c.name, c.what), format('For more than some thousand rows: create index concurrently on %s (%I).', relation,
        c.name));
  end loop;
  return found;
end $$;
comment on function tandem.check_indexes(regclass, jsonb) is 'Which indexes a table of many rows needs.';
