-- Where an event's copy in Google is, and what of a series comes first: the master before its
-- exceptions, the trim of a split before its tail.

create or replace function tandem.instance_id(series_google_id text, planned text) returns text
language plpgsql immutable set search_path = '' as $$
begin return series_google_id || '_' || regexp_replace(planned, '[-:]', '', 'g'); end $$;
comment on function tandem.instance_id(text, text) is 'Google''s id of the occurrence of a series that was planned for a start.';

create or replace function tandem.reserve(event uuid, root uuid, owner uuid, home tandem.calendars, google text, gen integer, planned text, uid text)
returns tandem.links language plpgsql volatile set search_path = '' as $$
declare l tandem.links;
begin
  insert into tandem.links (tenant, event_id, root_id, owner_id, calendar_id, google_id, generation, origin, state, original_start, ical_uid)
  values (home.tenant, event, root, owner, home.id, google, gen, 'crm', 'reserved', planned, uid)
  on conflict do nothing returning * into l;
  if l.id is null then
    raise sqlstate 'PT503' using message = 'the event was linked at this moment', hint = 'Try again.';
  end if;
  return l;
end $$;
comment on function tandem.reserve(uuid, uuid, uuid, tandem.calendars, text, integer, text, text) is 'Stores which Google id an event will have, before Google is asked for it.';

create or replace function tandem.read_again(calendar uuid, google text, why text) returns void
language plpgsql volatile set search_path = '' as $$
begin
  insert into tandem.inbox as i (calendar_id, google_id, raw, state, reason, as_of)
  values (calendar, google, '', 'retry', why, nextval('tandem.recorded'))
  on conflict (calendar_id, google_id) do update set event_id = null, state = 'retry';
  update tandem.calendars c set poll_at = tandem.clock() where c.id = calendar;
end $$;
comment on function tandem.read_again(uuid, text, text) is 'Has a Google event read that no row goes by any more, to find out whose it is.';

create or replace function tandem.exception_link(event uuid, r jsonb, root uuid, l tandem.links) returns tandem.links
language plpgsql volatile set search_path = '' as $$
declare m tandem.links; planned text := r ->> 'original_start'; home tandem.calendars;
begin
  select * into m from tandem.links x where x.event_id = root and x.is_primary;
  if l.id is not null and l.root_id = root and l.calendar_id = m.calendar_id then return l; end if;
  if planned is null then return null; end if;
  if l.id is not null then
    update tandem.links set is_primary = false, leaving = state = 'live', state = case when state = 'live' then 'live' else 'gone' end where id = l.id;
  end if;
  -- A row that was deleted and inserted anew for the same occurrence goes on where the old one stood.
  update tandem.links x set event_id = event, etag = null, synced_rev = 0
  where x.root_id = root and x.original_start = planned and x.is_primary and x.event_id <> event and x.calendar_id = m.calendar_id
    and tandem.crm_read(x.event_id) is null returning * into l;
  if found then
    update tandem.inbox i set event_id = event where i.calendar_id = l.calendar_id and i.google_id = l.google_id;
    return l;
  end if;
  select * into home from tandem.calendars c where c.id = m.calendar_id;
  return tandem.reserve(event, root, m.owner_id, home, tandem.instance_id(m.google_id, planned), 0, planned, m.ical_uid);
end $$;
comment on function tandem.exception_link(uuid, jsonb, uuid, tandem.links) is 'The link of an exception, in its series'' calendar; null where the row does not say which occurrence it is.';

create or replace function tandem.next_generation(event uuid) returns integer
language plpgsql stable set search_path = '' as $$
begin return (select 1 + max(l.generation) from tandem.links l where l.event_id = event); end $$;
comment on function tandem.next_generation(uuid) is 'The generation of an event''s next id in Google: none of its links has had it.';

-- An event that changes hands is first made in the new owner's calendar, then deleted in the old one.
create or replace function tandem.link_for(event uuid, r jsonb, root uuid) returns tandem.links
language plpgsql volatile set search_path = '' as $$
declare l tandem.links; target uuid; home tandem.calendars; owner uuid := (r ->> 'owner_id')::uuid; gen integer := 0;
begin
  select * into l from tandem.links x where x.event_id = event and x.is_primary;
  if root <> event then
    if l.id is null and not (r ->> 'enabled')::boolean then return null; end if;
    return tandem.exception_link(event, r, root, l);
  end if;
  if r is null or not (r ->> 'enabled')::boolean or l.owner_id = owner then return l; end if;
  select x.calendar_id into target from tandem.connections x where x.user_id = owner and x.is_target
    and x.state in ('active', 'paused') and x.direction <> 'in';
  if not found then return l; end if;
  if l.id is not null then
    if l.calendar_id = target then
      update tandem.links set owner_id = owner where id = l.id returning * into l;
      return l;
    end if;
    gen := tandem.next_generation(event);
    update tandem.links set is_primary = false, leaving = state <> 'gone' where id = l.id;
  end if;
  select * into home from tandem.calendars c where c.id = target;
  return tandem.reserve(event, event, owner, home, tandem.google_id(event, gen), gen, null, null);
