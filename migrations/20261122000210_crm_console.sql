-- The adapter's second half: how a signed-in user's own page reads and writes the CRM's table. All of it
-- but tandem.my_view runs as the user, so that the table's row level security has the last word.

-- An event longer than a month is looked for by itself, so that a range need not be read from the beginning of time.
create index if not exists events_long on public.events (owner_id, starts_at) where ends_at - starts_at > interval '31 days';
create index if not exists events_masters on public.events (owner_id, starts_at) where recurrence is not null;

-- Definer, since it only turns one row, which the caller has, into another form.
create or replace function tandem.my_view(e public.events) returns jsonb
language plpgsql stable security definer set search_path = '' as $$
begin
  return tandem.crm_fields(e) - 'owner_id' - 'enabled' || jsonb_build_object('id', e.id, 'google_sync_enabled', coalesce(e.google_sync_enabled, true),
    'sync_state', e.sync_state, 'sync_error', e.sync_error, 'google_event_id', e.google_event_id, 'google_calendar_id', e.google_calendar_id,
    'google_access', e.google_access, 'created_at', tandem.utc(e.created_at), 'updated_at', tandem.utc(e.updated_at));
end $$;
comment on function tandem.my_view(public.events) is 'Adapter: a row as the page''s interface shows it.';

create or replace function tandem.my_reaches(lines text[], length interval, since timestamptz) returns boolean
language sql stable set search_path = '' set timezone = 'UTC' as $$
  select array_to_string(lines, ' ') ~ 'RDATE' or (select count(*) from unnest(lines) l where l ~ 'RRULE') <> 1
    or coalesce(substring(array_to_string(lines, ' ') from 'UNTIL=(\d{8})') >= to_char(since - length - interval '2 days', 'YYYYMMDD'), true);
$$;
comment on function tandem.my_reaches(text[], interval, timestamptz) is 'Whether a series may have occurrences after a time; a rule without an end has, and nothing is expanded here.';

create or replace function tandem.my_between(lo timestamptz, hi timestamptz) returns setof uuid
language sql stable set search_path = '' as $$
  with hit as materialized (
    -- A day more for dates, which begin and end elsewhere in other zones.
    select x.id, x.recurring_event_id from (
      (select e.* from public.events e where e.owner_id = (select tandem.uid()) and e.starts_at >= lo - interval '32 days' and e.starts_at < hi + interval '1 day')
      union all
      (select e.* from public.events e where e.owner_id = (select tandem.uid()) and e.starts_at < lo - interval '32 days'
        and e.ends_at - e.starts_at > interval '31 days')) x
    where case when x.all_day then x.ends_at > lo - interval '1 day' else x.starts_at < hi and (x.ends_at > lo or x.starts_at >= lo) end),
  master as materialized (
    select e.id from public.events e where e.owner_id = (select tandem.uid()) and e.recurrence is not null and e.starts_at < hi + interval '1 day'
      and tandem.my_reaches(e.recurrence, e.ends_at - e.starts_at, lo)
    union select h.recurring_event_id from hit h where h.recurring_event_id is not null)
  select h.id from hit h union select m.id from master m
  union select x.id from master m join public.events x on x.recurring_event_id = m.id;
$$;
comment on function tandem.my_between(timestamptz, timestamptz) is 'Adapter: the caller''s events in a range; series that may reach into it come with all their exceptions.';

create or replace function tandem.my_lock(events uuid[]) returns void
language sql volatile set search_path = '' as $$
  select 1 from public.events e where e.id = any (events) order by e.id for update;
$$;
comment on function tandem.my_lock(uuid[]) is 'Adapter: locks events of the caller''s, by id.';

create or replace function tandem.my_insert(event uuid, fields jsonb) returns void
language plpgsql volatile set search_path = '' as $$
declare r public.events := tandem.my_record(null, fields);
begin
  insert into public.events (id, owner_id, title, description, location, starts_at, ends_at, all_day, time_zone, recurrence, recurring_event_id,
    original_start, status, visibility, transparency, color, attendees, reminders, conference, contact_id, company_id, deal_id, google_sync_enabled)
  values (event, tandem.uid(), r.title, r.description, r.location, r.starts_at, r.ends_at, r.all_day, r.time_zone, r.recurrence, r.recurring_event_id,
    r.original_start, r.status, r.visibility, r.transparency, r.color, r.attendees, r.reminders, r.conference, r.contact_id, r.company_id, r.deal_id,
    r.google_sync_enabled);
