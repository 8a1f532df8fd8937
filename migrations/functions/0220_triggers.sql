set local lock_timeout = '3s';

-- What Tandem's own statements are told from others by, in a trigger's WHEN.
create or replace function tandem.own_sql() returns text
language plpgsql stable set search_path = '' as $$
begin
  return format('(current_user = %L and pg_trigger_depth() = 0 '
    'and coalesce(current_setting(''tandem.commit'', true), '''') = ''yes'')', current_user);
end $$;
comment on function tandem.own_sql() is 'A condition that only a statement of Tandem''s commit fulfils.';

-- A plain column is read at once; an expression needs the row as one.
create or replace function tandem.side_sql(relation regclass, spec text, side text) returns text
language plpgsql stable set search_path = '' as $$
begin
  return case when tandem.column_type(relation, spec) is not null then format('%s.%I', side, spec)
    else format('(select %s from (select %s.*) e)', spec, side) end;
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

create or replace function tandem.mapped_columns(relation regclass, m jsonb) returns text[]
language plpgsql stable set search_path = '' as $$
begin
  return array(select distinct c from (
    select unnest(tandem.named_columns(relation, f.value)) c from jsonb_each(m -> 'fields') f
    union all select unnest(tandem.named_columns(relation, m -> k))
      from unnest('{owner,enabled,series,original_start,where}'::text[]) k where m ? k) x order by c);
end $$;
comment on function tandem.mapped_columns(regclass, jsonb) is 'The columns that a change can be in.';

-- json and xml cannot be compared.
create or replace function tandem.distinct_sql(relation regclass, names text[]) returns text
language plpgsql stable set search_path = '' as $$
declare a text; b text;
begin
  select string_agg('old.' || quote_ident(c) || x, ', '), string_agg('new.' || quote_ident(c) || x, ', ') into a, b
  from (select c, case when tandem.column_type(relation, c) in ('json', 'xml', 'point') then '::text' else '' end x
    from unnest(names) c) y;
  return case cardinality(names) when 0 then 'false' when 1 then a || ' is distinct from ' || b
    else format('row(%s) is distinct from row(%s)', a, b) end;
end $$;
comment on function tandem.distinct_sql(regclass, text[]) is 'A condition that some of these columns differ.';

create or replace function tandem.generate_before(relation regclass, m jsonb) returns void
language plpgsql volatile set search_path = '' as $$
declare s jsonb := tandem.mapped(relation, m); own text[]; kept text; reset text; event text; pending text := '';
  starts text := '';
  is_uuid boolean := (s -> 'is_uuid')::boolean;
begin
  own := array(select x.value from jsonb_each_text(coalesce(nullif(m -> 'state', 'null'), '{}')) x
    union all select jsonb_array_elements_text(coalesce(m -> 'own', '[]')));
  select string_agg(format('new.%1$I := old.%1$I;', c), ' '), string_agg(format('new.%I := %s;', c,
    coalesce((select pg_get_expr(d.adbin, d.adrelid) from pg_catalog.pg_attribute a join pg_catalog.pg_attrdef d
      on d.adrelid = a.attrelid and d.adnum = a.attnum where a.attrelid = relation and a.attname = c), 'null')), ' ')
  into kept, reset from unnest(own) c;
  event := case when is_uuid then format('new.%s', s ->> 'key')
    else format('(select k.event from tandem.keys k where k.key = new.%s::text)', s ->> 'key') end;
  if tandem.column_type(relation, m ->> 'original_start') is not null then
    starts := format('new.%1$I := tandem.planned_start(new.%1$I::text);', m ->> 'original_start');
  end if;
  if m -> 'state' ->> 'state' is not null then
    pending :=
      format('if (tg_op = ''INSERT'' or new.%5$I is distinct from ''pending'') and (tg_op = ''INSERT'' or %1$s) then '
      'if coalesce(%2$s, true) and exists (select from tandem.connections c where c.user_id = v_owner and c.takes_new) '
      'or exists (select from tandem.links l where l.event = %3$s and l.state in (''live'', ''leaving'', ''reserved'')) then '
      'new.%4$I := ''pending''; %6$s end if; end if;', tandem.distinct_sql(relation, tandem.mapped_columns(relation,
        m)),
      tandem.side_sql(relation, coalesce(m ->> 'enabled', 'true'), 'new'), event, m -> 'state' ->> 'state',
      m -> 'state' ->> 'state', coalesce(format('new.%I := null;', m -> 'state' ->> 'error'), ''));
  end if;
  execute format('create or replace function tandem.crm_before() returns trigger language plpgsql volatile '
    'security definer set search_path = '''' set enable_seqscan = off as $f$ '
    'declare v_owner text := %1$s; v_series uuid; begin '
    'if tg_op = ''UPDATE'' then if not (%9$s) then return new; end if; if new.%2$s is distinct from old.%2$s then raise exception ''the key of an event '
    'cannot change'' using hint = ''Insert a new event and delete the old one.''; end if; %3$s else %4$s end if; '
    '%5$s if tg_op = ''INSERT'' or %6$s then v_series := %7$s; '
    'if v_series is not null then perform tandem.check_series(v_series, v_owner); end if; end if; %8$s return new; end $f$',
    tandem.side_sql(relation, m ->> 'owner', 'new'), s ->> 'key', kept, reset, starts,
    tandem.distinct_sql(relation, tandem.named_columns(relation, coalesce(m -> 'series', '""'))
      || tandem.named_columns(relation, m -> 'owner')), tandem.series_sql(relation, m, 'new'), pending,
    tandem.distinct_sql(relation, tandem.mapped_columns(relation, m) || own || array[m ->> 'key']));
  execute format('create trigger zz_tandem_insert before insert on %s for each row when (not %s) '
    'execute function tandem.crm_before()', relation, tandem.own_sql());
  execute format('create trigger zz_tandem_update before update on %s for each row when (not %s) '
    'execute function tandem.crm_before()', relation, tandem.own_sql());
