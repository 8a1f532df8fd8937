-- The work itself: changes, links, attempts, leases, jobs, inbox, history.

create table if not exists tandem.changes (
  event_id uuid not null,
  rev bigint not null,
  op text not null check (op in ('insert', 'update', 'delete')),
  fields text[] not null default '{}',
  old_row jsonb,
  owner_id uuid,
  folded boolean not null default false,
  changed_at timestamptz not null default tandem.clock(),
  txid xid8 not null default pg_current_xact_id(),
  primary key (event_id, rev)
);
create index if not exists changes_owner on tandem.changes (owner_id, rev);
create index if not exists changes_open on tandem.changes (rev) where not folded;
create index if not exists changes_rules on tandem.changes (txid) where op = 'update' and fields @> array['recurrence'];
comment on table tandem.changes is 'What CRM transactions did to events. They only ever insert here, so they never wait for Tandem.';
comment on column tandem.changes.event_id is 'The event.';
comment on column tandem.changes.rev is 'Grows per event: greatest(last + 1, clock in microseconds).';
comment on column tandem.changes.op is 'What the statement did.';
comment on column tandem.changes.fields is 'Mapped fields that changed.';
comment on column tandem.changes.old_row is 'The row as it was, on delete.';
comment on column tandem.changes.owner_id is 'Whose event it was afterwards, or before it was deleted.';
comment on column tandem.changes.folded is 'Its event''s job knows of it.';
comment on column tandem.changes.changed_at is 'When.';
comment on column tandem.changes.txid is 'The transaction: a series that was split in it is trimmed before its tail is made.';

create table if not exists tandem.links (
  id uuid primary key default gen_random_uuid(),
  tenant text not null,
  event_id uuid not null,
  root_id uuid not null,
  owner_id uuid not null,
  calendar_id uuid not null references tandem.calendars (id),
  google_id text not null,
  generation integer not null default 0,
  is_primary boolean not null default true,
  leaving boolean not null default false,
  organized boolean not null default true,
  origin text not null check (origin in ('crm', 'google')),
  state text not null check (state in ('reserved', 'live', 'kept', 'gone')),
  ical_uid text,
  original_start text,
  etag text,
  google_updated timestamptz,
  base_crm jsonb,
  base_google jsonb,
  synced_rev bigint not null default 0,
  recorded_seq bigint not null default 0,
  seen_listing bigint not null default 0,
  old_row jsonb,
  deleted_by text check (deleted_by in ('crm', 'google', 'opt_out')),
  proof text check (proof in ('confirmed', 'never_seen')),
  gone_at timestamptz,
  missed_seq bigint,
  missed_at timestamptz,
  departing boolean not null default false,
  passed_over text[] not null default '{}',
  created_at timestamptz not null default tandem.clock(),
  unique (calendar_id, google_id)
);
create unique index if not exists links_primary on tandem.links (event_id) where is_primary;
create index if not exists links_event on tandem.links (event_id);
create index if not exists links_root on tandem.links (root_id);
create index if not exists links_opted_out on tandem.links (owner_id, ical_uid) where state = 'gone' and deleted_by = 'opt_out';
create index if not exists links_gone on tandem.links (calendar_id, gone_at) where gone_at is not null;
create unique index if not exists links_identity on tandem.links (tenant, ical_uid, original_start) nulls not distinct
  where is_primary and ical_uid is not null and state <> 'gone';
comment on table tandem.links is 'Which Google event an event is, and what both sides last looked like. The truth about identity; columns of public.events only show it.';
comment on column tandem.links.id is 'Key.';
comment on column tandem.links.tenant is 'Tenant.';
comment on column tandem.links.event_id is 'The CRM event; it may be deleted.';
comment on column tandem.links.root_id is 'The series'' master, or the event itself: leases are per root.';
comment on column tandem.links.owner_id is 'The CRM user whose calendar it is in.';
comment on column tandem.links.calendar_id is 'The calendar.';
comment on column tandem.links.google_id is 'Google''s event id; for events born in the CRM derived from event_id and generation.';
comment on column tandem.links.generation is 'Grows when Google can never give the id back.';
comment on column tandem.links.is_primary is 'False for a guest''s copy of an event that has a link already.';
comment on column tandem.links.leaving is 'The event has moved elsewhere: this copy is to be deleted once the new one is in Google.';
comment on column tandem.links.organized is 'The calendar is the organizer''s; false for a guest''s copy.';
comment on column tandem.links.origin is 'Where the event was born.';
comment on column tandem.links.state is 'reserved: id chosen, not known to be in Google; live; kept: opted out, left in Google as it is; gone: deleted, kept as a tombstone.';
comment on column tandem.links.ical_uid is 'iCalUID, for identity across calendars.';
comment on column tandem.links.original_start is 'Of an exception, in Google''s canonical form.';
comment on column tandem.links.etag is 'Google''s version that base_google is of.';
comment on column tandem.links.google_updated is 'Google''s updated of that version.';
comment on column tandem.links.base_crm is 'The row as last pushed or stored.';
comment on column tandem.links.base_google is 'What Google answered or listed then, by unit.';
comment on column tandem.links.synced_rev is 'The rev that was recorded; a newer one in changes is open work.';
comment on column tandem.links.recorded_seq is 'When it was recorded, in the order of tandem.recorded.';
comment on column tandem.links.seen_listing is 'Last full listing that showed it.';
comment on column tandem.links.old_row is 'The deleted row.';
comment on column tandem.links.deleted_by is 'Which side deleted it.';
comment on column tandem.links.proof is 'confirmed: Google showed it gone; never_seen: Google did not know the id.';
comment on column tandem.links.gone_at is 'When it was deleted without anybody''s confirmation: what the deletion guard counts.';
comment on column tandem.links.missed_seq is 'Value of tandem.recorded when Google no longer showed it: another calendar that was listed later would know it.';
comment on column tandem.links.missed_at is 'When that was.';
comment on column tandem.links.departing is 'Its calendar is being disconnected and the event goes from Google with it.';
comment on column tandem.links.passed_over is 'Google ids of occurrences of the series that were listed while the series went by another copy or was gone. They are read once that changes.';
comment on column tandem.links.created_at is 'When.';

