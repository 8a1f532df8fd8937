-- A CRM's table with all fields, and with owners by name.
create table public.crm (like public.events including all);
alter table public.crm alter owner_id type text;
select tandem.adopt('public.crm', tandem.default_mapping());
insert into tandem.settings values ('instance', 'model'), ('cluster', tandem.cluster()),
  ('user_per_minute', '1000000'), ('project_per_minute', '1000000');

-- Fields in the contract's form; what they leave out stays.
create function crm_write(key uuid, fields jsonb) returns void language plpgsql as $$
declare f crm; zone text := coalesce(fields ->> 'time_zone', 'UTC');
begin
  f := jsonb_populate_record(null::crm, fields - '{starts_at,ends_at}'::text[]);
  f.starts_at := case when f.all_day then timezone(zone, (fields ->> 'starts_on')::timestamp)
    else (fields ->> 'starts_at')::timestamptz end;
  f.ends_at := case when f.all_day then timezone(zone, (fields ->> 'ends_on')::timestamp)
    else (fields ->> 'ends_at')::timestamptz end;
  update crm set title = f.title, description = f.description, location = f.location, starts_at = f.starts_at,
    ends_at = f.ends_at, all_day = f.all_day, time_zone = f.time_zone, end_time_zone = f.end_time_zone,
    recurrence = f.recurrence, status = f.status, visibility = f.visibility, transparency = f.transparency,
    color = f.color, attendees = coalesce(f.attendees, '[]'), reminders = f.reminders, conference = f.conference,
    contact_id = f.contact_id, company_id = f.company_id, deal_id = f.deal_id where id = key;
end $$;

create function crm_insert_row(key uuid, r jsonb) returns void language plpgsql as $$
declare fields jsonb := r -> 'fields'; f crm; zone text := coalesce(fields ->> 'time_zone', 'UTC');
begin
  f := jsonb_populate_record(null::crm, fields - '{starts_at,ends_at}'::text[]);
  insert into crm (id, owner_id, google_sync_enabled, recurring_event_id, original_start, title, description, location,
    starts_at, ends_at, all_day, time_zone, end_time_zone, recurrence, status, visibility, transparency, color,
    attendees, reminders, conference, contact_id, company_id, deal_id)
  values (key, r ->> 'owner', (r -> 'enabled')::boolean, (r ->> 'series')::uuid, r ->> 'original_start', f.title,
    f.description, f.location,
    case when f.all_day then timezone(zone, (fields ->> 'starts_on')::timestamp)
      else (fields ->> 'starts_at')::timestamptz end,
    case when f.all_day then timezone(zone, (fields ->> 'ends_on')::timestamp)
      else (fields ->> 'ends_at')::timestamptz end,
    f.all_day, f.time_zone, f.end_time_zone, f.recurrence, f.status, f.visibility, f.transparency, f.color,
    coalesce(f.attendees, '[]'), f.reminders, f.conference, f.contact_id, f.company_id, f.deal_id);
end $$;

create function crm_statement(s jsonb) returns void language plpgsql as $$
declare e jsonb := s -> 'update' -> 'edit';
  key uuid := coalesce(s -> 'insert', s -> 'update', s -> 'delete') ->> 'event';
begin
  if s ? 'insert' then
    perform crm_insert_row(key, s -> 'insert' -> 'row');
  elsif s ? 'update' then
    perform crm_write(key, (select r.fields from tandem.crm_rows r where r.event = key) || (e -> 'fields'))
    where e -> 'fields' <> '{}';
    update crm set owner_id = coalesce(e ->> 'owner', owner_id),
      google_sync_enabled = coalesce((e ->> 'enabled')::boolean, google_sync_enabled),
      recurring_event_id = case when e ? 'series' then (e ->> 'series')::uuid else recurring_event_id end,
      original_start = case when e ? 'original_start' then e ->> 'original_start' else original_start end
    where id = key and (e ? 'owner' or e ? 'enabled' or e ? 'series' or e ? 'original_start');
  else
    delete from crm where id = key;
  end if;
end $$;

create view crm_shown as select id as event, sync_state, sync_error, google_event_id as remote,
  google_calendar_id as calendar, google_access as access from crm;
