-- Google to CRM: claim a calendar, apply each listed page, store the token with the last one.

create or replace function tandem.wake(account uuid) returns void
language sql volatile set search_path = '' as $$
  update tandem.jobs set state = 'open', due_at = tandem.clock() where state = 'waiting' and account_id = account;
$$;
comment on function tandem.wake(uuid) is 'Lets the jobs go on that waited for an account.';

-- A notification names a channel; the scheduler names a calendar.
create or replace function tandem.notified(p jsonb) returns uuid
language plpgsql volatile set search_path = '' as $$
declare ch tandem.channels; resource text := p ->> 'resource_id'; message bigint := (p ->> 'message_number')::bigint;
begin
  -- Calendar before channel, as where a listing ends.
  perform from tandem.calendars c join tandem.channels h on h.calendar_id = c.id where h.id = p ->> 'channel_id' for no key update of c;
  select * into ch from tandem.channels where id = p ->> 'channel_id' for update;
  if not found or ch.state in ('stopping', 'stopped') or ch.expires_at <= tandem.clock()
    or (ch.resource_id is not null and ch.resource_id <> resource) then
    return null;
  end if;
  -- The message may be here before the answer to watch was stored.
  update tandem.channels set resource_id = resource, state = 'active', delivered_at = tandem.clock() where id = ch.id;
  if p ->> 'state' = 'sync' or message <= ch.done_message then return null; end if;
  update tandem.calendars set notices = notices + 1, poll_at = least(poll_at, tandem.clock()) where id = ch.calendar_id;
  return ch.calendar_id;
end $$;
comment on function tandem.notified(jsonb) is 'Counts a notification; the calendar to list, or null where the message asks for nothing.';

create or replace function public.tandem_pull_claim(p jsonb) returns jsonb
language plpgsql volatile security definer set search_path = '' set timezone = 'UTC' as $$
declare c tandem.calendars; a tandem.accounts; wanted uuid := (p ->> 'calendar_id')::uuid; token jsonb; t timestamptz := tandem.clock();
begin
  perform tandem.check_instance(p ->> 'instance');
  if p ? 'channel_id' then wanted := tandem.notified(p); end if;
  select * into c from tandem.calendars x where x.id = wanted for no key update;
  if not found then return jsonb_build_object('outcome', 'nothing', 'reason', 'nothing to list'); end if;
  if c.lease_until > t then return jsonb_build_object('outcome', 'busy', 'reason', 'another instance lists it'); end if;
  select * into a from tandem.accounts x where x.id = c.account_id;
  if a.state <> 'active' or a.paused_until > t then
    return jsonb_build_object('outcome', 'waiting', 'reason', coalesce(a.pause_reason, a.reason, 'the account is not connected'));
  end if;
  token := tandem.grant_token(a.id);
  if token is null then return jsonb_build_object('outcome', 'waiting', 'reason', 'the access token is being refreshed'); end if;
  if c.list_digest is distinct from p ->> 'digest' then
    c.sync_token := null; c.page_token := null;
  end if;
  if c.sync_token is null and c.listing is null then c.listing := nextval('tandem.recorded'); end if;
  update tandem.calendars x set fence = x.fence + 1, lease_until = t + interval '60 seconds', sync_token = c.sync_token,
    page_token = c.page_token, list_digest = p ->> 'digest', listing = c.listing, poll_at = t + interval '60 seconds'
  where x.id = c.id returning x.fence into c.fence;
  return jsonb_build_object('outcome', 'claimed', 'calendar_id', c.id, 'google_id', c.google_id, 'fence', c.fence,
    'now', tandem.utc(t), 'as_of', nextval('tandem.recorded'), 'notices', c.notices, 'sync_token', c.sync_token,
    'page_token', c.page_token, 'time_zone', c.time_zone, 'token', token);
end $$;
comment on function public.tandem_pull_claim(jsonb) is
  'Takes a calendar for listing. p: {instance, digest, calendar_id} or {instance, digest, channel_id, resource_id, message_number, state}. Returns {outcome: claimed, ...} with tokens and fence, or {outcome: nothing | busy | waiting, reason}.';

