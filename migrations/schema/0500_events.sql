set local lock_timeout = '3s';

-- Only where the CRM has no table of that name: one that is there is the team's, and stays as it is.
do $$ begin
if to_regclass('public.events') is not null then return; end if;
create table public.events (
  id uuid primary key default gen_random_uuid(),
  owner_id uuid not null,
  title text,
  description text,
  location text,
  starts_at timestamptz not null,
  ends_at timestamptz not null,
  all_day boolean not null default false,
  time_zone text,
  end_time_zone text,
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
  constraint events_end_time_zone_known
    check (end_time_zone is null or timezone(end_time_zone, 'epoch'::timestamptz) is not null),
  constraint events_end_after_start check (ends_at >= starts_at and (not all_day or ends_at > starts_at)),
  -- Some days of some zones begin later than at midnight.
  constraint events_all_day_midnights check (not all_day or (
    starts_at = timezone(coalesce(time_zone, 'UTC'), timezone(coalesce(time_zone, 'UTC'), starts_at)::date::timestamp)
    and ends_at = timezone(coalesce(time_zone, 'UTC'), timezone(coalesce(time_zone, 'UTC'), ends_at)::date::timestamp)))
);
create index events_owner on public.events (owner_id, starts_at);
create index events_long on public.events (owner_id, starts_at) where ends_at - starts_at > interval '31 days';
create index events_masters on public.events (owner_id, starts_at) where recurrence is not null;
create index events_google on public.events (google_event_id);
create unique index events_series on public.events (recurring_event_id, original_start, owner_id)
  where recurring_event_id is not null;
comment on table public.events is 'The CRM''s events.';
comment on column public.events.description is 'Text; HTML where it came from Google.';
comment on column public.events.starts_at is 'Start; midnight in time_zone (else UTC) for an all-day event.';
comment on column public.events.ends_at is 'End, exclusive.';
comment on column public.events.time_zone is 'IANA zone; null takes the calendar''s.';
comment on column public.events.end_time_zone is 'IANA zone of the end, where it is another one.';
comment on column public.events.recurrence is 'RFC 5545 lines RRULE, EXDATE, RDATE of a series'' master.';
comment on column public.events.recurring_event_id is
  'The master, for an exception: an occurrence that differs from its series.';
comment on column public.events.original_start is
  'The planned start of an exception: 2031-03-03T09:00:00Z, or 2031-03-03.';
comment on column public.events.status is
  'confirmed, tentative or cancelled. A cancelled exception does not take place.';
comment on column public.events.attendees is 'Array of {email, display_name, response_status, optional, comment}.';
comment on column public.events.reminders is '{use_default, overrides: [{method, minutes}]}.';
comment on column public.events.conference is 'Google''s conferenceData. {"createRequest": {}} asks for a Meet link.';
comment on column public.events.organizer is 'Tandem''s: whose event it is, {email, display_name, self}.';
comment on column public.events.creator is 'Tandem''s: who made it in Google, {email, display_name, self}.';
comment on column public.events.attachments is 'Tandem''s: Google''s attachments, an array.';
comment on column public.events.google_sync_enabled is 'False keeps the event out of Google.';
comment on column public.events.sync_state is 'Tandem''s: none (not for Google), pending (work open), synced, error.';
comment on column public.events.sync_error is 'Tandem''s: why, for people.';
comment on column public.events.google_event_id is 'Tandem''s: Google''s event id.';
comment on column public.events.google_calendar_id is 'Tandem''s: Google''s calendar id.';
comment on column public.events.google_access is
  'Tandem''s: full; guest: only what belongs to one''s own copy; read: nothing.';
alter table public.events enable row level security;
insert into tandem.settings (key, value) values ('adoption', 'public.events is Tandem''s own');
end $$;
