set local lock_timeout = '3s';

alter table tandem.disconnections add column place text not null default '';
alter table tandem.disconnections add column is_walked boolean not null default false;
create index disconnections_account on tandem.disconnections (account_id);
comment on column tandem.disconnections.choice is
  'keep everything; remove_from_google what came from the CRM; remove_from_crm what came from the calendar.';
comment on column tandem.disconnections.phase is
  'begun: work under way ends; leaving: events go from the calendar; rows: rows are let go of; channels are stopped; '
  'account: access is given back; done.';
comment on column tandem.disconnections.not_before is 'Until then a lease from before may last.';
comment on column tandem.disconnections.total is 'Events to remove.';
comment on column tandem.disconnections.done is 'Of these, removed.';
comment on column tandem.disconnections.tries is 'How often the provider was asked to stop channels or to end access.';
comment on column tandem.disconnections.problem is 'What could not be done, for people.';
comment on column tandem.disconnections.place is 'The last link that the phase has looked at.';
comment on column tandem.disconnections.is_walked is 'The phase has looked at all of them.';

create table tandem.walks (
  id bigint generated always as identity primary key,
  connection_id uuid not null references tandem.connections (id) on delete cascade,
  kind text not null check (kind in ('backfill', 'look', 'unread')),
  place text not null default '',
  walked_at timestamptz not null default '-infinity',
  unique (connection_id, kind)
);
create index walks_turn on tandem.walks (walked_at, id);
comment on table tandem.walks is
  'What is done to all events of a connection, some at each tick: what a person chose may be about very many.';
comment on column tandem.walks.kind is
  'backfill: rows that are in no calendar become work; look: linked events become work; unread: they are to be read '
  'before anything else, then everything is listed.';
comment on column tandem.walks.place is 'The last one.';

create index links_leaving on tandem.links (connection_id) where state = 'leaving';
create index parked_quarantined on tandem.parked (parked_at) where state = 'quarantined';
create index work_overdue on tandem.work (at) where state = 'open' and not is_bulk;
create index accounts_resting on tandem.accounts (state) where state <> 'active';
create index connections_failing on tandem.connections (failures) where failures >= 3;
create index tickets_user on tandem.tickets (user_id);

create table tandem.past_changes (
  id bigint generated always as identity primary key,
  event uuid not null,
  owner text collate "C" not null,
  op text not null,
  fields text[],
  old_row jsonb,
  changed_at timestamptz not null
);
create index past_changes_event on tandem.past_changes (event, owner, id);
create index past_changes_owner on tandem.past_changes (owner, changed_at);
comment on table tandem.past_changes is
  'What CRM transactions did to rows of users with a connection, once a load has taken it: for their history.';
