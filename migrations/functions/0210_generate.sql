set local lock_timeout = '3s';

-- Over bare column names and tandem_kept, what is kept aside of the row.
create or replace function tandem.fields_sql(relation regclass, m jsonb) returns text
language plpgsql stable set search_path = '' as $$
declare sql text; u jsonb; same text; aside text[] := array(select jsonb_array_elements_text(m -> 'aside'));
begin
  select 'jsonb_build_object(' || coalesce(string_agg(format('%L, %s', f.key, tandem.read_sql(relation, f.value)),
    ', '),
    '') || ')' into sql from jsonb_each(m -> 'fields') f;
  if aside = '{}' and coalesce(m -> 'units', '[]') = '[]' then return sql; end if;
  -- Those that are kept aside are null until they are known.
  sql := format('%L::jsonb || coalesce(tandem_kept, ''{}'') || %s', (select coalesce(jsonb_object_agg(a, null), '{}')
    from unnest(aside) a), sql);
  for u in select x from jsonb_array_elements(coalesce(m -> 'units', '[]')) x loop
    select format('tandem_kept ?& %L::text[] and row(%s) is not distinct from row(%s)',
      array(select jsonb_array_elements_text(u -> 'fields')),
      string_agg(quote_ident(c.key) || tandem.text_sql(relation, c.key), ', '),
      string_agg(format('(%s)::%s%s', replace(c.value, '$1', 'tandem_kept'), tandem.column_type(relation, c.key),
        tandem.text_sql(relation, c.key)), ', '))
    into same from jsonb_each_text(u -> 'columns') c;
    sql := sql || ' || ' || case when (u -> 'kept')::boolean then format('case when %s then ''{}'' else %s end', same,
      u ->> 'read') else u ->> 'read' end;
  end loop;
  return '(' || sql || ')';
end $$;
comment on function tandem.fields_sql(regclass, jsonb) is 'A row''s fields as SQL.';

-- The mapping's parts as SQL over bare column names.
create or replace function tandem.mapped(relation regclass, m jsonb) returns jsonb
language plpgsql stable set search_path = '' as $$
declare key_type text := tandem.column_type(relation, m ->> 'key'); stored text[];
begin
  stored := array(select jsonb_array_elements_text(m -> 'aside') union select jsonb_array_elements_text(u -> 'fields')
    from jsonb_array_elements(coalesce(m -> 'units', '[]')) u where (u -> 'kept')::boolean);
  return jsonb_build_object(
    'key', format('%I', m ->> 'key'), 'key_type', key_type, 'is_uuid', key_type = 'uuid',
    'owner', tandem.expr_sql(relation, m ->> 'owner') || '::text',
    'enabled', 'coalesce((' || tandem.expr_sql(relation, coalesce(m ->> 'enabled', 'true')) || ')::boolean, true)',
    'series', coalesce(tandem.expr_sql(relation, m ->> 'series'), 'null::' || key_type),
    'original_start', coalesce(tandem.expr_sql(relation, m ->> 'original_start') || '::text', 'null::text'),
    'where', coalesce('(' || (m ->> 'where') || ')', 'true'),
    'has_aside', stored <> '{}' or coalesce(m -> 'units', '[]') <> '[]', 'stored', to_jsonb(stored),
    'fields', tandem.fields_sql(relation, m));
end $$;
comment on function tandem.mapped(regclass, jsonb) is 'The mapping''s parts as SQL.';

-- A row's fields aside, as tandem_kept beside it.
create or replace function tandem.kept_sql(s jsonb, event text) returns text
language plpgsql immutable set search_path = '' as $$
begin
  return case when (s -> 'has_aside')::boolean then format(' cross join lateral (select (select tandem_f.fields '
    'from tandem.event_fields tandem_f where tandem_f.event = %s) as tandem_kept) tandem_k', event) else '' end;
