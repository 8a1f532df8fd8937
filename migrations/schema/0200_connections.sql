set local lock_timeout = '3s';

create table tandem.accounts (
  id uuid primary key default gen_random_uuid(),
  user_id text not null,
  subject text not null,
  email text not null,
  scopes text not null default '',
  state text not null default 'active'
    check (state in ('active', 'reconnect_needed', 'disconnecting', 'disconnected')),
  reason text,
  refresh_token text,
  access_token text,
  access_expires_at timestamptz,
  token_generation bigint not null default 0,
  refreshing_until timestamptz,
  paused_until timestamptz,
  pause_reason text,
  troubles integer not null default 0,
  limited_by uuid,
  limited_at timestamptz,
  busy_until timestamptz,
  begin_at timestamptz,
  begin_tries integer not null default 0,
  begin_reason text,
  created_at timestamptz not null default clock_timestamp(),
  unique (user_id, subject)
);
create index accounts_subject on tandem.accounts (subject);
create index accounts_begin on tandem.accounts (begin_at) where begin_at is not null;
create index accounts_seal on tandem.accounts (split_part(refresh_token, '.', 1))
  where state in ('active', 'disconnecting');
comment on table tandem.accounts is 'A user''s account with the provider.';
comment on column tandem.accounts.subject is 'The provider''s stable key of the account.';
comment on column tandem.accounts.email is 'Address at the last connect, for people.';
comment on column tandem.accounts.scopes is 'Scopes really granted, space separated.';
comment on column tandem.accounts.reason is 'Why it is not active, for people.';
comment on column tandem.accounts.refresh_token is 'Sealed.';
comment on column tandem.accounts.access_token is 'Sealed.';
comment on column tandem.accounts.token_generation is
  'Grows with each stored token; an outcome names the generation it is about.';
comment on column tandem.accounts.refreshing_until is 'Somebody refreshes until then at most.';
comment on column tandem.accounts.paused_until is 'Nothing is written before then.';
comment on column tandem.accounts.troubles is
  'How often in a row the provider refused the account as a whole: each pause is longer than the one before.';
comment on column tandem.accounts.limited_by is
  'The family that met a quota last: one alone waits by itself, a second one pauses the account.';
comment on column tandem.accounts.busy_until is
  'It had no quota or no token: the clock does not find its work before then.';
comment on column tandem.accounts.begin_at is
  'It has no calendar yet: when the clock begins with its primary one. Null once it has, or where that cannot be.';
comment on column tandem.accounts.begin_reason is 'Why it has none yet, for people.';

create table tandem.connections (
  id uuid primary key default gen_random_uuid(),
  user_id text not null,
  account_id uuid not null references tandem.accounts (id),
  calendar_id text not null,
  summary text,
  time_zone text not null default 'UTC',
  access_role text not null default 'owner',
  choices jsonb not null default '{}',
  state text not null default 'active'
    check (state in ('active', 'paused', 'unreachable', 'disconnecting', 'disconnected')),
  is_target boolean not null default false,
  takes_new boolean not null generated always as (
    is_target and state in ('active', 'paused', 'unreachable')
    and coalesce(choices ->> 'direction', '') <> 'in') stored,
  import_from timestamptz,
  imported_at timestamptz,
  digest text,
  sync_token text,
  page_token text,
  read_up_to text,
  full_listing bigint,
  begun bigint not null default 0,
  listed bigint not null default 0,
  listed_at timestamptz,
  fence bigint not null default 0,
  lease_until timestamptz,
  notices bigint not null default 0,
  listed_notices bigint not null default 0,
  unproductive smallint not null default 0,
  due_at timestamptz default clock_timestamp(),
  poll_seconds integer not null default 60 check (poll_seconds > 0),
  push text not null default 'off' check (push in ('off', 'push', 'poll')),
  watch_at timestamptz default clock_timestamp(),
  missed_at timestamptz,
  failures integer not null default 0,
  last_error text,
  created_at timestamptz not null default clock_timestamp(),
  unique (account_id, calendar_id)
);
create unique index connections_target on tandem.connections (user_id) where is_target and state <> 'disconnected';
create index connections_user on tandem.connections (user_id);
create index connections_due on tandem.connections (due_at) where state in ('active', 'unreachable');
create index connections_watch on tandem.connections (watch_at) where watch_at is not null;
comment on table tandem.connections is 'One user''s use of one remote calendar.';
comment on column tandem.connections.calendar_id is 'The provider''s id of the calendar, never an alias.';
comment on column tandem.connections.choices is 'What the user chose; read by the planner.';
comment on column tandem.connections.is_target is 'New rows of the user go there.';
comment on column tandem.connections.takes_new is 'New rows really go there.';
comment on column tandem.connections.import_from is 'What is over before this and has no row is not taken.';
comment on column tandem.connections.imported_at is 'End of the first listing.';
comment on column tandem.connections.digest is 'The listing''s parameters: a token is good only for the same ones.';
comment on column tandem.connections.full_listing is
  'The sequence when a listing of everything began that is not over.';
