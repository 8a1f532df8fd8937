set local lock_timeout = '3s';

-- The mapping's parts as SQL over bare column names.
create or replace function tandem.mapped(relation regclass, m jsonb) returns jsonb
language plpgsql stable set search_path = '' as $$
declare key_type text := tandem.column_type(relation, m ->> 'key'); aside text[];
begin
  aside := array(select jsonb_array_elements_text(coalesce(m -> 'aside', '[]')));
  return jsonb_build_object(
    'key', format('%I', m ->> 'key'), 'key_type', key_type, 'is_uuid', key_type = 'uuid',
    'owner', '(' || (m ->> 'owner') || ')::text',
    'enabled', 'coalesce((' || coalesce(m ->> 'enabled', 'true') || ')::boolean, true)',
    'series', coalesce('(' || (m ->> 'series') || ')', 'null::' || key_type),
    'original_start', coalesce('(' || (m ->> 'original_start') || ')::text', 'null::text'),
    'where', coalesce('(' || (m ->> 'where') || ')', 'true'), 'has_aside', aside <> '{}',
    'fields', (select 'jsonb_build_object(' || string_agg(format('%L, %s', f.key, tandem.read_sql(relation, f.value)),
      ', ') || ')' from jsonb_each(m -> 'fields') f),
    -- Those that are kept aside are null until they are known.
    'aside', (select coalesce(jsonb_object_agg(a, null), '{}') from unnest(aside) a));
end $$;
comment on function tandem.mapped(regclass, jsonb) is 'The mapping''s parts as SQL.';

create or replace function tandem.generate_reads(relation regclass, m jsonb) returns void
language plpgsql volatile set search_path = '' as $$
declare s jsonb := tandem.mapped(relation, m); inner_rows text;
begin
  inner_rows := format('(select %s as tandem_key, %s as tandem_owner, %s as tandem_enabled, %s as tandem_series, '
    '%s as tandem_original_start, %s as tandem_fields from %s where %s) e', s ->> 'key', s ->> 'owner', s ->> 'enabled',
    s ->> 'series', s ->> 'original_start', s ->> 'fields', relation, s ->> 'where');
  if (s -> 'is_uuid')::boolean and not (s -> 'has_aside')::boolean then
    execute format('create or replace view tandem.crm_rows as select e.tandem_key as event, e.tandem_owner as owner, '
      'e.tandem_enabled as enabled, e.tandem_series::uuid as series, e.tandem_original_start as original_start, '
      'e.tandem_fields as fields from %s', inner_rows);
  else
    execute format('create or replace view tandem.crm_rows as select %1$s as event, e.tandem_owner as owner, '
      'e.tandem_enabled as enabled, coalesce(%2$s, a.series) as series, '
      'coalesce(e.tandem_original_start, a.original_start) as original_start, '
      'e.tandem_fields || %3$L::jsonb || coalesce(a.fields, ''{}'') as fields '
      'from %4$s left join tandem.event_fields a on a.event = %1$s',
      case when (s -> 'is_uuid')::boolean then 'e.tandem_key' else 'k.event' end,
      case when (s -> 'is_uuid')::boolean then 'e.tandem_series'
        else '(select x.event from tandem.keys x where x.key = e.tandem_series::text)' end,
      s -> 'aside',
      case when (s -> 'is_uuid')::boolean then inner_rows
        else format('tandem.keys k join %s on e.tandem_key = k.key::%s', inner_rows, s ->> 'key_type') end);
  end if;
  if m ->> 'series' is null then
    create or replace view tandem.crm_series as select a.series as root, a.event from tandem.event_fields a
      where a.series is not null;
  elsif (s -> 'is_uuid')::boolean then
    execute format('create or replace view tandem.crm_series as select e.tandem_series as root, e.tandem_key as event '
      'from %s where e.tandem_series is not null', inner_rows);
  else
    execute format('create or replace view tandem.crm_series as select r.event as root, k.event from tandem.keys r '
      'join %s on e.tandem_series = r.key::%s join tandem.keys k on k.key = e.tandem_key::text',
      inner_rows, tandem.column_type(relation, m ->> 'series'));
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

create or replace function tandem.generate_writes(relation regclass, m jsonb) returns void
language plpgsql volatile set search_path = '' as $$
declare s jsonb := tandem.mapped(relation, m); sets text; touched text; aside text; inserted text; vals text;
  fresh text; key_default text; deleted text;
