set local lock_timeout = '3s';
-- How a signed-in user's own page writes the adopted table: every write by name of column, with the user's own rights.

create or replace function tandem.record_sets(relation regclass, m jsonb, is_new boolean) returns text
language plpgsql stable set search_path = '' as $$
declare kept text[];
begin
  kept := array(select jsonb_array_elements_text(coalesce(m -> 'own', '[]')))
    || array(select value from jsonb_each_text(coalesce(nullif(m -> 'state', 'null'), '{}')));
  return (select string_agg(format(case when is_new then 'r.%1$I := %3$s;'
      else 'if names && %2$L::text[] then r.%1$I := %3$s; end if;' end, w.name, w.sources,
    replace(case when is_new then tandem.inserted_sql(relation, m, w.name, w.value) else w.value end,
      'i.image', 'image')), ' ')
  from tandem.written_columns(relation, m) w where w.name <> all (kept));
end $$;
comment on function tandem.record_sets(regclass, jsonb, boolean) is 'What a user''s write does to a row.';

-- A name that is not known is not silently dropped.
create or replace function tandem.my_known_zone(fields jsonb, name text) returns void
language plpgsql stable security definer set search_path = '' as $$
begin
  if fields ->> name is not null and tandem.known_zone(fields ->> name) is null then
    raise sqlstate 'PT400' using message = name,
      hint = 'This database does not know the zone; name one like Europe/Berlin.';
  end if;
end $$;
comment on function tandem.my_known_zone(jsonb, text) is 'Refuses a zone that the database does not know.';

