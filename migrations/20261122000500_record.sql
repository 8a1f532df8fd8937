-- The outcome of a push. p.outcome decides what is stored:
--   synced      Google and the row agree as of the claimed rev (p.google, p.base_google, p.merged)
--   deleted     the event is gone in Google (p.by, p.proof)
--   erased      it was deleted in Google, so the row is deleted here
--   revived     the row was deleted, but Google's side is to live: the row comes back (p.fields)
--   regenerate  its id in Google can never be used again: the next one is chosen
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
    base_crm = keep_link.base_crm,
    base_google = (p -> 'base_google') || coalesce(kept, jsonb_build_object()),
    synced_rev = (p ->> 'rev')::bigint, recorded_seq = nextval('tandem.recorded'),
    old_row = null, deleted_by = null, proof = null
  where x.id = l.id;
end $$;
comment on function tandem.keep_link(tandem.links, jsonb, jsonb, text[]) is 'Stores what both sides looked like.';

create or replace function tandem.record_synced(l tandem.links, p jsonb) returns boolean
language plpgsql volatile set search_path = '' as $$
declare units jsonb := coalesce(nullif(p -> 'merged', 'null'), jsonb_build_object()); written jsonb; left_units text[];
begin
  written := tandem.write_merged(l.event_id, units, p -> 'row');
  left_units := array(select u.key from jsonb_each(units) u where not (written ?& array(select jsonb_object_keys(u.value))));
  perform tandem.keep_link(l, p, (p -> 'row') || written, left_units);
  return left_units <> '{}';
end $$;
comment on function tandem.record_synced(tandem.links, jsonb) is 'Stores that both sides agree; says whether a part of that is left to do.';

create or replace function tandem.keep_tombstone(l tandem.links, p jsonb) returns void
language plpgsql volatile set search_path = '' as $$
declare gone_row jsonb := p -> 'row';
begin
  if p ->> 'outcome' = 'erased' then
    gone_row := coalesce(tandem.crm_delete(l.event_id), gone_row);
  end if;
  update tandem.links x set state = 'gone', etag = coalesce(p -> 'google' ->> 'etag', x.etag),
    synced_rev = (p ->> 'rev')::bigint, recorded_seq = nextval('tandem.recorded'),
    old_row = gone_row, deleted_by = p ->> 'by', proof = coalesce(p ->> 'proof', 'confirmed')
  where x.id = l.id;
end $$;
comment on function tandem.keep_tombstone(tandem.links, jsonb) is 'Stores that the event is gone, with the row as it was.';

create or replace function tandem.has_newer(event uuid, p jsonb) returns boolean
language sql stable set search_path = '' as $$
  select exists (select from tandem.changes c where c.event_id = event and c.rev > (p ->> 'rev')::bigint);
$$;
comment on function tandem.has_newer(uuid, jsonb) is 'Whether the event changed since the claim that is being recorded.';

create or replace function tandem.close_job(event uuid, p jsonb) returns boolean
language plpgsql volatile set search_path = '' as $$
declare newer boolean := tandem.has_newer(event, p); parked boolean; asked boolean;
begin
  -- An item of the version just recorded is the echo of it.
  delete from tandem.inbox i using tandem.links l where l.event_id = event and i.calendar_id = l.calendar_id
    and i.google_id = l.google_id and (i.etag = p -> 'google' ->> 'etag' or i.etag is not distinct from p ->> 'inbox_etag');
  parked := exists (select from tandem.inbox i join tandem.links l using (calendar_id, google_id)
    where l.event_id = event and i.state = 'waiting');
  delete from tandem.attempts t where t.event_id = event and t.rev <= (p ->> 'rev')::bigint;
  asked := exists (select from tandem.jobs j where j.event_id = event and j.look);
  if newer or parked or asked or (p -> 'again')::boolean then
    update tandem.jobs set due_at = tandem.clock(), attempts = 0, last_error = null, looking = false,
      state = 'open' where event_id = event;
    return true;
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
    delete from tandem.attempts t where t.event_id = event and t.rev = (p ->> 'rev')::bigint;
  end if;
  perform tandem.show(event, case when failed then 'error' else 'pending' end, p ->> 'reason');
  if p ->> 'outcome' = 'failed' then perform tandem.note(event, 'failed', jsonb_build_object('reason', p ->> 'reason')); end if;
  return again;