comment on column tandem.connections.read_up_to is
  'Up to which id events were given out to be read since the last page.';
comment on column tandem.connections.begun is 'The sequence before the listing under way.';
comment on column tandem.connections.listed is 'The sequence before the last complete listing.';
comment on column tandem.connections.listed_at is 'When that ended.';
comment on column tandem.connections.notices is 'Requests for a listing; one that began with fewer lists again.';
comment on column tandem.connections.listed_notices is 'Those that the last complete listing answered.';
comment on column tandem.connections.unproductive is
  'Listings in a row that did not bring what a notification had announced; none after four.';
comment on column tandem.connections.due_at is 'Next listing.';
comment on column tandem.connections.poll_seconds is 'Between listings while notifications are not known to arrive.';
comment on column tandem.connections.push is 'off: no channel yet; push: a channel delivers; poll: none can be had.';
comment on column tandem.connections.watch_at is 'When it is to get a channel, the first or the next.';
comment on column tandem.connections.missed_at is 'When the clock found what no notification had announced.';

create table tandem.asked (
  id bigint generated always as identity primary key,
  connection_id uuid not null references tandem.connections (id) on delete cascade
);
create index asked_connection on tandem.asked (connection_id);
comment on table tandem.asked is 'Requests for listings that are not counted yet: who asks waits for nobody.';

create table tandem.channels (
  id text primary key,
  connection_id uuid not null references tandem.connections (id),
  account_id uuid not null references tandem.accounts (id),
  state text not null default 'creating' check (state in ('creating', 'active', 'stopping', 'stopped')),
  resource_id text,
  expires_at timestamptz not null,
  done_message bigint not null default 0,
  delivered_at timestamptz,
  retry_at timestamptz,
  created_at timestamptz not null default clock_timestamp()
);
create index channels_connection on tandem.channels (connection_id);
create index channels_stopping on tandem.channels (account_id) where state = 'stopping';
create index channels_ended on tandem.channels (expires_at);
comment on table tandem.channels is
  'Push channels. The row is there before the provider is asked, since channels cannot be listed.';
comment on column tandem.channels.account_id is 'Whose token made it: only that one can stop it.';
comment on column tandem.channels.done_message is 'Highest message that a complete listing covers.';

create table tandem.oauth_states (
  nonce text primary key,
  user_id text,
  expires_at timestamptz not null
);
create index oauth_states_expiry on tandem.oauth_states (expires_at);
comment on table tandem.oauth_states is 'OAuth states that were used, until they expire: each works once.';

create table tandem.tickets (
  id text primary key,
  user_id text not null,
  purpose text not null,
  detail jsonb not null default '{}',
  expires_at timestamptz not null
);
create index tickets_expiry on tandem.tickets (expires_at);
comment on table tandem.tickets is 'What a signed-in user may do once, from another place than their session.';

create table tandem.disconnections (
  id uuid primary key default gen_random_uuid(),
  account_id uuid not null references tandem.accounts (id),
  connection_id uuid references tandem.connections (id),
  choice text not null,
  begun_by text not null check (begun_by in ('user', 'operator', 'database', 'clock')),
  phase text not null default 'begun' check (phase in ('begun', 'leaving', 'rows', 'channels', 'account', 'done')),
  not_before timestamptz not null,
  due_at timestamptz not null,
  total integer not null default 0,
  done integer not null default 0,
  tries integer not null default 0,
  problem text,
  created_at timestamptz not null default clock_timestamp(),
  finished_at timestamptz
);
create index disconnections_due on tandem.disconnections (due_at) where phase <> 'done';
create unique index disconnections_connection on tandem.disconnections (connection_id) where phase <> 'done';
comment on table tandem.disconnections is 'Disconnecting, as a job of steps; without a connection it ends the account.';

create table tandem.quotas (
  key text primary key,
  slot bigint not null,
  spent integer[] not null
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
comment on table tandem.quotas is
  'Calls of the last minute, by slots of two seconds up to slot, the newest first, so that the provider''s quotas are '
  'kept before it has to refuse: of "project", or of "user:" and the account''s key.';

create table tandem.ticks (
  id uuid primary key,
  until timestamptz not null
);
comment on table tandem.ticks is 'Who is at what is due: a third one would only wait for the other two.';

create table tandem.jwks (
  url text primary key,
  keys jsonb,
  fetched_at timestamptz,
  asked_at timestamptz not null
);
comment on table tandem.jwks is 'Published keys of the CRM''s logins, as last fetched.';

create table tandem.counters (
  name text not null,
  label text not null default '',
  shard smallint not null default 0,
  value double precision not null default 0,
  primary key (name, label, shard)
) with (fillfactor = 50);
comment on table tandem.counters is 'What operators count.';
