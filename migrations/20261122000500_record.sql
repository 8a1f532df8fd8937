-- The outcome of a push. p.outcome decides what is stored:
--   synced      Google and the row agree as of the claimed rev (p.google, p.base_google, p.merged)
--   deleted     the event is gone in Google (p.by, p.proof)
--   erased      it was deleted in Google, so the row is deleted here (p.single: it did not repeat there)
--   revived     the row was deleted, but Google's side is to live: the row comes back (p.fields)
--   regenerate  its id in Google can never be used again: the next one is chosen
--   moved       it is in another calendar now, where a link has seen it (p.moved_to); with p.stays what was its copy is a guest's
--   elsewhere   Google does not show it any more, but the account's other calendars have not been listed since
--   kept        it is not for Google any more, but stays there as it is
--   nothing     there is nothing to do for the claimed rev
--   retry       not now (p.reason, p.delay_seconds)
--   failed      never, until somebody retries or changes it (p.reason)

-- A unit whose row has moved on since the claim is the next claim's business.
create or replace function tandem.write_merged(event uuid, units jsonb, claimed jsonb) returns jsonb
language plpgsql volatile set search_path = '' as $$
declare current_row jsonb := tandem.crm_read(event); fields jsonb; written jsonb;
begin
  select jsonb_object_agg(f.key, f.value) into fields from jsonb_each(units) u, jsonb_each(u.value) f
  where current_row is not null
    and not exists (select from jsonb_object_keys(u.value) k where current_row -> k is distinct from claimed -> k);
  if fields is null then return jsonb_build_object(); end if;
  written := tandem.crm_write(event, fields);
  return (select jsonb_object_agg(k, written -> k) from jsonb_object_keys(fields) k);
end $$;
comment on function tandem.write_merged(uuid, jsonb, jsonb) is 'Writes merged units where the row still holds what was claimed; returns the fields as written.';

create or replace function tandem.keep_link(l tandem.links, p jsonb, base_crm jsonb, left_units text[]) returns void
language plpgsql volatile set search_path = '' as $$
declare kept jsonb;
begin
  -- A unit that was not written keeps its old base: Google's change is still to come.
  select jsonb_object_agg(k, l.base_google -> k) into kept from unnest(left_units) k where l.base_google ? k;
  update tandem.links x set state = 'live', google_id = coalesce(p -> 'google' ->> 'id', x.google_id),
    etag = p -> 'google' ->> 'etag', google_updated = (p -> 'google' ->> 'updated')::timestamptz,
    -- A colleague's listing may have shown the meeting before this record, and then its row has the identity.
    ical_uid = case when exists (select from tandem.links o where o.id <> x.id and o.tenant = x.tenant and o.is_primary
        and o.state <> 'gone' and o.ical_uid = p -> 'google' ->> 'ical_uid' and o.original_start is not distinct from x.original_start)
      then x.ical_uid else p -> 'google' ->> 'ical_uid' end,
    organized = coalesce((p -> 'google' -> 'organized')::boolean, x.organized),
    base_crm = keep_link.base_crm,
    -- What Google did not show this time, such as the details of a cancelled occurrence, stays known.
    base_google = coalesce(x.base_google, jsonb_build_object()) || (p -> 'base_google') || coalesce(kept, jsonb_build_object()),
    synced_rev = (p ->> 'rev')::bigint, recorded_seq = nextval('tandem.recorded'),
    old_row = null, deleted_by = null, proof = null, gone_at = null, missed_seq = null, missed_at = null
  where x.id = l.id;
end $$;
comment on function tandem.keep_link(tandem.links, jsonb, jsonb, text[]) is 'Stores what both sides looked like.';

create or replace function tandem.record_synced(l tandem.links, p jsonb) returns boolean
language plpgsql volatile set search_path = '' as $$
declare units jsonb := coalesce(nullif(p -> 'merged', 'null'), jsonb_build_object()); written jsonb; left_units text[];
begin
  written := tandem.write_merged(l.event_id, units, p -> 'row');
  left_units := array(select u.key from jsonb_each(units) u where not (written ?& array(select jsonb_object_keys(u.value))));
  perform tandem.keep_link(l, p, tandem.base_after(l, p -> 'row', written), left_units);
  if l.root_id = l.event_id and (p -> 'reread')::boolean then
    perform tandem.look_at_exceptions(l.event_id);
  end if;
  if l.root_id = l.event_id and l.etag is distinct from p -> 'google' ->> 'etag' then
    perform tandem.look_at_plain(l.event_id);
  end if;
  if l.root_id = l.event_id and (l.state <> 'live'
    or exists (select from tandem.changes c where c.event_id = l.event_id and c.op = 'insert' and c.rev > l.synced_rev)) then
    perform tandem.look_at(e) from tandem.crm_exceptions(l.event_id) e;
    perform tandem.recall(l, null);
  end if;
  -- Nobody listened while it was opted out: occurrences that were deleted here may take place there.
  if l.root_id = l.event_id and l.state = 'gone' and l.deleted_by = 'opt_out' then
    perform tandem.look_at(x.event_id) from tandem.links x where x.root_id = l.event_id and x.event_id <> l.event_id
      and x.is_primary and x.state = 'gone' and tandem.crm_read(x.event_id) is null;
  end if;
  return left_units <> '{}';