begin
  select string_agg(format('%1$I = case when i.names && %2$L::text[] then %3$s else e.%1$I end', w.name, w.sources,
    w.value), ', '),
    string_agg(format('%I', w.name), ', '), string_agg(tandem.inserted_sql(relation, w.name, w.value), ', ')
  into sets, inserted, vals from tandem.written_columns(relation, m) w;
  select coalesce(', ' || string_agg(format('%I = %s', t.key, t.value), ', '), '') into touched
  from jsonb_each_text(coalesce(m -> 'touch', '{}')) t;
  aside := format('insert into tandem.event_fields as a (event, fields, series, original_start) '
    'select (x ->> ''event'')::uuid, coalesce((select jsonb_object_agg(n, x -> ''image'' -> n) '
    'from jsonb_array_elements_text(x -> ''names'') n where n = any (%L::text[])), ''{}''), %s, %s '
    'from jsonb_array_elements(items) x order by 1 on conflict (event) do update set '
    'fields = a.fields || excluded.fields, series = excluded.series, original_start = excluded.original_start;',
    array(select jsonb_object_keys(s -> 'aside')),
    case when m ->> 'series' is null then '(x -> ''image'' ->> ''series'')::uuid' else 'null' end,
    case when m ->> 'original_start' is null then 'x -> ''image'' ->> ''original_start''' else 'null' end);
  if not (s -> 'has_aside')::boolean and m ? 'series' and m ? 'original_start' then aside := ''; end if;
  execute format('create or replace function tandem.crm_write(items jsonb) returns void language plpgsql volatile '
    'set search_path = '''' set enable_seqscan = off set jit = off as $f$ begin '
    'update %s e set %s%s from %s; %s end $f$',
    relation, sets, touched, tandem.items_sql(s), aside);
  -- A new row's key: chosen, or as the table makes it.
  key_default := (select coalesce(pg_get_expr(d.adbin, d.adrelid), case when a.attidentity <> '' then
      format('nextval(%L::regclass)', pg_get_serial_sequence(relation::text, m ->> 'key')) end,
        'gen_random_uuid()::text')
    from pg_catalog.pg_attribute a left join pg_catalog.pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
    where a.attrelid = relation and a.attname = m ->> 'key');
  fresh := case when (s -> 'is_uuid')::boolean then '' else format('insert into tandem.keys (event, key) '
    'select (x ->> ''event'')::uuid, (%s)::text from jsonb_array_elements(items) x;', key_default) end;
  execute format('create or replace function tandem.crm_insert(items jsonb) returns void language plpgsql volatile '
    'set search_path = '''' set enable_seqscan = off set jit = off as $f$ begin '
    '%s insert into %s (%s, %I, %s) overriding system value select %s, (i.image ->> ''owner'')::%s, %s '
    'from (select (x ->> ''event'')::uuid as event, x -> ''image'' as image from jsonb_array_elements(items) x) i %s; '
    '%s end $f$', fresh, relation, s ->> 'key', m ->> 'owner', inserted,
    case when (s -> 'is_uuid')::boolean then 'i.event' else 'k.key::' || (s ->> 'key_type') end,
    tandem.column_type(relation, m ->> 'owner'), vals,
    case when (s -> 'is_uuid')::boolean then '' else 'join tandem.keys k on k.event = i.event' end, aside);
  select 'update %1$s e set ' || string_agg(format('%I = %s', d.key, d.value), ', ') into deleted
  from jsonb_each_text(nullif(m -> 'delete', 'null')) d;
  perform tandem.generate_deletes(relation, s, coalesce(deleted, 'delete from %1$s e'));
end $$;
comment on function tandem.generate_writes(regclass, jsonb) is 'Makes the functions that write and insert rows.';

-- What a new row does not say takes the column's default, where null is refused.
create or replace function tandem.inserted_sql(relation regclass, name text, value text) returns text
language plpgsql stable set search_path = '' as $$
declare by_default text := (select pg_get_expr(d.adbin, d.adrelid) from pg_catalog.pg_attribute a
  join pg_catalog.pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
  where a.attrelid = relation and a.attname = name and a.attnotnull and a.attgenerated = '');
begin
  return case when by_default is null then value else format('coalesce(%s, %s)', value, by_default) end;
end $$;
comment on function tandem.inserted_sql(regclass, text, text) is 'How a new row''s column is made.';

create or replace function tandem.generate_deletes(relation regclass, s jsonb, statement text) returns void
language plpgsql volatile set search_path = '' as $$
declare picked text := case when (s -> 'is_uuid')::boolean then format('e.%s = any (events)', s ->> 'key')
  else format('e.%s = any (array(select k.key::%s from tandem.keys k where k.event = any (events)))', s ->> 'key',
    s ->> 'key_type') end;
begin
  execute format('create or replace function tandem.crm_delete(events uuid[]) returns void language plpgsql volatile '
    'set search_path = '''' set enable_seqscan = off set jit = off as $f$ begin '
    'insert into tandem.writing (event) select x from unnest(events) x; ' || format(statement, relation)
    || ' where %s; '
    'delete from tandem.event_fields a where a.event = any (events); '
    'delete from tandem.event_state a where a.event = any (events); end $f$', picked);
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
    'return query %s; end $f$',
    case when not coalesce(m -> 'state' ? 'remote', false)
      then 'select s.event, s.remote from tandem.event_state s where s.remote = any (remotes)'
    else format('select %s, e.%I::text from %s e %s where e.%2$I = any (remotes)', case when (s -> 'is_uuid')::boolean
        then 'e.' || (s ->> 'key') else 'k.event' end, m -> 'state' ->> 'remote', relation,
      case when (s -> 'is_uuid')::boolean then '' else format('join tandem.keys k on k.key = e.%s::text', s ->> 'key')
        end) end);
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
