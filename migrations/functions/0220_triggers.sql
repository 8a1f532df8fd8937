set local lock_timeout = '3s';

create or replace function tandem.own_sql() returns text
language plpgsql stable set search_path = '' as $$
begin
  return format('current_setting(''tandem.commit'', true) <> '''' and current_user = %L and pg_trigger_depth() = 0',
    current_user);
end $$;
comment on function tandem.own_sql() is 'A condition that only a statement of Tandem''s commit fulfils.';

insert into tandem.settings (key, value) values ('mark', gen_random_uuid()) on conflict do nothing;
-- The mark is known to nobody else, and everybody may read what a function says: it has the mark's hash. A trigger's
-- function that is security definer does not see who the user is.
do $do$ begin execute format($sql$
create or replace function tandem.is_own() returns boolean
language plpgsql stable set search_path = '' as $$
begin
  return pg_trigger_depth() = 1 and sha256(current_setting('tandem.commit', true)::bytea) = %L;
end $$ $sql$, (select sha256(s.value::bytea) from tandem.settings s where s.key = 'mark')); end $do$;
comment on function tandem.is_own() is 'Whether the row that a trigger is called for is written by Tandem''s commit.';

-- A trigger of somebody else's can change what the statement does not name.
create or replace function tandem.has_other_triggers(relation regclass) returns boolean
language plpgsql stable set search_path = '' as $$
begin
  -- tgtype: 1 for each row, 2 before, 16 update.
  return exists (select from pg_catalog.pg_trigger t join pg_catalog.pg_proc p on p.oid = t.tgfoid
    where t.tgrelid in (select relation union all select x.relid from pg_catalog.pg_partition_tree(relation) x)
      and t.tgtype::integer & 19 = 19 and p.pronamespace <> 'tandem'::regnamespace);
end $$;
comment on function tandem.has_other_triggers(regclass) is 'Whether other triggers may change a row that is updated.';

create or replace function tandem.of_sql(relation regclass, names text[]) returns text
language plpgsql stable set search_path = '' as $$
begin
  return case when tandem.has_other_triggers(relation) then ''
    else 'of ' || (select string_agg(distinct quote_ident(c), ', ') from unnest(names) c) end;
end $$;
comment on function tandem.of_sql(regclass, text[]) is 'Which updates a trigger is for.';

-- Column by column: of a row as a whole, each column would be looked for anew.
create or replace function tandem.row_sql(relation regclass, names text[], side text) returns text
language plpgsql stable set search_path = '' as $$
begin
  return format('(select %s) e', (select string_agg(format('%1$s.%2$I as %2$I', side, c), ', ') from unnest(names) c));
end $$;
comment on function tandem.row_sql(regclass, text[], text) is 'A trigger''s old or new row as a source.';

-- A plain column is read at once; an expression needs a source.
create or replace function tandem.side_sql(relation regclass, spec text, side text) returns text
language plpgsql stable set search_path = '' as $$
begin
  return case when tandem.column_type(relation, spec) is not null then format('%s.%I', side, spec)
    else format('(select %s from %s)', spec, tandem.row_sql(relation, tandem.named_columns(relation, to_jsonb(spec)),
      side)) end;
end $$;
comment on function tandem.side_sql(regclass, text, text) is 'An expression over a trigger''s old or new row.';

-- Of which series a trigger's row is, as Tandem's id.
create or replace function tandem.series_sql(relation regclass, m jsonb, side text) returns text
language plpgsql stable set search_path = '' as $$
begin
  return case when m ->> 'series' is null then 'null'
    when tandem.column_type(relation, m ->> 'key') = 'uuid' then tandem.side_sql(relation, m ->> 'series', side)
    else format('(select x.event from tandem.keys x where x.key = %s::text)',
      tandem.side_sql(relation, m ->> 'series', side)) end;
end $$;
comment on function tandem.series_sql(regclass, jsonb, text) is 'The series that a trigger''s row names.';

-- By what a change names: the columns that it is in.
create or replace function tandem.changed_columns(relation regclass, m jsonb) returns table (name text, columns text[])
language plpgsql stable set search_path = '' as $$
begin
  return query select f.key, tandem.named_columns(relation, f.value) from jsonb_each((m -> 'fields')
      || jsonb_strip_nulls(jsonb_build_object('owner', m -> 'owner', 'enabled', m -> 'enabled', 'series', m -> 'series',
        'original_start', m -> 'original_start'))) f
    where tandem.named_columns(relation, f.value) <> '{}'
    union all select n, array(select jsonb_object_keys(u -> 'columns')
      union select unnest(tandem.named_columns(relation, u -> 'reads')) order by 1)
    from jsonb_array_elements(coalesce(m -> 'units', '[]')) u cross join jsonb_array_elements_text(u -> 'fields') n;
end $$;
comment on function tandem.changed_columns(regclass, jsonb) is 'What changes are named after.';

create or replace function tandem.mapped_columns(relation regclass, m jsonb) returns text[]
language plpgsql stable set search_path = '' as $$
begin
  return array(select distinct c from (select unnest(x.columns) c from tandem.changed_columns(relation, m) x
    union all select unnest(tandem.named_columns(relation, m -> 'where'))) x order by c);
end $$;
comment on function tandem.mapped_columns(regclass, jsonb) is 'The columns that a change can be in.';

-- json and xml cannot be compared.
create or replace function tandem.text_sql(relation regclass, name text) returns text
language plpgsql stable set search_path = '' as $$
begin
  return case when tandem.column_type(relation, name) in ('json', 'xml', 'point') then '::text' else '' end;
end $$;
comment on function tandem.text_sql(regclass, text) is 'What makes a column''s value one that can be compared.';

create or replace function tandem.distinct_sql(relation regclass, names text[]) returns text
language plpgsql stable set search_path = '' as $$
declare a text; b text;
begin
  select string_agg(format('old.%I%s', c, x), ', '), string_agg(format('new.%I%s', c, x), ', ') into a, b
  from (select c, tandem.text_sql(relation, c) x from unnest(names) c) y;
  return case cardinality(names) when 0 then 'false' when 1 then a || ' is distinct from ' || b
    else format('row(%s) is distinct from row(%s)', a, b) end;
end $$;
comment on function tandem.distinct_sql(regclass, text[]) is 'A condition that some of these columns differ.';

-- Tandem's columns, each with what a new row has in it.
create or replace function tandem.own_columns(relation regclass, m jsonb) returns table (name text, initial text)
language plpgsql stable set search_path = '' as $$
begin
  return query select c.name, coalesce((select pg_get_expr(d.adbin, d.adrelid) from pg_catalog.pg_attribute a
    join pg_catalog.pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
    where a.attrelid = relation and a.attname = c.name), 'null')
  from (select x.value from jsonb_each_text(coalesce(nullif(m -> 'state', 'null'), '{}')) x
    union all select jsonb_array_elements_text(coalesce(m -> 'own', '[]'))) c (name);
end $$;
comment on function tandem.own_columns(regclass, jsonb) is 'The columns that only Tandem writes.';

-- Which changed rows are pending from now on.
create or replace function tandem.pending_sql(relation regclass, m jsonb, event text) returns text
language plpgsql stable set search_path = '' as $$
declare state text := m -> 'state' ->> 'state';
begin
  if state is null then return ''; end if;
  return format('if new.%1$I is distinct from ''pending'' and coalesce(%6$s, false) then if exists (select from '
    'tandem.connections c '
    'where c.user_id = %2$s and c.takes_new and coalesce(%3$s, true) union all select from tandem.links l '
    'where l.event = %4$s and l.state in (''live'', ''leaving'', ''reserved'')) then new.%1$I := ''pending''; %5$s '
    'end if; end if;', state, tandem.side_sql(relation, m ->> 'owner', 'new') || '::text',
    tandem.side_sql(relation, coalesce(m ->> 'enabled', 'true'), 'new'), event,
    case when m -> 'state' ->> 'error' is null then '' else format('new.%I := null;', m -> 'state' ->> 'error') end,
    tandem.side_sql(relation, coalesce(m ->> 'where', 'true'), 'new'));
end $$;
comment on function tandem.pending_sql(regclass, jsonb, text) is 'How a generated trigger marks a row pending.';

create or replace function tandem.generate_before(relation regclass, m jsonb) returns void
language plpgsql volatile set search_path = '' as $$
declare s jsonb := tandem.mapped(relation, m); kept text; reset text; event text; starts text := ''; series text := '';
  key text := s ->> 'key'; own text[] := array(select c.name from tandem.own_columns(relation, m) c);
begin
  select string_agg(format('new.%1$I := old.%1$I;', c.name), ' '),
    'if row(' || string_agg(format('new.%I%s', c.name, x.as_text), ', ') || ') is distinct from row('
      || string_agg(format('(%s)%s', c.initial, x.as_text), ', ') || ') then '
      || string_agg(format('new.%I := %s;', c.name, c.initial), ' ') || ' end if;'
  into kept, reset from tandem.own_columns(relation, m) c
  cross join lateral (select tandem.text_sql(relation, c.name)) x (as_text);
  event := case when (s -> 'is_uuid')::boolean then 'new.' || key
    else format('(select k.event from tandem.keys k where k.key = new.%s::text)', key) end;
  if tandem.column_type(relation, m ->> 'original_start') is not null then
    starts := format('if new.%1$I is not null then new.%1$I := tandem.planned_start(new.%1$I::text); end if;',
      m ->> 'original_start');
  end if;
  if m ->> 'series' is not null then
    series := format('if %s is not null then if tg_op = ''INSERT'' or %s then '
      'v_series := %s; perform tandem.check_series(v_series, %s::text); end if; end if;',
      tandem.side_sql(relation, m ->> 'series', 'new'), tandem.distinct_sql(relation,
        tandem.named_columns(relation, m -> 'series') || tandem.named_columns(relation, m -> 'owner')),
      tandem.series_sql(relation, m, 'new'), tandem.side_sql(relation, m ->> 'owner', 'new'));
  end if;
  execute format('create or replace function tandem.crm_before() returns trigger language plpgsql volatile '
    'security definer set search_path = '''' set enable_seqscan = off set jit = off as $f$ '
    'declare v_series uuid; begin '
    'if current_setting(''tandem.commit'', true) <> '''' then if tandem.is_own() then return new; end if; end if; '
    'if tg_op = ''INSERT'' then %1$s perform tandem.check_id(%9$s, %10$s::text); '
    'else if %2$s then if new.%3$s is distinct from old.%3$s then '
    'raise exception ''the key of an event cannot change'' using '
    'hint = ''Insert a new event and delete the old one.''; end if; '
    '%4$s end if; if not (%5$s) then return new; end if; end if; %6$s %7$s %8$s return new; end $f$',
    coalesce(reset, ''), tandem.distinct_sql(relation, own || array[m ->> 'key']), key, coalesce(kept, ''),
    tandem.distinct_sql(relation, tandem.mapped_columns(relation, m)), starts, series,
    tandem.pending_sql(relation, m, event), event, tandem.side_sql(relation, m ->> 'owner', 'new'));
  execute format('create trigger zz_tandem_insert before insert on %s for each row '
    'execute function tandem.crm_before()', relation);
  execute format('create trigger zz_tandem_update before update %s on %s for each row '
    'execute function tandem.crm_before()', tandem.of_sql(relation, tandem.mapped_columns(relation, m) || own
      || array[m ->> 'key']), relation);
end $$;
comment on function tandem.generate_before(regclass, jsonb) is
  'Makes the trigger that keeps Tandem''s columns Tandem''s, marks changed events pending and refuses others'' ids.';

create or replace function tandem.image_sql(relation regclass, m jsonb, s jsonb, side text, event text) returns text
language plpgsql stable set search_path = '' as $$
declare series text := case when (s -> 'is_uuid')::boolean then s ->> 'series'
  else format('(select x.event from tandem.keys x where x.key = %s::text)', s ->> 'series') end;
begin
  return format('(select jsonb_build_object(''fields'', %s, ''owner'', %s, ''enabled'', %s, ''series'', %s, '
    '''original_start'', %s) from %s%s)', s ->> 'fields', s ->> 'owner', s ->> 'enabled', series,
    s ->> 'original_start', tandem.row_sql(relation, tandem.mapped_columns(relation, m), side),
    tandem.kept_sql(s, event));
