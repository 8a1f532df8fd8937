-- Google to CRM: exceptions, which may be listed before their series, and pages of items.

create or replace function tandem.occurrence(series jsonb, planned text) returns jsonb
language plpgsql immutable set search_path = '' set timezone = 'UTC' as $$
begin
  return series || jsonb_build_object('recurrence', null, 'original_start', planned) || case when planned !~ 'T' then
    jsonb_build_object('all_day', true, 'starts_at', null, 'ends_at', null, 'starts_on', planned,
      'ends_on', planned::date + greatest(1, coalesce((series ->> 'ends_on')::date - (series ->> 'starts_on')::date, 1)))
  else
    jsonb_build_object('all_day', false, 'starts_on', null, 'ends_on', null, 'starts_at', tandem.utc(planned::timestamptz),
      'ends_at', tandem.utc(planned::timestamptz + coalesce((series ->> 'ends_at')::timestamptz - (series ->> 'starts_at')::timestamptz, interval '1 hour')))
  end;
end $$;
comment on function tandem.occurrence(jsonb, text) is 'The mapped fields of the plain occurrence of a series that was planned for a start.';

create or replace function tandem.add_exception(c tandem.calendars, item jsonb, as_of bigint, m tandem.links, series jsonb) returns jsonb
language plpgsql volatile set search_path = '' as $$
declare event uuid := gen_random_uuid(); fields jsonb; stored jsonb;
begin
  select coalesce(jsonb_object_agg(f.key, f.value), '{}') into fields from jsonb_each(item -> 'units') u, jsonb_each(u.value -> 'row') f;
  if (item -> 'cancelled')::boolean then
    fields := tandem.occurrence(series, item ->> 'original_start') || jsonb_build_object('status', 'cancelled');
  end if;
  -- What only the CRM knows of the series is true of its occurrences.
  fields := fields || jsonb_build_object('recurring_event_id', m.event_id, 'original_start', item ->> 'original_start',
    'contact_id', series -> 'contact_id', 'company_id', series -> 'company_id', 'deal_id', series -> 'deal_id');
  if not tandem.add_link(c, item || jsonb_build_object('organized', m.organized, 'ical_uid', coalesce(item ->> 'ical_uid', m.ical_uid)), as_of,
    event, m.event_id, m.owner_id, true) then
    raise sqlstate 'PT503' using message = 'another listing shows the occurrence at this moment', hint = 'Try again.';
  end if;
  stored := tandem.crm_insert(event, m.owner_id, fields);
  update tandem.links set base_crm = stored where event_id = event and is_primary;
  perform tandem.show_after_apply(event);
  perform tandem.note(event, 'pulled', jsonb_build_object('new', true) || tandem.notice_of(c));
  return jsonb_build_object('did', 'created', 'event_id', event);
end $$;
comment on function tandem.add_exception(tandem.calendars, jsonb, bigint, tandem.links, jsonb) is 'A new exception of a series that has a row.';

-- A guest's calendar has shown the occurrence before the series was known, so it is a row already.
create or replace function tandem.join_series(c tandem.calendars, item jsonb, as_of bigint, m tandem.links, event uuid, lone tandem.links) returns jsonb
language plpgsql volatile set search_path = '' as $$
declare gone_row jsonb; row jsonb := tandem.crm_read(lone.event_id); series jsonb := tandem.crm_read(m.event_id); joined jsonb;
begin
  if tandem.crm_lock(lone.event_id, false) is null then
    raise sqlstate 'PT503' using message = 'somebody edits the occurrence at this moment', hint = 'Try again.';
  end if;
  update tandem.links x set is_primary = false, root_id = m.event_id, event_id = coalesce(event, lone.event_id) where x.event_id = lone.event_id;
  if event is not null then
    gone_row := tandem.crm_delete(lone.event_id);
    delete from tandem.jobs j where j.event_id = lone.event_id;
    perform tandem.note(event, 'note', jsonb_build_object('what', 'took the place of another row of the same occurrence', 'row', gone_row));
    return null;
  end if;
  perform tandem.add_link(c, item || jsonb_build_object('organized', m.organized), as_of, lone.event_id, m.event_id, m.owner_id, true);
  joined := jsonb_build_object('recurring_event_id', m.event_id, 'original_start', item ->> 'original_start', 'owner_id', m.owner_id)
    || (select coalesce(jsonb_object_agg(f, series -> f), '{}') from unnest(array['contact_id', 'company_id', 'deal_id']) f where row -> f = 'null');
  perform tandem.crm_write(lone.event_id, joined);
  update tandem.links x set base_google = lone.base_google, synced_rev = lone.synced_rev, etag = null, base_crm = lone.base_crm || joined
  where x.event_id = lone.event_id and x.is_primary;
  update tandem.jobs j set root_id = m.event_id where j.event_id = lone.event_id;
  perform tandem.look_at(lone.event_id);
  return jsonb_build_object('did', 'updated', 'event_id', lone.event_id);