create or replace function tandem.park(c tandem.calendars, item jsonb, as_of bigint, event uuid) returns uuid
language plpgsql volatile set search_path = '' as $$
begin
  insert into tandem.inbox as i (calendar_id, google_id, event_id, etag, raw, as_of)
  values (c.id, item ->> 'google_id', event, item ->> 'etag', item ->> 'raw', as_of)
  on conflict (calendar_id, google_id) do update set event_id = excluded.event_id, etag = excluded.etag, raw = excluded.raw,
    state = 'waiting', reason = null, as_of = excluded.as_of, received_at = tandem.clock();
  insert into tandem.jobs as j (event_id, root_id, account_id, due_at) values (event, tandem.root_of(event), c.account_id, tandem.clock())
  on conflict (event_id) do update set
    due_at = case when j.attempts = 0 then least(j.due_at, excluded.due_at) else j.due_at end,
    state = case when j.state = 'dead' then 'open' else j.state end;
  return event;
end $$;
comment on function tandem.park(tandem.calendars, jsonb, bigint, uuid) is 'Leaves an item to its event''s job, which merges under the event''s lease.';

create or replace function tandem.quarantine(c tandem.calendars, item jsonb, as_of bigint, why text) returns void
language sql volatile set search_path = '' as $$
  insert into tandem.inbox as i (calendar_id, google_id, etag, raw, state, reason, as_of)
  values (c.id, coalesce(item ->> 'google_id', 'md5:' || md5(item ->> 'raw')), item ->> 'etag', coalesce(item ->> 'raw', ''), 'quarantined', why, as_of)
  on conflict (calendar_id, google_id) do update set etag = excluded.etag, raw = excluded.raw, state = 'quarantined',
    reason = excluded.reason, as_of = excluded.as_of, received_at = tandem.clock();
$$;
comment on function tandem.quarantine(tandem.calendars, jsonb, bigint, text) is 'Keeps an item that nobody could use, as text, for a person.';

create or replace function tandem.is_clean(l tandem.links, as_of bigint) returns boolean
language plpgsql volatile set search_path = '' as $$
begin
  if l.state <> 'live' or l.recorded_seq >= as_of
    or exists (select from tandem.attempts t where t.event_id = l.event_id)
    or exists (select from tandem.leases x where x.root_id = l.root_id and x.until > tandem.clock())
    or tandem.crm_lock(l.event_id, false) is not true then
    return false;
  end if;
  -- A statement of its own, after the lock: its snapshot has what the last holder of the lock committed.
  return not exists (select from tandem.changes ch where ch.event_id = l.event_id and ch.rev > l.synced_rev);
end $$;
comment on function tandem.is_clean(tandem.links, bigint) is 'Whether a listed version may simply be written: nothing open on the CRM''s side, and recorded before the listing began. Locks the row.';

create or replace function tandem.apply_linked(c tandem.calendars, item jsonb, as_of bigint, l tandem.links) returns jsonb
language plpgsql volatile set search_path = '' as $$
declare fields jsonb; stored jsonb := l.base_crm; changed text[]; gone_row jsonb;
begin
  update tandem.links set seen_listing = as_of where id = l.id;
  if l.state <> 'reserved' and l.etag = item ->> 'etag' then return jsonb_build_object('did', 'echo'); end if;
  if l.state = 'gone' and (item -> 'cancelled')::boolean then
    update tandem.links set proof = 'confirmed', etag = item ->> 'etag' where id = l.id;
    return jsonb_build_object('did', 'echo');
  end if;
  if not l.is_primary then
    update tandem.links set etag = item ->> 'etag', google_updated = (item ->> 'updated')::timestamptz,
      state = case when (item -> 'cancelled')::boolean then 'gone' else 'live' end,
      base_google = (select jsonb_object_agg(u.key, u.value -> 'google') from jsonb_each(item -> 'units') u) where id = l.id;
    return jsonb_build_object('did', 'mirrored', 'event_id', l.event_id);
  end if;
  if (item -> 'park')::boolean or not tandem.is_clean(l, as_of) then
    return jsonb_build_object('did', 'parked', 'event_id', tandem.park(c, item, as_of, l.event_id));
  end if;
  if (item -> 'cancelled')::boolean then
    gone_row := tandem.crm_delete(l.event_id);
    update tandem.links set state = 'gone', etag = item ->> 'etag', deleted_by = 'google', proof = 'confirmed',
      old_row = gone_row, recorded_seq = nextval('tandem.recorded') where id = l.id;
    perform tandem.note(l.event_id, 'deleted', jsonb_build_object('by', 'google', 'row', gone_row));
    return jsonb_build_object('did', 'deleted', 'event_id', l.event_id);
  end if;
  select jsonb_object_agg(f.key, f.value), array_agg(distinct u.key) into fields, changed
  from jsonb_each(item -> 'units') u, jsonb_each(u.value -> 'row') f
  where l.base_google ? u.key and (l.base_google -> u.key) is distinct from (u.value -> 'google');
  if fields is not null then
    stored := tandem.crm_write(l.event_id, fields);
    perform tandem.note(l.event_id, 'pulled', jsonb_build_object('units', to_jsonb(changed)));
  end if;
  update tandem.links set etag = item ->> 'etag', google_updated = (item ->> 'updated')::timestamptz,
    base_crm = stored, recorded_seq = nextval('tandem.recorded'),
    base_google = (select jsonb_object_agg(u.key, u.value -> 'google') from jsonb_each(item -> 'units') u)
  where id = l.id;
  perform tandem.show_after_apply(l.event_id);
  return jsonb_build_object('did', case when fields is null then 'echo' else 'updated' end, 'event_id', l.event_id);
