set local lock_timeout = '3s';
-- The CRM's table. Everything that knows its columns is generated from a mapping (docs/adopting.md has its keys). In
-- full, as tandem.resolve makes it of what a team wrote:
--   key, owner, enabled, series, original_start: a column or an expression; owner_write, enabled_write: {column:
--     expression} where it is one
--   fields: {name: column | {"read": expression} | {"read", "write": {column: expression}} | {"constant": value}}
--   units: fields that are read and written as one, or in columns that can hold less (0204)
--   columns: {column: {"from": [fields], "write": expression}} for columns that several fields are in
--   aside: the names of all other fields, which are kept in tandem.event_fields
--   where: which rows are events; delete: {column: expression} instead of a deletion
--   insert: {column: expression} for a row that Tandem inserts; touch: {column: expression} set with each write
--   own: columns that only Tandem writes
--   state: {"state", "error", "remote", "calendar", "access": column}; without it, it is in tandem.event_state
-- In "write", $1 is the field's jsonb value (of "columns", "units" and "insert": all fields) and $2 all fields.

create or replace function tandem.adopt(relation regclass, mapping jsonb) returns setof text
language plpgsql volatile set search_path = '' as $$
declare old text; wrong record; done text; names text;
begin
  -- Each lock is held for a moment; who holds one for longer is not waited for, with everybody else behind.
  if current_setting('lock_timeout') = '0' then done := set_config('lock_timeout', '3s', true); end if;
  select c.subject, c.problem, c.remedy into wrong from tandem.adopt_check(relation, mapping) c where c.level = 'error'
    limit 1;
  if found then perform tandem.refuse(wrong.problem, wrong.remedy); end if;
  select a.relation into old from tandem.adoption a;
  if old is not null and to_regclass(old) is not null and to_regclass(old) <> relation then
    perform tandem.need_unused(old);
    perform tandem.drop_triggers(to_regclass(old));
  end if;
  select format('%I.%I', n.nspname, k.relname) into names from pg_catalog.pg_class k
    join pg_catalog.pg_namespace n on n.oid = k.relnamespace where k.oid = adopt.relation;
  perform tandem.keep_dropped(adopt.relation, a.mapping, tandem.resolve(adopt.relation,
    tandem.without_added(adopt.relation,
    adopt.mapping))) from tandem.adoption a where to_regclass(a.relation) = adopt.relation;
  insert into tandem.adoption as a (relation, given, mapping) values (names, adopt.mapping, '{}')
  on conflict (one) do update set relation = excluded.relation, given = excluded.given, mapping = '{}',
    adopted_at = clock_timestamp();
  if adopt.mapping ->> 'state' = 'add' then perform tandem.add_columns(relation); end if;
  perform tandem.generate();
  return query select tandem.adopted_lines();
end $$;
comment on function tandem.adopt(regclass, jsonb) is
  'Makes a table the one whose rows are the events, and says what it made; see docs/adopting.md.';

-- A field that another mapping keeps aside still says what its column said, else the CRM would seem to have cleared it.
create or replace function tandem.keep_dropped(relation regclass, old jsonb, new jsonb) returns void
language plpgsql volatile set search_path = '' as $$
declare names text[] := array(select jsonb_array_elements_text(tandem.mapped(relation, new) -> 'stored')
  except select jsonb_array_elements_text(tandem.mapped(relation, old) -> 'stored'));
begin
  insert into tandem.event_fields as a (event, fields)
  select r.event, jsonb_object_agg(f.key, f.value) from tandem.crm_rows r cross join jsonb_each(r.fields) f
  where f.key = any (names) and exists (select from tandem.links l where l.event = r.event) group by 1
  on conflict (event) do update set fields = a.fields || excluded.fields;
end $$;
comment on function tandem.keep_dropped(regclass, jsonb, jsonb) is
  'Keeps aside what linked rows say in columns that a new mapping has no more.';

create or replace function tandem.state_columns() returns table (name text, type text, initial text)
language plpgsql immutable set search_path = '' as $$
begin
  return query select * from (values ('google_sync_enabled', 'boolean', 'true'), ('sync_state', 'text', '''none'''),
    ('sync_error', 'text', null), ('google_event_id', 'text', null)) x;
end $$;
comment on function tandem.state_columns() is 'The columns that "state": "add" adds.';

-- A constant default rewrites no table.
create or replace function tandem.add_columns(relation regclass) returns void
language plpgsql volatile set search_path = '' as $$
declare c record;
begin
  for c in select s.* from tandem.state_columns() s where tandem.column_type(relation, s.name) is null loop
    execute format('alter table %s add column %I %s%s', relation, c.name, c.type,
      coalesce(' not null default ' || c.initial, ''));
    update tandem.adoption a set added = a.added || jsonb_build_array(jsonb_build_array(a.relation, c.name)) where true;
  end loop;