end $$;
comment on function tandem.my_insert(uuid, jsonb) is 'Adapter: adds an event of the caller''s.';

-- False where the row is not as it was read: the caller decides anew.
create or replace function tandem.my_update(event uuid, version text, fields jsonb) returns boolean
language plpgsql volatile set search_path = '' as $$
declare r public.events;
begin
  select * into r from public.events e where e.id = event and e.xmin::text = version for update;
  if not found then return false; end if;
  r := tandem.my_record(r, fields);
  update public.events e set title = r.title, description = r.description, location = r.location, starts_at = r.starts_at, ends_at = r.ends_at,
    all_day = r.all_day, time_zone = r.time_zone, recurrence = r.recurrence, recurring_event_id = r.recurring_event_id,
    original_start = r.original_start, status = r.status, visibility = r.visibility, transparency = r.transparency, color = r.color,
    attendees = r.attendees, reminders = r.reminders, conference = r.conference, contact_id = r.contact_id, company_id = r.company_id,
    deal_id = r.deal_id, google_sync_enabled = r.google_sync_enabled, updated_at = clock_timestamp()
  where e.id = event;
  return found;
end $$;
comment on function tandem.my_update(uuid, text, jsonb) is 'Adapter: replaces some fields of an event of the caller''s; false where it is not as it was read.';

-- One statement, so that a series and its exceptions go as one.
create or replace function tandem.my_delete(events uuid[]) returns integer
language plpgsql volatile set search_path = '' as $$
declare n integer;
begin
  delete from public.events e where e.id = any (events);
  get diagnostics n = row_count;
  return n;
end $$;
comment on function tandem.my_delete(uuid[]) is 'Adapter: deletes events of the caller''s; returns how many there were.';

create or replace function tandem.my_rows(events uuid[]) returns table (id uuid, version text, shown jsonb)
language sql stable set search_path = '' as $$
  select e.id, e.xmin::text, tandem.my_view(e) from public.events e where e.id = any (events) order by e.starts_at, e.id;
$$;
comment on function tandem.my_rows(uuid[]) is 'Adapter: those of these events that the caller may see, with the version that a write names.';

create or replace function tandem.my_series(event uuid) returns uuid[]
language sql stable set search_path = '' as $$
  with root as materialized (select coalesce(e.recurring_event_id, e.id) as id from public.events e where e.id = event)
  select array(select r.id from root r union select event from root union select x.id from root r join public.events x on x.recurring_event_id = r.id);
$$;
comment on function tandem.my_series(uuid) is 'Adapter: an event with its series and all exceptions of that.';

-- Definer for the sake of the adapter's other half, which is closed to users; it stores nothing.
create or replace function tandem.my_record(base public.events, fields jsonb) returns public.events
language plpgsql stable security definer set search_path = '' as $$
declare r public.events := base;
begin
  if r.id is null then
    r.all_day := false; r.status := 'confirmed'; r.visibility := 'default'; r.transparency := 'opaque'; r.attendees := '[]'; r.google_sync_enabled := true;
  end if;
  -- The check says which zones there are; a name that is not known is not silently dropped.
  if fields ->> 'time_zone' is not null and tandem.known_zone(fields ->> 'time_zone') is null then
    raise sqlstate 'PT400' using message = 'time_zone', hint = 'This database does not know the zone; name one like Europe/Berlin.';
  end if;
  if fields ? 'google_sync_enabled' then r.google_sync_enabled := (fields ->> 'google_sync_enabled')::boolean; end if;
  return tandem.crm_record(r, fields - 'owner_id' - 'organizer' - 'creator' - 'attachments' - 'enabled');
end $$;
comment on function tandem.my_record(public.events, jsonb) is 'Adapter: a row with some fields of the page''s interface replaced; nothing is stored.';
