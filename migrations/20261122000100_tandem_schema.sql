-- Tandem's own state. Everything here is private to the functions of the later files; what other
-- programs may call are the functions `public.tandem_*`.

create schema if not exists tandem;
comment on schema tandem is 'State of the two-way sync between public.events and Google Calendar. Written by Tandem''s functions only.';

-- Postgres has no CREATE ROLE IF NOT EXISTS.
do $$ begin
  if not exists (select from pg_catalog.pg_roles where rolname = 'tandem_component') then
    create role tandem_component nologin;
  end if;
exception when duplicate_object or unique_violation then
  -- Roles belong to all databases of a cluster: another one made it at the same moment.
  null;
end $$;

-- Who a user's own calls run as where the database is not reached through PostgREST, which takes the role
-- that the login names. Components take it on for one transaction and have nothing of it otherwise.
do $$ begin
  if not exists (select from pg_catalog.pg_roles where rolname = 'tandem_user') then
    create role tandem_user nologin;
  end if;
  if not pg_has_role('tandem_component', 'tandem_user', 'member') then
    alter role tandem_component noinherit;
    grant tandem_user to tandem_component;
  end if;
  if exists (select from pg_catalog.pg_roles where rolname = 'authenticated') and not pg_has_role('tandem_user', 'authenticated', 'member') then
    -- A CRM's own policies name Supabase's role.
    grant authenticated to tandem_user;
  end if;
exception when duplicate_object or unique_violation or internal_error then
  -- As above; two at once are "concurrently updated".
  null;
end $$;

create table if not exists tandem.settings (
  key text primary key,
  value text not null
);
comment on table tandem.settings is 'Single values: function_url and function_secret (where and how triggers poke), event_url (the CRM''s page of an event, with {id}), instance (which deployment may write), clock_offset (seconds, tests only), ticked_at, touched_horizon (the last transaction whose deletions are forgotten), history_days (how long histories are kept), forgot_up_to (where the walk through old changes is), user_per_minute, user_burst, project_per_minute and project_burst (in place of the usual allowances for Google), adoption.';
comment on column tandem.settings.key is 'Name of the value.';
comment on column tandem.settings.value is 'The value, as text.';

-- clock_timestamp, never now(): a long transaction must not see the past.
create or replace function tandem.clock() returns timestamptz
language plpgsql volatile parallel safe set search_path = '' as $$
begin
  return (select pg_catalog.clock_timestamp() + coalesce(
    (select s.value::double precision * interval '1 second' from tandem.settings s where s.key = 'clock_offset'),
    interval '0'));
end $$;
comment on function tandem.clock() is 'The time, moved by settings.clock_offset that only tests set.';

create sequence if not exists tandem.recorded;
comment on sequence tandem.recorded is 'Orders records against listings: a listing takes a value before it asks Google, a record when it stores what Google answered.';

create table if not exists tandem.members (
  user_id uuid primary key,
  tenant text not null
);
comment on table tandem.members is 'Which tenant a CRM user belongs to, where the CRM has no such notion of its own. A user without a row is in the tenant "default".';
comment on column tandem.members.user_id is 'The CRM user.';
comment on column tandem.members.tenant is 'The tenant.';

create table if not exists tandem.accounts (
  id uuid primary key default gen_random_uuid(),
  tenant text not null,
  user_id uuid not null,
  google_sub text not null,
  email text not null,
  scopes text not null default '',
  state text not null default 'active' check (state in ('active', 'reconnect_needed', 'disconnecting', 'disconnected')),
  reason text,
  refresh_token text,
  access_token text,
  access_expires_at timestamptz,
  token_generation bigint not null default 0,
  refreshing_until timestamptz,
  paused_until timestamptz,
  pause_reason text,
  created_at timestamptz not null default tandem.clock(),
  unique (tenant, user_id, google_sub)
);
create index if not exists accounts_user on tandem.accounts (user_id);
create index if not exists accounts_sub on tandem.accounts (google_sub);
create index if not exists accounts_seal on tandem.accounts (split_part(refresh_token, '.', 1)) where state in ('active', 'disconnecting');
comment on table tandem.accounts is 'A Google account that a CRM user connected.';
comment on column tandem.accounts.id is 'Key.';
comment on column tandem.accounts.tenant is 'Tenant of the user.';
comment on column tandem.accounts.user_id is 'The CRM user.';
comment on column tandem.accounts.google_sub is 'Google''s stable key of the account (claim sub); the address is not stable.';
comment on column tandem.accounts.email is 'Address at the time of the last connect, for people to read.';
comment on column tandem.accounts.scopes is 'Scopes really granted, space separated.';
comment on column tandem.accounts.state is 'active; reconnect_needed: Google refused the refresh token; disconnecting; disconnected.';
comment on column tandem.accounts.reason is 'Why the account is not active, for people to read.';
comment on column tandem.accounts.refresh_token is 'Sealed refresh token.';
comment on column tandem.accounts.access_token is 'Sealed access token.';
comment on column tandem.accounts.access_expires_at is 'When the access token ends.';
comment on column tandem.accounts.token_generation is 'Grows with each stored token; every token outcome names the generation it is about.';
comment on column tandem.accounts.refreshing_until is 'Somebody refreshes until then at most.';
comment on column tandem.accounts.paused_until is 'No call before then: rate limit or quota.';
comment on column tandem.accounts.pause_reason is 'Why it is paused.';
comment on column tandem.accounts.created_at is 'First connect.';