end $$;
comment on function tandem.add_columns(regclass) is 'Adds the columns of a row''s sync, and notes which.';

create or replace function tandem.adopted_lines() returns setof text
language plpgsql stable set search_path = '' as $$
declare relation regclass; m jsonb; lines jsonb; n bigint; users bigint;
begin
  select to_regclass(a.relation), a.mapping, a.added into relation, m, lines from tandem.adoption a;
  select count(*), count(distinct r.owner) into n, users from tandem.crm_rows r;
  return next format('%s is adopted: %s of its rows are events, of %s users', relation, n, users);
  return query select format('column added: %s.%s', x ->> 0, x ->> 1) from jsonb_array_elements(lines) x;
  return query select format('in columns: %s', string_agg(format('%s in %s', c.name, array_to_string(c.columns, ', ')),
    '; ' order by c.name)) from tandem.changed_columns(relation, m) c;
  return query select format('kept aside, since the table has no column for it: %s', string_agg(x, ', '))
    from jsonb_array_elements_text(m -> 'aside') x having count(*) > 0;
  return query select format('triggers: %s', string_agg(t.tgname, ', ' order by t.tgname)) from pg_catalog.pg_trigger t
    join pg_catalog.pg_proc p on p.oid = t.tgfoid where t.tgrelid = relation and not t.tgisinternal
      and p.pronamespace = 'tandem'::regnamespace;
  return next case when nullif(m -> 'state', 'null') is null then 'sync states: in the view tandem.events'
    else 'sync states: in ' || (select string_agg(x.value, ', ' order by x.value) from jsonb_each_text(m -> 'state') x)
    end;
  return next 'to undo it: select tandem.release()';
end $$;
comment on function tandem.adopted_lines() is 'What was made of the adopted table.';

create or replace function tandem.drop_triggers(relation regclass) returns void
language plpgsql volatile set search_path = '' as $$
declare name text;
begin
  for name in select t.tgname from pg_catalog.pg_trigger t join pg_catalog.pg_proc p on p.oid = t.tgfoid
    where t.tgrelid = relation and p.pronamespace = 'tandem'::regnamespace and not t.tgisinternal
      and t.tgparentid = 0 loop
    execute format('drop trigger %I on %s', name, relation);
  end loop;
end $$;
comment on function tandem.drop_triggers(regclass) is 'Takes Tandem''s triggers from a table.';

create or replace function tandem.generate() returns void
language plpgsql volatile set search_path = '' as $$
declare relation regclass; m jsonb; names text[];
begin
  select to_regclass(a.relation), tandem.resolve(to_regclass(a.relation), a.given) into relation, m
  from tandem.adoption a where to_regclass(a.relation) is not null;
  if relation is null then
    perform tandem.generate_nothing();
    return;
  end if;
  names := array(select jsonb_object_keys(m -> 'fields') union select jsonb_array_elements_text(m -> 'aside')
    union select jsonb_array_elements_text(u -> 'fields') from jsonb_array_elements(m -> 'units') u order by 1);
  if tandem.column_type(relation, m ->> 'key') <> 'uuid' then
    execute format('insert into tandem.keys (key) select %I::text from %s on conflict (key) do nothing', m ->> 'key',
      relation);
  end if;
  perform tandem.generate_reads(relation, m);
  update tandem.adoption a set mapping = m, fields = names || '{owner,enabled,series,original_start}' where true;
  perform tandem.generate_writes(relation, m);
  perform tandem.generate_show(relation, m);
  perform tandem.generate_triggers(relation, m);
  perform tandem.seal();
end $$;
comment on function tandem.generate() is 'Makes everything anew that knows the adopted table''s columns.';

create or replace function tandem.generate_nothing() returns void
language plpgsql volatile set search_path = '' as $$
begin
  create or replace view tandem.crm_rows as select null::uuid as event, null::text as owner, null::boolean as enabled,
    null::uuid as series, null::text as original_start, null::jsonb as fields where false;
  create or replace view tandem.crm_series as select null::uuid as root, null::uuid as event where false;
  create or replace function tandem.crm_named(remotes text[]) returns table (event uuid, remote text)
    language sql stable set search_path = '' as 'select null::uuid, null::text where false';
  comment on function tandem.crm_named(text[]) is 'Rows that name remote ids, without an adopted table.';
end $$;
comment on function tandem.generate_nothing() is 'What stands in the place of the adopted table''s rows without one.';