end $$;
comment on function tandem.join_series(tandem.calendars, jsonb, bigint, tandem.links, uuid, tandem.links) is
  'Makes the row of a lone occurrence the exception of its series, or a copy of the exception that is there; null where that one is still to be linked.';

create or replace function tandem.pass_over(m tandem.links, item jsonb) returns void
language plpgsql volatile set search_path = '' as $$
begin
  update tandem.links x set passed_over = x.passed_over || (item ->> 'google_id') where x.id = m.id and item ->> 'google_id' <> all (x.passed_over);
end $$;
comment on function tandem.pass_over(tandem.links, jsonb) is 'Keeps in mind that a listing has shown an occurrence with which nothing can be done now.';

create or replace function tandem.apply_exception(c tandem.calendars, item jsonb, as_of bigint) returns jsonb
language plpgsql volatile set search_path = '' as $$
declare m tandem.links; l tandem.links; series jsonb; event uuid; joined jsonb; planned text := item ->> 'original_start';
begin
  select * into m from tandem.links x where x.calendar_id = c.id and x.google_id = item ->> 'series_id' for update;
  if m.id is null then return tandem.orphan(c, item, as_of); end if;
  if m.state = 'kept' then return jsonb_build_object('did', 'kept'); end if;
  if planned is null then return jsonb_build_object('did', 'unknown'); end if;
  if m.state = 'gone' and (item -> 'cancelled')::boolean then
    perform tandem.pass_over(m, item);
    return jsonb_build_object('did', 'unknown');
  end if;
  -- The series is back in Google, and its row will be.
  if m.state = 'gone' then return tandem.orphan(c, item, as_of); end if;
  if not m.is_primary then
    select * into l from tandem.links x where x.root_id = m.event_id and x.original_start = planned and x.is_primary;
    if l.id is null then perform tandem.pass_over(m, item); end if;
    if l.id is null or (item -> 'cancelled')::boolean then return jsonb_build_object('did', 'unknown'); end if;
    return tandem.apply_copy(c, item || jsonb_build_object('organized', false), as_of, l, m.owner_id);
  end if;
  series := tandem.crm_read(m.event_id);
  -- Its deletion is under way, and may yet be taken back.
  if series is null then return tandem.orphan(c, item, as_of); end if;
  event := tandem.crm_exception(m.event_id, planned);
  select * into l from tandem.links x where x.tenant = c.tenant and x.ical_uid = coalesce(item ->> 'ical_uid', m.ical_uid) and x.original_start = planned
    and x.is_primary and x.state <> 'gone' and x.root_id = x.event_id for update;
  if l.id is not null then
    joined := tandem.join_series(c, item, as_of, m, event, l);
    if joined is not null then return joined; end if;
  end if;
  -- Copies of it that were listed before it.
  perform tandem.recall(k, planned) from tandem.links k where k.event_id = m.event_id and not k.is_primary and k.passed_over <> '{}';
  if event is null then return tandem.add_exception(c, item, as_of, m, series); end if;
  -- The CRM has the same occurrence: its job merges the two.
  select * into l from tandem.links x where x.event_id = event and x.is_primary for update;
  if l.id is null then
    perform tandem.reserve(event, m.event_id, m.owner_id, c, item ->> 'google_id', 0, planned, m.ical_uid);
  elsif l.google_id <> item ->> 'google_id' then
    update tandem.links set google_id = item ->> 'google_id', etag = null where id = l.id;
  end if;
  return jsonb_build_object('did', 'parked', 'event_id', tandem.park(c, item, as_of, event));