create table if not exists tandem.calendars (
  id uuid primary key default gen_random_uuid(),
  tenant text not null,
  google_id text not null,
  account_id uuid not null references tandem.accounts (id),
  summary text,
  time_zone text not null default 'UTC',
  access_role text not null default 'owner',
  sync_token text,
  page_token text,
  list_digest text,
  listing bigint,
  imported_at timestamptz,
  import_from timestamptz,
  fence bigint not null default 0,
  lease_until timestamptz,
  prepaid integer not null default 0,
  notices bigint not null default 0,
  begun_seq bigint not null default 0,
  listed_seq bigint not null default 0,
  poll_at timestamptz,
  watch_at timestamptz default tandem.clock(),
  missed_at timestamptz,
  listed_notices bigint not null default 0,
  push text not null default 'off' check (push in ('off', 'push', 'poll')),
  last_synced_at timestamptz,
  failures integer not null default 0,
  last_error text,
  unique (tenant, google_id)
);
create index if not exists calendars_poll_at on tandem.calendars (poll_at) where poll_at is not null;
create index if not exists calendars_watch_at on tandem.calendars (watch_at) where watch_at is not null;
create index if not exists calendars_account on tandem.calendars (account_id);
comment on table tandem.calendars is 'A real Google calendar, once per tenant however many users connect it: one listing, one token.';
comment on column tandem.calendars.id is 'Key.';
comment on column tandem.calendars.tenant is 'Tenant.';
comment on column tandem.calendars.google_id is 'Google''s calendar id, never the alias "primary".';
comment on column tandem.calendars.account_id is 'The account whose token lists it.';
comment on column tandem.calendars.summary is 'Title in Google.';
comment on column tandem.calendars.time_zone is 'IANA zone; used for timed events without one.';
comment on column tandem.calendars.access_role is 'Google''s accessRole for the listing account.';
comment on column tandem.calendars.sync_token is 'Google''s token after the last complete listing.';
comment on column tandem.calendars.page_token is 'Where an unfinished listing goes on.';
comment on column tandem.calendars.list_digest is 'Digest of the listing''s parameters: a token is good only for the same ones.';
comment on column tandem.calendars.listing is 'Value of tandem.recorded at the start of a full listing that is not finished.';
comment on column tandem.calendars.imported_at is 'End of the first import; pushes wait for it.';
comment on column tandem.calendars.import_from is 'What of Google ends by then and has no row is not taken; null takes everything.';
comment on column tandem.calendars.fence is 'Grows with each claim; apply needs the same.';
comment on column tandem.calendars.lease_until is 'Somebody lists until then at most.';
comment on column tandem.calendars.prepaid is 'Calls of the listing under way that the account''s allowance was charged for in advance.';
comment on column tandem.calendars.notices is 'Notifications counted; a listing that began with fewer lists again.';
comment on column tandem.calendars.begun_seq is 'Value of tandem.recorded at the start of the listing under way.';
comment on column tandem.calendars.listed_seq is 'Value of tandem.recorded at the start of the last complete listing.';
comment on column tandem.calendars.poll_at is 'Next listing without a notification.';
comment on column tandem.calendars.watch_at is 'When it is to get a channel, the first or the next; null once it is disconnected.';
comment on column tandem.calendars.missed_at is 'When a listing by the clock found what no notification had announced.';
comment on column tandem.calendars.listed_notices is 'Notifications that the last complete listing covers.';
comment on column tandem.calendars.push is 'off: no channel yet; push: a channel delivers; poll: the calendar or the URL cannot have one.';
comment on column tandem.calendars.last_synced_at is 'Last complete listing.';
comment on column tandem.calendars.failures is 'Listings failed in a row.';
comment on column tandem.calendars.last_error is 'Why the last one failed, for people to read.';