end $$;
comment on function tandem.image_sql(regclass, jsonb, jsonb, text, text) is 'A trigger''s row in the contract''s form.';

create or replace function tandem.generate_changed(relation regclass, m jsonb) returns void
language plpgsql volatile set search_path = '' as $$
declare s jsonb := tandem.mapped(relation, m); named text; event text; visible text;
  changing text := tandem.distinct_sql(relation, tandem.mapped_columns(relation, m)); own text := tandem.own_sql();
begin
  select string_agg(format('case when %s then %L end', tandem.distinct_sql(relation, c.columns), c.name), ', ')
  into named from tandem.changed_columns(relation, m) c;
  event := case when (s -> 'is_uuid')::boolean then format('%%1$s.%s', s ->> 'key')
    else format('tandem.key_of(%%1$s.%s::text)', s ->> 'key') end;
  -- A row that is no event is none of ours, whatever happens to it.
  visible := case when m ->> 'where' is null then ''
    else format('v_was := case when tg_op <> ''INSERT'' then coalesce(%s, false) else false end; '
      'v_is := case when tg_op <> ''DELETE'' then coalesce(%s, false) else false end; if not (v_was or v_is) then '
      'return null; elsif tg_op = ''UPDATE'' then v_op := case when not v_was then ''insert'' when not v_is '
      'then ''delete'' end; end if;',
      tandem.side_sql(relation, m ->> 'where', 'old'), tandem.side_sql(relation, m ->> 'where', 'new')) end;
  execute format('create or replace function tandem.crm_changed() returns trigger language plpgsql volatile '
    'security definer set search_path = '''' set enable_seqscan = off set jit = off as $f$ '
    'declare v_event uuid; v_op text; v_was boolean; v_is boolean; v_fields text[]; v_time timestamptz; v_poked text; '
    'v_rev bigint; begin %s if tg_op = ''UPDATE'' then v_fields := array_remove(array[%s]::text[], null); '
    'if v_op is not null then v_fields := null; elsif v_fields = ''{}'' then return null; end if; end if; '
    'if tg_op = ''DELETE'' then v_event := %s; else v_event := %s; end if; %s '
    'if tg_op = ''DELETE'' or v_op = ''delete'' then %s else %s end if; %s return null; end $f$',
    visible, named, format(event, 'old'), format(event, 'new'), tandem.moment_sql(),
    tandem.append_sql(tandem.side_sql(relation, m ->> 'owner', 'old'), tandem.series_sql(relation, m, 'old'),
      tandem.image_sql(relation, m, s, 'old', 'v_event')),
    tandem.append_sql(tandem.side_sql(relation, m ->> 'owner', 'new'), tandem.series_sql(relation, m, 'new'),
      'null'), tandem.poke_sql());
  if tandem.makes_keys(relation, m) then
    event := 'coalesce(nullif(current_setting(''tandem.inserting'', true), '''')::uuid, ' || event || ')';
  end if;
  execute format('create or replace function tandem.crm_own() returns trigger language plpgsql volatile '
    'set search_path = '''' set enable_seqscan = off set jit = off as $f$ begin '
    -- As a trigger's condition, all these columns are read anew for each statement, which costs more than a call.
    'if tg_op = ''UPDATE'' and not (%s) then return new; end if; '
    'insert into tandem.writing (event, expected) '
    'select %s, %s on conflict (event) do update set expected = excluded.expected; '
    'return new; end $f$', changing, format(event, 'new'), tandem.image_sql(relation, m, s, 'new', format(event,
      'new')));
  -- First by name, before any of the CRM's.
  execute format('create trigger "0_tandem_insert" before insert on %s for each row when (%s) '
    'execute function tandem.crm_own()', relation, own);
  -- A column that each write of Tandem's names, and few of the CRM's.
  execute format('create trigger "0_tandem_update" before update of %I on %s for each row when (%s) '
    'execute function tandem.crm_own()', (select w.name from tandem.written_columns(relation, m) w
      order by w.name in (select c.name from tandem.own_columns(relation, m) c) desc, w.name limit 1), relation, own);
  execute format('create trigger tandem_changed after insert or delete on %s for each row '
    'execute function tandem.crm_changed()', relation);
  execute format('create trigger tandem_updated after update %s on %s for each row '
    'execute function tandem.crm_changed()', tandem.of_sql(relation, tandem.mapped_columns(relation, m)), relation);
  execute format('create trigger tandem_poke after insert or delete on %s for each statement '
    'execute function tandem.poke()', relation);
  execute format('create trigger tandem_poke_updated after update %s on %s for each statement '
    'execute function tandem.poke()', tandem.of_sql(relation, tandem.mapped_columns(relation, m)), relation);
  execute format('create trigger tandem_truncate before truncate on %s for each statement '
    'execute function tandem.before_truncate()', relation);
end $$;
comment on function tandem.generate_changed(regclass, jsonb) is
  'Makes the triggers that note what a statement did to each row.';

create or replace function tandem.generate_triggers(relation regclass, m jsonb) returns void
language plpgsql volatile set search_path = '' as $$
begin
  perform tandem.drop_triggers(relation);
  perform tandem.generate_before(relation, m);
  perform tandem.generate_changed(relation, m);
end $$;
comment on function tandem.generate_triggers(regclass, jsonb) is 'Makes the triggers of the adopted table.';

-- What a new trigger of somebody else's has changed so far is found by looking at all linked events.
create or replace function tandem.keep_triggers() returns integer
language plpgsql volatile set search_path = '' set lock_timeout = '100ms' as $$
declare relation regclass; m jsonb; has_others boolean;
begin
  select to_regclass(a.relation), a.mapping into relation, m from tandem.adoption a;
  has_others := tandem.has_other_triggers(relation);
  if not exists (select from pg_catalog.pg_trigger t where t.tgrelid = relation and t.tgname = 'tandem_updated'
    and (t.tgattr::text <> '') = has_others) then return 0; end if;
  perform tandem.generate_triggers(relation, m);
  if has_others then
    insert into tandem.walks as w (connection_id, kind) select c.id, 'look' from tandem.connections c
    where c.state <> 'disconnected' order by c.id on conflict (connection_id, kind) do update set place = '';
  end if;
  return 1;
end $$;
comment on function tandem.keep_triggers() is
  'Has the triggers look at all updates where another trigger can change what a statement does not name.';