end $$;
comment on function tandem.record_synced(tandem.links, jsonb) is 'Stores that both sides agree; says whether a part of that is left to do.';

create or replace function tandem.keep_tombstone(l tandem.links, p jsonb, confirmed boolean) returns void
language plpgsql volatile set search_path = '' as $$
declare gone_row jsonb := p -> 'row'; side text := p ->> 'by';
begin
  if p ->> 'outcome' = 'erased' then
    gone_row := coalesce(tandem.crm_delete(l.event_id), gone_row);
  end if;
  update tandem.links x set state = 'gone', leaving = false, etag = coalesce(p -> 'google' ->> 'etag', x.etag),
    synced_rev = greatest(x.synced_rev, (p ->> 'rev')::bigint), recorded_seq = nextval('tandem.recorded'),
    base_google = case when (p -> 'single')::boolean then x.base_google || '{"recurrence": null}' else x.base_google end,
    old_row = gone_row, deleted_by = side, proof = coalesce(p ->> 'proof', 'confirmed'),
    gone_at = case when not confirmed and x.root_id = x.event_id and not x.leaving and p ->> 'proof' is distinct from 'never_seen' then tandem.clock() end
  where x.id = l.id;
  if not l.is_primary then return; end if;
  -- Google may leave guests their copies; those of connected calendars go with the event.
  if side = 'crm' then
    update tandem.links x set leaving = true where x.event_id = l.event_id and not x.is_primary and x.state = 'live';
  end if;
  if l.root_id <> l.event_id then return; end if;
  if tandem.crm_read(l.event_id) is null then
    perform tandem.bury_exceptions(l.event_id, side);
  else
    -- Google keeps the exceptions of what had become a single event: each is taken out by itself.
    update tandem.links x set leaving = true where x.root_id = l.event_id and x.event_id <> l.event_id and x.state = 'live' and x.is_primary
      and tandem.is_single(l.event_id);
    perform tandem.look_at(x.event_id) from tandem.links x where x.root_id = l.event_id and x.event_id <> l.event_id and x.leaving;
    update tandem.links x set state = 'gone', deleted_by = side, proof = 'confirmed'
      where x.root_id = l.event_id and x.event_id <> l.event_id and x.state <> 'gone' and x.is_primary and not x.leaving;
    perform tandem.show(e, 'none', null) from tandem.crm_exceptions(l.event_id) e;
  end if;
end $$;
comment on function tandem.keep_tombstone(tandem.links, jsonb, boolean) is 'Stores that the event is gone, with the row as it was; its exceptions go with it.';

create or replace function tandem.record_erased(l tandem.links, j tandem.jobs, p jsonb) returns text
language plpgsql volatile set search_path = '' as $$
begin
  if tandem.has_newer(l.event_id, p) then
    -- An edit may outlive a deletion: the next claim decides, with that edit.
    update tandem.jobs set look = true where event_id = l.event_id;
    return 'synced';
  elsif l.root_id = l.event_id and j.decision is distinct from 'apply'
    and (j.decision = 'ask' or tandem.is_mass_deletion(l.calendar_id, 'google', 1)) then
    return 'held';
  end if;
  perform tandem.keep_tombstone(l, p, j.decision is not distinct from 'apply');
  return 'none';
end $$;
comment on function tandem.record_erased(tandem.links, tandem.jobs, jsonb) is 'Deletes the row of an event that was deleted in Google, unless it was edited or is one of too many.';