create or replace function tandem.generate_record(relation regclass, m jsonb) returns void
language plpgsql volatile set search_path = '' as $$
begin
  execute format('create or replace function tandem.my_record(%1$s, fields jsonb) returns %1$s language plpgsql stable '
    'security definer set search_path = '''' as $f$ declare r %1$s := $1; names text[]; image jsonb := ''{}''; begin '
    'perform tandem.my_known_zone(fields, ''time_zone''), tandem.my_known_zone(fields, ''end_time_zone''); '
    'fields := fields || jsonb_strip_nulls(jsonb_build_object(''enabled'', fields -> ''google_sync_enabled'')) '
    '|| case when fields ? ''recurring_event_id'' then '
    'jsonb_build_object(''series'', fields -> ''recurring_event_id'') else ''{}'' end; '
    'names := array(select jsonb_object_keys(fields)); '
    'if $1 is not distinct from null then image := ''{"enabled": true}'' || fields; %5$s %2$s '
    'else image := tandem.my_view($1); image := image || jsonb_build_object(''enabled'', '
    'image -> ''google_sync_enabled'', ''series'', image -> ''recurring_event_id'') || fields; %3$s %4$s end if; '
    'return r; end $f$', relation, tandem.record_sets(relation, m, true), tandem.record_sets(relation, m, false),
    (select coalesce(string_agg(format('r.%I := %s;', t.key, t.value), ' '), '')
      from jsonb_each_text(coalesce(m -> 'touch', '{}')) t),
    (select coalesce(string_agg(format('r.%I := %s;', n.name, replace(n.value, 'i.image', 'image')), ' '), '')
      from tandem.new_columns(relation, m, 'to_jsonb(tandem.uid())') n));
end $$;
comment on function tandem.generate_record(regclass, jsonb) is
  'Makes tandem.my_record: a row with some fields of the page''s interface replaced; nothing is stored.';

-- Fields that the table has no column for. Nothing of the table's notices them, so this does.
create or replace function tandem.my_aside(event_id uuid, fields jsonb) returns void
language plpgsql volatile security definer set search_path = '' set enable_seqscan = off set jit = off as $$
declare m jsonb := (select a.mapping from tandem.adoption a); names text[]; r record;
begin
  names := array(select n from jsonb_array_elements_text(m -> 'aside') n where fields ? n
    union select n from jsonb_array_elements(coalesce(m -> 'units', '[]')) u
      cross join jsonb_array_elements_text(u -> 'fields') n
      where (u -> 'kept')::boolean and fields ?| array(select jsonb_array_elements_text(u -> 'fields')));
  if names = '{}' and not (m ->> 'series' is null and fields ? 'recurring_event_id')
    and not (m ->> 'original_start' is null and fields ? 'original_start') then return; end if;
  select x.owner, x.series, x.fields into r from tandem.crm_rows x where x.event = event_id and x.owner = tandem.uid();
  if not found then raise sqlstate 'PT403' using message = 'this event is not yours'; end if;
  if m ->> 'series' is null then
    perform tandem.check_series((fields ->> 'recurring_event_id')::uuid, r.owner);
  end if;
  insert into tandem.event_fields as f (event, fields, series, original_start)
  select event_id, coalesce((select jsonb_object_agg(x.n, case when x.n in ('starts_at', 'ends_at')
      then to_jsonb(tandem.utc((x.v #>> '{}')::timestamptz)) else x.v end)
    from (select n, (r.fields || my_aside.fields) -> n as v from unnest(names) n) x), '{}'),
    case when m ->> 'series' is null then (my_aside.fields ->> 'recurring_event_id')::uuid end,
    case when m ->> 'original_start' is null then tandem.planned_start(my_aside.fields ->> 'original_start') end
  on conflict (event) do update set fields = f.fields || excluded.fields, series = coalesce(excluded.series, f.series),
    original_start = coalesce(excluded.original_start, f.original_start);
  perform tandem.add_change(event_id, r.series, r.owner, names);
end $$;
comment on function tandem.my_aside(uuid, jsonb) is
  'Stores fields of an event of the caller''s that the table has no column for.';

create or replace function tandem.my_new_key(event_id uuid) returns text
language plpgsql volatile security definer set search_path = '' as $$
declare relation regclass; m jsonb; drawn text;
begin
  select to_regclass(a.relation), a.mapping into relation, m from tandem.adoption a;
  execute format('select (%s)::text', tandem.new_key_sql(relation, m)) into drawn;
  insert into tandem.keys (event, key) values (event_id, drawn);
  return drawn;
end $$;
comment on function tandem.my_new_key(uuid) is
  'Draws the next key of the table for an event that is going to be inserted.';

create or replace function tandem.generate_my_writes(relation regclass, m jsonb, s jsonb) returns void
language plpgsql volatile set search_path = '' as $$
declare names text[]; kept text[]; gone text; new_names text[];
begin
  kept := array(select jsonb_array_elements_text(coalesce(m -> 'own', '[]')))
    || array(select value from jsonb_each_text(coalesce(nullif(m -> 'state', 'null'), '{}')));
  names := array(select w.name from tandem.written_columns(relation, m) w where w.name <> all (kept));
  new_names := names || array(select n.name from tandem.new_columns(relation, m, 'null::jsonb') n);
  execute format('create or replace function tandem.my_insert(uuid, jsonb) returns void language plpgsql volatile '
    'set search_path = '''' as $f$ declare r %1$s := tandem.my_record(null::%1$s, $2); begin %2$s '
    'perform tandem.my_aside($1, $2); end $f$', relation, case when tandem.column_type(relation, m ->> 'owner') is null
      and coalesce(m -> 'owner_write', '{}') = '{}' or tandem.makes_keys(relation, m)
      then 'raise sqlstate ''PT400'' using message = ''events of this CRM cannot be made here'';'
    else format('insert into %s (%s, %s) overriding system value values (%s, %s);', relation, s ->> 'key',
      (select string_agg(quote_ident(n), ', ') from unnest(new_names) n),
      case when (s -> 'is_uuid')::boolean then '$1' else 'tandem.my_new_key($1)::' || (s ->> 'key_type') end,
      (select string_agg(format('r.%I', n), ', ') from unnest(new_names) n)) end);
  execute format('create or replace function tandem.my_update(uuid, text, jsonb) returns boolean language plpgsql '
    'volatile set search_path = '''' set enable_seqscan = off set jit = off as $f$ declare r %1$s; begin '
    'select e.* into r from %1$s e where %2$s and e.xmin::text = $2 for update; '
    'if not found then return false; end if; r := tandem.my_record(r, $3); '
    'update %1$s e set %3$s where e.%4$s = r.%4$s; '
    'if not found then return false; end if; perform tandem.my_aside($1, $3); return true; end $f$', relation,
    replace(tandem.may_sql(relation, m, s), '$1', 'array[$1]'),
    (select string_agg(format('%1$I = r.%1$I', n), ', ') from unnest(
      names || array(select jsonb_object_keys(coalesce(m -> 'touch', '{}')))) n), s ->> 'key');
  select 'update %s e set ' || string_agg(format('%I = %s', d.key, replace(d.value, '%', '%%')), ', ')
  into gone
  from jsonb_each_text(nullif(m -> 'delete', 'null')) d;
  execute format('create or replace function tandem.my_delete(uuid[]) returns integer language plpgsql volatile '
    'set search_path = '''' set enable_seqscan = off set jit = off as $f$ declare n integer; begin '
    || coalesce(gone, 'delete from %s e') || ' where %s and %s; get diagnostics n = row_count; return n; end $f$',
    relation, tandem.may_sql(relation, m, s), s ->> 'where');
