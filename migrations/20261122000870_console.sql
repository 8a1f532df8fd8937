-- What the page asks as its user. These run with the rights of the role that the login names, under row
-- level security; whose events they are is tandem.uid(), never a parameter.

create or replace function tandem.my_marks(events uuid[]) returns jsonb
language sql stable security definer set search_path = '' as $$
  with linked as materialized (
    select l.event_id, l.origin, coalesce(j.state = 'held', false) as held
    from tandem.links l left join tandem.jobs j on j.event_id = l.event_id where l.event_id = any (events) and l.is_primary)
  select coalesce(jsonb_object_agg(k.event_id, jsonb_build_object('source', k.origin, 'held', k.held)), '{}')
  from linked k where tandem.crm_owner(k.event_id) = (select tandem.uid());
$$;
comment on function tandem.my_marks(uuid[]) is 'Of the caller''s linked events: where each was born, and whether a deletion of it waits for a person.';

create or replace function tandem.my_list(events uuid[]) returns jsonb
language sql stable set search_path = '' as $$
  with m as materialized (select tandem.my_marks(events) as marks)
  select coalesce(jsonb_agg(r.shown || coalesce(m.marks -> r.id::text, '{"source": "crm", "held": false}')), '[]') from tandem.my_rows(events) r, m;
$$;
comment on function tandem.my_list(uuid[]) is 'Those of these events that the caller may see.';

create or replace function tandem.my_zone() returns text
language sql stable security definer set search_path = '' as $$
  select coalesce((select c.time_zone from tandem.connections k join tandem.calendars c on c.id = k.calendar_id
    where k.user_id = tandem.uid() and k.is_target and k.state <> 'disconnected'), 'UTC');
$$;
comment on function tandem.my_zone() is 'The zone of the calendar that takes the caller''s new events: a timed event without a zone is in it.';

create or replace function public.tandem_my_events(p jsonb) returns jsonb
language plpgsql stable set search_path = '' set timezone = 'UTC' as $$
declare ids uuid[] := array(select tandem.my_between((p ->> 'from')::timestamptz, (p ->> 'to')::timestamptz));
begin
  if cardinality(ids) > 5000 then
    raise sqlstate 'PT400' using message = 'to', hint = 'There are more than 5000 events in this range; ask for a shorter one.';
  end if;
  return jsonb_build_object('events', tandem.my_list(ids), 'cursor', tandem.my_cursor());
end $$;
comment on function public.tandem_my_events(jsonb) is
  'The caller''s events in a range, for their own login. p: {from, to}. Returns {events, cursor}; changes since the cursor are all that happen later.';

create or replace function public.tandem_my_changes(p jsonb) returns jsonb
language plpgsql stable set search_path = '' set timezone = 'UTC' as $$
declare since pg_snapshot; found jsonb; events jsonb; ids uuid[];
begin
  begin
    since := (p ->> 'cursor')::pg_snapshot;
  exception when invalid_text_representation or numeric_value_out_of_range then
    raise sqlstate 'PT400' using message = 'cursor', hint = 'Send the cursor of an earlier answer.';
  end;
  found := tandem.my_touched(since, 1000);
  if found is null then return jsonb_build_object('outcome', 'expired'); end if;
  if (found ->> 'n')::integer = 0 then
    return jsonb_build_object('outcome', 'unchanged', 'tag', found -> 'tag', 'changed', '[]'::jsonb, 'removed', '[]'::jsonb, 'cursor', tandem.my_cursor());
  end if;
  ids := array(select jsonb_array_elements_text(found -> 'changed')::uuid);
  events := tandem.my_list(ids);
  return jsonb_build_object('outcome', 'changed', 'tag', found -> 'tag', 'changed', events, 'cursor', tandem.my_cursor(),
    -- What a policy of the CRM's hides from its owner has left too.
    'removed', (select coalesce(jsonb_agg(g), '[]') from (select jsonb_array_elements_text(found -> 'removed') g
      union select i::text from unnest(ids) i where not events @> jsonb_build_array(jsonb_build_object('id', i))) x));
end $$;
comment on function public.tandem_my_changes(jsonb) is
  'What of the caller''s events changed since a cursor, whoever changed it. p: {cursor}. Returns {outcome: changed | unchanged, tag, changed, removed, cursor} or {outcome: expired}.';

create or replace function public.tandem_my_event(p jsonb) returns jsonb
language plpgsql stable set search_path = '' set timezone = 'UTC' as $$
declare ids uuid[] := case when (p -> 'series')::boolean then tandem.my_series((p ->> 'event_id')::uuid) else array[(p ->> 'event_id')::uuid] end;
begin
  return jsonb_build_object('events', tandem.my_list(ids), 'zone', tandem.my_zone(),
    'versions', (select coalesce(jsonb_object_agg(r.id, r.version), '{}') from tandem.my_rows(ids) r));
end $$;
comment on function public.tandem_my_event(jsonb) is
  'One event of the caller''s. p: {event_id, series: with its master and exceptions}. Returns {events, versions: {id: version}, zone}; no events where the caller has none of this id.';

create or replace function public.tandem_my_save(p jsonb) returns jsonb
language plpgsql volatile set search_path = '' set timezone = 'UTC' as $$
declare w jsonb; gone uuid[] := array[]::uuid[]; seen uuid[] := array[]::uuid[]; moved boolean := false;
begin
  -- By id, as everybody locks events; then in the order that the writes were decided in.
  perform tandem.my_lock(array(select (x ->> 'id')::uuid from jsonb_array_elements(p -> 'writes') x));
  for w in select x from jsonb_array_elements(p -> 'writes') x loop
    if w ->> 'op' = 'delete' then
      gone := gone || (w ->> 'id')::uuid;
    elsif w ->> 'op' = 'insert' then
      perform tandem.my_insert((w ->> 'id')::uuid, w -> 'fields');
      seen := seen || (w ->> 'id')::uuid;
    elsif tandem.my_update((w ->> 'id')::uuid, w ->> 'version', w -> 'fields') then
      seen := seen || (w ->> 'id')::uuid;
    else
      moved := true;
    end if;
  end loop;
  if moved or cardinality(gone) > 0 and tandem.my_delete(gone) <> cardinality(gone) then
    raise sqlstate 'PT409' using message = 'the event has changed meanwhile', hint = 'Read it again.';
  end if;
  return jsonb_build_object('events', tandem.my_list(seen), 'removed', to_jsonb(gone));
end $$;
comment on function public.tandem_my_save(jsonb) is
  'Stores writes of the caller''s events in one transaction, or none. p: {writes: [{op: insert | update | delete, id, version: as read, for update, fields}]}. Returns {events, removed}; PT409 where a row is not as it was read.';
