set local lock_timeout = '3s';

create table tandem.changes (
  event uuid not null,
  root uuid not null,
  owner text collate "C" not null,
  rev bigint not null,
  op text not null,
  fields text[],
  old_row jsonb,
  changed_at timestamptz not null,
  txid xid8 not null default pg_current_xact_id(),
  primary key (event, rev)
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000,
  autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 5000, autovacuum_vacuum_insert_scale_factor = 0,
  autovacuum_vacuum_insert_threshold = 20000);
create index changes_owner on tandem.changes (owner, rev);
create index changes_root on tandem.changes (root) where root <> event;
create index changes_deleted on tandem.changes (owner) where op = 'delete';
create index changes_transaction on tandem.changes (txid, owner);
comment on table tandem.changes is
  'A queue: what CRM transactions did to rows. They only insert here; a load moves a family''s out.';
comment on column tandem.changes.root is 'The series that the row named, or the row: a hint, since a load looks again.';
comment on column tandem.changes.rev is 'Grows per event: greatest(last + 1, clock in microseconds).';
comment on column tandem.changes.fields is 'Mapped fields that changed; null: all.';
comment on column tandem.changes.old_row is 'The row as it was, of a deletion.';

create table tandem.open_changes (
  event uuid primary key,
  root uuid not null,
  owner text collate "C" not null,
  rev bigint not null,
  changed jsonb not null,
  deleted_row jsonb,
  inserted_by xid8,
  txids xid8[] not null
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000,
  autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 5000);
create index open_changes_root on tandem.open_changes (root);
create index open_changes_deleted on tandem.open_changes (owner) where deleted_row is not null;
create index open_changes_txids on tandem.open_changes using gin (txids) with (fastupdate = off);
comment on table tandem.open_changes is 'Changes that a load has seen and nobody has acknowledged.';
comment on column tandem.open_changes.rev is 'The newest.';
comment on column tandem.open_changes.changed is 'By field: when it changed last.';
comment on column tandem.open_changes.deleted_row is 'The row as it was deleted.';
comment on column tandem.open_changes.inserted_by is 'The transaction that inserted the row.';
comment on column tandem.open_changes.txids is 'The transactions that they are of, the newest twenty.';

create table tandem.links (
  connection_id uuid not null references tandem.connections (id),
  remote text not null,
  event uuid not null,
  root uuid not null,
  origin text not null check (origin in ('crm', 'remote')),
  ical_uid text,
  original_start text,
  state text not null check (state in ('reserved', 'live', 'kept', 'leaving', 'deleted')),
  standing jsonb not null,
  synced_rev bigint not null,
  last_rev bigint not null default 0,
  recorded bigint not null default nextval('tandem.recorded'),
  gone_at timestamptz,
  gone_by text check (gone_by in ('crm', 'remote')),
  is_blank boolean not null default false,
  stored_at timestamptz not null default clock_timestamp(),
  primary key (connection_id, remote)
);
create unique index links_event on tandem.links (event, connection_id);
create index links_root on tandem.links (root);
create index links_there on tandem.links (connection_id) where state in ('live', 'kept', 'leaving');
create index links_gone on tandem.links (connection_id, gone_at) where gone_at is not null;
create index links_meeting on tandem.links (ical_uid) where ical_uid is not null;
create index links_spent on tandem.links (stored_at) where state = 'deleted' and not is_blank;
comment on table tandem.links is
  'Which remote event an event is. The truth about identity; columns of the CRM''s table only show it.';
comment on column tandem.links.standing is 'The planner''s, unread here.';
comment on column tandem.links.synced_rev is 'The rev that was acknowledged last.';
comment on column tandem.links.last_rev is 'The event''s highest rev that is known to have been.';
comment on column tandem.links.recorded is 'The sequence when it was stored.';
comment on column tandem.links.gone_at is 'When a deletion was stored: what guards against mass deletion count.';
comment on column tandem.links.is_blank is 'Texts of the deleted event are blanked.';

create table tandem.attempts (
  event uuid not null,
  rev bigint not null,
  row jsonb,
  loads integer not null default 1,
  at timestamptz not null,
  primary key (event, rev)
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);
comment on table tandem.attempts is
  'What a load was about to have written, until it is acknowledged. A left-over one may have arrived.';
