set local lock_timeout = '3s';
-- Which rows are one meeting. Copies of a meeting share their iCalUID and, of an occurrence, its original start.
-- Anybody can forge these, so they decide what is shown once, and nothing else.

create or replace function tandem.meeting_id(ical_uid text, original_start text) returns uuid
language plpgsql immutable set search_path = '' as $$
begin return case when ical_uid is not null then md5(ical_uid || ' ' || coalesce(original_start, ''))::uuid end; end $$;
comment on function tandem.meeting_id(text, text) is 'Says which rows are one meeting.';

-- Whose meeting it says that it is, and whether it is the organizer's copy.
create or replace function tandem.organizer_of(l tandem.links, out email text, out is_self boolean)
language plpgsql stable set search_path = '' set enable_seqscan = off set jit = off as $$
begin
  select lower(o.organizer ->> 'email'), l.origin = 'crm' or coalesce((o.organizer ->> 'self')::boolean, false)
  into email, is_self from (select (select r.fields -> 'organizer' from tandem.crm_rows r where r.event = l.event)
    as organizer) o;
end $$;
comment on function tandem.organizer_of(tandem.links) is 'The organizer of a copy, and whether the copy is theirs.';

-- The organizer's first; then in the order of ids, so that everybody has the same order. A copy that names another
-- organizer has a forged identity, and hides nothing.
create or replace function tandem.copies_before(event_id uuid, of_user text) returns uuid[]
language plpgsql stable set search_path = '' set enable_seqscan = off set jit = off as $$
begin
  return array(with it as (select l.event, l.ical_uid, l.original_start, o.*
      from tandem.links l cross join lateral tandem.organizer_of(l) o
      where l.event = event_id and l.ical_uid is not null and l.state in ('live', 'kept')
      order by l.recorded desc limit 1)
    select distinct l.event from it join tandem.links l on l.ical_uid = it.ical_uid
      and l.original_start is not distinct from it.original_start and l.event <> it.event
      and l.state in ('live', 'kept') cross join lateral tandem.organizer_of(l) o
    where (of_user is null or exists (select from tandem.connections c
        where c.id = l.connection_id and c.user_id = of_user))
      and coalesce(o.email = it.email, true) and (not o.is_self, l.event) < (not it.is_self, it.event));
end $$;
comment on function tandem.copies_before(uuid, text) is
  'Copies of an event''s meeting that come first, of all or of one user.';

create or replace function tandem.my_event_of(key text) returns uuid
language plpgsql stable security definer set search_path = '' as $$
begin
  -- No CASE: what is cast there may be planned as a constant.
  if (select tandem.column_type(to_regclass(a.relation), a.mapping ->> 'key') from tandem.adoption a) = 'uuid' then
    return $1::uuid;
  end if;
  return (select k.event from tandem.keys k where k.key = $1);
end $$;
comment on function tandem.my_event_of(text) is 'Tandem''s id of the row that has a key.';

create or replace function tandem.my_meeting(key text) returns uuid
language plpgsql stable security definer set search_path = '' as $$
begin
  return (select tandem.meeting_id(l.ical_uid, l.original_start) from tandem.links l
    where l.event = tandem.my_event_of($1) and l.state in ('live', 'kept') order by l.recorded desc limit 1);
end $$;
comment on function tandem.my_meeting(text) is 'The meeting that a row is a copy of, or null.';

create or replace function tandem.my_copies_before(key text) returns text[]
language plpgsql stable cost 10000 security definer set search_path = '' as $$
declare events uuid[] := tandem.copies_before(tandem.my_event_of($1), null);
begin
  return case when events = '{}' then '{}' when exists (select from tandem.adoption a
      where tandem.column_type(to_regclass(a.relation), a.mapping ->> 'key') = 'uuid') then events::text[]
    else tandem.my_keys(events) end;
end $$;
comment on function tandem.my_copies_before(text) is 'Keys of the copies of a row''s meeting that come first.';

-- The copies are asked for row by row, after all that is cheaper: as a join it would be asked for each pair.
create or replace function tandem.generate_meetings(relation regclass, m jsonb, s jsonb) returns void
language plpgsql volatile set search_path = '' as $$
declare sql text; role text;
begin
  sql := format('create or replace view tandem.meetings with (security_invoker = true) as '
    'select coalesce(tandem.my_meeting(e.%1$s::text), tandem.my_event_of(e.%1$s::text)) as %2$I, e.* '
    'from (select * from %3$s where %4$s) e cross join lateral (select tandem.my_copies_before(e.%1$s::text)::%5$s[] '
    'as keys offset 0) x where x.keys = ''{}'' or not exists (select from (select * from %3$s where %4$s) b '
    'where b.%1$s = any (x.keys))', s ->> 'key',
    case when tandem.column_type(relation, 'meeting_id') is null then 'meeting_id' else 'tandem_meeting_id' end,
    relation, s ->> 'where', s ->> 'key_type');
  begin
    execute sql;
  exception when invalid_table_definition then
    drop view tandem.meetings;
    execute sql;
  end;
  comment on view tandem.meetings is
    'Each meeting once of those rows that the caller may see, the organizer''s copy first; with meeting_id.';
  for role in select r.rolname from pg_catalog.pg_roles r where r.rolname in ('authenticated', 'tandem_user') loop
    execute format('grant select on tandem.meetings to %I', role);
  end loop;
end $$;
comment on function tandem.generate_meetings(regclass, jsonb, jsonb) is 'Makes the view of meetings.';

select tandem.seal();