create table if not exists tandem.connections (
  id uuid primary key default gen_random_uuid(),
  tenant text not null,
  user_id uuid not null,
  account_id uuid not null references tandem.accounts (id),
  calendar_id uuid not null references tandem.calendars (id),
  is_target boolean not null default false,
  direction text not null default 'both' check (direction in ('both', 'in', 'out')),
  policy text not null default 'latest' check (policy in ('latest', 'crm', 'google')),
  send_updates text not null default 'none' check (send_updates in ('none', 'all', 'externalOnly')),
  opt_out text not null default 'remove' check (opt_out in ('remove', 'keep')),
  state text not null default 'active' check (state in ('active', 'paused', 'disconnecting', 'disconnected')),
  created_at timestamptz not null default tandem.clock(),
  unique (account_id, calendar_id)
);
create unique index if not exists connections_target on tandem.connections (user_id) where is_target and state <> 'disconnected';
create index if not exists connections_calendar on tandem.connections (calendar_id);
create index if not exists connections_user on tandem.connections (user_id);
comment on table tandem.connections is 'A user''s choice to sync one calendar through one account.';
comment on column tandem.connections.id is 'Key.';
comment on column tandem.connections.tenant is 'Tenant.';
comment on column tandem.connections.user_id is 'The CRM user.';
comment on column tandem.connections.account_id is 'The account.';
comment on column tandem.connections.calendar_id is 'The calendar.';
comment on column tandem.connections.is_target is 'New CRM events of the user go to this calendar.';
comment on column tandem.connections.direction is 'both; in: only from Google; out: only to Google.';
comment on column tandem.connections.policy is 'Who wins where both sides changed one unit.';
comment on column tandem.connections.send_updates is 'Google''s sendUpdates for the user''s own edits.';
comment on column tandem.connections.opt_out is 'What becomes of the Google event when a synced event opts out: remove, or keep as it is.';
comment on column tandem.connections.state is 'active, paused by the user, disconnecting or disconnected.';
comment on column tandem.connections.created_at is 'When it was chosen.';

create table if not exists tandem.channels (
  id text primary key,
  calendar_id uuid not null references tandem.calendars (id),
  account_id uuid not null references tandem.accounts (id),
  state text not null default 'creating' check (state in ('creating', 'active', 'stopping', 'stopped')),
  resource_id text,
  expires_at timestamptz not null,
  done_message bigint not null default 0,
  delivered_at timestamptz,
  retry_at timestamptz,
  created_at timestamptz not null default tandem.clock()
);
create index if not exists channels_stopping on tandem.channels (account_id) where state = 'stopping';
create index if not exists channels_calendar on tandem.channels (calendar_id);
comment on table tandem.channels is 'Push channels. The row exists before Google is asked, since Google cannot list channels.';
comment on column tandem.channels.id is 'Channel id; new for each attempt.';
comment on column tandem.channels.calendar_id is 'The watched calendar.';
comment on column tandem.channels.account_id is 'Whose token made it: only that one can stop it.';
comment on column tandem.channels.state is 'creating: Google''s answer is not stored yet; active; stopping; stopped.';
comment on column tandem.channels.resource_id is 'Google''s id of the watched collection, needed to stop the channel.';
comment on column tandem.channels.expires_at is 'Google''s expiration; in state creating the one asked for.';
comment on column tandem.channels.done_message is 'Highest message number covered by a finished listing.';
comment on column tandem.channels.delivered_at is 'Last message that arrived.';
comment on column tandem.channels.retry_at is 'In state stopping: not before.';
comment on column tandem.channels.created_at is 'When it was made.';

create table if not exists tandem.oauth_states (
  nonce text primary key,
  expires_at timestamptz not null
);
comment on table tandem.oauth_states is 'OAuth states that were used, until they expire: each works once.';
comment on column tandem.oauth_states.nonce is 'The state''s nonce.';
comment on column tandem.oauth_states.expires_at is 'After this the signature''s own expiry refuses it.';

create or replace function tandem.setting(name text) returns text
language plpgsql stable set search_path = '' as $$
begin return (select s.value from tandem.settings s where s.key = name); end $$;
comment on function tandem.setting(text) is 'One value of tandem.settings, or null.';

create or replace function tandem.uid() returns uuid
language plpgsql stable set search_path = '' as $$
begin
  return nullif(coalesce(
    nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub',
    current_setting('request.jwt.claim.sub', true)), '')::uuid;
end $$;
comment on function tandem.uid() is 'The CRM user of the request: claim sub of its JWT, as PostgREST and Supabase set it.';

-- A database copied elsewhere must not write to real calendars.
create or replace function tandem.check_instance(instance text) returns void
language plpgsql set search_path = '' as $$
declare known text := tandem.setting('instance');
begin
  if instance is null then
    raise sqlstate 'PT400' using message = 'the call names no instance';
  elsif known is null and current_setting('transaction_read_only') = 'off' then
    -- PostgREST runs what is declared stable in a transaction that only reads; a later call is the first then.
    insert into tandem.settings values ('instance', instance) on conflict do nothing;
  elsif known <> instance then
    raise sqlstate 'PT409' using
      message = format('this database belongs to the deployment %s, not to %s', known, instance),
      hint = format('If the deployment moved for good: update tandem.settings set value = %L where key = ''instance''.', instance);
  end if;
end $$;
comment on function tandem.check_instance(text) is 'Refuses a deployment other than the one that this database belongs to; the first one to call is that one.';
