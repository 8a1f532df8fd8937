-- Google to CRM: what one listed item does.

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

-- A trigger of the CRM may have added an edit of its own to what was written.
create or replace function tandem.show_after_apply(event uuid) returns void
language plpgsql volatile set search_path = '' as $$
begin
  perform tandem.show(event, case when exists (select from tandem.changes ch join tandem.links l using (event_id)
    where ch.event_id = event and l.is_primary and ch.rev > l.synced_rev) then 'pending' else 'synced' end, null);
end $$;
comment on function tandem.show_after_apply(uuid) is 'synced, unless writing the row caused another edit.';

create or replace function tandem.shown_units(item jsonb) returns jsonb
language plpgsql immutable set search_path = '' as $$
begin
  return (select coalesce(jsonb_object_agg(u.key, u.value -> 'google'), '{}') from jsonb_each(nullif(item -> 'units', 'null')) u);
end $$;
comment on function tandem.shown_units(jsonb) is 'What an item shows, by unit, as a base keeps it.';

create or replace function tandem.poll_siblings(c tandem.calendars, as_of bigint) returns boolean
language plpgsql volatile set search_path = '' as $$
begin
  update tandem.calendars k set poll_at = least(k.poll_at, tandem.clock())
  where k.id in (select s.id from tandem.siblings(c.id) s where s.listed_seq <= as_of);
  return found;
end $$;
comment on function tandem.poll_siblings(tandem.calendars, bigint) is 'Makes the other calendars of the account due, since an event may have moved there; says whether there are any.';

create or replace function tandem.apply_deletion(c tandem.calendars, item jsonb, as_of bigint, l tandem.links, asks boolean) returns jsonb
language plpgsql volatile set search_path = '' as $$
declare gone_row jsonb; event uuid := l.event_id;
begin
  if asks then
    perform tandem.park(c, item, as_of, event);
    perform tandem.hold(event, 'google');
    return jsonb_build_object('did', 'held', 'event_id', event);
  elsif tandem.poll_siblings(c, as_of) or exists (select from tandem.links k where k.event_id = event and not k.is_primary and k.state = 'live' and not k.leaving) then
    update tandem.links set missed_seq = as_of, missed_at = tandem.clock() where id = l.id;
    return jsonb_build_object('did', 'parked', 'event_id', tandem.park(c, item, as_of, event));
  end if;
  gone_row := tandem.crm_delete(event);
  -- What it said last counts: a series may have become a single event.
  update tandem.links set state = 'gone', etag = item ->> 'etag', deleted_by = 'google', proof = 'confirmed', gone_at = tandem.clock(),
    old_row = gone_row, recorded_seq = nextval('tandem.recorded'),
    base_google = base_google || case when item -> 'units' ? 'when' then tandem.shown_units(item) else '{}' end where id = l.id;
  perform tandem.bury_exceptions(event, 'google');
  perform tandem.note(event, 'deleted', jsonb_build_object('by', 'google', 'row', gone_row));
  return jsonb_build_object('did', 'deleted', 'event_id', event);
end $$;
comment on function tandem.apply_deletion(tandem.calendars, jsonb, bigint, tandem.links, boolean) is 'The tombstone of an event or series whose row is clean: delete the row, or look first whether it only moved, or ask a person.';

-- A row that is deleted here while its event was on its way to this calendar: the copy that is there is
-- what the row goes by now, and its job decides.
create or replace function tandem.lead_again(l tandem.links) returns boolean
language plpgsql volatile set search_path = '' as $$
declare old tandem.links;
begin
  if l.root_id <> l.event_id or l.leaving or tandem.crm_read(l.event_id) is not null then return false; end if;
  select * into old from tandem.links x where x.event_id = l.event_id and x.is_primary and x.state = 'gone' for update;
  if not found then return false; end if;
  update tandem.links set is_primary = false where id = old.id;
  update tandem.links set is_primary = true, state = 'gone', proof = 'confirmed', deleted_by = old.deleted_by, old_row = old.old_row,
    base_crm = old.base_crm, base_google = coalesce(old.base_google, base_google), synced_rev = old.synced_rev, etag = null where id = l.id;
  return true;
end $$;
comment on function tandem.lead_again(tandem.links) is 'Makes a copy that is alive in Google the one that a deleted row goes by; false where the row is there, or its own copy.';

