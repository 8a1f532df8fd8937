-- Claiming an event's open work.

-- CRM users may share a Google account, each with a connection of their own.
create or replace function tandem.account_calendars(calendar uuid) returns setof tandem.calendars
language plpgsql stable set search_path = '' as $$
begin
  return query select c.* from tandem.calendars c where c.id <> calendar and c.id in (
    select there.calendar_id from tandem.connections here
    join tandem.accounts a on a.id = here.account_id
    join tandem.accounts b on b.tenant = a.tenant and b.google_sub = a.google_sub
    join tandem.connections there on there.account_id = b.id and there.state = 'active'
    where here.calendar_id = calendar);
end $$;
comment on function tandem.account_calendars(uuid) is 'The other connected calendars of the Google account.';

create or replace function tandem.is_listed(c tandem.calendars) returns boolean
language plpgsql immutable set search_path = '' as $$
begin return c.failures < 5 and c.imported_at is not null; end $$;
comment on function tandem.is_listed(tandem.calendars) is 'Whether a calendar is listed without trouble.';

create or replace function tandem.siblings(calendar uuid) returns setof tandem.calendars
language plpgsql stable set search_path = '' as $$
begin
  return query select c.* from tandem.account_calendars(calendar) c where tandem.is_listed(c);
end $$;
comment on function tandem.siblings(uuid) is 'The other calendars of the Google account that are listed without trouble: where an event may have moved to.';

-- What disappears may be half of a move: the other half is in another calendar of the same account.
create or replace function tandem.whereabouts(l tandem.links) returns jsonb
language plpgsql stable set search_path = '' as $$
declare patient boolean := coalesce(l.missed_at > tandem.clock() - interval '10 minutes', true); works boolean; unlisted jsonb;
begin
  if l.state = 'live' and l.root_id = l.event_id and not l.leaving then
    -- A calendar that works will be listed, if late; one that does not is waited for only where Google names it.
    select bool_or(tandem.is_listed(c) and (patient or c.failures = 0 and a.state = 'active')), jsonb_agg(c.google_id) into works, unlisted
    from tandem.account_calendars(l.calendar_id) c join tandem.accounts a on a.id = c.account_id
    where l.missed_seq is null or c.listed_seq <= l.missed_seq;
  end if;
  return jsonb_build_object('elsewhere', coalesce(works, false), 'unlisted', coalesce(unlisted, jsonb_build_array()));
end $$;
comment on function tandem.whereabouts(tandem.links) is
  'Where an event may have moved to: calendars that have not been listed since it was missed (unlisted), and whether one of them is worth waiting for by itself (elsewhere).';

create or replace function tandem.put_by(event uuid, wait interval, reason text) returns jsonb
language plpgsql volatile set search_path = '' as $$
begin
  update tandem.jobs set due_at = tandem.clock() + wait, last_error = reason where event_id = event;
  perform tandem.show(event, 'pending', reason);
  return jsonb_build_object('outcome', 'waiting', 'reason', reason);
end $$;
comment on function tandem.put_by(uuid, interval, text) is 'Leaves an event for a while; no attempt is counted.';