end $$;
comment on function tandem.generate_my_writes(regclass, jsonb, jsonb) is
  'Makes what writes a user''s rows as the user.';

create or replace function tandem.comment_generated(relation regclass) returns void
language plpgsql volatile set search_path = '' as $$
declare name text; words text;
begin
  for name, words in select * from (values
    ('crm_owned(text)', 'A user''s series and single events that are for the provider.'),
    ('crm_of(text)', 'All events of a user, exceptions and those that are not for the provider included.'),
    ('crm_states(text)', 'How many of a user''s events are in which sync state.'),
    ('crm_shown(uuid[])', 'What rows show of their sync.'),
    (format('my_view(%s)', relation), 'A row as the page''s interface shows it, for a caller who has the row.'),
    ('my_between(timestamptz, timestamptz)', 'The caller''s events in a range, and series that may reach into it.'),
    ('my_rows(uuid[])', 'Those of these events that the caller may see, with the version that a write names.'),
    ('my_lock(uuid[])', 'Locks events of the caller''s, by key.'),
    (format('my_record(%s, jsonb)', relation), 'A row with some fields replaced; nothing is stored.'),
    ('my_insert(uuid, jsonb)', 'Adds an event of the caller''s.'),
    ('my_update(uuid, text, jsonb)', 'Replaces some fields of an event; false where it is not as it was read.'),
    ('my_delete(uuid[])', 'Deletes events of the caller''s in one statement; how many there were.')) x
  loop
    execute format('comment on function tandem.%s is %L', name, words);
  end loop;
end $$;
comment on function tandem.comment_generated(regclass) is 'Says what each generated function is for.';

create or replace function tandem.generate_people() returns trigger
language plpgsql volatile security definer set search_path = '' as $$
declare relation regclass := to_regclass(new.relation); s jsonb;
begin
  if relation is null then return null; end if;
  s := tandem.mapped(relation, new.mapping);
  perform tandem.generate_owned(relation, new.mapping, s);
  perform tandem.generate_view(relation, new.mapping, s);
  perform tandem.generate_my_reads(relation, new.mapping, s);
  perform tandem.generate_record(relation, new.mapping);
  perform tandem.generate_my_writes(relation, new.mapping, s);
  perform tandem.generate_meetings(relation, new.mapping, s);
  perform tandem.generate_shown(relation, new.mapping, s);
  perform tandem.comment_generated(relation);
  perform tandem.seal();
  return null;
end $$;
comment on function tandem.generate_people() is 'Makes what users see of a table, whenever it is adopted.';

create or replace trigger adoption_people after insert or update on tandem.adoption
  for each row when (new.mapping <> '{}') execute function tandem.generate_people();

select tandem.seal();