end $$;
comment on function tandem.apply_exception(tandem.calendars, jsonb, bigint) is 'An occurrence that differs from its series and that no link knows.';

-- Somebody who is invited to one occurrence only never sees the series: then it is an event by itself.
create or replace function tandem.settle_orphans(c tandem.calendars, item jsonb, as_of bigint) returns void
language plpgsql volatile set search_path = '' as $$
declare x record; m tandem.links; known tandem.links; series text := item ->> 'google_id'; alone boolean := coalesce((item -> 'absent')::boolean, false);
begin
  if not exists (select from tandem.inbox i where i.calendar_id = c.id and i.series_id = series and i.state in ('orphan', 'dormant')) then return; end if;
  select * into m from tandem.links l where l.calendar_id = c.id and l.google_id = series;
  -- Its row is yet to come back, or its deletion is yet to be done.
  if m.id is not null and tandem.crm_read(m.event_id) is null and not alone and not (item -> 'cancelled')::boolean then return; end if;
  for x in delete from tandem.inbox i where i.calendar_id = c.id and i.series_id = series and i.state in ('orphan', 'dormant') returning i.google_id, i.seen, i.raw loop
    select * into known from tandem.links k where k.calendar_id = c.id and k.google_id = x.google_id for update;
    if m.id is not null and m.state <> 'gone' and known.id is not null then
      perform tandem.apply_linked(c, x.seen || jsonb_build_object('raw', x.raw), as_of, known, false);
    elsif m.id is not null and m.state <> 'gone' then
      perform tandem.apply_exception(c, x.seen || jsonb_build_object('raw', x.raw), as_of);
    elsif not (x.seen -> 'cancelled')::boolean then
      delete from tandem.links k where k.id = known.id and k.state = 'gone';
      perform tandem.apply_new(c, x.seen || jsonb_build_object('raw', x.raw), as_of);
    elsif m.id is not null then
      perform tandem.pass_over(m, x.seen);
    elsif (item -> 'cancelled')::boolean then
      -- If its series comes out of the trash, no listing shows it once more.
      perform tandem.orphan(c, x.seen || jsonb_build_object('raw', x.raw), as_of);
      update tandem.inbox i set state = 'dormant', reason = 'its series lies in the trash' where i.calendar_id = c.id and i.google_id = x.google_id;
    end if;
  end loop;
end $$;
comment on function tandem.settle_orphans(tandem.calendars, jsonb, bigint) is 'Exceptions that waited for the series that this item is, or that Google does not show.';

-- Its series was deleted, and it is back.
create or replace function tandem.outlives_series(c tandem.calendars, item jsonb, l tandem.links) returns boolean
language plpgsql stable set search_path = '' as $$
begin
  return l.state = 'gone' and l.is_primary and l.root_id <> l.event_id and not (item -> 'cancelled')::boolean and l.etag is distinct from item ->> 'etag'
    and tandem.crm_read(l.root_id) is null and not exists (select from tandem.jobs j where j.event_id = l.root_id)
    and exists (select from tandem.links m where m.calendar_id = c.id and m.google_id = item ->> 'series_id' and m.state = 'gone');
end $$;
comment on function tandem.outlives_series(tandem.calendars, jsonb, tandem.links) is 'Whether an item is an occurrence that is there although its series is gone.';

create or replace function tandem.apply_item(c tandem.calendars, item jsonb, as_of bigint, asks boolean) returns jsonb
language plpgsql volatile set search_path = '' as $$
declare l tandem.links; adopted uuid; did jsonb;
begin
  if item ->> 'unreadable' is not null then
    perform tandem.quarantine(c, item, as_of, item ->> 'unreadable');
    return jsonb_build_object('did', 'quarantined');
  end if;
  delete from tandem.inbox i where i.calendar_id = c.id and i.google_id = item ->> 'google_id' and i.state <> 'waiting';
  select * into l from tandem.links x where x.calendar_id = c.id and x.google_id = item ->> 'google_id' for update;
  if coalesce((item -> 'absent')::boolean, false) then
    did := jsonb_build_object('did', 'absent');
  elsif tandem.outlives_series(c, item, l) then
    return tandem.orphan(c, item, as_of);
  elsif l.id is not null then
    did := tandem.apply_linked(c, item, as_of, l, asks);
  elsif item ->> 'series_id' is not null then
    return tandem.apply_exception(c, item, as_of);
  else
    if item ->> 'derived_from' is not null then adopted := tandem.adopt(c, item, as_of); end if;
    did := case when adopted is not null then jsonb_build_object('did', 'parked', 'event_id', adopted) else tandem.apply_new(c, item, as_of) end;
  end if;
  perform tandem.settle_orphans(c, item, as_of);
  return did;
