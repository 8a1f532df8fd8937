-- The plain function's own tables, beside Tandem's in the same database, with Supabase's Database Webhook.
create table public.plain_events (id uuid primary key default gen_random_uuid(), owner_id uuid not null,
  title text not null default '', description text, location text, starts_at timestamptz, ends_at timestamptz,
  google_event_id text unique, sync_state text not null default 'pending',
  created_at timestamptz not null default now(), updated_at timestamptz not null default now());
create index on public.plain_events (owner_id, starts_at);
create table public.plain_connections (owner_id uuid primary key, access_token text not null, sync_token text,
  channel_id text unique);
alter table public.plain_events enable row level security;
alter table public.plain_connections enable row level security;
grant all on public.plain_events, public.plain_connections to service_role;
create trigger hook_insert after insert on public.plain_events for each row when (new.sync_state = 'pending')
  execute function supabase_functions.http_request('{url}/event-sync', 'POST', '{"Content-Type": "application/json"}',
    '{}', '5000');
create trigger hook_update after update of title, description, location, starts_at, ends_at on public.plain_events
  for each row when (new.sync_state = 'pending') execute function supabase_functions.http_request('{url}/event-sync',
    'POST', '{"Content-Type": "application/json"}', '{}', '5000');
create trigger hook_delete after delete on public.plain_events for each row when (old.google_event_id is not null)
  execute function supabase_functions.http_request('{url}/event-sync', 'POST', '{"Content-Type": "application/json"}',
    '{}', '5000');
notify pgrst, 'reload schema';