-- Exceptions go where their series goes; their own versions are found out by reading.
create or replace function tandem.move_exceptions(l tandem.links, k tandem.links, stays boolean) returns void
language plpgsql volatile set search_path = '' as $$
declare x tandem.links; known text;
begin
  for x in select c.* from tandem.links c where c.root_id = l.event_id and c.event_id <> l.event_id and c.is_primary and c.state <> 'gone' order by c.event_id loop
    delete from tandem.links m where m.event_id = x.event_id and m.calendar_id = k.calendar_id and not m.is_primary returning m.google_id into known;
    update tandem.links set calendar_id = k.calendar_id, owner_id = k.owner_id, organized = k.organized, etag = null,
      google_id = coalesce(known, case when stays then tandem.instance_id(k.google_id, x.original_start) else x.google_id end) where id = x.id;
    -- Who is invited to one occurrence keeps a copy of it, also where the series has gone.
    if x.state = 'live' or exists (select from tandem.inbox i where i.calendar_id = x.calendar_id and i.google_id = x.google_id and i.state = 'waiting') then
      insert into tandem.links (tenant, event_id, root_id, owner_id, calendar_id, google_id, is_primary, organized, origin, state, ical_uid, original_start, etag, base_google)
      values (x.tenant, x.event_id, x.root_id, x.owner_id, x.calendar_id, x.google_id, false, false, x.origin, 'live', x.ical_uid, x.original_start, x.etag, x.base_google);
    end if;
    perform tandem.look_at(x.event_id);
  end loop;
  perform tandem.recall(k, null);
end $$;
comment on function tandem.move_exceptions(tandem.links, tandem.links, boolean) is 'The exceptions of a series go on in the calendar where it goes on.';

create or replace function tandem.record_moved(l tandem.links, p jsonb) returns void
language plpgsql volatile set search_path = '' as $$
declare k tandem.links; stays boolean := (p -> 'stays')::boolean; own text[] := array[]::text[]; fields text[] := array[]::text[];
begin
  select * into k from tandem.links m where m.id = (p ->> 'moved_to')::uuid for update;
  if exists (select from tandem.connections x where x.calendar_id = k.calendar_id and x.user_id = l.owner_id and x.state <> 'disconnected') then
    k.owner_id := l.owner_id;
  else
    perform tandem.crm_write(l.event_id, jsonb_build_object('owner_id', k.owner_id));
  end if;
  if stays or not k.organized then
    own := tandem.own_units(l.event_id);
    fields := own || tandem.own_references(l.event_id);
  end if;
  update tandem.links set is_primary = false, state = case when stays then state else 'gone' end, organized = false,
    proof = case when stays then proof else 'confirmed' end where id = l.id;
  update tandem.links set is_primary = true, owner_id = k.owner_id, synced_rev = l.synced_rev, ical_uid = l.ical_uid,
    generation = l.generation, etag = null, missed_seq = null, missed_at = null,
    -- What is never equal is an edit of the CRM.
    base_crm = l.base_crm || jsonb_build_object('owner_id', k.owner_id) || (select coalesce(jsonb_object_agg(u, 'another copy''s'), '{}') from unnest(fields) u),
    base_google = l.base_google || (select coalesce(jsonb_object_agg(u, k.base_google -> u), '{}') from unnest(own) u where k.base_google ? u)
  where id = k.id;
  perform tandem.move_exceptions(l, k, stays);
  update tandem.jobs set look = true where event_id = l.event_id;
  perform tandem.note(l.event_id, 'note', jsonb_build_object('what', case when stays then 'goes by its organizer''s copy' else 'moved to another calendar' end));
end $$;
comment on function tandem.record_moved(tandem.links, jsonb) is 'The event goes on in the calendar that it was moved to, or where its organizer is.';

create or replace function tandem.record_regenerate(l tandem.links, p jsonb) returns void
language plpgsql volatile set search_path = '' as $$
declare gen integer := greatest((p ->> 'generation')::integer, tandem.next_generation(l.event_id)); google text := tandem.google_id(l.event_id, gen);
begin
  -- What was listed under the old id is nothing of this event's any more.
  delete from tandem.inbox i using tandem.links x where x.root_id = l.root_id and (x.id = l.id or l.root_id = l.event_id and x.is_primary)
    and i.calendar_id = x.calendar_id and i.google_id = x.google_id and i.state = 'waiting' and (i.seen -> 'cancelled')::boolean;
  update tandem.links x set generation = gen, state = 'reserved', etag = null, base_crm = null, ical_uid = null,
    base_google = null, google_id = google, google_updated = null where x.id = l.id;
  update tandem.links x set state = 'reserved', etag = null, base_crm = null, base_google = null, ical_uid = null,
    google_id = tandem.instance_id(google, x.original_start) where x.root_id = l.event_id and x.event_id <> l.event_id and x.is_primary;
