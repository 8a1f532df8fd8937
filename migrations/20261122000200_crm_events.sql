-- The CRM's table and, with the next file, the only functions that know its columns. A CRM that has an
-- events table of its own edits the two before the first migration; later migrations never touch it.

create table if not exists public.events (
  id uuid primary key default gen_random_uuid(),
  owner_id uuid not null,
  title text,
  description text,
  location text,
  starts_at timestamptz not null,
  ends_at timestamptz not null,
  all_day boolean not null default false,
  time_zone text,
  recurrence text[],
  recurring_event_id uuid,
  original_start text,
  status text not null default 'confirmed' check (status in ('confirmed', 'tentative', 'cancelled')),
  visibility text not null default 'default',
  transparency text not null default 'opaque',
  color text,
  attendees jsonb not null default '[]',
  reminders jsonb,
  conference jsonb,
  organizer jsonb,
  creator jsonb,
  attachments jsonb,
  contact_id text,
  company_id text,
  deal_id text,
  google_sync_enabled boolean not null default true,
  sync_state text not null default 'none' check (sync_state in ('none', 'pending', 'synced', 'error')),
  sync_error text,
  google_event_id text,
  google_calendar_id text,
  google_access text check (google_access in ('full', 'guest', 'read')),
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  constraint events_time_zone_known check (time_zone is null or timezone(time_zone, 'epoch'::timestamptz) is not null),
  constraint events_end_after_start check (ends_at >= starts_at and (not all_day or ends_at > starts_at)),
  constraint events_all_day_midnights check (not all_day or (
    timezone(coalesce(time_zone, 'UTC'), starts_at)::time = '00:00'
    and timezone(coalesce(time_zone, 'UTC'), ends_at)::time = '00:00'))
);
create index if not exists events_owner on public.events (owner_id, starts_at);
create unique index if not exists events_series on public.events (recurring_event_id, original_start) where recurring_event_id is not null;
comment on table public.events is 'The CRM''s events.';
comment on column public.events.id is 'Key.';
comment on column public.events.owner_id is 'The CRM user it belongs to.';
comment on column public.events.title is 'Title.';
comment on column public.events.description is 'Text; HTML where it came from Google.';
comment on column public.events.location is 'Free text.';
comment on column public.events.starts_at is 'Start; midnight in time_zone (else UTC) for an all-day event.';
comment on column public.events.ends_at is 'End, exclusive.';
comment on column public.events.all_day is 'Dates without times.';
comment on column public.events.time_zone is 'IANA zone; null takes the calendar''s.';
comment on column public.events.recurrence is 'RFC 5545 lines RRULE, EXDATE, RDATE of a series'' master.';
comment on column public.events.recurring_event_id is 'The master, for an exception: an occurrence that differs from its series.';
comment on column public.events.original_start is 'The planned start of an exception: 2031-03-03T09:00:00Z, or 2031-03-03 in an all-day series.';
comment on column public.events.status is 'confirmed, tentative or cancelled. A cancelled exception is an occurrence that does not take place; deleting an exception cancels it.';
comment on column public.events.visibility is 'default, public, private or confidential.';
comment on column public.events.transparency is 'opaque (busy) or transparent (free).';
comment on column public.events.color is 'Google''s colorId.';
comment on column public.events.attendees is 'Array of {email, display_name, response_status, optional, comment}.';
comment on column public.events.reminders is '{use_default, overrides: [{method, minutes}]}.';
comment on column public.events.conference is 'Google''s conferenceData. {"createRequest": {}} asks for a Meet link, which then takes its place.';
comment on column public.events.organizer is 'Tandem''s: whose event it is, {email, display_name, self}.';
comment on column public.events.creator is 'Tandem''s: who made it in Google, {email, display_name, self}.';
comment on column public.events.attachments is 'Tandem''s: Google''s attachments, an array.';
comment on column public.events.contact_id is 'The CRM contact.';
comment on column public.events.company_id is 'The CRM company.';
comment on column public.events.deal_id is 'The CRM deal.';
comment on column public.events.google_sync_enabled is 'False keeps the event out of Google.';
comment on column public.events.sync_state is 'Tandem''s: none (not for Google), pending (work open), synced, error.';
comment on column public.events.sync_error is 'Tandem''s: why, for people to read.';
comment on column public.events.google_event_id is 'Tandem''s: Google''s event id.';
comment on column public.events.google_calendar_id is 'Tandem''s: Google''s calendar id.';
comment on column public.events.google_access is 'Tandem''s: what of a linked event can be changed. full; guest: only what belongs to one''s own copy; read: nothing.';
comment on column public.events.created_at is 'Creation.';
comment on column public.events.updated_at is 'Last change.';