end $$;
comment on function tandem.link_for(uuid, jsonb, uuid) is 'The link of an event, made where it has none and is for Google, moved where it has a new owner; null where it is not for Google.';

create or replace function tandem.wait_for(event uuid, first_event uuid, reason text) returns jsonb
language plpgsql volatile set search_path = '' as $$
begin
  -- Released when the other work ends; the time is for the case that it ended at this moment.
  update tandem.jobs set waits_for = first_event, due_at = tandem.clock() + interval '5 minutes', last_error = reason where event_id = event;
  perform tandem.show(event, 'pending', reason);
  return jsonb_build_object('outcome', 'waiting', 'reason', reason);
end $$;
comment on function tandem.wait_for(uuid, uuid, text) is 'Parks a job until another event''s work is done; no attempt is counted.';

create or replace function tandem.trim_of(event uuid) returns uuid
language plpgsql stable set search_path = '' as $$
begin
  return (select t.event_id from tandem.changes i
  join tandem.changes t on t.txid = i.txid and t.op = 'update' and t.fields @> array['recurrence'] and t.event_id <> event
  join tandem.links l on l.event_id = t.event_id and l.is_primary and l.state = 'live' and l.synced_rev < t.rev
  where i.event_id = event and i.op = 'insert'
  order by t.event_id limit 1);
end $$;
comment on function tandem.trim_of(uuid) is 'The series whose rule was changed in the transaction that made this one, while Google does not know of it: its tail must not be there before.';

create or replace function tandem.drop_exception(event uuid, erased boolean) returns jsonb
language plpgsql volatile set search_path = '' as $$
declare x record;
begin
  update tandem.links l set state = 'gone', proof = 'confirmed', deleted_by = coalesce(l.deleted_by, 'crm') where l.event_id = event and l.is_primary and l.state <> 'gone';
  for x in delete from tandem.inbox i where i.event_id = event returning i.calendar_id, i.google_id, (i.seen -> 'cancelled')::boolean as cancelled loop
    continue when x.cancelled or not erased;
    perform tandem.read_again(x.calendar_id, x.google_id, 'its series was deleted');
  end loop;
  delete from tandem.attempts t where t.event_id = event;
  return tandem.finish_unlinked(event, 'its series is not in Google');
end $$;
comment on function tandem.drop_exception(uuid, boolean) is
  'Ends the work on an exception whose series is not in Google: it went with it, unless Google has shown it since the series was deleted (erased).';

create or replace function tandem.series_blocked(event uuid, root uuid, r jsonb) returns jsonb
language plpgsql volatile set search_path = '' as $$
declare m jsonb := tandem.crm_read(root); l tandem.links; j tandem.jobs; trim_id uuid;
begin
  if root = event then
    if nullif(r -> 'recurrence', 'null') is null
      or exists (select from tandem.links x where x.event_id = event and x.is_primary and x.state <> 'reserved') then return null; end if;
    trim_id := tandem.trim_of(event);
    if trim_id is null then return null; end if;
    return tandem.wait_for(event, trim_id, 'waiting until the series that it continues is trimmed in Google');
  end if;
  if r is null and tandem.crm_exception(root, coalesce((select x.original_start from tandem.links x where x.event_id = event and x.is_primary),
      tandem.deleted_row(event) ->> 'original_start')) is not null then
    delete from tandem.attempts t where t.event_id = event;
    return tandem.finish_unlinked(event, 'another row has taken its place');
  end if;
  select * into l from tandem.links x where x.event_id = root and x.is_primary;
  select * into j from tandem.jobs x where x.event_id = root;
  if (m is null or l.id is null or l.state <> 'live' or j.state = 'open') and j.event_id is not null
    and not (j.state = 'dead' and m is not null and l.state = 'live') then
    return tandem.wait_for(event, root, 'waiting for its series');
  elsif m is null and l.id is null then
    update tandem.jobs set state = 'dead', last_error = 'recurring_event_id names no event' where event_id = event;
    perform tandem.show(event, 'error', 'recurring_event_id names no event; set it to the series'' id, or to null');
    return jsonb_build_object('outcome', 'nothing', 'reason', 'recurring_event_id names no event');
  elsif exists (select from tandem.links x where x.event_id = event and x.leaving) then
    return null;
  elsif m is null or l.state = 'gone' or not (m ->> 'enabled')::boolean then
    return tandem.drop_exception(event, m is null);
  elsif l.id is null or l.state = 'kept' then
    return tandem.finish_unlinked(event, 'its series is not for Google');
  elsif l.state = 'reserved' then
    return tandem.wait_for(event, root, 'waiting for its series');
  end if;
  return null;