create or replace function tandem.apply_mirror(c tandem.calendars, item jsonb, as_of bigint, l tandem.links) returns jsonb
language plpgsql volatile set search_path = '' as $$
begin
  -- A late insert into a calendar that the event had left before anybody saw it there.
  if l.state = 'gone' and l.proof = 'never_seen' and not (item -> 'cancelled')::boolean then
    l.leaving := true;
    update tandem.links set leaving = true, proof = null where id = l.id;
    perform tandem.look_at(l.event_id);
  end if;
  if not (item -> 'cancelled')::boolean and tandem.lead_again(l) then
    return jsonb_build_object('did', 'parked', 'event_id', tandem.park(c, item, as_of, l.event_id));
  end if;
  update tandem.links set etag = item ->> 'etag', google_updated = (item ->> 'updated')::timestamptz,
    organized = coalesce((item -> 'organized')::boolean, organized),
    state = case when (item -> 'cancelled')::boolean then 'gone' else 'live' end,
    base_google = coalesce(base_google, '{}') || tandem.shown_units(item) where id = l.id;
  -- Perhaps the event itself has come here.
  if (item -> 'organized')::boolean and not l.leaving and not (item -> 'cancelled')::boolean and not l.organized then
    perform tandem.look_at(l.event_id);
  end if;
  return jsonb_build_object('did', 'mirrored', 'event_id', l.event_id);
end $$;
comment on function tandem.apply_mirror(tandem.calendars, jsonb, bigint, tandem.links) is 'Another copy of an event that has its link elsewhere.';

create or replace function tandem.apply_linked(c tandem.calendars, item jsonb, as_of bigint, l tandem.links, asks boolean) returns jsonb
language plpgsql volatile set search_path = '' as $$
declare fields jsonb; stored jsonb := l.base_crm; changed text[]; is_root boolean := l.root_id = l.event_id; did jsonb;
begin
  update tandem.links set seen_listing = as_of where id = l.id;
  if l.state = 'kept' then return jsonb_build_object('did', 'kept'); end if;
  if l.state <> 'reserved' and l.etag = item ->> 'etag' then return jsonb_build_object('did', 'echo'); end if;
  if l.state = 'gone' and (item -> 'cancelled')::boolean then
    update tandem.links set proof = 'confirmed', etag = item ->> 'etag' where id = l.id;
    return jsonb_build_object('did', 'echo');
  end if;
  if not l.is_primary then return tandem.apply_mirror(c, item, as_of, l); end if;
  did := tandem.apply_choice(l, item);
  if did is not null then return did; end if;
  -- Of an occurrence that was cancelled when it was first seen only the job knows what it would have been.
  if not tandem.is_clean(l, as_of) or not is_root and not (item -> 'cancelled')::boolean and not l.base_google ? 'when' then
    perform tandem.park(c, item, as_of, l.event_id);
    if asks and is_root and (item -> 'cancelled')::boolean then
      update tandem.jobs set decision = 'ask' where event_id = l.event_id and decision is null;
    end if;
    return jsonb_build_object('did', 'parked', 'event_id', l.event_id);
  end if;
  if is_root and (item -> 'cancelled')::boolean then return tandem.apply_deletion(c, item, as_of, l, asks); end if;
  -- A guest's copy from now on: the organizer's may be in a calendar that is yet to be listed.
  if is_root and l.organized and not coalesce((item -> 'organized')::boolean, true) and tandem.poll_siblings(c, as_of) then
    update tandem.links set missed_seq = as_of, missed_at = tandem.clock() where id = l.id;
    return jsonb_build_object('did', 'parked', 'event_id', tandem.park(c, item, as_of, l.event_id));
  end if;
  select jsonb_object_agg(f.key, f.value), array_agg(distinct u.key) into fields, changed
  from jsonb_each(item -> 'units') u, jsonb_each(u.value -> 'row') f
  where l.base_google ? u.key and (l.base_google -> u.key) is distinct from (u.value -> 'google');
  if fields is not null then
    stored := tandem.crm_write(l.event_id, fields);
    stored := tandem.base_after(l, stored, (select jsonb_object_agg(k, stored -> k) from jsonb_object_keys(fields) k));
    perform tandem.note(l.event_id, 'pulled', jsonb_build_object('units', to_jsonb(changed)) || tandem.notice_of(c));
  end if;
  update tandem.links set etag = item ->> 'etag', google_updated = coalesce((item ->> 'updated')::timestamptz, google_updated),
    organized = coalesce((item -> 'organized')::boolean, organized),
    base_crm = stored, recorded_seq = nextval('tandem.recorded'), base_google = base_google || tandem.shown_units(item)
  where id = l.id;
  if is_root and changed && array['when', 'recurrence'] then perform tandem.look_at_exceptions(l.event_id); end if;
  if is_root then perform tandem.look_at_plain(l.event_id); end if;
  -- Its organizer is elsewhere now, perhaps in a calendar that is known.
  if is_root and l.organized and not coalesce((item -> 'organized')::boolean, true)
    and exists (select from tandem.links k where k.event_id = l.event_id and k.organized and not k.is_primary and k.state = 'live') then
    perform tandem.look_at(l.event_id);
  end if;
  perform tandem.show_after_apply(l.event_id);
  return jsonb_build_object('did', case when fields is null then 'echo' else 'updated' end, 'event_id', l.event_id);