end $$;
comment on function tandem.put_off(uuid, jsonb) is 'Stores why a push did not succeed and when the next attempt is due; says whether that is now.';

create or replace function public.tandem_push_record(p jsonb) returns jsonb
language plpgsql volatile security definer set search_path = '' set timezone = 'UTC' set lock_timeout = '3s' as $$
declare
  event uuid := (p ->> 'event_id')::uuid;
  l tandem.links; j tandem.jobs; held boolean; left_over boolean := false; again boolean := false; shown text;
begin
  perform tandem.check_instance(p ->> 'instance');
  perform tandem.crm_lock(event, true);
  select * into l from tandem.links where event_id = event and is_primary for update;
  select * into j from tandem.jobs where event_id = event for update;
  select x.fence = (p ->> 'fence')::bigint into held from tandem.leases x where x.root_id = j.root_id for update;
  if held is not true then
    -- Somebody else has taken over, but what was written is there: have it looked at.
    insert into tandem.jobs as o (event_id, root_id, due_at, look) values (event, tandem.root_of(event), tandem.clock(), true)
    on conflict (event_id) do update set look = true;
    perform tandem.store_token(p -> 'token');
    return jsonb_build_object('outcome', 'fenced');
  end if;
  if p ->> 'outcome' in ('retry', 'failed') then
    again := tandem.put_off(event, p);
  else
    if p ->> 'outcome' = 'synced' then
      left_over := tandem.record_synced(l, p);
      shown := 'synced';
    elsif p ->> 'outcome' = 'revived' then
      perform tandem.keep_link(l, p, tandem.crm_insert(event, l.owner_id, p -> 'fields'), array[]::text[]);
      shown := 'synced';
    elsif p ->> 'outcome' = 'erased' and tandem.has_newer(event, p) then
      -- An edit may outlive a deletion: the next claim decides, with that edit.
      update tandem.jobs set look = true where event_id = event;
    elsif p ->> 'outcome' in ('deleted', 'erased') then
      perform tandem.keep_tombstone(l, p);
      shown := 'none';
    elsif p ->> 'outcome' = 'regenerate' then
      update tandem.links x set generation = (p ->> 'generation')::integer, state = 'reserved', etag = null, base_crm = null,
        base_google = null, google_id = tandem.google_id(event, (p ->> 'generation')::integer) where x.id = l.id;
      left_over := true;
    elsif p ->> 'outcome' = 'nothing' then
      update tandem.links set synced_rev = (p ->> 'rev')::bigint where id = l.id;
      shown := case when l.state = 'live' then 'synced' else 'none' end;
    else
      raise sqlstate 'PT400' using message = 'unknown outcome';
    end if;
    again := tandem.close_job(event, p || jsonb_build_object('again', left_over));
    perform tandem.show(event, case when again then 'pending' else shown end, null);
  end if;
  insert into tandem.history (event_id, kind, detail)
    select event, n ->> 'kind', coalesce(n -> 'detail', '{}') from jsonb_array_elements(coalesce(nullif(p -> 'notes', 'null'), '[]')) n;
  update tandem.leases set until = null where root_id = j.root_id;
  perform tandem.store_token(p -> 'token');
  return jsonb_build_object('outcome', 'recorded', 'again', again);
end $$;
comment on function public.tandem_push_record(jsonb) is
  'Stores the outcome of a push under the claim''s fence. Returns {outcome: recorded, again} or {outcome: fenced}.';
