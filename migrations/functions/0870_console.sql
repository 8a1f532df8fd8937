set local lock_timeout = '3s';
-- What the page asks as its user. These run with the rights of the role that the login names, under row level security;
-- whose events they are is tandem.uid(), never a parameter.

-- copy_of: another copy of the same meeting, in another calendar of the caller's, that is shown instead.
create or replace function tandem.my_marks(events uuid[]) returns jsonb
language plpgsql stable security definer set search_path = '' set enable_seqscan = off set jit = off as $$
declare me text := tandem.uid(); several boolean;
begin
  several := (select count(*) > 1 from tandem.connections c where c.user_id = me and c.state <> 'disconnected');
  return (with linked as materialized (
    select distinct on (l.event) l.event, l.origin, l.root, l.ical_uid, l.original_start, c.id as connection
    from tandem.links l join tandem.connections c on c.id = l.connection_id
    where l.event = any (events) and c.user_id = me order by l.event, l.state = 'deleted', l.recorded desc)
  select coalesce(jsonb_object_agg(k.event, jsonb_build_object(
    'source', case k.origin when 'remote' then 'google' else 'crm' end,
    'held', exists (select from tandem.work w where w.root = k.root and w.state = 'held'),
    'connection_id', k.connection, 'meeting_id', tandem.meeting_id(k.ical_uid, k.original_start),
    'copy_of', case when several then (tandem.copies_before(k.event, me))[1] end)), '{}') from linked k);
end $$;
comment on function tandem.my_marks(uuid[]) is
  'Of the caller''s linked events: where each was born, whether a deletion of it waits for a person, and its meeting.';

create or replace function tandem.my_list(events uuid[], marks jsonb) returns jsonb
language plpgsql stable set search_path = '' as $$
begin
  return (select coalesce(jsonb_agg(r.shown || '{"source": "crm", "held": false, "connection_id": null, '
    '"meeting_id": null, "copy_of": null}'::jsonb || coalesce(marks -> r.id::text, '{}') order by r.starts, r.id), '[]')
  from tandem.my_rows(events) r);
end $$;
comment on function tandem.my_list(uuid[], jsonb) is 'Those of these events that the caller may see.';

create or replace function tandem.my_zone() returns text
language plpgsql stable security definer set search_path = '' as $$
begin
  return coalesce((select c.time_zone from tandem.connections c
    where c.user_id = tandem.uid() and c.is_target and c.state <> 'disconnected'), 'UTC');
end $$;
comment on function tandem.my_zone() is
  'The zone of the calendar that takes the caller''s new events: a timed event without a zone is in it.';

-- Each meeting once: of several copies the one that comes first.
create or replace function tandem.my_shown(events uuid[], marks jsonb) returns uuid[]
language plpgsql immutable set search_path = '' as $$
begin
  return array(select e from unnest(events) e where coalesce(marks -> e::text -> 'copy_of', 'null') = 'null');
end $$;
comment on function tandem.my_shown(uuid[], jsonb) is 'Those of these events that are shown themselves.';

create or replace function public.tandem_my_events(p jsonb) returns jsonb
language plpgsql stable set search_path = '' set timezone = 'UTC' as $$
declare lo timestamptz; hi timestamptz; ids uuid[]; masters uuid[]; marks jsonb;
begin
  begin
    lo := (p ->> 'from')::timestamptz; hi := (p ->> 'to')::timestamptz;
  exception when others then lo := null;
  end;
  if lo is null or hi is null then
    raise sqlstate 'PT400' using message = case when lo is null then 'from' else 'to' end,
      hint = 'Send two times like 2031-03-03T09:00:00Z.';
  end if;
  ids := array(select tandem.my_between(lo, hi));
  if cardinality(ids) <= 5000 then
    masters := tandem.my_parents(ids);
    -- An occurrence is told with its series, and a series with all of its occurrences that differ.
    ids := array(select unnest(ids || masters) union select unnest(tandem.my_children(ids || masters)));
  end if;
  if cardinality(ids) > 5000 then
    raise sqlstate 'PT400' using message = 'to',
      hint = 'There are more than 5000 events in this range; ask for a shorter one.';
  end if;
  marks := tandem.my_marks(ids);
  return jsonb_build_object('events', tandem.my_list(tandem.my_shown(ids, marks), marks), 'cursor', tandem.my_cursor());