create table if not exists tandem.attempts (
  event_id uuid not null,
  rev bigint not null,
  crm_row jsonb,
  at timestamptz not null default tandem.clock(),
  claims integer not null default 1,
  primary key (event_id, rev)
);
comment on table tandem.attempts is 'What a claim was about to write, until a record acknowledges it. A left-over one may or may not be in Google.';
comment on column tandem.attempts.event_id is 'The event.';
comment on column tandem.attempts.rev is 'The claimed rev; the write carries it as a private property.';
comment on column tandem.attempts.crm_row is 'The row as claimed; null for a deletion.';
comment on column tandem.attempts.at is 'When it was claimed.';
comment on column tandem.attempts.claims is 'How many claims of it may have written: only when the last one is known not to have, it is forgotten.';

create table if not exists tandem.leases (
  root_id uuid primary key,
  fence bigint not null default 0,
  until timestamptz
);
comment on table tandem.leases is 'Who may work on a series (or a single event): one at a time.';
comment on column tandem.leases.root_id is 'The series.';
comment on column tandem.leases.fence is 'Grows with each claim; record needs the same.';
comment on column tandem.leases.until is 'When the lease ends by itself.';

create table if not exists tandem.jobs (
  event_id uuid primary key,
  root_id uuid not null,
  account_id uuid,
  state text not null default 'open' check (state in ('open', 'waiting', 'held', 'dead')),
  due_at timestamptz not null,
  waits_for uuid,
  deleting boolean not null default false,
  quiet boolean not null default false,
  decision text check (decision in ('ask', 'apply', 'keep')),
  attempts integer not null default 0,
  look boolean not null default false,
  looking boolean not null default false,
  last_error text,
  created_at timestamptz not null default tandem.clock()
);
create index if not exists jobs_due on tandem.jobs (due_at) where state = 'open';
create index if not exists jobs_account on tandem.jobs (account_id) where state = 'waiting';
create index if not exists jobs_root on tandem.jobs (root_id);
create index if not exists jobs_waits_for on tandem.jobs (waits_for) where waits_for is not null;
create index if not exists jobs_deleting on tandem.jobs (account_id) where deleting;
create index if not exists jobs_problems on tandem.jobs (account_id) where state in ('held', 'dead');
comment on table tandem.jobs is 'Events with open work.';
comment on column tandem.jobs.event_id is 'The event.';
comment on column tandem.jobs.root_id is 'Its series.';
comment on column tandem.jobs.account_id is 'The account it waits for.';
comment on column tandem.jobs.state is 'open; waiting for its account (reconnect, first import), which is no attempt; held: a deletion that waits for a person, see tandem_confirm; dead: attempts spent or permanent error, until somebody retries.';
comment on column tandem.jobs.due_at is 'Not before.';
comment on column tandem.jobs.waits_for is 'The event whose work comes first: the series'' master, or the series that is to be trimmed.';
comment on column tandem.jobs.deleting is 'The work is a deletion in Google.';
comment on column tandem.jobs.quiet is 'Part of a first export: nobody gets mail, and it yields to live changes.';
comment on column tandem.jobs.decision is 'About a deletion. ask: it waits for a person whatever the number; apply, keep: what the person said.';
comment on column tandem.jobs.attempts is 'Claims since the last success or change.';
comment on column tandem.jobs.look is 'The next claim is to read the event in Google before anything else.';
comment on column tandem.jobs.looking is 'The last claim was to do so, and it is not done yet.';
comment on column tandem.jobs.last_error is 'Why the last attempt failed, for people to read.';
comment on column tandem.jobs.created_at is 'When the work was found.';

