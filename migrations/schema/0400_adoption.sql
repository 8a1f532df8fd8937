set local lock_timeout = '3s';

create table tandem.adoption (
  one boolean primary key default true check (one),
  relation text not null,
  given jsonb not null,
  mapping jsonb not null,
  fields text[] not null default '{}',
  added jsonb not null default '[]',
  adopted_at timestamptz not null default clock_timestamp()
);
comment on table tandem.adoption is
  'The CRM''s table and how its columns are the sync''s fields. What knows columns is generated from it.';
comment on column tandem.adoption.given is 'The mapping as the team wrote it; each release generates from it anew.';
comment on column tandem.adoption.mapping is 'The mapping in full.';
comment on column tandem.adoption.added is 'Columns that Tandem added to tables: [[table, column]].';
comment on column tandem.adoption.fields is 'All names that a change can name.';

create table tandem.keys (
  event uuid primary key default gen_random_uuid(),
  key text not null unique
);
comment on table tandem.keys is 'Tandem''s ids of rows whose own key is no uuid.';

create table tandem.event_fields (
  event uuid primary key,
  fields jsonb not null,
  series uuid,
  original_start text
);
create index event_fields_series on tandem.event_fields (series) where series is not null;
comment on table tandem.event_fields is 'Fields that the CRM''s table has no column for.';

create table tandem.event_state (
  event uuid primary key,
  state text not null default 'none',
  error text,
  remote text,
  calendar text,
  access text
) with (fillfactor = 70);
create index event_state_remote on tandem.event_state (remote);
comment on table tandem.event_state is 'What a row shows of its sync, where the CRM''s table has no columns for it.';

create unlogged table tandem.writing (
  event uuid primary key,
  expected jsonb
);
comment on table tandem.writing is
  'What the running transaction of Tandem''s writes, before any trigger of the CRM''s. Empty outside.';