alter table public.events enable row level security;
do $$ begin
  -- (select …): asked once for a statement, not for each row.
  create policy events_own on public.events using (owner_id = (select tandem.uid())) with check (owner_id = (select tandem.uid()));
exception when duplicate_object then null;
end $$;

-- plpgsql keeps its plans; sql within sql is planned at each call.
create or replace function tandem.utc(t timestamptz) returns text
language plpgsql immutable parallel safe set search_path = '' as $$
begin
  return to_char(timezone('UTC', t), 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"');
end $$;
comment on function tandem.utc(timestamptz) is 'RFC 3339 in UTC with microseconds: the one form in which times are compared.';

-- Two texts of one moment would be two exceptions.
create or replace function tandem.planned_start(t text) returns text
language plpgsql immutable set search_path = '' set timezone = 'UTC' as $$
begin
  if t ~ '^\d{4}-\d{2}-\d{2}$' then return t; end if;
  return to_char(timezone('UTC', t::timestamptz), 'YYYY-MM-DD"T"HH24:MI:SS"Z"');
exception when datetime_field_overflow or invalid_datetime_format then
  raise exception 'original_start is neither a date nor a time: %', t
    using hint = 'Write 2031-03-03T09:00:00Z, or 2031-03-03 for an all-day series.', errcode = 'invalid_datetime_format';
end $$;
comment on function tandem.planned_start(text) is 'The planned start of an occurrence in the one form that is compared: a date, or RFC 3339 in UTC to the second.';

create or replace function tandem.crm_fields(e public.events) returns jsonb
language plpgsql stable set search_path = '' as $$
begin
  return jsonb_build_object(
    'title', e.title, 'description', e.description, 'location', e.location,
    'all_day', e.all_day,
    'starts_at', case when not e.all_day then tandem.utc(e.starts_at) end,
    'ends_at', case when not e.all_day then tandem.utc(e.ends_at) end,
    'starts_on', case when e.all_day then timezone(coalesce(e.time_zone, 'UTC'), e.starts_at)::date end,
    'ends_on', case when e.all_day then timezone(coalesce(e.time_zone, 'UTC'), e.ends_at)::date end,
    'time_zone', e.time_zone,
    'recurrence', to_jsonb(e.recurrence),
    'recurring_event_id', e.recurring_event_id, 'original_start', e.original_start,
    'status', e.status, 'visibility', e.visibility, 'transparency', e.transparency, 'color', e.color,
    'attendees', coalesce(e.attendees, '[]'), 'reminders', e.reminders, 'conference', e.conference,
    'organizer', e.organizer, 'creator', e.creator, 'attachments', e.attachments,
    'contact_id', e.contact_id, 'company_id', e.company_id, 'deal_id', e.deal_id,
    'owner_id', e.owner_id, 'enabled', coalesce(e.google_sync_enabled, true));
end $$;
comment on function tandem.crm_fields(public.events) is 'Adapter: the mapped fields of a row, in the names and forms that Tandem compares.';

-- Google's list of zones is at times newer than the database's; the moment is right without it.
create or replace function tandem.known_zone(zone text) returns text
language plpgsql stable set search_path = '' as $$
begin
  perform timezone(zone, 'epoch'::timestamptz);
  return zone;
exception when invalid_parameter_value then
  return null;
end $$;
comment on function tandem.known_zone(text) is 'A time zone''s name, or null where this database does not know it.';

create or replace function tandem.crm_record(base public.events, fields jsonb) returns public.events
language plpgsql stable set search_path = '' as $$
declare r public.events := base; zone text;
begin
  if fields ? 'title' then r.title := fields ->> 'title'; end if;
  if fields ? 'description' then r.description := fields ->> 'description'; end if;
  if fields ? 'location' then r.location := fields ->> 'location'; end if;
  if fields ? 'time_zone' then r.time_zone := tandem.known_zone(fields ->> 'time_zone'); end if;
  if fields ? 'all_day' then r.all_day := (fields ->> 'all_day')::boolean; end if;
  zone := coalesce(r.time_zone, 'UTC');
  if fields ->> 'starts_on' is not null then
    r.starts_at := timezone(zone, (fields ->> 'starts_on')::timestamp);
    r.ends_at := timezone(zone, (fields ->> 'ends_on')::timestamp);
  elsif fields ->> 'starts_at' is not null then
    r.starts_at := (fields ->> 'starts_at')::timestamptz;
    r.ends_at := (fields ->> 'ends_at')::timestamptz;
  end if;
  if fields ? 'recurrence' then
    r.recurrence := case when jsonb_typeof(fields -> 'recurrence') = 'array'
      then array(select jsonb_array_elements_text(fields -> 'recurrence')) end;
  end if;
  if fields ? 'recurring_event_id' then r.recurring_event_id := (fields ->> 'recurring_event_id')::uuid; end if;
  if fields ? 'original_start' then r.original_start := fields ->> 'original_start'; end if;
  if fields ? 'status' then r.status := fields ->> 'status'; end if;
  if fields ? 'visibility' then r.visibility := fields ->> 'visibility'; end if;
  if fields ? 'transparency' then r.transparency := fields ->> 'transparency'; end if;
  if fields ? 'color' then r.color := fields ->> 'color'; end if;
  if fields ? 'attendees' then r.attendees := coalesce(nullif(fields -> 'attendees', 'null'), '[]'); end if;
  if fields ? 'reminders' then r.reminders := nullif(fields -> 'reminders', 'null'); end if;
  if fields ? 'conference' then r.conference := nullif(fields -> 'conference', 'null'); end if;
  if fields ? 'organizer' then r.organizer := nullif(fields -> 'organizer', 'null'); end if;
  if fields ? 'creator' then r.creator := nullif(fields -> 'creator', 'null'); end if;
  if fields ? 'attachments' then r.attachments := nullif(fields -> 'attachments', 'null'); end if;
  if fields ? 'contact_id' then r.contact_id := fields ->> 'contact_id'; end if;
  if fields ? 'company_id' then r.company_id := fields ->> 'company_id'; end if;
  if fields ? 'deal_id' then r.deal_id := fields ->> 'deal_id'; end if;
  if fields ? 'owner_id' then r.owner_id := (fields ->> 'owner_id')::uuid; end if;
  if fields ? 'enabled' then r.google_sync_enabled := (fields ->> 'enabled')::boolean; end if;
  return r;
end $$;
comment on function tandem.crm_record(public.events, jsonb) is 'Adapter: a row with some mapped fields replaced; nothing is stored.';

create or replace function tandem.crm_read(event uuid) returns jsonb
language sql stable set search_path = '' as $$
  select tandem.crm_fields(e) from public.events e where e.id = event;
$$;
comment on function tandem.crm_read(uuid) is 'Adapter: the mapped fields of an event, or null.';

create or replace function tandem.crm_owner(event uuid) returns uuid
language sql stable set search_path = '' as $$ select e.owner_id from public.events e where e.id = event; $$;
comment on function tandem.crm_owner(uuid) is 'Adapter: whose event it is, or null.';

create or replace function tandem.crm_lock(event uuid, wait boolean) returns boolean
language plpgsql volatile set search_path = '' as $$
begin
  if wait then
    perform 1 from public.events e where e.id = event for update;
  else
    perform 1 from public.events e where e.id = event for update nowait;
  end if;
  return found;
exception when lock_not_available then
  if wait then raise; end if;
  return null;
end $$;
comment on function tandem.crm_lock(uuid, boolean) is 'Adapter: locks an event''s row; false where it is gone, null where it is taken and the caller does not wait.';

-- Both writers announce what they write in tandem.writing, so that the trigger knows it for Tandem's own.
create or replace function tandem.crm_write(event uuid, fields jsonb) returns jsonb
language plpgsql volatile set search_path = '' as $$
declare base public.events; r public.events; expected jsonb;
begin
  select * into base from public.events where id = event for update;
  if not found then return null; end if;
  r := tandem.crm_record(base, fields);
  expected := tandem.crm_fields(r);
  insert into tandem.writing (event_id, expected) values (event, expected);
  update public.events e set
    title = r.title, description = r.description, location = r.location, starts_at = r.starts_at, ends_at = r.ends_at,
    owner_id = r.owner_id, all_day = r.all_day, time_zone = r.time_zone, recurrence = r.recurrence, recurring_event_id = r.recurring_event_id,
    original_start = r.original_start, status = r.status, visibility = r.visibility, transparency = r.transparency,
    color = r.color, attendees = r.attendees, reminders = r.reminders, conference = r.conference,
    organizer = r.organizer, creator = r.creator, attachments = r.attachments, google_sync_enabled = r.google_sync_enabled,
    contact_id = r.contact_id, company_id = r.company_id, deal_id = r.deal_id, updated_at = tandem.clock()
  where e.id = event;
  delete from tandem.writing w where w.event_id = event and w.txid = pg_current_xact_id();
  return expected;
end $$;
comment on function tandem.crm_write(uuid, jsonb) is 'Adapter: replaces some mapped fields of an event; returns all of them as written, before any trigger of the CRM, or null where the event is gone.';

create or replace function tandem.crm_insert(event uuid, owner uuid, fields jsonb) returns jsonb
language plpgsql volatile set search_path = '' as $$
declare r public.events; expected jsonb;
begin
  r.id := event; r.owner_id := owner; r.google_sync_enabled := true; r.all_day := false;
  r.status := 'confirmed'; r.visibility := 'default'; r.transparency := 'opaque'; r.attendees := '[]';
  r.sync_state := 'synced'; r.created_at := tandem.clock(); r.updated_at := tandem.clock();
  r := tandem.crm_record(r, fields);
  expected := tandem.crm_fields(r);
  insert into tandem.writing (event_id, expected) values (event, expected);
  insert into public.events select (r).*;
  delete from tandem.writing w where w.event_id = event and w.txid = pg_current_xact_id();
  return expected;
end $$;
comment on function tandem.crm_insert(uuid, uuid, jsonb) is 'Adapter: adds an event that was born in Google; returns its mapped fields as written.';

create or replace function tandem.crm_delete(event uuid) returns jsonb
language plpgsql volatile set search_path = '' as $$
declare old_row jsonb;
begin
  insert into tandem.writing (event_id, expected) values (event, null);
  delete from public.events e where e.id = event returning tandem.crm_fields(e) into old_row;
  delete from tandem.writing w where w.event_id = event and w.txid = pg_current_xact_id();
  return old_row;
end $$;
comment on function tandem.crm_delete(uuid) is 'Adapter: deletes an event under Tandem''s hand; returns its mapped fields, or null where it is gone.';

create or replace function tandem.crm_show(event uuid, state text, error text, google_event text, google_calendar text, access text) returns void
language plpgsql volatile set search_path = '' as $$
begin
  insert into tandem.writing (event_id, expected) select event, tandem.crm_read(event);
  update public.events e set sync_state = state, sync_error = error,
    google_event_id = google_event, google_calendar_id = google_calendar, google_access = access
  where e.id = event and (e.sync_state, e.sync_error, e.google_event_id, e.google_calendar_id, e.google_access)
    is distinct from (state, error, google_event, google_calendar, access);
  delete from tandem.writing w where w.event_id = event and w.txid = pg_current_xact_id();
end $$;
comment on function tandem.crm_show(uuid, text, text, text, text, text) is 'Adapter: shows an event''s sync state, its Google ids and what of it can be changed.';

create or replace function tandem.crm_exception(root uuid, planned text) returns uuid
language sql stable set search_path = '' as $$
  select e.id from public.events e where e.recurring_event_id = root and e.original_start = planned;
$$;
comment on function tandem.crm_exception(uuid, text) is 'Adapter: the exception of a series that was planned for a start, or null.';

create or replace function tandem.crm_exceptions(root uuid) returns setof uuid
language sql stable set search_path = '' as $$ select e.id from public.events e where e.recurring_event_id = root order by e.id; $$;
comment on function tandem.crm_exceptions(uuid) is 'Adapter: the exceptions of a series.';

create or replace function tandem.owner_exists(owner uuid) returns boolean
language plpgsql stable set search_path = '' as $$
declare known boolean;
begin
  if to_regclass('auth.users') is null then return true; end if;
  -- Not in a plain statement, since only Supabase has the table.
  execute format('select exists (select from %s where id = $1)', 'auth.users') into known using owner;
  return known;
end $$;
comment on function tandem.owner_exists(uuid) is 'Adapter: whether a CRM user still exists; events that go with their owner stay in Google.';

create or replace function tandem.crm_owned(owner uuid) returns setof uuid
language sql stable set search_path = '' as $$
  select e.id from public.events e where e.owner_id = owner and e.google_sync_enabled;
$$;
comment on function tandem.crm_owned(uuid) is 'Adapter: a user''s events that are for Google.';

create or replace function tandem.crm_states(owner uuid) returns jsonb
language sql stable set search_path = '' as $$
  select coalesce(jsonb_object_agg(x.state, x.n), '{}') from (
    select e.sync_state as state, count(*) as n from public.events e where e.owner_id = owner group by e.sync_state) x;
$$;
comment on function tandem.crm_states(uuid) is 'Adapter: how many of a user''s events are in which sync state.';

create or replace function tandem.tenant_of(owner uuid) returns text
language sql stable set search_path = '' as $$
  select coalesce((select m.tenant from tandem.members m where m.user_id = owner), 'default');
$$;
comment on function tandem.tenant_of(uuid) is 'Adapter: the tenant of a CRM user.';

-- zz: after the CRM's own BEFORE triggers, whose edits count.
create or replace function tandem.before_event() returns trigger
language plpgsql volatile security definer set search_path = '' as $$
declare own boolean;
begin
  own := exists (select from tandem.writing w where w.event_id = new.id and w.txid = pg_current_xact_id_if_assigned());
  if tg_op = 'UPDATE' then
    if new.id <> old.id then
      raise exception 'the id of an event cannot change' using hint = 'Insert a new event and delete the old one.';
    end if;
    if not own then
      new.sync_state := old.sync_state; new.sync_error := old.sync_error;
      new.google_event_id := old.google_event_id; new.google_calendar_id := old.google_calendar_id;
      new.google_access := old.google_access; new.organizer := old.organizer; new.creator := old.creator;
      new.attachments := old.attachments;
    end if;
  elsif not own then
    new.sync_state := 'none'; new.sync_error := null; new.google_event_id := null; new.google_calendar_id := null;
    new.google_access := null; new.organizer := null; new.creator := null; new.attachments := null;
  end if;
  if new.original_start is not null then new.original_start := tandem.planned_start(new.original_start); end if;
  if not own and (tg_op = 'INSERT' or tandem.crm_fields(new) <> tandem.crm_fields(old)) then
    if (new.google_sync_enabled and tandem.has_target(new.owner_id)) or new.google_event_id is not null then
      new.sync_state := 'pending'; new.sync_error := null;
    end if;
  end if;
  return new;
end $$;
comment on function tandem.before_event() is 'Keeps Tandem''s columns Tandem''s and marks changed events pending.';

create or replace function tandem.after_events() returns trigger
language plpgsql volatile security definer set search_path = '' as $$
declare ids uuid[];
begin
  if tg_op = 'INSERT' then
    ids := tandem.add_changes('insert', array(select tandem.changed(n.id, null, tandem.crm_fields(n)) from new_events n));
    perform tandem.touch(array(select (n.id, n.owner_id, false)::tandem.owned from new_events n));
  elsif tg_op = 'UPDATE' then
    ids := tandem.add_changes('update', array(
      select tandem.changed(n.id, tandem.crm_fields(o), tandem.crm_fields(n)) from new_events n join old_events o using (id)));
    perform tandem.touch(array(select (n.id, n.owner_id, false)::tandem.owned from new_events n union all
      select (o.id, o.owner_id, true)::tandem.owned from new_events n join old_events o using (id) where o.owner_id <> n.owner_id));
  else
    ids := tandem.add_changes('delete', array(select tandem.changed(o.id, tandem.crm_fields(o), null) from old_events o));
    perform tandem.touch(array(select (o.id, o.owner_id, true)::tandem.owned from old_events o));
  end if;
  perform tandem.poke(tg_op, ids);
  return null;
end $$;
comment on function tandem.after_events() is 'Notes what a statement changed, in the same transaction, then pokes the functions.';

create or replace function tandem.before_truncate() returns trigger
language plpgsql volatile security definer set search_path = '' as $$
begin
  if exists (select from tandem.links where state <> 'gone') then
    raise exception 'events that are linked to Google Calendar cannot be truncated'
      using hint = 'Use DELETE, which Google Calendar follows, or disconnect the calendars first.';
  end if;
  perform tandem.forget_cursors();
  return null;
end $$;
comment on function tandem.before_truncate() is 'TRUNCATE fires no row trigger, so it would lose deletions.';

create or replace trigger zz_tandem_before before insert or update on public.events
  for each row execute function tandem.before_event();
create or replace trigger tandem_after_insert after insert on public.events
  referencing new table as new_events for each statement execute function tandem.after_events();
create or replace trigger tandem_after_update after update on public.events
  referencing old table as old_events new table as new_events for each statement execute function tandem.after_events();
create or replace trigger tandem_after_delete after delete on public.events
  referencing old table as old_events for each statement execute function tandem.after_events();
create or replace trigger tandem_before_truncate before truncate on public.events
  for each statement execute function tandem.before_truncate();