end $$;
comment on function tandem.generate_before(regclass, jsonb) is
  'Makes the trigger that keeps Tandem''s columns Tandem''s, marks changed events pending and refuses others'' series.';

create or replace function tandem.image_sql(s jsonb, side text) returns text
language plpgsql immutable set search_path = '' as $$
declare series text := case when (s -> 'is_uuid')::boolean then s ->> 'series'
  else format('(select x.event from tandem.keys x where x.key = %s::text)', s ->> 'series') end;
begin
  return format('(select jsonb_build_object(''fields'', %s, ''owner'', %s, ''enabled'', %s, ''series'', %s, '
    '''original_start'', %s) from (select %s.*) e)', s ->> 'fields', s ->> 'owner', s ->> 'enabled', series,
    s ->> 'original_start', side);
end $$;
comment on function tandem.image_sql(jsonb, text) is 'A trigger''s row in the contract''s form.';

create or replace function tandem.generate_changed(relation regclass, m jsonb) returns void
language plpgsql volatile set search_path = '' as $$
declare s jsonb := tandem.mapped(relation, m); named text; event text; visible text; sides text;
  changing text := tandem.distinct_sql(relation, tandem.mapped_columns(relation, m)); own text := tandem.own_sql();
begin
  select string_agg(format('case when %s then %L end', tandem.distinct_sql(relation, tandem.named_columns(relation,
    f.value)),
    f.key), ', ') into named from jsonb_each((m -> 'fields') || jsonb_strip_nulls(jsonb_build_object('owner', m ->
      'owner',
      'enabled', m -> 'enabled', 'series', m -> 'series', 'original_start', m -> 'original_start'))) f
  where tandem.named_columns(relation, f.value) <> '{}';
  event := case when (s -> 'is_uuid')::boolean then format('%%1$s.%s', s ->> 'key')
    else format('tandem.key_of(%%1$s.%s::text)', s ->> 'key') end;
  sides := 'v_event := ' || event || '; v_owner := %2$s; v_series := %3$s;';
  visible := case when m ->> 'where' is null then ''
    else format('if tg_op = ''UPDATE'' then v_was := coalesce((select %1$s from (select old.*) e), false); '
      'v_is := coalesce((select %1$s from (select new.*) e), false); if not (v_was or v_is) then '
      'return null; elsif not v_was then v_op := ''insert''; elsif not v_is then v_op := ''delete''; end if; end if;',
      s ->> 'where') end;
  execute format('create or replace function tandem.crm_changed() returns trigger language plpgsql volatile '
    'security definer set search_path = '''' set enable_seqscan = off as $f$ '
    'declare v_event uuid; v_owner text; v_series uuid; v_op text := lower(tg_op); v_was boolean; v_is boolean; '
    'v_fields text[]; v_old jsonb; v_time timestamptz; v_poke text; v_rev bigint; v_high bigint; begin %1$s '
    'if tg_op = ''DELETE'' then %2$s else %3$s end if; '
    'if v_op = ''update'' then v_fields := array_remove(array[%4$s]::text[], null); '
    'elsif v_op = ''delete'' then v_old := %5$s; end if; %6$s return null; end $f$',
    visible, format(sides, 'old', tandem.side_sql(relation, m ->> 'owner', 'old'), tandem.series_sql(relation, m,
      'old')),
    format(sides, 'new', tandem.side_sql(relation, m ->> 'owner', 'new'), tandem.series_sql(relation, m, 'new')),
    named, tandem.image_sql(s, 'old'), tandem.append_sql());
  execute format('create or replace function tandem.crm_own() returns trigger language plpgsql volatile '
    'set search_path = '''' set enable_seqscan = off as $f$ begin '
    -- As a trigger's condition, all these columns are read anew for each statement, which costs more than a call.
    'if tg_op = ''UPDATE'' and not (%s) then return new; end if; '
    'if not starts_with(coalesce(current_setting(''tandem.poke'', true), ''''), ''c'') then '
    'perform set_config(''tandem.poke'', ''c'', true); end if; insert into tandem.writing (event, expected) '
    'select %s, %s on conflict (event) do update set expected = excluded.expected; '
    'return new; end $f$', changing, format(event, 'new'), tandem.image_sql(s, 'new'));
  -- First by name, before any of the CRM's.
  execute format('create trigger "0_tandem_insert" before insert on %s for each row when (%s) '
    'execute function tandem.crm_own()', relation, own);
  execute format('create trigger "0_tandem_update" before update on %s for each row when (%s) '
    'execute function tandem.crm_own()', relation, own);
  execute format('create trigger tandem_changed after update on %s for each row when (%s) '
    'execute function tandem.crm_changed()', relation, changing);
  execute format('create trigger tandem_inserted_deleted after insert or delete on %s for each row '
    'execute function tandem.crm_changed()', relation);
  execute format('create trigger tandem_poke after insert or update or delete on %s for each statement '
    'execute function tandem.poke()', relation);
  execute format('create trigger tandem_truncate before truncate on %s for each statement '
    'execute function tandem.before_truncate()', relation);
end $$;
comment on function tandem.generate_changed(regclass, jsonb) is
  'Makes the triggers that note what a statement did to each row.';
