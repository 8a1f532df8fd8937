set local lock_timeout = '3s';
create schema if not exists tandem;
-- Nobody has USAGE of the schema until the last file gives it, and each file with a public function ends sealed.
alter default privileges in schema tandem revoke execute on functions from public;
comment on schema tandem is
  'State of the two-way sync between a CRM''s events and a calendar. Written by its functions only.';

-- Roles belong to all databases of a cluster: another one may make them at the same moment.
do $$ begin
  if not exists (select from pg_catalog.pg_roles where rolname = 'tandem_component') then
    create role tandem_component nologin noinherit;
  end if;
  if not exists (select from pg_catalog.pg_roles where rolname = 'tandem_user') then
    create role tandem_user nologin;
  end if;
exception when duplicate_object or unique_violation then null;
end $$;
do $$ begin
  if not pg_has_role('tandem_component', 'tandem_user', 'member') then
    grant tandem_user to tandem_component;
  end if;
  -- A CRM's own policies name Supabase's role.
  if exists (select from pg_catalog.pg_roles where rolname = 'authenticated')
    and not pg_has_role('tandem_user', 'authenticated', 'member') then
    grant authenticated to tandem_user;
  end if;
exception when duplicate_object or unique_violation or internal_error or insufficient_privilege then
  raise notice 'Tandem: % (it matters where policies name authenticated)',
    sqlerrm;
end $$;

-- PostgREST takes on the role that a token names.
do $$ begin
  if exists (select from pg_catalog.pg_roles where rolname = 'authenticator')
    and not pg_has_role('authenticator', 'tandem_component', 'member') then
    grant tandem_component to authenticator;
  end if;
exception when duplicate_object or unique_violation or internal_error or insufficient_privilege then
  raise notice 'Tandem: % (it matters for db_token)', sqlerrm;
end $$;

create table tandem.schema_version (
  version integer primary key,
  installed_at timestamptz not null default clock_timestamp()
);
comment on table tandem.schema_version is
  'Which tables there are: an installation of another version refuses to work with them.';
insert into tandem.schema_version (version) values (3);

create table tandem.settings (
  key text primary key,
  value text not null
);
comment on table tandem.settings is
  'Single values: function_url and poke_key (where triggers poke, and what they sign with, unless Vault has it), '
  'event_url (the CRM''s page of an event, with {id}), instance (which deployment may write), cluster (the server it '
  'was then), mark (what a commit of Tandem''s is known by), clock_offset (seconds, tests only), ticked_at, '
  'asked_to_tick_at (by somebody unknown), touched_horizon (the last transaction of forgotten deletions), '
  'release (whose functions these are), '
  'history_days, user_per_minute, project_per_minute (in place of the usual quota), '
  'due_changes and due_work (the owner where the clock''s last look ended).';

create sequence tandem.recorded;
comment on sequence tandem.recorded is
  'Orders what is stored against listings: a listing takes a value before it asks, a link '
  'when it is stored.';
create sequence tandem.revs;
comment on sequence tandem.revs is 'The highest rev so far: a clock that is ahead of it makes one without looking.';
create sequence tandem.fences;
comment on sequence tandem.fences is 'Proofs of leases.';