create table if not exists tandem.inbox (
  calendar_id uuid not null references tandem.calendars (id),
  google_id text not null,
  event_id uuid,
  etag text,
  raw text not null,
  seen jsonb,
  series_id text,
  times jsonb not null default '{}',
  state text not null default 'waiting' check (state in ('waiting', 'orphan', 'dormant', 'quarantined', 'retry')),
  reason text,
  as_of bigint not null,
  received_at timestamptz not null default tandem.clock(),
  primary key (calendar_id, google_id)
);
create index if not exists inbox_event on tandem.inbox (event_id);
create index if not exists inbox_reads on tandem.inbox (calendar_id, series_id) where state in ('orphan', 'dormant', 'retry');
create index if not exists inbox_dormant on tandem.inbox (received_at) where state = 'dormant';
comment on table tandem.inbox is 'Google resources that a listing showed and that could not simply be written: they wait for their event''s job, or for a person.';
comment on column tandem.inbox.calendar_id is 'The listed calendar.';
comment on column tandem.inbox.google_id is 'Google''s event id.';
comment on column tandem.inbox.event_id is 'The event whose job takes it.';
comment on column tandem.inbox.etag is 'Its version.';
comment on column tandem.inbox.raw is 'The resource as it came. Text, since jsonb refuses some strings that JSON allows.';
comment on column tandem.inbox.seen is 'What was read in it; null where it is quarantined.';
comment on column tandem.inbox.series_id is 'Google''s id of the series that an orphan or a dormant exception waits for.';
comment on column tandem.inbox.times is 'By unit: when Google made the first listed version with the value that the unit has now.';
comment on column tandem.inbox.state is 'waiting for the job; orphan: an exception whose series is not known yet; dormant: one whose series lies in the trash and has no row; quarantined: not understood or refused by the database; retry: to be read once more.';
comment on column tandem.inbox.reason is 'Why it is quarantined.';
comment on column tandem.inbox.as_of is 'Value of tandem.recorded before the listing.';
comment on column tandem.inbox.received_at is 'When.';

create table if not exists tandem.history (
  id bigint generated always as identity primary key,
  event_id uuid not null,
  owner_id uuid,
  at timestamptz not null default tandem.clock(),
  kind text not null,
  detail jsonb not null default '{}'
);
create index if not exists history_event on tandem.history (event_id, id);
create index if not exists history_owner on tandem.history (owner_id, at);
comment on table tandem.history is 'What happened to an event, in order.';
comment on column tandem.history.id is 'Order.';
comment on column tandem.history.event_id is 'The event.';
comment on column tandem.history.owner_id is 'Whose event it was then.';
comment on column tandem.history.at is 'When.';
comment on column tandem.history.kind is 'What: pushed, pulled, merged, conflict, refused, held, deleted, restored, failed, note.';
comment on column tandem.history.detail is 'Values of both sides where they matter.';

create or replace function tandem.own_history() returns trigger
language plpgsql volatile security definer set search_path = '' as $$
begin
  new.owner_id := coalesce(tandem.crm_owner(new.event_id), (select l.owner_id from tandem.links l where l.event_id = new.event_id and l.is_primary),
    (select c.owner_id from tandem.changes c where c.event_id = new.event_id order by c.rev desc limit 1));
  return new;
end $$;
comment on function tandem.own_history() is 'Notes whose event it is.';
create or replace trigger history_owner before insert on tandem.history for each row execute function tandem.own_history();

create table if not exists tandem.writing (
  txid xid8 not null default pg_current_xact_id(),
  event_id uuid not null,
  expected jsonb,
  primary key (txid, event_id)
);
comment on table tandem.writing is 'What Tandem writes to an event in the running transaction; the trigger ignores exactly this. Empty outside such a transaction.';
comment on column tandem.writing.txid is 'The transaction.';
comment on column tandem.writing.event_id is 'The event.';
comment on column tandem.writing.expected is 'Its mapped fields as Tandem writes them; null for a deletion.';

create or replace function tandem.google_id(event_id uuid, generation integer) returns text
language sql immutable strict parallel safe set search_path = '' as $$
  select string_agg(
           substr('0123456789abcdefghijklmnopqrstuv',
                  substring(('x' || replace(event_id::text, '-', ''))::bit(128)::bit(130) from i * 5 + 1 for 5)::integer + 1, 1),
           '' order by i) || generation::text
  from generate_series(0, 25) i;
$$;
comment on function tandem.google_id(uuid, integer) is 'The Google id of an event born in the CRM: base32hex of the uuid, then the generation.';

create or replace function tandem.note(event uuid, kind text, detail jsonb) returns void
language plpgsql set search_path = '' as $$
begin insert into tandem.history (event_id, kind, detail) values (event, kind, detail); end $$;
comment on function tandem.note(uuid, text, jsonb) is 'Adds to an event''s history.';

-- What waited for a piece of work goes on when that work is over, however it ended.
create or replace function tandem.release_waiting() returns trigger
language plpgsql volatile security definer set search_path = '' as $$
begin
  update tandem.jobs set due_at = tandem.clock(), waits_for = null where waits_for = old.event_id;
  return null;
end $$;
comment on function tandem.release_waiting() is 'Makes the jobs due that waited for one that ended.';
create or replace trigger jobs_release after delete on tandem.jobs for each row execute function tandem.release_waiting();
create or replace trigger jobs_release_dead after update of state on tandem.jobs for each row
  when (new.state = 'dead' and old.state <> 'dead') execute function tandem.release_waiting();