exception
  when query_canceled or lock_not_available or deadlock_detected or sqlstate 'PT503' then raise;
  when others then
    -- One bad item must not stop the page.
    perform tandem.quarantine(c, item, as_of, sqlerrm);
    return jsonb_build_object('did', 'quarantined', 'reason', sqlerrm);
end $$;
comment on function tandem.apply_item(tandem.calendars, jsonb, bigint, boolean) is 'Applies one listed item in a subtransaction of its own; says what it did.';

create or replace function tandem.asks_first(c tandem.calendars, items jsonb) returns boolean
language plpgsql stable set search_path = '' as $$
begin
  return (select count(*) > 0 and tandem.is_mass_deletion(c.id, 'google', count(*)) from jsonb_array_elements(items) i
  join tandem.links l on l.calendar_id = c.id and l.google_id = i ->> 'google_id' and l.is_primary and l.state = 'live' and l.root_id = l.event_id
  where (i -> 'cancelled')::boolean);
end $$;
comment on function tandem.asks_first(tandem.calendars, jsonb) is 'Whether a page deletes so much that a person is to decide.';

create or replace function public.tandem_pull_apply(p jsonb) returns jsonb
language plpgsql volatile security definer set search_path = '' set timezone = 'UTC' set lock_timeout = '3s' as $$
declare c tandem.calendars; item jsonb; did jsonb; counts jsonb := jsonb_build_object(); due uuid[] := array[]::uuid[]; as_of bigint := (p ->> 'as_of')::bigint;
  more boolean := true; asks boolean;
begin
  perform tandem.check_instance(p ->> 'instance');
  -- No key of it changes, and a claim that reserves a link in the calendar must not wait for a page.
  select * into c from tandem.calendars where id = (p ->> 'calendar_id')::uuid for no key update;
  if not found or c.fence <> (p ->> 'fence')::bigint then
    perform tandem.store_token(p -> 'token');
    return jsonb_build_object('outcome', 'fenced');
  end if;
  -- Items and what the page says of its calendar belong together: what can be written depends on it.
  update tandem.calendars set access_role = coalesce(p ->> 'access_role', access_role), time_zone = coalesce(p ->> 'time_zone', time_zone),
    summary = coalesce(p ->> 'summary', summary), page_token = p ->> 'page_token', prepaid = 0, lease_until = tandem.clock() + interval '60 seconds'
  where id = c.id;
  asks := tandem.asks_first(c, p -> 'items');
  for item in select x from jsonb_array_elements(p -> 'items') x loop
    did := tandem.apply_item(c, item, as_of, asks);
    counts := counts || jsonb_build_object(did ->> 'did', coalesce((counts ->> (did ->> 'did'))::integer, 0) + 1);
    -- Who works on it finds the item when it records.
    if did ->> 'did' = 'parked' and not tandem.is_leased((did ->> 'event_id')::uuid) then
      due := due || (did ->> 'event_id')::uuid;
    end if;
  end loop;
  if p ->> 'sync_token' is not null then more := tandem.end_listing(c, p); end if;
  perform tandem.store_token(p -> 'token');
  perform tandem.charge_calls(c.account_id, c.prepaid, (p ->> 'units')::integer);
  perform tandem.count_pull(c, p, 'applied');
  return jsonb_build_object('outcome', 'applied', 'counts', counts, 'due', to_jsonb(due), 'more', more, 'as_of', nextval('tandem.recorded'), 'reads', tandem.reads(c.id));
end $$;
comment on function public.tandem_pull_apply(jsonb) is
  'Applies one listed page under the claim''s fence: rows, parked items and the token in one transaction. Returns {outcome: applied, counts, due, more, as_of, reads} or {outcome: fenced}.';
