set local lock_timeout = '3s';

-- What Tandem's own statements are told from others by, in a trigger's WHEN.
create or replace function tandem.own_sql() returns text
language plpgsql stable set search_path = '' as $$
begin
  return format('(coalesce(current_setting(''tandem.commit'', true), '''') = ''yes'' and current_user = %L '
    'and pg_trigger_depth() = 0)', current_user);
end $$;
comment on function tandem.own_sql() is 'A condition that only a statement of Tandem''s commit fulfils.';

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
  return coalesce(format('row(%s) is distinct from row(%s)', a, b), 'false');
end $$;
comment on function tandem.distinct_sql(regclass, text[]) is 'A condition that some of these columns differ.';

create or replace function tandem.generate_before(relation regclass, m jsonb) returns void
language plpgsql volatile set search_path = '' as $$
declare s jsonb := tandem.mapped(relation, m); own text[]; kept text; reset text; event text; pending text := ''; starts text := '';
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
    pending := format('if tg_op = ''INSERT'' or %s then '
      'if (select %s from (select new.*) e) and tandem.takes_new(v_owner) or tandem.is_linked(v_event) then '
      'new.%I := ''pending''; %s end if; end if;', tandem.distinct_sql(relation, tandem.mapped_columns(relation, m)),
      s ->> 'enabled', m -> 'state' ->> 'state',
      coalesce(format('new.%I := null;', m -> 'state' ->> 'error'), ''));
  end if;
  execute format('create or replace function tandem.crm_before() returns trigger language plpgsql volatile '
    'security definer set search_path = '''' as $f$ declare v_event uuid; v_owner text; begin '
    'if tg_op = ''UPDATE'' then if new.%1$s is distinct from old.%1$s then raise exception ''the key of an event cannot '
    'change'' using hint = ''Insert a new event and delete the old one.''; end if; %2$s else %3$s end if; '
    'v_event := %4$s; v_owner := (select %5$s from (select new.*) e); %6$s '
    'perform tandem.check_series(%7$s, v_owner) where tg_op = ''INSERT'' or %8$s; %9$s return new; end $f$',
    s ->> 'key', kept, reset, event, s ->> 'owner', starts,
    case when is_uuid then format('(select %s::uuid from (select new.*) e)', s ->> 'series')
      else format('(select k.event from tandem.keys k where k.key = (select %s::text from (select new.*) e))',
        s ->> 'series') end,
    tandem.distinct_sql(relation, tandem.named_columns(relation, coalesce(m -> 'series', '""'))
      || tandem.named_columns(relation, m -> 'owner')), pending);
  execute format('create trigger zz_tandem_insert before insert on %s for each row when (not %s) '
    'execute function tandem.crm_before()', relation, tandem.own_sql());
  execute format('create trigger zz_tandem_update before update on %s for each row when (not %s and (%s)) '
    'execute function tandem.crm_before()', relation, tandem.own_sql(),
    tandem.distinct_sql(relation, tandem.mapped_columns(relation, m) || own || array[m ->> 'key']));
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
declare s jsonb := tandem.mapped(relation, m); named text; event text; visible text; series text;
  changing text := tandem.distinct_sql(relation, tandem.mapped_columns(relation, m)); own text := tandem.own_sql();
begin
  select string_agg(format('case when %s then %L end', tandem.distinct_sql(relation, tandem.named_columns(relation, f.value)),
    f.key), ', ') into named from jsonb_each((m -> 'fields') || jsonb_strip_nulls(jsonb_build_object('owner', m -> 'owner',
      'enabled', m -> 'enabled', 'series', m -> 'series', 'original_start', m -> 'original_start'))) f
  where tandem.named_columns(relation, f.value) <> '{}';
  event := case when (s -> 'is_uuid')::boolean then format('e.%s', s ->> 'key')
    else format('tandem.key_of(e.%s::text)', s ->> 'key') end;
  series := case when (s -> 'is_uuid')::boolean then (s ->> 'series') || '::uuid'
    else format('(select x.event from tandem.keys x where x.key = %s::text)', s ->> 'series') end;
  visible := case when m ->> 'where' is null then ''
    else format('if tg_op = ''UPDATE'' then v_was := (select %1$s from (select old.*) e); '
      'v_is := (select %1$s from (select new.*) e); if not (coalesce(v_was, false) or coalesce(v_is, false)) then '
      'return null; elsif not coalesce(v_was, false) then v_op := ''insert''; '
      'elsif not coalesce(v_is, false) then v_op := ''delete''; end if; end if;', s ->> 'where') end;
  execute format('create or replace function tandem.crm_changed() returns trigger language plpgsql volatile '
    'security definer set search_path = '''' set enable_seqscan = off as $f$ '
    'declare v_event uuid; v_owner text; v_series uuid; v_op text := lower(tg_op); v_was boolean; v_is boolean; '
    'v_row %1$s; v_fields text[]; begin %2$s '
    'v_row := case when tg_op = ''DELETE'' then old else new end; '
    'select %3$s, %4$s, %5$s into v_event, v_owner, v_series from (select (v_row).*) e; '
    'if v_op = ''update'' then v_fields := array_remove(array[%6$s]::text[], null); end if; '
    'perform tandem.add_change(v_event, v_series, v_owner, v_op, v_fields, '
    'case when v_op = ''delete'' then %7$s end); return null; end $f$',
    relation, visible, event, s ->> 'owner', series, named, tandem.image_sql(s, 'old'));
  execute format('create or replace function tandem.crm_own() returns trigger language plpgsql volatile '
    'set search_path = '''' set enable_seqscan = off as $f$ begin insert into tandem.writing (event, expected) '
    'select %s, %s from (select new.*) e on conflict (event) do update set expected = excluded.expected; '
    'return new; end $f$', event, tandem.image_sql(s, 'new'));
  -- First by name, before any of the CRM's.
  execute format('create trigger "0_tandem_insert" before insert on %s for each row when (%s) '
    'execute function tandem.crm_own()', relation, own);
  execute format('create trigger "0_tandem_update" before update on %s for each row when (%s and (%s)) '
    'execute function tandem.crm_own()', relation, own, changing);
  execute format('create trigger tandem_changed after update on %s for each row when (%s) '
    'execute function tandem.crm_changed()', relation, changing);
  execute format('create trigger tandem_inserted_deleted after insert or delete on %s for each row '
    'execute function tandem.crm_changed()', relation);
  execute format('create trigger tandem_poke after insert or update or delete on %s for each statement '
    'execute function tandem.poke()', relation);
  execute format('create trigger tandem_truncate before truncate on %s for each statement '
    'execute function tandem.before_truncate()', relation);
end $$;
comment on function tandem.generate_changed(regclass, jsonb) is 'Makes the triggers that note what a statement did to each row.';