create or replace function tandem.claimed(event uuid, v_rev bigint, crm_row jsonb, old_row jsonb, l tandem.links, fence bigint, token jsonb)
returns jsonb language plpgsql stable set search_path = '' as $$
begin
  return (select jsonb_build_object(
    'outcome', 'claimed', 'event_id', event, 'rev', v_rev, 'fence', fence, 'now', tandem.utc(tandem.clock()),
    'row', crm_row, 'old_row', old_row, 'attempt', j.attempts, 'decision', j.decision, 'quiet', j.quiet,
    'source', replace(nullif(tandem.setting('event_url'), ''), '{id}', event::text),
    'unowned', coalesce(not l.leaving and l.root_id = event and l.owner_id::text <> crm_row ->> 'owner_id', false),
    'look', j.looking or exists (select from tandem.inbox i where i.calendar_id = l.calendar_id and i.google_id = l.google_id and i.state = 'waiting'),
    'link', to_jsonb(l) - 'tenant' - 'seen_listing' - 'recorded_seq' - 'created_at' - 'passed_over',
    'series', (select jsonb_build_object('base_crm', m.base_crm, 'base_google', m.base_google, 'google_updated', m.google_updated)
               from tandem.links m where m.event_id = l.root_id and m.is_primary and l.root_id <> event),
    -- An occurrence goes where its series goes, whoever its row is of; a copy that is only to be left goes nowhere.
    'moved_to', (select k.id from tandem.links k where k.event_id = event and not k.is_primary and k.state = 'live' and not k.leaving
                 and l.is_primary and l.root_id = event order by k.organized desc, k.id limit 1),
    'organizer', (select k.id from tandem.links k where k.event_id = event and k.organized and not k.is_primary and k.state = 'live'
                  and not k.leaving and l.is_primary and l.root_id = event order by k.id limit 1),
    'attempts', (select coalesce(jsonb_agg(jsonb_build_object('rev', t.rev, 'row', t.crm_row) order by t.rev), '[]')
                 from tandem.attempts t where t.event_id = event),
    'changed_at', (select coalesce(jsonb_object_agg(f.field, f.at), '{}') from (
                     select field, tandem.utc(max(ch.changed_at)) at from tandem.changes ch, unnest(ch.fields) field
                     where ch.event_id = event and ch.rev > l.synced_rev group by field) f),
    'inbox', (select jsonb_build_object('etag', i.etag, 'times', i.times) from tandem.inbox i
              where i.calendar_id = l.calendar_id and i.google_id = l.google_id and i.state = 'waiting'),
    'calendar', (select jsonb_build_object('google_id', c.google_id, 'time_zone', c.time_zone, 'access_role', c.access_role)
                 from tandem.calendars c where c.id = l.calendar_id),
    -- Where only one side is written to, the other one wins.
    'connection', (select jsonb_build_object('send_updates', x.send_updates, 'direction', x.direction,
                     'opt_out', case when l.departing then 'remove' else x.opt_out end,
                     'policy', case x.direction when 'in' then 'google' when 'out' then 'crm' else x.policy end)
                   from tandem.connections x where x.calendar_id = l.calendar_id and x.user_id = l.owner_id
                   order by x.state = 'active' desc limit 1),
    'token', token) || tandem.whereabouts(l)
  from tandem.jobs j where j.event_id = event);
end $$;
comment on function tandem.claimed(uuid, bigint, jsonb, jsonb, tandem.links, bigint, jsonb) is 'All that a decision about the event needs.';

create or replace function tandem.spend_attempt(event uuid, v_rev bigint, v_row jsonb) returns boolean
language plpgsql volatile set search_path = '' as $$
declare n integer; reason text;
begin
  update tandem.jobs set attempts = attempts + 1 where event_id = event returning attempts, last_error into n, reason;
  if n > 10 then
    update tandem.jobs set state = 'dead' where event_id = event;
    perform tandem.show(event, 'error', 'given up after 10 attempts: ' || coalesce(reason, 'each ended without an answer'));
    perform tandem.note(event, 'failed', jsonb_build_object('reason', reason, 'attempts', 10));
    return false;
  end if;
  insert into tandem.attempts (event_id, rev, crm_row) values (event, v_rev, v_row)
  on conflict on constraint attempts_pkey do update set crm_row = excluded.crm_row, at = tandem.clock(), claims = attempts.claims + 1;
  return true;
end $$;
comment on function tandem.spend_attempt(uuid, bigint, jsonb) is 'Counts and notes an attempt before it is made, so that what kills an instance ends too; false where they are spent.';

create or replace function tandem.event_blocked(event uuid, l tandem.links, j tandem.jobs, r jsonb) returns jsonb
language plpgsql volatile set search_path = '' as $$
declare c tandem.calendars; a tandem.accounts; blocked jsonb; keeps boolean;
begin
  select * into c from tandem.calendars where id = l.calendar_id;
  select * into a from tandem.accounts where id = tandem.acting_account(l);
  blocked := tandem.claim_blocked(event, l, c, a);
  if blocked is not null then return blocked; end if;
  if r is null and not tandem.owner_exists(l.owner_id) then
    update tandem.links set state = 'kept' where event_id = event or root_id = event;
    return tandem.finish_unlinked(event, 'its owner is gone; it stays in Google');
  end if;
  keeps := exists (select from tandem.connections x where x.calendar_id = c.id and x.user_id = l.owner_id and x.opt_out = 'keep');
  blocked := tandem.held_back(event, j, l, r, keeps);
  if blocked is not null then return blocked; end if;
  if (select count(*) from tandem.history h where h.event_id = event and h.kind = 'pushed' and h.at > tandem.clock() - interval '10 minutes') >= 20 then
    return tandem.put_by(event, interval '10 minutes', 'another program keeps changing this event; trying again in 10 minutes');
  end if;
  return null;