end $$;
comment on function tandem.series_blocked(uuid, uuid, jsonb) is 'Why an event has to wait for another one of its series, or has nothing to do any more; null where neither holds.';

create or replace function tandem.is_single(event uuid) returns boolean
language plpgsql stable set search_path = '' as $$
begin return exists (select from tandem.links l where l.event_id = event and l.is_primary and l.base_google -> 'recurrence' = 'null'); end $$;
comment on function tandem.is_single(uuid) is 'Whether an event did not repeat in Google when it was recorded last.';

create or replace function tandem.is_cancelled(l tandem.links) returns boolean
language plpgsql stable set search_path = '' as $$
begin
  return coalesce((select (i.seen -> 'cancelled')::boolean from tandem.inbox i
      where i.calendar_id = l.calendar_id and i.google_id = l.google_id and i.event_id = l.event_id and i.state = 'waiting'),
    tandem.crm_read(l.event_id) ->> 'status' = 'cancelled', false);
end $$;
comment on function tandem.is_cancelled(tandem.links) is 'Whether an occurrence does not take place, by what Google has listed last or else by its row.';

-- Exceptions go with their series. Rows first, since who works on one holds its row before its link.
create or replace function tandem.bury_exceptions(root uuid, side text) returns void
language plpgsql volatile set search_path = '' as $$
declare x record; gone_row jsonb;
  -- Google deletes the exceptions of a series with it, but not those of what had become a single event.
  single boolean := side = 'crm' and nullif(tandem.deleted_row(root) -> 'recurrence', 'null') is null or tandem.is_single(root);
  moved boolean := exists (select from tandem.links k where k.event_id = root and not k.is_primary and k.organized and k.state = 'live');
begin
  -- Who was invited to such an occurrence may keep a copy: without the series it is an event by itself.
  for x in delete from tandem.links l where l.root_id = root and l.event_id <> root and not l.is_primary and l.state = 'live' returning l.calendar_id, l.google_id loop
    perform tandem.read_again(x.calendar_id, x.google_id, 'its series was deleted');
  end loop;
  -- Somebody may have taken one of them out of the trash again: the listing that showed its series gone showed it.
  -- And where the series had moved away, what is left of an occurrence is a guest's copy.
  for x in update tandem.links e set etag = null from tandem.links m
    where m.event_id = root and m.is_primary and e.root_id = root and e.calendar_id = m.calendar_id and e.event_id <> root
      and e.is_primary and e.state = 'live'
      and ((single or side = 'google' and e.seen_listing >= m.seen_listing) and not tandem.is_cancelled(e) or m.organized and (moved or not e.organized))
    returning e.calendar_id, e.google_id
  loop
    perform tandem.read_again(x.calendar_id, x.google_id, 'its series was deleted');
  end loop;
  for x in select l.id, l.event_id from tandem.links l where l.root_id = root and l.event_id <> root and l.state <> 'gone' order by l.event_id loop
    gone_row := coalesce(tandem.crm_delete(x.event_id), tandem.deleted_row(x.event_id));
    update tandem.links l set state = 'gone', deleted_by = side, proof = 'confirmed', old_row = coalesce(gone_row, l.old_row),
      synced_rev = greatest(l.synced_rev, coalesce((select max(c.rev) from tandem.changes c where c.event_id = x.event_id), 0)),
      recorded_seq = nextval('tandem.recorded')
    where l.id = x.id;
    delete from tandem.inbox i where i.event_id = x.event_id;
    delete from tandem.attempts t where t.event_id = x.event_id;
    delete from tandem.jobs j where j.event_id = x.event_id;
  end loop;
  -- Those that never got a link, or that were handed over by a series that gives them up in Google.
  for x in select e as event_id from tandem.crm_exceptions(root) e loop
    gone_row := tandem.crm_delete(x.event_id);
    perform tandem.note(x.event_id, 'deleted', jsonb_build_object('by', side, 'row', gone_row));
    delete from tandem.inbox i where i.event_id = x.event_id;
    delete from tandem.attempts t where t.event_id = x.event_id;
    delete from tandem.jobs j where j.event_id = x.event_id;
    -- A series that is trimmed gives them up in Google, one that becomes a single event does not.
    update tandem.links l set leaving = true, old_row = gone_row where l.event_id = x.event_id and l.is_primary and l.state = 'live';
    if found then
      perform tandem.look_at(x.event_id);
    else
      update tandem.links l set state = 'gone', deleted_by = side, proof = 'confirmed', old_row = gone_row where l.event_id = x.event_id and l.state <> 'gone';
    end if;
  end loop;