end $$;
comment on function tandem.kept_sql(jsonb, text) is 'Joins what is kept aside of one row.';

create or replace function tandem.generate_reads(relation regclass, m jsonb) returns void
language plpgsql volatile set search_path = '' as $$
declare s jsonb := tandem.mapped(relation, m); is_uuid boolean := (s -> 'is_uuid')::boolean; source text; event text;
  has_aside boolean := (s -> 'has_aside')::boolean or m ->> 'series' is null or m ->> 'original_start' is null;
begin
  source := relation::text;
  event := s ->> 'key';
  if not is_uuid then
    source := format('(select key as tandem_key, event as tandem_event from tandem.keys) tandem_i join %s '
      'on %s = tandem_key::%s', relation, s ->> 'key', s ->> 'key_type');
    event := 'tandem_event';
  end if;
  execute format('create or replace view tandem.crm_rows as select %s as event, %s as owner, %s as enabled, '
    '%s as series, %s as original_start, %s as fields from %s%s where %s', event, s ->> 'owner', s ->> 'enabled',
    case when m ->> 'series' is null then 'tandem_series' when is_uuid then (s ->> 'series') || '::uuid'
      else format('(select tandem_x.event from tandem.keys tandem_x where tandem_x.key = %s::text)', s ->> 'series')
        end,
    case when m ->> 'original_start' is null then 'tandem_start' else s ->> 'original_start' end, s ->> 'fields',
      source,
    case when has_aside then format(' left join (select event as tandem_of, fields as tandem_kept, '
      'series as tandem_series, original_start as tandem_start from tandem.event_fields) tandem_a on tandem_of = %s',
      event) else '' end, s ->> 'where');
  if m ->> 'series' is null then
    create or replace view tandem.crm_series as select a.series as root, a.event from tandem.event_fields a
      where a.series is not null;
  elsif is_uuid then
    execute format('create or replace view tandem.crm_series as select %1$s::uuid as root, %2$s as event from %3$s '
      'where %1$s is not null and %4$s', s ->> 'series', s ->> 'key', relation, s ->> 'where');
  else
    execute format('create or replace view tandem.crm_series as select r.event as root, k.event from tandem.keys r '
      'join (select %s as tandem_key, %s as tandem_series from %s where %s) e on e.tandem_series = r.key::%s '
      'join tandem.keys k on k.key = e.tandem_key::text', s ->> 'key', s ->> 'series', relation, s ->> 'where',
      s ->> 'key_type');
  end if;
end $$;
comment on function tandem.generate_reads(regclass, jsonb) is 'Makes the views tandem.crm_rows and tandem.crm_series.';

-- Reads items of jsonb into i (event, names, image), joined to the table's row e.
create or replace function tandem.items_sql(s jsonb) returns text
language plpgsql immutable set search_path = '' as $$
begin
  return
    format('(select (x ->> ''event'')::uuid as event, array(select jsonb_array_elements_text(x -> ''names'')) '
    'as names, x -> ''image'' as image from jsonb_array_elements(items) x offset 0) i %s where e.%s = %s',
    case when (s -> 'is_uuid')::boolean then '' else 'join tandem.keys k on k.event = i.event' end, s ->> 'key',
    case when (s -> 'is_uuid')::boolean then 'i.event' else 'k.key::' || (s ->> 'key_type') end);
end $$;
comment on function tandem.items_sql(jsonb) is 'The source of a generated update.';