end $$;
comment on function tandem.apply_linked(tandem.calendars, jsonb, bigint, tandem.links, boolean) is 'An item of an event that has a link: echo, write, delete or park. Units are compared as opaque values.';

create or replace function tandem.add_link(c tandem.calendars, item jsonb, as_of bigint, event uuid, root uuid, owner uuid, main boolean) returns boolean
language plpgsql volatile set search_path = '' as $$
begin
  insert into tandem.links (tenant, event_id, root_id, owner_id, calendar_id, google_id, is_primary, organized, origin, state, ical_uid,
    original_start, etag, google_updated, base_google, recorded_seq, seen_listing)
  values (c.tenant, event, root, owner, c.id, item ->> 'google_id', main, coalesce((item -> 'organized')::boolean, true), 'google', 'live', item ->> 'ical_uid',
    item ->> 'original_start', item ->> 'etag', (item ->> 'updated')::timestamptz, tandem.shown_units(item), nextval('tandem.recorded'), as_of)
  on conflict do nothing;
  return found;
end $$;
comment on function tandem.add_link(tandem.calendars, jsonb, bigint, uuid, uuid, uuid, boolean) is 'Links a listed item to an event; false where another listing was faster.';

create or replace function tandem.copied_units() returns text[]
language sql immutable set search_path = '' as $$ select array['visibility', 'transparency', 'color', 'reminders'] $$;
comment on function tandem.copied_units() is 'Units that each copy of a meeting has for itself.';

-- What the CRM ever set of them is an edit of the other copy too.
create or replace function tandem.own_units(event uuid) returns text[]
language plpgsql stable set search_path = '' as $$
begin
  return array(select u from unnest(tandem.copied_units()) u
    where exists (select from tandem.changes ch where ch.event_id = event and ch.op = 'update' and u = any (ch.fields)));
end $$;
comment on function tandem.own_units(uuid) is 'Units that differ between the copies of a meeting and that the CRM has set.';

create or replace function tandem.own_references(event uuid) returns text[]
language plpgsql stable set search_path = '' as $$
begin
  return array(select r.key from jsonb_each_text(tandem.crm_read(event)) r where r.key in ('contact_id', 'company_id', 'deal_id') and r.value is not null);
end $$;
comment on function tandem.own_references(uuid) is 'The CRM''s references of an event, which each copy of a meeting carries for itself.';

-- The organizer's copy is the one that can be changed, so it is the one that the row goes by.
create or replace function tandem.apply_copy(c tandem.calendars, item jsonb, as_of bigint, known tandem.links, owner uuid) returns jsonb
language plpgsql volatile set search_path = '' as $$
declare leads boolean := (item -> 'organized')::boolean and not known.organized and known.state = 'live' and known.root_id = known.event_id
  and tandem.crm_lock(known.event_id, false) is true;
  own_fields jsonb; own_units jsonb; led tandem.links;