end $$;
comment on function tandem.apply_linked(tandem.calendars, jsonb, bigint, tandem.links) is 'An item of an event that has a link: echo, write, delete or park. Units are compared as opaque values.';

-- A trigger of the CRM may have added an edit of its own to what was written.
create or replace function tandem.show_after_apply(event uuid) returns void
language sql volatile set search_path = '' as $$
  select tandem.show(event, case when exists (select from tandem.changes ch join tandem.links l using (event_id)
    where ch.event_id = event and l.is_primary and ch.rev > l.synced_rev) then 'pending' else 'synced' end, null);
$$;
comment on function tandem.show_after_apply(uuid) is 'synced, unless writing the row caused another edit.';

create or replace function tandem.apply_new(c tandem.calendars, item jsonb, as_of bigint) returns jsonb
language plpgsql volatile set search_path = '' as $$
declare event uuid; owner uuid; stored jsonb; fields jsonb; known tandem.links;
begin
  if (item -> 'cancelled')::boolean then return jsonb_build_object('did', 'unknown'); end if;
  select * into known from tandem.links l where l.tenant = c.tenant and l.ical_uid = item ->> 'ical_uid'
    and l.original_start is not distinct from item ->> 'original_start' and l.is_primary and l.state <> 'gone' for update;
  select a.user_id into owner from tandem.accounts a where a.id = c.account_id;
  if known.id is not null then
    insert into tandem.links (tenant, event_id, root_id, owner_id, calendar_id, google_id, is_primary, origin, state, ical_uid,
      original_start, etag, google_updated, base_google, recorded_seq)
    values (c.tenant, known.event_id, known.root_id, owner, c.id, item ->> 'google_id', false, 'google', 'live', item ->> 'ical_uid',
      item ->> 'original_start', item ->> 'etag', (item ->> 'updated')::timestamptz,
      (select jsonb_object_agg(u.key, u.value -> 'google') from jsonb_each(item -> 'units') u), nextval('tandem.recorded'));
    return jsonb_build_object('did', 'mirrored', 'event_id', known.event_id);
  end if;
  event := gen_random_uuid();
  select jsonb_object_agg(f.key, f.value) into fields from jsonb_each(item -> 'units') u, jsonb_each(u.value -> 'row') f;
  insert into tandem.links (id, tenant, event_id, root_id, owner_id, calendar_id, google_id, origin, state, ical_uid, original_start,
    etag, google_updated, base_google, recorded_seq, seen_listing)
  values (gen_random_uuid(), c.tenant, event, event, owner, c.id, item ->> 'google_id', 'google', 'live', item ->> 'ical_uid',
    item ->> 'original_start', item ->> 'etag', (item ->> 'updated')::timestamptz,
    (select jsonb_object_agg(u.key, u.value -> 'google') from jsonb_each(item -> 'units') u), nextval('tandem.recorded'), as_of)
  on conflict do nothing;
  -- Another calendar's listing found the meeting at this moment: now its link is there to be seen.
  if not found then return tandem.apply_new(c, item, as_of); end if;
  stored := tandem.crm_insert(event, owner, fields);
  update tandem.links set base_crm = stored where event_id = event and is_primary;
  perform tandem.show_after_apply(event);
  perform tandem.note(event, 'pulled', jsonb_build_object('new', true));
  return jsonb_build_object('did', 'created', 'event_id', event);
