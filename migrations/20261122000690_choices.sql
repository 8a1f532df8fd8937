-- What a user's choices for a calendar mean for a listing: which direction, which events.

create or replace function tandem.connection_of(l tandem.links) returns tandem.connections
language plpgsql stable set search_path = '' as $$
begin
  return (select x from tandem.connections x where x.calendar_id = l.calendar_id and x.user_id = l.owner_id
  order by x.state = 'active' desc limit 1);
end $$;
comment on function tandem.connection_of(tandem.links) is 'The choice that a link''s owner made for its calendar.';

-- An edit that was not sent stays a difference to the base, for the day on which it may be.
create or replace function tandem.base_after(l tandem.links, crm_row jsonb, written jsonb) returns jsonb
language plpgsql stable set search_path = '' as $$
begin
  return case when (tandem.connection_of(l)).direction = 'in' and l.base_crm is not null then l.base_crm else crm_row end || written;
end $$;
comment on function tandem.base_after(tandem.links, jsonb, jsonb) is 'The base of the CRM''s side after a write of these fields.';

create or replace function tandem.is_synced(calendar uuid) returns boolean
language plpgsql stable set search_path = '' as $$
begin
  return exists (select from tandem.connections x where x.calendar_id = calendar and x.state = 'active');
end $$;
comment on function tandem.is_synced(uuid) is 'Whether somebody wants the calendar listed now.';

create or replace function tandem.takes_new(c tandem.calendars, item jsonb) returns boolean
language plpgsql stable set search_path = '' as $$
begin
  return not exists (select from tandem.connections x
    where x.calendar_id = c.id and x.account_id = c.account_id and x.direction = 'out' and item ->> 'google_id' is not null);
end $$;
comment on function tandem.takes_new(tandem.calendars, jsonb) is 'Whether an event that Google has and the CRM does not becomes a row.';

-- Google's own filter would hide what has a row and moves out of its window, for as long as the token lives.
-- A series is taken for one occurrence that is not over.
create or replace function tandem.is_before_import(c tandem.calendars, item jsonb) returns boolean
language sql stable set search_path = '' as $$
  select c.import_from is not null and coalesce((item ->> 'ends')::timestamptz <= c.import_from, false)
    and not exists (select from tandem.inbox i where i.calendar_id = c.id and i.state = 'orphan' and i.series_id = item ->> 'google_id'
      and not (i.seen -> 'cancelled')::boolean and coalesce((i.seen ->> 'ends')::timestamptz > c.import_from, true));
$$;
comment on function tandem.is_before_import(tandem.calendars, jsonb) is 'Whether a listed item without a row was over before the calendar''s import begins.';

create or replace function tandem.set_import_from(calendar uuid, wanted timestamptz) returns void
language sql volatile set search_path = '' as $$
  -- What came before was never taken: all is listed again, and what has a row is an echo.
  update tandem.calendars c set sync_token = null, page_token = null, listing = null, fence = c.fence + 1, lease_until = null, poll_at = tandem.clock()
  where c.id = calendar and c.import_from > coalesce(wanted, '-infinity');
  update tandem.calendars c set import_from = wanted where c.id = calendar;
$$;
comment on function tandem.set_import_from(uuid, timestamptz) is 'Where the import of a calendar begins; an earlier beginning lists it anew, a later one leaves the rows that are there.';

create or replace function tandem.apply_choice(l tandem.links, item jsonb) returns jsonb
language plpgsql volatile set search_path = '' as $$
declare k tandem.connections := tandem.connection_of(l);
begin
  if k.direction is distinct from 'out' then
    return null;
  elsif (item -> 'cancelled')::boolean then
    update tandem.links set state = 'gone', etag = item ->> 'etag', deleted_by = 'google', proof = 'confirmed',
      recorded_seq = nextval('tandem.recorded') where id = l.id;
    perform tandem.note(l.event_id, 'note', jsonb_build_object('what', 'deleted in Google; the calendar is only written to'));
    perform tandem.show(l.event_id, 'none', null);
  else
    update tandem.links set etag = item ->> 'etag', google_updated = (item ->> 'updated')::timestamptz where id = l.id;
  end if;
  return jsonb_build_object('did', 'noted', 'event_id', l.event_id);
end $$;
comment on function tandem.apply_choice(tandem.links, jsonb) is
  'What becomes of a listed item whose row is not to be written: its version is noted; null for all others.';

create table if not exists tandem.disconnections (
  id uuid primary key default gen_random_uuid(),
  account_id uuid not null references tandem.accounts (id),
  connection_id uuid references tandem.connections (id),
  choice text not null check (choice in ('keep', 'remove_from_google', 'remove_from_crm')),
  phase text not null default 'begun' check (phase in ('begun', 'leaving', 'rows', 'channels', 'account', 'done')),
  not_before timestamptz not null,
  due_at timestamptz not null,
  total integer not null default 0,
  done integer not null default 0,
  tries integer not null default 0,
  problem text,
  created_at timestamptz not null default tandem.clock(),
  finished_at timestamptz
);
create index if not exists disconnections_due on tandem.disconnections (due_at) where phase <> 'done';
create index if not exists disconnections_connection on tandem.disconnections (connection_id);
create index if not exists disconnections_account on tandem.disconnections (account_id);
comment on table tandem.disconnections is 'Calendars and accounts on their way out. A step may be done again at any time.';
comment on column tandem.disconnections.id is 'Key.';
comment on column tandem.disconnections.account_id is 'The account.';
comment on column tandem.disconnections.connection_id is 'The calendar''s connection; null for the account itself, which goes last.';
comment on column tandem.disconnections.choice is 'keep everything; remove_from_google what came from the CRM; remove_from_crm what came from Google.';
comment on column tandem.disconnections.phase is 'begun: work under way ends; leaving: events go from Google; rows: rows go from the CRM; channels are stopped; account: access is given back; done.';
comment on column tandem.disconnections.not_before is 'Until then a lease from before may last.';
comment on column tandem.disconnections.due_at is 'When the scheduler looks at it.';
comment on column tandem.disconnections.total is 'Events to remove.';
comment on column tandem.disconnections.done is 'Of these, removed.';
comment on column tandem.disconnections.tries is 'How often Google was asked to stop channels or to take access back.';
comment on column tandem.disconnections.problem is 'What could not be done, for people to read.';
comment on column tandem.disconnections.created_at is 'When the user asked for it.';
comment on column tandem.disconnections.finished_at is 'When it was over.';