end $$;
comment on function tandem.record_regenerate(tandem.links, jsonb) is 'Chooses the next id of an event whose id Google can never give back.';

create or replace function tandem.has_newer(event uuid, p jsonb) returns boolean
language plpgsql stable set search_path = '' as $$
begin
  return exists (select from tandem.changes c where c.event_id = event and c.rev > (p ->> 'rev')::bigint);
end $$;
comment on function tandem.has_newer(uuid, jsonb) is 'Whether the event changed since the claim that is being recorded.';

create or replace function tandem.drop_mirrored(event uuid) returns void
language plpgsql volatile set search_path = '' as $$
begin
  with old as (
    delete from tandem.inbox i using tandem.links l where l.event_id = event and not l.is_primary and not l.leaving
      and i.calendar_id = l.calendar_id and i.google_id = l.google_id and i.state = 'waiting'
    returning l.id, i.etag, (i.seen -> 'cancelled')::boolean as cancelled)
  update tandem.links l set etag = old.etag, state = case when old.cancelled then 'gone' else l.state end from old where l.id = old.id;
end $$;
comment on function tandem.drop_mirrored(uuid) is 'Items that were parked for a copy that is only a mirror now: nothing is left to merge.';

create or replace function tandem.close_job(event uuid, p jsonb) returns boolean
language plpgsql volatile set search_path = '' as $$
declare newer boolean := tandem.has_newer(event, p)
  -- A copy that the event has left is deleted under the same rev, which the copy that counts may not have yet.
  or exists (select from tandem.changes c join tandem.links l on l.event_id = c.event_id and l.is_primary where c.event_id = event and c.rev > l.synced_rev); parked boolean; asked boolean;
begin
  -- An item of the version just recorded is the echo of it.
  delete from tandem.inbox i using tandem.links l where l.event_id = event and i.calendar_id = l.calendar_id
    and i.google_id = l.google_id and i.state = 'waiting' and (i.etag = p -> 'google' ->> 'etag' or i.etag is not distinct from p ->> 'inbox_etag');
  perform tandem.drop_mirrored(event);
  parked := exists (select from tandem.inbox i join tandem.links l using (calendar_id, google_id)
    where l.event_id = event and l.is_primary and i.state = 'waiting') or exists (select from tandem.links l where l.event_id = event and l.leaving);
  delete from tandem.attempts t where t.event_id = event and t.rev <= (p ->> 'rev')::bigint;
  asked := exists (select from tandem.jobs j where j.event_id = event and j.look);
  if newer or parked or asked or (p -> 'again')::boolean then
    update tandem.jobs set due_at = tandem.clock(), attempts = 0, last_error = null, looking = false, decision = null,
      state = 'open' where event_id = event;
    return true;
  end if;
  -- Google makes a conference in its own time, and tells nobody when it is there.
  if (p -> 'unfinished')::boolean and (p -> 'google' ->> 'updated')::timestamptz > tandem.clock() - interval '10 minutes' then
    update tandem.jobs set due_at = tandem.clock() + interval '30 seconds', attempts = 0, last_error = null, look = true, looking = false,
      decision = null, state = 'open' where event_id = event;
    return false;
  end if;
  delete from tandem.jobs where event_id = event;
  return false;
end $$;
comment on function tandem.close_job(uuid, jsonb) is 'Ends a job unless there is newer work; says whether there is.';

-- What failed for good was the claimed rev: a newer one gets its own attempts.
create or replace function tandem.put_off(event uuid, p jsonb) returns boolean
language plpgsql volatile set search_path = '' as $$
declare again boolean := p ->> 'outcome' = 'failed' and tandem.has_newer(event, p);
  failed boolean := p ->> 'outcome' = 'failed' and not again; account uuid := (p -> 'pause' ->> 'account_id')::uuid;
