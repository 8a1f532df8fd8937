-- CRM to Google: claim an event's open work, record what came of it.

create or replace function tandem.fold(event uuid) returns boolean
language plpgsql volatile set search_path = '' as $$
declare root uuid; gone boolean;
begin
  update tandem.changes c set folded = true where c.event_id = event and not c.folded;
  if not found then return false; end if;
  root := tandem.root_of(event);
  gone := not coalesce((tandem.crm_read(event) ->> 'enabled')::boolean, false);
  insert into tandem.jobs as j (event_id, root_id, account_id, due_at, deleting)
  values (event, root, tandem.account_for(event), tandem.clock(), gone)
  on conflict (event_id) do update set root_id = excluded.root_id, account_id = coalesce(excluded.account_id, j.account_id), due_at = excluded.due_at, attempts = 0,
    deleting = excluded.deleting, quiet = j.quiet and j.state = 'waiting', waits_for = null,
    decision = case when j.deleting = excluded.deleting then j.decision end,
    state = case when j.state = 'waiting' or j.state = 'held' and j.deleting = excluded.deleting then j.state else 'open' end;
  return true;
end $$;
comment on function tandem.fold(uuid) is 'Turns an event''s changes into its job; says whether there were any.';

create or replace function tandem.acting_account(l tandem.links) returns uuid
language plpgsql stable set search_path = '' as $$
begin
  return (select coalesce(
    (select x.account_id from tandem.connections x where x.calendar_id = l.calendar_id and x.user_id = l.owner_id
      order by x.state = 'active' desc limit 1),
    (select c.account_id from tandem.calendars c where c.id = l.calendar_id)));
end $$;
comment on function tandem.acting_account(tandem.links) is 'The account that writes for the link''s owner.';

create or replace function tandem.account_for(event uuid) returns uuid
language plpgsql stable set search_path = '' as $$
begin
  return (select coalesce(
    (select tandem.acting_account(l) from tandem.links l where l.event_id = event and l.is_primary),
    (select x.account_id from tandem.connections x where x.user_id = (tandem.crm_read(event) ->> 'owner_id')::uuid
      and x.is_target and x.state <> 'disconnected')));
end $$;
comment on function tandem.account_for(uuid) is 'The account that the work on an event is for, as far as that is known before a claim.';

create or replace function tandem.deleted_row(event uuid) returns jsonb
language plpgsql stable set search_path = '' as $$
begin
  return (select ch.old_row from tandem.changes ch where ch.event_id = event order by ch.rev desc limit 1);
end $$;
comment on function tandem.deleted_row(uuid) is 'The row that the CRM has deleted last, as it was; null where its last change was another one.';

create or replace function tandem.root_of(event uuid) returns uuid
language plpgsql stable set search_path = '' as $$
begin
  return (select coalesce(
    (tandem.crm_read(event) ->> 'recurring_event_id')::uuid,
    (select l.root_id from tandem.links l where l.event_id = event and l.is_primary),
    (tandem.deleted_row(event) ->> 'recurring_event_id')::uuid,
    event));
end $$;
comment on function tandem.root_of(uuid) is 'The series'' master, or the event itself.';

-- A token is handed out for refresh to one caller at a time, from 5 minutes before its end.
create or replace function tandem.grant_token(account uuid) returns jsonb
language plpgsql volatile set search_path = '' as $$
declare a tandem.accounts; refresh boolean := false; t timestamptz := tandem.clock();
begin
  select * into a from tandem.accounts where id = account for no key update;
  if a.access_token is null or a.access_expires_at <= t + interval '5 minutes' then
    if a.refreshing_until is null or a.refreshing_until <= t then
      update tandem.accounts set refreshing_until = t + interval '30 seconds' where id = account;
      refresh := true;
    elsif a.access_token is null or a.access_expires_at <= t + interval '30 seconds' then
      return null;
    end if;
  end if;
  return jsonb_build_object('account_id', a.id, 'generation', a.token_generation, 'refresh', refresh,
    'access_token', a.access_token, 'refresh_token', a.refresh_token);
end $$;
comment on function tandem.grant_token(uuid) is 'The account''s sealed tokens and whether the caller is to refresh them; null while somebody else does and the old one is at its end.';

create or replace function tandem.foreseen(l tandem.links) returns integer
language sql immutable set search_path = '' as $$
  -- Google counts three for a patch.
  select case l.state when 'reserved' then 1 else 3 end;
$$;
comment on function tandem.foreseen(tandem.links) is 'What a claim of the link''s event takes of Google''s quota.';

create or replace function tandem.store_token(t jsonb) returns boolean
language plpgsql volatile set search_path = '' as $$
begin
  if t is null or t = 'null' then return false; end if;
  update tandem.accounts a set
    access_token = t ->> 'access_token',
    access_expires_at = tandem.clock() + (t ->> 'expires_in')::double precision * interval '1 second',
    refresh_token = coalesce(t ->> 'refresh_token', a.refresh_token),
    token_generation = a.token_generation + 1,
    refreshing_until = null
  where a.id = (t ->> 'account_id')::uuid and a.token_generation = (t ->> 'generation')::bigint;
  return found;