end $$;
comment on function public.tandem_my_events(jsonb) is
  'The caller''s events in a range, each meeting once, for their own login. p: {from, to}. Returns {events, cursor}; '
  'changes since the cursor are all that happen later.';

create or replace function public.tandem_my_changes(p jsonb) returns jsonb
language plpgsql stable set search_path = '' set timezone = 'UTC' as $$
declare found jsonb := tandem.my_touched(p ->> 'cursor', 1000); ids uuid[]; marks jsonb; events jsonb;
begin
  if found is null then return jsonb_build_object('outcome', 'expired'); end if;
  if (found ->> 'n')::integer = 0 then
    return jsonb_build_object('outcome', 'unchanged', 'tag', found -> 'tag', 'changed', '[]'::jsonb,
      'removed', '[]'::jsonb, 'cursor', tandem.my_cursor());
  end if;
  ids := array(select jsonb_array_elements_text(found -> 'changed')::uuid);
  marks := tandem.my_marks(ids);
  events := tandem.my_list(tandem.my_shown(ids, marks), marks);
  return jsonb_build_object('outcome', 'changed', 'tag', found -> 'tag', 'changed', events,
    'cursor', tandem.my_cursor(),
    -- What a policy of the CRM's hides from its owner has left too.
    'removed', (select coalesce(jsonb_agg(g), '[]') from (select jsonb_array_elements_text(found -> 'removed') g
      union select i::text from unnest(ids) i where not exists (select from jsonb_array_elements(events) e
        where e ->> 'id' = i::text)) x));
end $$;
comment on function public.tandem_my_changes(jsonb) is
  'What of the caller''s events changed since a cursor, whoever changed it. p: {cursor}. Returns {outcome: changed | '
  'unchanged, tag, changed, removed, cursor} or {outcome: expired}.';

create or replace function public.tandem_my_event(p jsonb) returns jsonb
language plpgsql stable set search_path = '' set timezone = 'UTC' as $$
declare ids uuid[];
begin
  begin
    ids := case when (p ->> 'series')::boolean then tandem.my_series((p ->> 'event_id')::uuid)
      else array[(p ->> 'event_id')::uuid] end;
  exception when invalid_text_representation then
    raise sqlstate 'PT400' using message = 'event_id', hint = 'Send the id of an event.';
  end;
  return jsonb_build_object('events', tandem.my_list(ids, tandem.my_marks(ids)), 'zone', tandem.my_zone(),
    'versions', (select coalesce(jsonb_object_agg(r.id, r.version), '{}') from tandem.my_rows(ids) r));
end $$;
comment on function public.tandem_my_event(jsonb) is
  'One event of the caller''s. p: {event_id, series: with its master and exceptions}. Returns {events, versions: {id: '
  'version}, zone}; no events where the caller has none of this id.';

create or replace function public.tandem_my_save(p jsonb) returns jsonb
language plpgsql volatile set search_path = '' set timezone = 'UTC' as $$
declare w jsonb; gone uuid[] := '{}'; seen uuid[] := '{}'; moved boolean := false;
begin
  if jsonb_typeof(p -> 'writes') is distinct from 'array' then
    raise sqlstate 'PT400' using message = 'writes', hint = 'Send an array.';
  end if;
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
  -- One statement, so that a series and its exceptions go as one.
  if moved or cardinality(gone) > 0 and tandem.my_delete(gone) <> cardinality(gone) then
    raise sqlstate 'PT409' using message = 'the event has changed meanwhile', hint = 'Read it again.';
  end if;
  return jsonb_build_object('events', tandem.my_list(seen, tandem.my_marks(seen)), 'removed', to_jsonb(gone));
end $$;
comment on function public.tandem_my_save(jsonb) is
  'Stores writes of the caller''s events in one transaction, or none. p: {writes: [{op: insert | update | delete, id, '
  'version: as read, for update, fields}]}. Returns {events, removed}; PT409 where a row is not as it was read.';

select tandem.seal();
