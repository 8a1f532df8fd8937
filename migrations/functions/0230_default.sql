set local lock_timeout = '3s';

-- Lists of zones differ; the moment is right without the name. A POSIX offset (GMT+02:00) is no name: Postgres turns
-- its sign round.
create or replace function tandem.known_zone(zone text) returns text
language plpgsql stable set search_path = '' as $$
begin
  perform timezone(zone, 'epoch'::timestamptz);
  return substring(zone from '^[A-Za-z_]{2,}(?:[/-][A-Za-z0-9_+-]+)*$|^[A-Z]{3}\d[A-Z]{3}$');
exception when invalid_parameter_value then
  return null;
end $$;
comment on function tandem.known_zone(text) is 'A time zone''s name, or null where this database does not know it.';

create or replace function tandem.field_names() returns text[]
language plpgsql immutable set search_path = '' as $$
begin
  return '{title,description,location,all_day,starts_at,ends_at,starts_on,ends_on,time_zone,end_time_zone,recurrence,
    status,visibility,transparency,color,attendees,reminders,conference,organizer,creator,attachments,contact_id,
    company_id,deal_id}'::text[];
end $$;
comment on function tandem.field_names() is 'All fields of an event.';

create or replace function tandem.default_mapping() returns jsonb
language plpgsql immutable set search_path = '' as $$
declare
  times text[] := '{all_day,starts_at,ends_at,starts_on,ends_on,time_zone}';
  plain jsonb := (select jsonb_object_agg(c, c) from unnest(tandem.field_names()) c
    where c = 'all_day' or c <> all (times || '{end_time_zone,attendees}'::text[]));
  -- A date begins at midnight in the event's zone.
  moment text := $sql$case when ($1 ->> 'all_day')::boolean then timezone(coalesce(tandem.known_zone($1 ->>
    'time_zone'), 'UTC'),
    ($1 ->> '%1$s_on')::timestamp) else ($1 ->> '%1$s_at')::timestamptz end$sql$;
begin
  return jsonb_build_object('key', 'id', 'owner', 'owner_id', 'enabled', 'google_sync_enabled',
    'series', 'recurring_event_id', 'original_start', 'original_start',
    'fields', plain || jsonb_build_object(
      'starts_at', jsonb_build_object('read', 'case when not all_day then ' || tandem.utc_sql('starts_at') || ' end'),
      'ends_at', jsonb_build_object('read', 'case when not all_day then ' || tandem.utc_sql('ends_at') || ' end'),
      'starts_on', jsonb_build_object('read',
        'case when all_day then timezone(coalesce(time_zone, ''UTC''), starts_at)::date end'),
      'ends_on', jsonb_build_object('read',
        'case when all_day then timezone(coalesce(time_zone, ''UTC''), ends_at)::date end'),
      'time_zone', jsonb_build_object('read', 'time_zone',
        'write', jsonb_build_object('time_zone', 'tandem.known_zone($1 #>> ''{}'')')),
      'end_time_zone', jsonb_build_object('read', 'end_time_zone',
        'write', jsonb_build_object('end_time_zone', 'tandem.known_zone($1 #>> ''{}'')')),
      'attendees', jsonb_build_object('read', 'coalesce(attendees, ''[]'')',
        'write', jsonb_build_object('attendees', 'coalesce(nullif($1, ''null''), ''[]'')'))),
    'columns', jsonb_build_object(
      'starts_at', jsonb_build_object('from', times, 'write', format(moment, 'starts')),
      'ends_at', jsonb_build_object('from', times, 'write', format(moment, 'ends'))),
    'own', jsonb_build_array('organizer', 'creator', 'attachments'),
    'touch', jsonb_build_object('updated_at', 'tandem.clock()'),
    'state', jsonb_build_object('state', 'sync_state', 'error', 'sync_error', 'remote', 'google_event_id',
      'calendar', 'google_calendar_id', 'access', 'google_access'));
end $$;
comment on function tandem.default_mapping() is 'The mapping of public.events as Tandem makes it.';