end $$;
comment on function tandem.apply_new(tandem.calendars, jsonb, bigint) is 'An item that no link knows: a new CRM event, or a copy of a meeting that has one.';

-- An id that derives from an event of ours whose link is lost (a restored backup): the job finds out.
create or replace function tandem.adopt(c tandem.calendars, item jsonb, as_of bigint) returns uuid
language plpgsql volatile set search_path = '' as $$
declare event uuid := (item ->> 'derived_from')::uuid; crm_row jsonb := tandem.crm_read(event);
begin
  if crm_row is null or (item -> 'cancelled')::boolean or exists (select from tandem.links where event_id = event) then
    return null;
  end if;
  insert into tandem.links (tenant, event_id, root_id, owner_id, calendar_id, google_id, generation, origin, state)
  values (c.tenant, event, tandem.root_of(event), (crm_row ->> 'owner_id')::uuid, c.id, item ->> 'google_id',
    (item ->> 'generation')::integer, 'crm', 'reserved');
  return tandem.park(c, item, as_of, event);
end $$;
comment on function tandem.adopt(tandem.calendars, jsonb, bigint) is 'Links an event to the Google event whose id derives from it; null where it is not ours to take.';

create or replace function tandem.apply_item(c tandem.calendars, item jsonb, as_of bigint) returns jsonb
language plpgsql volatile set search_path = '' as $$
declare l tandem.links; adopted uuid;
begin
  if item ->> 'unreadable' is not null then
    perform tandem.quarantine(c, item, as_of, item ->> 'unreadable');
    return jsonb_build_object('did', 'quarantined');
  end if;
  delete from tandem.inbox i where i.calendar_id = c.id and i.google_id = item ->> 'google_id' and i.state = 'quarantined';
  select * into l from tandem.links x where x.calendar_id = c.id and x.google_id = item ->> 'google_id' for update;
  if found then return tandem.apply_linked(c, item, as_of, l); end if;
  if item ->> 'derived_from' is not null then
    adopted := tandem.adopt(c, item, as_of);
    if adopted is not null then return jsonb_build_object('did', 'parked', 'event_id', adopted); end if;
  end if;
  return tandem.apply_new(c, item, as_of);
exception
  when query_canceled or lock_not_available or deadlock_detected then raise;
  when others then
    -- One bad item must not stop the page.
    perform tandem.quarantine(c, item, as_of, sqlerrm);
    return jsonb_build_object('did', 'quarantined', 'reason', sqlerrm);
end $$;
comment on function tandem.apply_item(tandem.calendars, jsonb, bigint) is 'Applies one listed item in a subtransaction of its own; says what it did.';

create or replace function tandem.end_listing(c tandem.calendars, p jsonb) returns boolean
language plpgsql volatile set search_path = '' as $$
declare more boolean; first boolean := c.imported_at is null;
begin
  more := c.notices > (p ->> 'notices')::bigint;
  if c.listing is not null and not first then perform tandem.look_for_missing(c); end if;
  update tandem.calendars set sync_token = p ->> 'sync_token', page_token = null, listing = null,
    imported_at = coalesce(imported_at, tandem.clock()), lease_until = null, last_synced_at = tandem.clock(), failures = 0,
    last_error = null, poll_at = tandem.clock() + case when more then interval '0' when push = 'push' then interval '1 hour'
      else interval '1 minute' end
  where id = c.id;
  update tandem.channels set done_message = greatest(done_message, (p ->> 'message_number')::bigint)
    where id = p ->> 'channel_id' and p ? 'message_number';
  if first then
    perform tandem.wake(x.account_id) from tandem.connections x where x.calendar_id = c.id;
  end if;
  return more;
end $$;
comment on function tandem.end_listing(tandem.calendars, jsonb) is 'Stores the sync token with the last page; says whether a notification came meanwhile.';

-- Not listed is no proof of deletion: each is read in Google by its own job.
create or replace function tandem.look_for_missing(c tandem.calendars) returns void
language sql volatile set search_path = '' as $$
  insert into tandem.jobs as j (event_id, root_id, account_id, due_at, look)
  select l.event_id, l.root_id, c.account_id, tandem.clock(), true from tandem.links l
  where l.calendar_id = c.id and l.is_primary and l.state = 'live' and l.seen_listing < c.listing and l.recorded_seq < c.listing
  on conflict (event_id) do update set look = true;