comment on column tandem.attempts.row is 'The row''s fields as loaded; null for a deletion.';
comment on column tandem.attempts.loads is 'Loads that may have written it.';

create table tandem.parked (
  connection_id uuid not null references tandem.connections (id),
  remote text not null,
  event uuid,
  series text,
  state text not null check (state in ('waiting', 'read', 'orphan', 'quarantined')),
  etag text,
  raw text not null,
  item jsonb,
  reason text,
  as_of bigint not null,
  is_gone boolean not null default false,
  parked_at timestamptz not null default clock_timestamp(),
  primary key (connection_id, remote)
);
create index parked_event on tandem.parked (event) where event is not null;
create index parked_series on tandem.parked (connection_id, series) where series is not null;
create index parked_gone on tandem.parked (connection_id) where is_gone and state = 'waiting';
create index parked_reads on tandem.parked (connection_id) where state in ('read', 'orphan');
comment on table tandem.parked is
  'Remote versions that a listing showed and that wait for their event''s family, or for a person.';
comment on column tandem.parked.is_gone is
  'It says that the event was deleted: while it waits, guards against mass deletion count it.';
comment on column tandem.parked.raw is 'The resource as it came; text, since jsonb refuses strings that JSON allows.';

create table tandem.seen (
  connection_id uuid not null references tandem.connections (id) on delete cascade,
  remote text not null,
  primary key (connection_id, remote)
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);
comment on table tandem.seen is 'Linked events that a listing of everything has shown so far.';

create table tandem.missed (
  connection_id uuid not null references tandem.connections (id) on delete cascade,
  remote text not null,
  before bigint not null,
  primary key (connection_id, remote)
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);
comment on table tandem.missed is
  'Linked events that a listing of everything did not show: they are to be read one by one.';
comment on column tandem.missed.before is 'The sequence when it began: what was stored later needs no reading.';

create table tandem.work (
  root uuid primary key,
  owner text collate "C" not null,
  connection_id uuid,
  state text not null default 'open' check (state in ('open', 'held', 'dead')),
  at timestamptz not null,
  attempts integer not null default 0,
  waits_for uuid,
  reason text,
  notes jsonb not null default '{}',
  is_bulk boolean not null default false,
  is_asked boolean not null default false,
  fence bigint not null default 0,
  lease_until timestamptz
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000,
  autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 5000);
create index work_owner on tandem.work (owner, at) where state = 'open';
create index work_problems on tandem.work (owner) where state in ('held', 'dead');
create index work_waits_for on tandem.work (waits_for) where waits_for is not null;
create index work_connection on tandem.work (connection_id);
comment on table tandem.work is
  'A family with open work, and its lease: one at a time works on it. It goes when nothing is open.';
comment on column tandem.work.connection_id is 'Where the family''s root is, or is to be, as of the last load.';
comment on column tandem.work.at is 'Not before; infinity: only leased.';
comment on column tandem.work.attempts is 'Loads for writing since the last success or change.';
comment on column tandem.work.waits_for is 'A family whose work comes first.';
comment on column tandem.work.notes is 'The planner''s.';
comment on column tandem.work.is_bulk is 'Part of a first export: it yields to live changes.';
comment on column tandem.work.is_asked is 'Somebody asked for it since it was loaded: a commit leaves it due.';
comment on column tandem.work.fence is 'Proof of the lease.';

create table tandem.history (
  id bigint generated always as identity primary key,
  event uuid not null,
  owner text collate "C" not null,
  at timestamptz not null,
  kind text not null,
  detail jsonb not null default '{}'
);
create index history_event on tandem.history (event, owner, id);
create index history_owner on tandem.history (owner, at);
comment on table tandem.history is 'What happened to an event, in order; its owner''s of that time for ever.';

create table tandem.touched (
  event uuid not null,
  owner text collate "C" not null,
  at xid8 not null,
  is_gone boolean not null,
  touched_at timestamptz not null default clock_timestamp(),
  primary key (event, owner)
) with (fillfactor = 70);
create index touched_owner on tandem.touched (owner, at);
create index touched_gone on tandem.touched (touched_at) where is_gone;
comment on table tandem.touched is
  'The last transaction of Tandem''s that wrote or noticed an event: what a page asks for news. '
  'What CRM transactions did since the last load stands in tandem.changes.';
