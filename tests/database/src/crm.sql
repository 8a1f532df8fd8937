-- A CRM's table that is not Tandem's, with few columns and with owners by name; and its users.
create table public.crm (
  id uuid primary key,
  owner text not null,
  enabled boolean not null,
  series uuid,
  original_start text,
  title text,
  location text,
  sync_state text not null default 'none',
  sync_error text,
  remote text,
  calendar text,
  access text,
  unique (series, original_start, owner)
);
select tandem.adopt('public.crm', '{"owner": "owner", "enabled": "enabled", "series": "series",
  "original_start": "original_start", "fields": {"title": "title", "location": "location"}, "aside": [],
  "state": {"state": "sync_state", "error": "sync_error", "remote": "remote", "calendar": "calendar",
    "access": "access"}}');
insert into tandem.settings values ('instance', 'test'), ('cluster', tandem.cluster()),
  ('user_per_minute', '1000000'), ('project_per_minute', '1000000');

create function crm_statement(s jsonb) returns void language plpgsql as $$
declare e jsonb := s -> 'update' -> 'edit'; r jsonb := s -> 'insert' -> 'row';
begin
  if s ? 'insert' then
    insert into crm (id, owner, enabled, series, original_start, title, location)
    values ((s -> 'insert' ->> 'event')::uuid, r ->> 'owner', (r -> 'enabled')::boolean, (r ->> 'series')::uuid,
      r ->> 'original_start', r -> 'fields' ->> 'title', r -> 'fields' ->> 'location');
  elsif s ? 'update' then
    update crm set title = case when e -> 'fields' ? 'title' then e -> 'fields' ->> 'title' else title end,
      location = case when e -> 'fields' ? 'location' then e -> 'fields' ->> 'location' else location end,
      owner = coalesce(e ->> 'owner', owner), enabled = coalesce((e ->> 'enabled')::boolean, enabled),
      series = case when e ? 'series' then (e ->> 'series')::uuid else series end,
      original_start = case when e ? 'original_start' then e ->> 'original_start' else original_start end
    where id = (s -> 'update' ->> 'event')::uuid;
  else
    delete from crm where id = (s -> 'delete' ->> 'event')::uuid;
  end if;
end $$;

create view crm_shown as select id as event, sync_state, sync_error, remote, calendar, access from crm;
