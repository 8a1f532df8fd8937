set local lock_timeout = '3s';
-- The rows themselves, and what adopting them takes.

-- A hundred rows through the mapping and back; "fields" as they are read, without what is kept aside.
create or replace function tandem.check_rows(relation regclass, m jsonb) returns jsonb
language plpgsql stable set search_path = '' as $$
declare s jsonb := tandem.mapped(relation, m); found jsonb := '[]'; n bigint; users bigint; k text; c record; back text;
begin
  execute format('select count(*), count(distinct %s) from %s where %s', s ->> 'owner', relation, s ->> 'where')
    into n, users;
  found := found || tandem.finding('note', 'rows', format('%s rows are events, of %s users', n, users),
    case n when 0 then 'If there should be some, look at "where" and "owner".' else 'None is needed.' end);
  for c in select w.name, string_agg(replace(w.value, 'i.image', 'tandem_image'), ', ') as value
      from tandem.written_columns(relation, m) w where w.sources <> '{series}' group by 1 loop
    back := tandem.text_sql(relation, c.name);
    execute format('select count(*), min(%s::text) from (select *, %s || jsonb_build_object(''enabled'', %s, '
      '''original_start'', %s) as tandem_image from (select * from %s where %s limit 100) tandem_e cross join '
      '(select null::jsonb as tandem_kept) tandem_k) tandem_r where (%I)%s is distinct from ((%s)::%s)%8$s',
      s ->> 'key', s ->> 'fields', s ->> 'enabled', s ->> 'original_start', relation, s ->> 'where', c.name, back,
      c.value, tandem.column_type(relation, c.name)) into n, k;
    if n > 0 then
      found := found || tandem.finding('warning', c.name, format('of 100 rows, %s are read and written back '
        'otherwise in %s, first %s', n, c.name, k),
        'Look at that row. If what it says there matters, map it by "read" and "write".');
    end if;
  end loop;
  execute format('select count(*), min(%s::text) from (select *, %s as tandem_fields from (select * from %s where %s '
    'limit 100) tandem_e cross join (select null::jsonb as tandem_kept) tandem_k) tandem_r '
    'where coalesce(tandem_fields ->> ''starts_at'', tandem_fields ->> ''starts_on'') is null', s ->> 'key',
    s ->> 'fields', relation, s ->> 'where') into n, k;
  if n > 0 then
    found := found || tandem.finding('warning', 'starts_at', format('of 100 rows, %s have no start, first %s: they '
      'are not sent to Google', n, k), 'If they are no events, say so in "where".');
  end if;
  return found;
exception when others then
  return found || tandem.finding('error', 'rows', 'rows cannot be read through the mapping: ' || sqlerrm,
    'Correct the expression, or leave such rows out in "where".');
end $$;
comment on function tandem.check_rows(regclass, jsonb) is 'How some rows are read and written back.';

-- Rows that an earlier integration sent to Google: what would be linked, before anybody connects.
create or replace function tandem.check_known(relation regclass, m jsonb) returns jsonb
language plpgsql stable set search_path = '' as $$
declare name text := coalesce(m ->> 'known_google_id', m -> 'state' ->> 'remote'); s jsonb; n bigint; twice bigint;
  odd bigint; k text; found jsonb := '[]';
begin
  if name is null then return '[]'; end if;
  s := tandem.mapped(relation, m);
  execute format('select count(*), count(*) filter (where tandem_n > 1), count(*) filter (where tandem_id '
    '!~ ''^[a-z0-9_]{5,}(_R?\d{8}(T\d{6}Z?)?)?$''), min(tandem_of) filter (where tandem_n > 1) from (select '
    '%I::text as tandem_id, %s::text as tandem_of, count(*) over (partition by %s, %1$I) as tandem_n from %4$s '
    'where %5$s and %1$I is not null) tandem_r', name, s ->> 'key', s ->> 'owner', relation, s ->> 'where')
    into n, twice, odd, k;
  if n > 0 then
    found := tandem.finding('note', name, format('%s rows carry a Google id; each is linked to its event when its '
      'owner''s calendar is listed for the first time, and not sent again', n - twice - odd), 'None is needed.');
  end if;
  if twice > 0 then
    found := found || tandem.finding('warning', name, format('%s rows are doubtful: they share a Google id with '
      'another row of their owner, first %s', twice, k),
      'Clear the id of all but one of them, else the others are sent anew.');
  end if;
  if odd > 0 then
    found := found || tandem.finding('warning', name, format('%s rows have a Google id that Google cannot have made',
      odd), 'Clear it, else they are sent anew.');
  end if;
  return found;
end $$;
comment on function tandem.check_known(regclass, jsonb) is 'Which rows would be linked to events that are in Google.';

create or replace function tandem.check_table(relation regclass, mapping jsonb) returns jsonb
language plpgsql stable set search_path = '' as $$
declare c pg_catalog.pg_class; others text; added text; found jsonb := '[]';
begin
  select * into c from pg_catalog.pg_class x where x.oid = relation;
  if c.relkind not in ('r', 'p') then
    return tandem.finding('error', 'table', format('%s is no table', relation), 'Adopt the table that it reads from.');
  elsif not pg_has_role(c.relowner, 'usage') then
    return tandem.finding('error', 'table', format('%s belongs to %s', relation, c.relowner::regrole),
      'Run this as its owner: triggers are made on it.');
  end if;
  select string_agg(t.tgname, ', ' order by t.tgname) into others from pg_catalog.pg_trigger t
    join pg_catalog.pg_proc p on p.oid = t.tgfoid
    where t.tgrelid = relation and not t.tgisinternal and p.pronamespace <> 'tandem'::regnamespace;
  if others is not null then
    found := found || tandem.finding('note', 'triggers', 'other triggers stay as they are, and run for what Tandem '
      'writes, too: ' || others, 'If one has to leave that alone: when (current_setting(''tandem.commit'', true) '
        '= '''').');
  end if;
  if c.relrowsecurity then
    found := found || tandem.finding('note', 'policies', 'row level security stays as it is; the sync reads all rows'
      || case when c.relforcerowsecurity then ', though it is forced for owners, too' else '' end,
      case when c.relforcerowsecurity then 'See that the owner''s policies let all rows through.' else 'None is needed.'
      end);
  end if;
  select string_agg(s.name, ', ') into added from tandem.state_columns() s
    where mapping ->> 'state' = 'add' and tandem.column_type(relation, s.name) is null;
  return found || case when added is null then '[]' else tandem.finding('note', 'locks',
    format('adding %s takes ACCESS EXCLUSIVE for a moment: no row is rewritten', added),
    'Where somebody holds the table for longer than 3 seconds, adopt gives up and can be run again.') end
    || tandem.finding('note', 'locks',
      'making triggers takes SHARE ROW EXCLUSIVE for a moment: reads go on, writes wait',
      'Where somebody holds the table for longer than 3 seconds, adopt gives up and can be run again.');