begin
  if leads then
    update tandem.links set is_primary = false where id = known.id;
  end if;
  if not tandem.add_link(c, item, as_of, known.event_id, known.root_id, owner, leads) then
    raise sqlstate 'PT503' using message = 'another listing shows the event at this moment', hint = 'Try again.';
  end if;
  if leads then
    perform tandem.crm_write(known.event_id, jsonb_build_object('owner_id', owner));
    select coalesce(jsonb_object_agg(f.key, f.value), '{}'), coalesce(jsonb_object_agg(u.key, u.value -> 'google'), '{}') into own_fields, own_units
    from jsonb_each(item -> 'units') u, jsonb_each(u.value -> 'row') f where u.key = any (tandem.own_units(known.event_id));
    -- Not what the row holds now: it may have an edit that is still to be sent.
    update tandem.links set base_crm = known.base_crm || jsonb_build_object('owner_id', owner) || own_fields,
      base_google = known.base_google || own_units,
      synced_rev = known.synced_rev, etag = null where event_id = known.event_id and is_primary returning * into led;
    perform tandem.move_exceptions(known, led, true);
  end if;
  if leads or (item -> 'organized')::boolean then perform tandem.look_at(known.event_id); end if;
  return jsonb_build_object('did', 'mirrored', 'event_id', known.event_id);
end $$;
comment on function tandem.apply_copy(tandem.calendars, jsonb, bigint, tandem.links, uuid) is 'Another calendar''s copy of a meeting that has a row.';

-- Google may leave guests their copies, and people move what they took out of the trash: in a calendar of the same user that belongs to the row that says no.
create or replace function tandem.opted_out(owner uuid, item jsonb) returns tandem.links
language plpgsql volatile set search_path = '' as $$
declare known tandem.links;
begin
  select * into known from tandem.links l where (l.google_id = item ->> 'google_id' or not (item -> 'organized')::boolean) and l.owner_id = owner and l.ical_uid = item ->> 'ical_uid' and l.original_start is null
    and l.state = 'gone' and l.deleted_by = 'opt_out' and l.is_primary and not (tandem.crm_read(l.event_id) -> 'enabled')::boolean
    order by l.id limit 1 for update;
  return known;
end $$;
comment on function tandem.opted_out(uuid, jsonb) is 'The link of a user''s event that was taken out of Google, of which an item is a guest''s copy or where it has moved; null where there is none.';

create or replace function tandem.apply_new(c tandem.calendars, item jsonb, as_of bigint) returns jsonb
language plpgsql volatile set search_path = '' as $$
declare event uuid; owner uuid; stored jsonb; fields jsonb; known tandem.links;
begin
  if (item -> 'cancelled')::boolean then return jsonb_build_object('did', 'unknown'); end if;
  if not tandem.takes_new(c, item) then return jsonb_build_object('did', 'left'); end if;
  select * into known from tandem.links l where l.tenant = c.tenant and l.ical_uid = item ->> 'ical_uid'
    and l.original_start is not distinct from item ->> 'original_start' and l.is_primary and l.state <> 'gone' for update;
  if not found and item ->> 'derived_from' is not null then
    -- Ours, and its insert has not been recorded yet: what is listed here is a guest's copy.
    select * into known from tandem.links l where l.event_id = (item ->> 'derived_from')::uuid and l.tenant = c.tenant and l.is_primary
      and l.google_id = item ->> 'google_id' and l.calendar_id <> c.id and l.state in ('reserved', 'live') for update;
  end if;
  select a.user_id into owner from tandem.accounts a where a.id = c.account_id;
  if known.id is null then known := tandem.opted_out(owner, item); end if;
  if known.id is not null then return tandem.apply_copy(c, item, as_of, known, owner); end if;
  if tandem.is_before_import(c, item) then return jsonb_build_object('did', 'left'); end if;
  event := gen_random_uuid();
  select jsonb_object_agg(f.key, f.value) into fields from jsonb_each(item -> 'units') u, jsonb_each(u.value -> 'row') f;
  -- Another calendar's listing found the meeting at this moment: now its link is there to be seen.
  if not tandem.add_link(c, item, as_of, event, event, owner, true) then return tandem.apply_new(c, item, as_of); end if;
  stored := tandem.crm_insert(event, owner, fields);
  update tandem.links set base_crm = stored where event_id = event and is_primary;
  perform tandem.show_after_apply(event);
  perform tandem.note(event, 'pulled', jsonb_build_object('new', true) || tandem.notice_of(c));
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
