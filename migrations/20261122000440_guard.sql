-- The deletion guard: many deletions at once, from either side, wait for a person.

-- Who deletes some events on purpose is not asked; a mistake that empties a calendar is.
create or replace function tandem.is_mass_deletion(calendar uuid, side text, pending bigint) returns boolean
language plpgsql stable set search_path = '' as $$
declare n bigint; live bigint; t timestamptz := tandem.clock() - interval '1 hour';
begin
  select count(*) into n from tandem.links l where l.calendar_id = calendar and l.gone_at > t
    and (l.deleted_by = 'google') = (side = 'google');
  if pending + n <= 10 then return false; end if;
  select count(*) into live from tandem.links l where l.calendar_id = calendar and l.is_primary and l.state = 'live' and l.root_id = l.event_id;
  return pending + n > greatest(10, 0.2 * (live + n));
end $$;
comment on function tandem.is_mass_deletion(uuid, text, bigint) is 'Whether so many pending deletions, with those of the last hour, are more than 10 and more than a fifth of the calendar. Exceptions count with their series.';

-- What one transaction deleted is one decision, so all of it is known before the first deletion.
create or replace function tandem.pending_deletions(event uuid, calendar uuid) returns bigint
language plpgsql volatile set search_path = '' as $$
declare n bigint;
begin
  perform tandem.fold(c.event_id) from tandem.changes c
    where not c.folded and c.txid = (select x.txid from tandem.changes x where x.event_id = event order by x.rev desc limit 1) order by c.event_id;
  select count(*) into n from tandem.jobs j join tandem.links l on l.event_id = j.event_id and l.is_primary
  where j.deleting and j.account_id = (select account_id from tandem.jobs where event_id = event) and l.calendar_id = calendar
    and l.state = 'live' and l.root_id = l.event_id and j.decision is distinct from 'apply';
  return n;
end $$;
comment on function tandem.pending_deletions(uuid, uuid) is 'How many deletions of the CRM wait to be done in a calendar.';

create or replace function tandem.hold(event uuid, side text) returns jsonb
language plpgsql volatile set search_path = '' as $$
declare reason text := case when side = 'google' then 'deleted in Google together with many others; waiting for your confirmation'
  else 'deleted together with many others; waiting for your confirmation' end;
begin
  update tandem.jobs set state = 'held', last_error = reason where event_id = event;
  perform tandem.show(event, 'pending', reason);
  perform tandem.note(event, 'held', jsonb_build_object('by', side));
  return jsonb_build_object('outcome', 'nothing', 'reason', reason);
end $$;
comment on function tandem.hold(uuid, text) is 'Leaves a deletion to a person.';

create or replace function tandem.held_back(event uuid, j tandem.jobs, l tandem.links, r jsonb, keeps boolean) returns jsonb
language plpgsql volatile set search_path = '' as $$
begin
  if l.state <> 'live' or l.leaving or l.root_id <> l.event_id or j.decision = 'apply'
    or r is not null and ((r ->> 'enabled')::boolean and r ->> 'status' <> 'cancelled' or keeps) then return null; end if;
  if j.decision = 'ask' or tandem.is_mass_deletion(l.calendar_id, 'crm', tandem.pending_deletions(event, l.calendar_id)) then
    return tandem.hold(event, 'crm');
  end if;
  return null;
end $$;
comment on function tandem.held_back(uuid, tandem.jobs, tandem.links, jsonb, boolean) is 'Holds a deletion that is one of too many; null where the work may go on.';

create or replace function tandem.keep_deleted(event uuid, l tandem.links) returns void
language plpgsql volatile set search_path = '' as $$
declare r jsonb := tandem.crm_read(event); old_row jsonb := tandem.deleted_row(event);
begin
  if r is null then
    perform tandem.crm_insert(event, l.owner_id, old_row);
  else
    perform tandem.crm_write(event, jsonb_build_object('enabled', true, 'status', coalesce(l.base_crm ->> 'status', 'confirmed')));
  end if;
  update tandem.links x set synced_rev = (select max(c.rev) from tandem.changes c where c.event_id = event) where x.id = l.id;
  perform tandem.revive_exceptions(event);
  update tandem.jobs set state = 'open', deleting = false, decision = null, due_at = tandem.clock(), look = true where event_id = event;
  perform tandem.note(event, 'restored', jsonb_build_object('by', 'confirmation'));