begin
  update tandem.jobs set last_error = p ->> 'reason', state = case when failed then 'dead' else 'open' end,
    due_at = tandem.clock() + coalesce((p ->> 'delay_seconds')::double precision, 0) * interval '1 second',
    attempts = case when again then 0 when account is not null or (p -> 'free')::boolean then greatest(attempts - 1, 0) else attempts end
  where event_id = event;
  if account is not null then
    update tandem.accounts set pause_reason = p ->> 'reason',
      paused_until = greatest(paused_until, tandem.clock() + (p -> 'pause' ->> 'seconds')::double precision * interval '1 second')
    where id = account;
  end if;
  -- A refused write did not happen; any other may have, and the next claim has to look.
  if (p -> 'not_written')::boolean then
    update tandem.attempts t set claims = t.claims - 1 where t.event_id = event and t.rev = (p ->> 'rev')::bigint;
    delete from tandem.attempts t where t.event_id = event and t.claims = 0;
  end if;
  perform tandem.show(event, case when failed then 'error' else 'pending' end, p ->> 'reason');
  if p ->> 'outcome' = 'failed' then perform tandem.note(event, 'failed', jsonb_build_object('reason', p ->> 'reason')); end if;
  return again;
end $$;
comment on function tandem.put_off(uuid, jsonb) is 'Stores why a push did not succeed and when the next attempt is due; says whether that is now.';

create or replace function tandem.record_revived_series(l tandem.links) returns void
language plpgsql volatile set search_path = '' as $$
begin
  perform tandem.revive_exceptions(l.event_id);
  -- Google changed the series while it had no row.
  perform tandem.look_at(e) from tandem.crm_exceptions(l.event_id) e;
  perform tandem.recall(l, null);
  -- Exceptions that were listed while there was no row for the series.
  update tandem.calendars c set poll_at = tandem.clock() where c.id = l.calendar_id
    and exists (select from tandem.inbox i where i.calendar_id = c.id and i.series_id = l.google_id and i.state = 'orphan');
end $$;
comment on function tandem.record_revived_series(tandem.links) is 'Brings the exceptions of a series back after its row.';

create or replace function tandem.record_missed(l tandem.links) returns void
language plpgsql volatile set search_path = '' as $$
declare seq bigint := nextval('tandem.recorded'); c tandem.calendars;
begin
  select * into c from tandem.calendars x where x.id = l.calendar_id;
  update tandem.links set missed_seq = coalesce(missed_seq, seq), missed_at = coalesce(missed_at, tandem.clock()) where id = l.id;
  perform tandem.poll_siblings(c, seq);
  update tandem.jobs set look = true where event_id = l.event_id;
end $$;
comment on function tandem.record_missed(tandem.links) is 'Has the account''s other calendars listed, since an event that Google shows no more may have moved there.';

create or replace function tandem.record_done(l tandem.links, j tandem.jobs, p jsonb) returns jsonb
language plpgsql volatile set search_path = '' as $$
declare shown text; left_over boolean := false;
begin
  case p ->> 'outcome'
    when 'synced' then
      -- The row was inserted again after its event had come back as another row.
      if l.state = 'gone' and l.is_primary and (tandem.twin_of(l, p)).id is not null then
        perform tandem.record_regenerate(l, jsonb_build_object('generation', l.generation + 1));
        perform tandem.read_again(l.calendar_id, l.google_id, 'its row has another event now');
        return jsonb_build_object('shown', 'pending', 'left_over', true);
      end if;
      left_over := tandem.record_synced(l, p);
      shown := 'synced';
    when 'revived' then
      if tandem.crm_read(l.event_id) is not null then
        -- The CRM has inserted it again meanwhile, which is more than Google's side to live: the next claim merges.
        update tandem.links set base_google = coalesce(base_google, '{}') || jsonb_build_object('status', 'cancelled')
          where id = l.id and root_id <> event_id and p -> 'fields' ->> 'status' = 'cancelled';
        update tandem.jobs set look = true where event_id = l.event_id;
        return jsonb_build_object('shown', 'pending', 'left_over', true);
      end if;
      if tandem.join_twin(l, p) then return jsonb_build_object('shown', 'none', 'left_over', false); end if;
      -- What the CRM had changed before it deleted the row is still to be sent.
      perform tandem.keep_link(l, p, tandem.crm_insert(l.event_id, l.owner_id, p -> 'fields') || coalesce(p -> 'unsent', '{}'), array[]::text[]);
      left_over := coalesce(p -> 'unsent', '{}') <> '{}';
      -- Until then no listing may take the row for a clean one.
      if left_over then update tandem.links set synced_rev = (p ->> 'rev')::bigint - 1 where id = l.id; end if;
      if l.root_id = l.event_id then perform tandem.record_revived_series(l); end if;
      shown := 'synced';
    when 'erased' then
      shown := tandem.record_erased(l, j, p);
    when 'deleted' then
      perform tandem.keep_tombstone(l, p, j.decision is not distinct from 'apply');
      shown := case when l.leaving and exists (select from tandem.links k where k.event_id = l.event_id and k.is_primary and k.state = 'live')
        then 'synced' else 'none' end;
    when 'regenerate' then
      perform tandem.record_regenerate(l, p);
      left_over := true;
    when 'moved' then
      perform tandem.record_moved(l, p);
    when 'elsewhere' then
      perform tandem.record_missed(l);
      left_over := true;
    when 'kept' then
      update tandem.links set state = 'kept', synced_rev = (p ->> 'rev')::bigint where id = l.id or root_id = l.event_id and state = 'live';
      shown := 'none';
    when 'nothing' then
      update tandem.links set synced_rev = (p ->> 'rev')::bigint where id = l.id;
      shown := case when l.state = 'live' then 'synced' else 'none' end;
    else
      raise sqlstate 'PT400' using message = 'unknown outcome';
  end case;
  return jsonb_build_object('shown', shown, 'left_over', left_over);