end $$;
comment on function tandem.bury_exceptions(uuid, text) is 'Deletes the exceptions of a deleted series, rows and links.';

create or replace function tandem.revive_exceptions(root uuid) returns void
language plpgsql volatile set search_path = '' as $$
declare x record;
begin
  for x in select l.id, l.event_id, l.owner_id, tandem.deleted_row(l.event_id) as old_row from tandem.links l
    where l.root_id = root and l.event_id <> root and l.is_primary and l.state = 'live' and tandem.crm_read(l.event_id) is null order by l.event_id
  loop
    continue when x.old_row is null;
    perform tandem.crm_insert(x.event_id, x.owner_id, x.old_row);
    update tandem.links l set synced_rev = (select max(c.rev) from tandem.changes c where c.event_id = x.event_id) where l.id = x.id;
    delete from tandem.attempts t where t.event_id = x.event_id;
    perform tandem.look_at(x.event_id);
  end loop;
end $$;
comment on function tandem.revive_exceptions(uuid) is 'Brings back the exceptions that were deleted together with a series that is to live.';

-- Occurrences that a listing passed over are read one by one: all of a copy of a series, or those for one start.
create or replace function tandem.recall(k tandem.links, planned text) returns void
language plpgsql volatile set search_path = '' as $$
declare wanted text[] := array(select g from unnest(k.passed_over) g where planned is null or g = tandem.instance_id(k.google_id, planned));
begin
  if wanted = '{}' then return; end if;
  update tandem.links l set passed_over = array(select g from unnest(l.passed_over) g where g <> all (wanted)) where l.id = k.id;
  insert into tandem.inbox as i (calendar_id, google_id, raw, state, reason, as_of)
  select k.calendar_id, g, '', 'retry', 'what it belongs to is known now', nextval('tandem.recorded') from unnest(wanted) g
  where not exists (select from tandem.links e where e.calendar_id = k.calendar_id and e.google_id = g)
  on conflict do nothing;
  if found then update tandem.calendars c set poll_at = tandem.clock() where c.id = k.calendar_id; end if;
end $$;
comment on function tandem.recall(tandem.links, text) is 'Has occurrences read that a listing showed when nothing could be done with them.';

create or replace function tandem.look_at(event uuid) returns void
language plpgsql volatile set search_path = '' as $$
begin
  insert into tandem.jobs as j (event_id, root_id, account_id, due_at, look)
  values (event, tandem.root_of(event), tandem.account_for(event), tandem.clock(), true)
  on conflict (event_id) do update set look = true, state = case when j.state = 'dead' then 'open' else j.state end,
    attempts = case when j.state = 'dead' then 0 else j.attempts end,
    due_at = case when j.attempts = 0 then least(j.due_at, excluded.due_at) else j.due_at end;
end $$;
comment on function tandem.look_at(uuid) is 'Has an event read in Google, then merged.';

create or replace function tandem.look_at_exceptions(root uuid) returns void
language plpgsql volatile set search_path = '' as $$
begin
  perform tandem.look_at(l.event_id) from (select event_id from tandem.links x where x.root_id = root and x.event_id <> root
    and x.is_primary and x.state in ('live', 'reserved') order by event_id) l;
end $$;
comment on function tandem.look_at_exceptions(uuid) is 'A series with other times or another rule may have other exceptions: each is read again.';

create or replace function tandem.look_at_plain(root uuid) returns void
language plpgsql volatile set search_path = '' as $$
begin
  perform tandem.look_at(l.event_id) from (select event_id from tandem.links x where x.root_id = root and x.event_id <> root
    and x.is_primary and x.state = 'live' and x.seen_listing = 0 order by event_id) l;
end $$;
comment on function tandem.look_at_plain(uuid) is 'Has exceptions read that no listing has ever shown: in Google they are plain occurrences, and change with their series.';