end $$;
comment on function tandem.keep_deleted(uuid, tandem.links) is 'Takes a deletion in the CRM back.';

create or replace function public.tandem_confirm(p jsonb) returns jsonb
language plpgsql volatile security definer set search_path = '' set timezone = 'UTC' as $$
declare x record; l tandem.links; n integer := 0; calendar uuid := (p ->> 'calendar_id')::uuid; wanted text := p ->> 'decision';
begin
  perform tandem.check_instance(p ->> 'instance');
  if wanted is null or wanted not in ('apply', 'keep') then
    raise sqlstate 'PT400' using message = 'decision is neither apply nor keep';
  end if;
  if not exists (select from tandem.connections c where c.calendar_id = calendar and c.user_id = (p ->> 'user_id')::uuid and c.state <> 'disconnected') then
    raise sqlstate 'PT404' using message = 'no such calendar', hint = 'Use the calendar_id of one of your connections.';
  end if;
  for x in select j.event_id from tandem.jobs j join tandem.links k on k.event_id = j.event_id and k.is_primary
    where k.calendar_id = calendar and j.state = 'held' order by j.event_id
  loop
    select * into l from tandem.links k where k.event_id = x.event_id and k.is_primary for update;
    if wanted = 'keep' and (select deleting from tandem.jobs where event_id = x.event_id) then
      perform tandem.keep_deleted(x.event_id, l);
    else
      update tandem.jobs set state = 'open', decision = wanted, due_at = tandem.clock(), look = true where event_id = x.event_id;
    end if;
    n := n + 1;
  end loop;
  return jsonb_build_object('outcome', 'confirmed', 'events', n);
end $$;
comment on function public.tandem_confirm(jsonb) is
  'A person decides about the deletions that wait in a calendar of theirs. p: {instance, user_id, calendar_id, decision: apply | keep}. Returns {outcome: confirmed, events}.';

create or replace function public.tandem_retry(p jsonb) returns jsonb
language plpgsql volatile security definer set search_path = '' set timezone = 'UTC' as $$
declare who uuid := (p ->> 'user_id')::uuid; n integer := 0;
begin
  perform tandem.check_instance(p ->> 'instance');
  if p ->> 'event_id' is not null then
    update tandem.jobs j set state = 'open', attempts = 0, due_at = tandem.clock(), look = true
    where j.event_id = (p ->> 'event_id')::uuid and j.state in ('dead', 'open')
      and (tandem.crm_read(j.event_id) ->> 'owner_id' = who::text or exists (select from tandem.links l where l.event_id = j.event_id and l.owner_id = who));
    get diagnostics n = row_count;
    if n = 1 then perform tandem.show((p ->> 'event_id')::uuid, 'pending', null); end if;
  else
    update tandem.inbox i set state = 'retry' where i.calendar_id = (p ->> 'calendar_id')::uuid and i.google_id = p ->> 'google_id' and i.state = 'quarantined'
      and exists (select from tandem.connections c where c.calendar_id = i.calendar_id and c.user_id = who and c.state <> 'disconnected');
    get diagnostics n = row_count;
    update tandem.calendars c set poll_at = tandem.clock() where c.id = (p ->> 'calendar_id')::uuid and n = 1;
  end if;
  if n = 0 then raise sqlstate 'PT404' using message = 'there is nothing to retry'; end if;
  return jsonb_build_object('outcome', 'due');
end $$;
comment on function public.tandem_retry(jsonb) is
  'Brings an event back from the dead letters, or an item from quarantine. p: {instance, user_id, event_id} or {instance, user_id, calendar_id, google_id}. Returns {outcome: due}.';