end $$;
comment on function tandem.record_done(tandem.links, tandem.jobs, jsonb) is 'Stores an outcome that ends the claimed work: the state to show, and whether some of it is left.';

create or replace function tandem.due_after(event uuid, root uuid) returns jsonb
language plpgsql stable set search_path = '' as $$
begin
  return (select coalesce(jsonb_agg(x.event_id), '[]') from (
    select j.event_id from tandem.jobs j where j.root_id = root and j.event_id <> event and j.state = 'open' and j.due_at <= tandem.clock()
    order by j.due_at limit 20) x);
end $$;
comment on function tandem.due_after(uuid, uuid) is 'Other events of the series that can go on now.';

create or replace function public.tandem_push_record(p jsonb) returns jsonb
language plpgsql volatile security definer set search_path = '' set timezone = 'UTC' set lock_timeout = '3s' as $$
declare
  event uuid := (p ->> 'event_id')::uuid;
  l tandem.links; j tandem.jobs; held boolean; again boolean := false; done jsonb;
begin
  perform tandem.check_instance(p ->> 'instance');
  perform tandem.crm_lock(event, true);
  select * into l from tandem.links where id = (p ->> 'link_id')::uuid for update;
  select * into j from tandem.jobs where event_id = event for update;
  select x.fence = (p ->> 'fence')::bigint into held from tandem.leases x where x.root_id = j.root_id for update;
  if held is not true then
    -- Somebody else has taken over, but what was written is there: have it looked at.
    perform tandem.look_at(event);
    perform tandem.store_token(p -> 'token');
    perform tandem.charge_calls(tandem.acting_account(l), tandem.foreseen(l), (p ->> 'units')::integer);
    return jsonb_build_object('outcome', 'fenced');
  end if;
  if p ->> 'outcome' in ('retry', 'failed') then
    again := tandem.put_off(event, p);
  else
    done := tandem.record_done(l, j, p);
    again := tandem.close_job(event, p || jsonb_build_object('again', (done -> 'left_over')::boolean or done ->> 'shown' = 'held'));
    if p ->> 'outcome' = 'elsewhere' then
      again := false;
      perform tandem.put_by(event, case when l.missed_at < tandem.clock() - interval '10 minutes' then interval '10 minutes' else interval '10 seconds' end, 'gone from its calendar; looking for it in the account''s other calendars');
    elsif done ->> 'shown' = 'held' then
      again := false;
      perform tandem.hold(event, 'google');
    else
      perform tandem.show(event, case when again then 'pending' else done ->> 'shown' end, null);
    end if;
  end if;
  insert into tandem.history (event_id, kind, detail)
    select event, n ->> 'kind', coalesce(n -> 'detail', '{}') from jsonb_array_elements(coalesce(nullif(p -> 'notes', 'null'), '[]')) n
    union all select event, 'merged', jsonb_build_object('units', jsonb_agg(u order by u)) from jsonb_object_keys(nullif(p -> 'merged', 'null')) u
    where u not in ('organizer', 'attachments') having count(*) > 0;
  perform tandem.release_lease(j.root_id);
  perform tandem.store_token(p -> 'token');
  perform tandem.charge_calls(j.account_id, tandem.foreseen(l), (p ->> 'units')::integer);
  perform tandem.count_push(j, l, p);
  return jsonb_build_object('outcome', 'recorded', 'again', again, 'also', tandem.due_after(event, j.root_id));
end $$;
comment on function public.tandem_push_record(jsonb) is
  'Stores the outcome of a push under the claim''s fence. Returns {outcome: recorded, again, also} with other events of the series that are due, or {outcome: fenced}.';