end $$;
comment on function tandem.event_blocked(uuid, tandem.links, tandem.jobs, jsonb) is 'Why a linked event cannot be worked on now, or null.';

create or replace function tandem.release_lease(root uuid) returns void
language plpgsql volatile set search_path = '' as $$
begin update tandem.leases set until = null where root_id = root; end $$;
comment on function tandem.release_lease(uuid) is 'Ends a lease before its time.';

create or replace function public.tandem_push_claim(p jsonb) returns jsonb
language plpgsql volatile security definer set search_path = '' set timezone = 'UTC' set lock_timeout = '3s' as $$
declare
  event uuid := (p ->> 'event_id')::uuid;
  j tandem.jobs; l tandem.links; crm_row jsonb; gone jsonb; v_rev bigint; fence bigint; unclear boolean; token jsonb; blocked jsonb; account uuid; wait double precision;
begin
  perform tandem.check_instance(p ->> 'instance');
  perform tandem.fold(event);
  select * into j from tandem.jobs where event_id = event for update;
  if not found or j.state in ('dead', 'held') or j.due_at > tandem.clock() then
    return jsonb_build_object('outcome', 'nothing', 'reason', coalesce(j.last_error, 'no work is due'));
  end if;
  -- One statement, one snapshot: the rev belongs to this row.
  select tandem.crm_read(event),
         (select max(ch.rev) from tandem.changes ch where ch.event_id = event),
         tandem.deleted_row(event)
    into crm_row, v_rev, gone;
  blocked := tandem.series_blocked(event, j.root_id, crm_row);
  if blocked is not null then return blocked; end if;
  fence := tandem.lease(j.root_id);
  if fence is null then return jsonb_build_object('outcome', 'busy', 'reason', 'another instance works on it'); end if;
  l := tandem.link_for(event, coalesce(crm_row, case when j.root_id <> event then gone end), j.root_id);
  -- The new copy first, then the one that the event has left.
  if l.id is null or l.state <> 'reserved' then
    l := coalesce((select x from tandem.links x where x.event_id = event and x.leaving order by x.id limit 1), l);
  end if;
  if l.id is null then
    if crm_row is null and j.root_id = event then perform tandem.bury_exceptions(event, 'crm'); end if;
    blocked := tandem.finish_unlinked(event, 'not for Google');
  else
    blocked := tandem.event_blocked(event, l, j, crm_row);
  end if;
  if blocked is not null then
    perform tandem.release_lease(j.root_id);
    return blocked;
  end if;
  v_rev := coalesce(v_rev, l.synced_rev);
  if l.departing then crm_row := crm_row || jsonb_build_object('enabled', false); end if;
  account := tandem.acting_account(l);
  token := tandem.grant_token(account);
  if token is null then
    perform tandem.release_lease(j.root_id);
    update tandem.jobs set due_at = tandem.clock() + interval '3 seconds' where event_id = event;
    return jsonb_build_object('outcome', 'waiting', 'reason', 'the access token is being refreshed');
  end if;
  wait := tandem.take_calls(account, tandem.foreseen(l), not j.quiet);
  if wait is not null then
    perform tandem.release_lease(j.root_id);
    return tandem.put_by(event, wait * interval '1 second' * (1 + random() / 4), 'waiting for Google''s quota');
  end if;
  unclear := exists (select from tandem.attempts t where t.event_id = event);
  if not tandem.spend_attempt(event, v_rev, crm_row) then
    perform tandem.release_lease(j.root_id);
    return jsonb_build_object('outcome', 'nothing', 'reason', 'attempts are spent');
  end if;
  -- A look that is asked for from now on is more than this claim will have done.
  update tandem.jobs set state = 'open', account_id = account, waits_for = null, looking = looking or look, look = false where event_id = event;
  -- A row that was deleted again since is not what it was when its event went.
  gone := case when v_rev > l.synced_rev then coalesce(gone, l.old_row) else coalesce(l.old_row, gone) end;
  return tandem.claimed(event, v_rev, crm_row, gone, l, fence, token) || jsonb_build_object('unclear', unclear);
end $$;
comment on function public.tandem_push_claim(jsonb) is
  'Takes an event''s open work. p: {event_id, instance}. Returns {outcome: claimed, ...} with row, link, bases, attempts, inbox item, calendar and sealed token, or {outcome: nothing | waiting | busy, reason}.';