-- What has no column. Before the row itself, whose triggers see all of it.
create or replace function tandem.aside_sql(m jsonb, s jsonb) returns text
language plpgsql immutable set search_path = '' as $$
begin
  if s -> 'stored' = '[]' and m ->> 'series' is not null and m ->> 'original_start' is not null then return ''; end if;
  return format('insert into tandem.event_fields as a (event, fields, series, original_start) '
    'select (x ->> ''event'')::uuid, coalesce((select jsonb_object_agg(n, x -> ''image'' -> n) '
    'from unnest(%L::text[]) n where x -> ''names'' ? n or n = any (%L::text[])), ''{}''), %s, %s '
    'from jsonb_array_elements(items) x order by 1 on conflict (event) do update set '
    'fields = a.fields || excluded.fields, series = excluded.series, original_start = excluded.original_start;',
    array(select jsonb_array_elements_text(s -> 'stored')), array(select jsonb_array_elements_text(u -> 'fields')
      from jsonb_array_elements(coalesce(m -> 'units', '[]')) u where (u -> 'kept')::boolean),
    case when m ->> 'series' is null then '(x -> ''image'' ->> ''series'')::uuid' else 'null' end,
    case when m ->> 'original_start' is null then 'x -> ''image'' ->> ''original_start''' else 'null' end);
end $$;
comment on function tandem.aside_sql(jsonb, jsonb) is 'The statement that keeps aside what has no column.';

create or replace function tandem.generate_writes(relation regclass, m jsonb) returns void
language plpgsql volatile set search_path = '' as $$
declare s jsonb := tandem.mapped(relation, m); sets text; touched text;
  aside text := tandem.aside_sql(m, s); inserted text; vals text; new_names text; new_vals text; deleted text;