end $$;
comment on function tandem.check_table(regclass, jsonb) is
  'Whether it is a table of ours to adopt, and which locks it takes.';

create or replace function tandem.adopt_check(relation regclass, mapping jsonb)
returns table (level text, subject text, problem text, remedy text)
language plpgsql stable set search_path = '' set timezone = 'UTC' as $$
declare m jsonb; found jsonb; e record; wrong jsonb := '[]'; said text; hint text;
begin
  found := tandem.check_table(relation, mapping);
  begin
    m := tandem.resolve(relation, tandem.without_added(relation, mapping));
  exception when others then
    get stacked diagnostics said = message_text, hint = pg_exception_hint;
    found := tandem.finding('error', 'mapping', said, coalesce(nullif(hint, ''), 'Correct the mapping.')) || found;
  end;
  if m is not null then
    for e in select 'owner' as subject, tandem.expr_sql(relation, m ->> 'owner') as sql
      union all select x.key, tandem.expr_sql(relation, x.value) from jsonb_each_text(m) x
        where x.key in ('enabled', 'series', 'original_start', 'where')
      union all select f.key, tandem.read_sql(relation, f.value) from jsonb_each(m -> 'fields') f
    loop
      wrong := wrong || tandem.check_expression(relation, e.subject, e.sql, relation::text);
    end loop;
    for e in select w.name as subject, w.value as sql from tandem.written_columns(relation, m) w
      union all select n.name, n.value from tandem.new_columns(relation, m, '(i.image -> ''owner'')') n
    loop
      wrong := wrong || tandem.check_expression(relation, e.subject, replace(format('(%s)::%s', e.sql,
        tandem.column_type(relation, e.subject)), 'i.image', 'tandem_image'),
          '(select ''{}''::jsonb as tandem_image) i');
    end loop;
    found := wrong || tandem.check_key(relation, m) || tandem.check_owner(relation, m)
      || tandem.check_columns(relation, m) || tandem.check_values(relation, m) || tandem.check_indexes(relation, m)
      || case wrong when '[]' then tandem.check_rows(relation, m) || tandem.check_known(relation, m) else '[]' end ||
        found;
  end if;
  return query select f ->> 'level', f ->> 'subject', f ->> 'problem', f ->> 'remedy'
    from jsonb_array_elements(found) with ordinality x (f, n)
    order by array_position('{error,warning,note}'::text[], f ->> 'level'), n;
end $$;
comment on function tandem.adopt_check(regclass, jsonb) is
  'What stands against adopting a table with a mapping, each with its remedy. Only reads.';