end $$;
comment on function tandem.store_token(jsonb) is 'Stores a refreshed token if the generation it was made from is still the current one.';

create or replace function tandem.wait_for_account(event uuid, account uuid, reason text) returns jsonb
language plpgsql volatile set search_path = '' as $$
begin
  update tandem.jobs set state = 'waiting', account_id = account, last_error = reason where event_id = event;
  perform tandem.show(event, 'pending', reason);
  return jsonb_build_object('outcome', 'waiting', 'reason', reason);
end $$;
comment on function tandem.wait_for_account(uuid, uuid, text) is 'Parks a job until its account can work again; no attempt is counted.';

create or replace function tandem.access_to(l tandem.links) returns text
language plpgsql stable set search_path = '' as $$
begin
  return (select case when c.access_role not in ('writerWithoutPrivateAccess', 'writer', 'owner') then 'read'
    else coalesce(l.base_google ->> 'access', 'full') end
  from tandem.calendars c where c.id = l.calendar_id);
end $$;
comment on function tandem.access_to(tandem.links) is 'What of a linked event can be changed: full, guest or read.';

create or replace function tandem.show(event uuid, state text, error text) returns void
language plpgsql volatile set search_path = '' as $$
declare l tandem.links; calendar text;
begin
  select * into l from tandem.links x where x.event_id = event and x.is_primary and x.state in ('live', 'kept');
  if found then calendar := (select c.google_id from tandem.calendars c where c.id = l.calendar_id); end if;
  perform tandem.crm_show(event, state, error, l.google_id, calendar, case when l.id is not null then tandem.access_to(l) end);
end $$;
comment on function tandem.show(uuid, text, text) is 'Shows a state on the event, with what its link knows.';

create or replace function tandem.finish_unlinked(event uuid, reason text) returns jsonb
language plpgsql volatile set search_path = '' as $$
begin
  delete from tandem.jobs where event_id = event;
  perform tandem.show(event, 'none', null);
  return jsonb_build_object('outcome', 'nothing', 'reason', reason);
end $$;
comment on function tandem.finish_unlinked(uuid, text) is 'Ends the work on an event that is not for Google.';

create or replace function tandem.lease(root uuid) returns bigint
language plpgsql volatile set search_path = '' as $$
declare f bigint;
begin
  insert into tandem.leases (root_id, fence) values (root, 0) on conflict do nothing;
  -- Who records holds the row, and may wait for what the caller of this holds.
  perform from tandem.leases l where l.root_id = root for update skip locked;
  if not found then return null; end if;
  update tandem.leases l set fence = l.fence + 1, until = tandem.clock() + interval '60 seconds'
  where l.root_id = root and (l.until is null or l.until <= tandem.clock())
  returning l.fence into f;
  return f;
end $$;
comment on function tandem.lease(uuid) is 'Takes a series for 60 seconds; null while somebody else has it.';

create or replace function tandem.claim_blocked(event uuid, l tandem.links, c tandem.calendars, a tandem.accounts) returns jsonb
language plpgsql volatile set search_path = '' as $$
declare conn tandem.connections;
begin
  select * into conn from tandem.connections x where x.calendar_id = c.id and x.user_id = l.owner_id
    order by x.state = 'active' desc limit 1;
  if l.departing and a.state in ('active', 'disconnecting') then
    conn.state := 'active'; c.imported_at := coalesce(c.imported_at, tandem.clock());
  end if;
  if (a.state in ('disconnecting', 'disconnected') and not l.departing) or conn.id is null or conn.state in ('disconnecting', 'disconnected') then
    if l.leaving then
      update tandem.links set state = 'gone', leaving = false where id = l.id;
      return jsonb_build_object('outcome', 'nothing', 'reason', 'the calendar that the event has left is not connected');
    end if;
    return tandem.finish_unlinked(event, 'not connected');
  elsif a.state = 'reconnect_needed' then
    return tandem.wait_for_account(event, a.id, 'Google Calendar must be connected again: ' || coalesce(a.reason, 'access was withdrawn'));
  elsif conn.state = 'paused' then
    return tandem.wait_for_account(event, a.id, 'sync is paused');
  elsif c.imported_at is null then
    return tandem.wait_for_account(event, a.id, 'waiting for the first import of the calendar');
  elsif a.paused_until > tandem.clock() then
    update tandem.jobs set due_at = a.paused_until, last_error = a.pause_reason where event_id = event;
    perform tandem.show(event, 'pending', a.pause_reason);
    return jsonb_build_object('outcome', 'waiting', 'reason', a.pause_reason);
  end if;
  return null;
end $$;
comment on function tandem.claim_blocked(uuid, tandem.links, tandem.calendars, tandem.accounts) is 'Why the event cannot be worked on now, or null. Waiting is no attempt.';