$$;
comment on function tandem.look_for_missing(tandem.calendars) is 'After a full listing: events that it did not show are looked at one by one.';

create or replace function tandem.is_leased(event uuid) returns boolean
language sql stable set search_path = '' as $$
  select exists (select from tandem.jobs j join tandem.leases l on l.root_id = j.root_id
    where j.event_id = event and l.until > tandem.clock());
$$;
comment on function tandem.is_leased(uuid) is 'Whether somebody works on the event''s series.';

create or replace function public.tandem_pull_apply(p jsonb) returns jsonb
language plpgsql volatile security definer set search_path = '' set timezone = 'UTC' set lock_timeout = '3s' as $$
declare c tandem.calendars; item jsonb; did jsonb; counts jsonb := jsonb_build_object(); due uuid[] := array[]::uuid[]; as_of bigint := (p ->> 'as_of')::bigint; more boolean := true;
begin
  perform tandem.check_instance(p ->> 'instance');
  -- No key of it changes, and a claim that reserves a link in the calendar must not wait for a page.
  select * into c from tandem.calendars where id = (p ->> 'calendar_id')::uuid for no key update;
  if not found or c.fence <> (p ->> 'fence')::bigint then
    perform tandem.store_token(p -> 'token');
    return jsonb_build_object('outcome', 'fenced');
  end if;
  for item in select x from jsonb_array_elements(p -> 'items') x loop
    did := tandem.apply_item(c, item, as_of);
    counts := counts || jsonb_build_object(did ->> 'did', coalesce((counts ->> (did ->> 'did'))::integer, 0) + 1);
    -- Who works on it finds the item when it records.
    if did ->> 'did' = 'parked' and not tandem.is_leased((did ->> 'event_id')::uuid) then
      due := due || (did ->> 'event_id')::uuid;
    end if;
  end loop;
  update tandem.calendars set access_role = coalesce(p ->> 'access_role', access_role), time_zone = coalesce(p ->> 'time_zone', time_zone),
    summary = coalesce(p ->> 'summary', summary), page_token = p ->> 'page_token', lease_until = tandem.clock() + interval '60 seconds'
  where id = c.id;
  if p ->> 'sync_token' is not null then more := tandem.end_listing(c, p); end if;
  perform tandem.store_token(p -> 'token');
  return jsonb_build_object('outcome', 'applied', 'counts', counts, 'due', to_jsonb(due), 'more', more, 'as_of', nextval('tandem.recorded'));
end $$;
comment on function public.tandem_pull_apply(jsonb) is
  'Applies one listed page under the claim''s fence: rows, parked items and the token in one transaction. Returns {outcome: applied, counts, due, more, as_of} or {outcome: fenced}.';

create or replace function public.tandem_pull_fail(p jsonb) returns jsonb
language plpgsql volatile security definer set search_path = '' set timezone = 'UTC' as $$
declare n integer;
begin
  perform tandem.check_instance(p ->> 'instance');
  update tandem.calendars c set lease_until = null, last_error = p ->> 'reason', failures = c.failures + 1,
    sync_token = case when (p -> 'resync')::boolean then null else c.sync_token end,
    page_token = case when (p -> 'resync')::boolean then null else c.page_token end,
    listing = case when (p -> 'resync')::boolean then null else c.listing end,
    poll_at = tandem.clock() + coalesce((p ->> 'delay_seconds')::double precision, 0) * interval '1 second'
  where c.id = (p ->> 'calendar_id')::uuid and c.fence = (p ->> 'fence')::bigint;
  get diagnostics n = row_count;
  if p -> 'pause' ->> 'account_id' is not null then
    update tandem.accounts set pause_reason = p ->> 'reason',
      paused_until = greatest(paused_until, tandem.clock() + (p -> 'pause' ->> 'seconds')::double precision * interval '1 second')
    where id = (p -> 'pause' ->> 'account_id')::uuid;
  end if;
  perform tandem.store_token(p -> 'token');
  return jsonb_build_object('outcome', case when n = 1 then 'recorded' else 'fenced' end);
end $$;
comment on function public.tandem_pull_fail(jsonb) is 'Stores why a listing stopped and when the next is due; with resync the token is forgotten.';