begin
  select string_agg(format('%1$I = case when i.names && %2$L::text[] then %3$s else e.%1$I end', w.name, w.sources,
    case when tandem.not_null(relation, w.name) then format('coalesce(%s, e.%I)', w.value, w.name) else w.value end),
    ', '), coalesce(string_agg(format(', %I', w.name), ''), ''),
    coalesce(string_agg(', ' || tandem.inserted_sql(relation, m, w.name, w.value), ''), '')
  into sets, inserted, vals from tandem.written_columns(relation, m) w;
  select coalesce(string_agg(format(', %I', n.name), ''), ''), coalesce(string_agg(', ' || n.value, ''), '')
  into new_names, new_vals from tandem.new_columns(relation, m, '(i.image -> ''owner'')') n;
  select string_agg(format(', %I = %s', t.key, t.value), '') into touched
  from jsonb_each_text(coalesce(m -> 'touch', '{}')) t
  where t.key not in (select w.name from tandem.written_columns(relation, m) w);
  execute format('create or replace function tandem.crm_write(items jsonb) returns void language plpgsql volatile '
    'set search_path = '''' set enable_seqscan = off set jit = off as $f$ begin '
    '%s update %s e set %s from %s; end $f$', aside, relation, ltrim(concat(sets, touched), ', '), tandem.items_sql(s));
  perform tandem.generate_insert(relation, m, aside, new_names || inserted, new_vals || vals);
  select 'update %1$s e set ' || string_agg(format('%I = %s', d.key, replace(d.value, '%', '%%')), ', ') into deleted
  from jsonb_each_text(nullif(m -> 'delete', 'null')) d;
  perform tandem.generate_deletes(relation, s, coalesce(deleted, 'delete from %1$s e'));
end $$;
comment on function tandem.generate_writes(regclass, jsonb) is 'Makes the functions that write and insert rows.';

create or replace function tandem.generate_insert(relation regclass, m jsonb, aside text, names text, vals text)
returns void
language plpgsql volatile set search_path = '' as $$
declare key text := quote_ident(m ->> 'key'); type text := tandem.column_type(relation, m ->> 'key'); body text;
begin
  if type = 'uuid' then
    body := format('insert into %s (%s%s) overriding system value select i.event%s from (select (x '
      '->> ''event'')::uuid '
      'as event, x -> ''image'' as image from jsonb_array_elements(items) x) i;', relation, key, names, vals);
  elsif tandem.makes_keys(relation, m) then
    -- One by one, since only the trigger knows which key is whose.
    body := format('for one in select x from jsonb_array_elements(items) x loop '
      'perform set_config(''tandem.inserting'', one ->> ''event'', true); '
      'insert into %s (%s) select %s from (select one -> ''image'' as image) i; end loop; '
      'perform set_config(''tandem.inserting'', '''', true);', relation, ltrim(names, ', '), ltrim(vals, ', '));
  else
    body := format('insert into tandem.keys (event, key) select (x ->> ''event'')::uuid, (%s)::text '
      'from jsonb_array_elements(items) x; insert into %s (%s%s) overriding system value select k.key::%s%s from '
      '(select (x ->> ''event'')::uuid as event, x -> ''image'' as image from jsonb_array_elements(items) x) i '
      'join tandem.keys k on k.event = i.event;', tandem.new_key_sql(relation, m), relation, key, names, type, vals);
  end if;
  execute format('create or replace function tandem.crm_insert(items jsonb) returns void language plpgsql volatile '
    'set search_path = '''' set enable_seqscan = off set jit = off as $f$ declare one jsonb; begin %s %s end $f$',
      aside,
    body);
end $$;
comment on function tandem.generate_insert(regclass, jsonb, text, text, text) is
  'Makes the function that inserts rows.';

-- What a new row does not say takes the column's default, where null is refused.
create or replace function tandem.inserted_sql(relation regclass, m jsonb, name text, value text) returns text
language plpgsql stable set search_path = '' as $$
declare said text := replace(m -> 'insert' ->> name, '$1', 'i.image');
  by_default text := case when tandem.not_null(relation, name) then tandem.default_sql(relation, name) end;
begin
  return case when coalesce(said, by_default) is null then value
    else format('coalesce(%s, %s)', value, coalesce(said, by_default)) end;
end $$;
comment on function tandem.inserted_sql(regclass, jsonb, text, text) is 'How a new row''s column is made.';

create or replace function tandem.generate_deletes(relation regclass, s jsonb, statement text) returns void
language plpgsql volatile set search_path = '' as $$
declare picked text := case when (s -> 'is_uuid')::boolean then format('e.%s = any (events)', s ->> 'key')
  else format('e.%s = any (array(select k.key::%s from tandem.keys k where k.event = any (events)))', s ->> 'key',
    s ->> 'key_type') end;
begin
  execute format('create or replace function tandem.crm_delete(events uuid[]) returns void language plpgsql volatile '
    'set search_path = '''' set enable_seqscan = off set jit = off as $f$ begin '
    'insert into tandem.writing (event) select x from unnest(events) x; %s where %s; '
    'delete from tandem.event_fields a where a.event = any (events); '
    'delete from tandem.event_state a where a.event = any (events); end $f$', format(statement, relation), picked);
  execute format('create or replace function tandem.crm_lock(events uuid[]) returns uuid[] language plpgsql volatile '
    'set search_path = '''' set enable_seqscan = off set jit = off as $f$ begin return array(with e as materialized ('
    'select e.%1$s as key from %2$s e where %3$s order by e.%1$s for no key update skip locked) select %4$s); end $f$',
    s ->> 'key', relation, picked, case when (s -> 'is_uuid')::boolean then 'e.key from e'
      else 'k.event from e join tandem.keys k on k.key = e.key::text' end);
end $$;
comment on function tandem.generate_deletes(regclass, jsonb, text) is 'Makes the functions that delete and lock rows.';

create or replace function tandem.generate_show(relation regclass, m jsonb) returns void
language plpgsql volatile set search_path = '' as $$
declare s jsonb := tandem.mapped(relation, m); sets text; old_values text; new_values text; body text;
begin
  select string_agg(format('%I = i.%I::%s', c.value, c.key, tandem.column_type(relation, c.value)), ', '),
    string_agg(format('e.%I', c.value), ', '),
    string_agg(format('i.%I::%s', c.key, tandem.column_type(relation, c.value)), ', ')
  into sets, old_values, new_values from jsonb_each_text(nullif(m -> 'state', 'null')) c;
  if sets is null then
    body := 'insert into tandem.event_state as e (event, state, error, remote, calendar, access) '
      'select i.event, i.state, i.error, i.remote, i.calendar, i.access from jsonb_to_recordset(items) as i '
      '(event uuid, state text, error text, remote text, calendar text, access text) order by 1 '
      'on conflict (event) do update set state = excluded.state, error = excluded.error, remote = excluded.remote, '
      'calendar = excluded.calendar, access = excluded.access where (e.state, e.error, e.remote, e.calendar, e.access) '
      'is distinct from (excluded.state, excluded.error, excluded.remote, excluded.calendar, excluded.access) '
      'returning event';
  else
    body := format('update %s e set %s from jsonb_to_recordset(items) as i '
      '(event uuid, state text, error text, remote text, calendar text, access text) %s where e.%s = %s '
      'and row(%s) is distinct from row(%s) returning i.event', relation, sets,
      case when (s -> 'is_uuid')::boolean then '' else 'join tandem.keys k on k.event = i.event' end, s ->> 'key',
      case when (s -> 'is_uuid')::boolean then 'i.event' else 'k.key::' || (s ->> 'key_type') end, old_values,
        new_values);
  end if;
  execute format('create or replace function tandem.crm_named(remotes text[]) returns table (event uuid, remote text) '
    'language plpgsql stable set search_path = '''' set enable_seqscan = off set jit = off as $f$ begin '
    'return query %s; end $f$', (select string_agg(sql, ' union ') from (
      select format('select %s, e.%I::text from %s e where e.%2$I = any (remotes)', tandem.event_sql(s,
        'e.' || (s ->> 'key')), c, relation) as sql
      from (select m -> 'state' ->> 'remote' as c union select m ->> 'known_google_id') x where c is not null
      union all select 'select s.event, s.remote from tandem.event_state s where s.remote = any (remotes)'
      where m -> 'state' ->> 'remote' is null) y));
  execute format('create or replace function tandem.crm_show(items jsonb) returns uuid[] language plpgsql volatile '
    'set search_path = '''' set enable_seqscan = off set jit = off as $f$ declare shown uuid[]; begin '
    'with x as (%s) select coalesce(array_agg(x.event), ''{}'') into shown from x; return shown; end $f$', body);
end $$;
comment on function tandem.generate_show(regclass, jsonb) is 'Makes the function that shows sync states.';

-- A row that an earlier integration, or a restored dump, left with the id of its event and without a link.
create or replace function tandem.with_named(asked jsonb, which jsonb) returns jsonb
language plpgsql stable set search_path = '' set enable_seqscan = off set jit = off as $$
declare k tandem.connections; named jsonb; known text[];
begin
  select * into k from tandem.connections c where c.id = (which ->> 'connection')::uuid;
  if k.full_listing is null then return asked; end if;
  known := array(select x ->> 1 from jsonb_array_elements(asked -> 'pairs') x);
  select jsonb_agg(jsonb_build_object('event', n.event, 'remote', n.remote) order by n.event) into named
  from tandem.crm_named(array(select x from jsonb_array_elements_text(which -> 'ids') x where x <> all (known))) n
  cross join lateral (select from tandem.crm_rows r where r.event = n.event and r.owner = k.user_id and r.enabled
    offset 0) r
  where not exists (select from tandem.links l where l.event = n.event offset 0);
  if named is null then return asked; end if;
  return jsonb_build_object('named', named,
    'events', (asked -> 'events') || (select jsonb_agg(x -> 'event') from jsonb_array_elements(named) x),
    'pairs', (asked -> 'pairs') || (select jsonb_agg(jsonb_build_array(x -> 'event', x -> 'remote'))
      from jsonb_array_elements(named) x));
end $$;
comment on function tandem.with_named(jsonb, jsonb) is
  'With the user''s rows that say which listed event they are and have no link, while everything is listed.';
