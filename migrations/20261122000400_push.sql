-- CRM to Google: claim an event's open work, record what came of it.

create or replace function tandem.fold(event uuid) returns boolean
language plpgsql volatile set search_path = '' as $$
declare root uuid;
begin
  update tandem.changes c set folded = true where c.event_id = event and not c.folded;
  if not found then return false; end if;
  root := tandem.root_of(event);
  insert into tandem.jobs as j (event_id, root_id, account_id, due_at) values (event, root, tandem.account_for(event), tandem.clock())
  on conflict (event_id) do update set root_id = excluded.root_id, account_id = coalesce(excluded.account_id, j.account_id), due_at = excluded.due_at, attempts = 0,
    state = case when j.state = 'waiting' then 'waiting' else 'open' end;
  return true;
end $$;
comment on function tandem.fold(uuid) is 'Turns an event''s changes into its job; says whether there were any.';

create or replace function tandem.acting_account(l tandem.links) returns uuid
language sql stable set search_path = '' as $$
  select coalesce(
    (select x.account_id from tandem.connections x where x.calendar_id = l.calendar_id and x.user_id = l.owner_id
      order by x.state = 'active' desc limit 1),
    (select c.account_id from tandem.calendars c where c.id = l.calendar_id));
$$;
comment on function tandem.acting_account(tandem.links) is 'The account that writes for the link''s owner.';

create or replace function tandem.account_for(event uuid) returns uuid
language sql stable set search_path = '' as $$
  select coalesce(
    (select tandem.acting_account(l) from tandem.links l where l.event_id = event and l.is_primary),
    (select x.account_id from tandem.connections x where x.user_id = (tandem.crm_read(event) ->> 'owner_id')::uuid
      and x.is_target and x.state <> 'disconnected'));
$$;
comment on function tandem.account_for(uuid) is 'The account that the work on an event is for, as far as that is known before a claim.';

create or replace function tandem.root_of(event uuid) returns uuid
language sql stable set search_path = '' as $$
  select coalesce(
    (tandem.crm_read(event) ->> 'recurring_event_id')::uuid,
    (select l.root_id from tandem.links l where l.event_id = event and l.is_primary),
    event);
$$;
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

create or replace function tandem.show(event uuid, state text, error text) returns void
language sql volatile set search_path = '' as $$
  select tandem.crm_show(event, state, error,
    (select l.google_id from tandem.links l where l.event_id = event and l.is_primary and l.state = 'live'),
    (select c.google_id from tandem.links l join tandem.calendars c on c.id = l.calendar_id
      where l.event_id = event and l.is_primary and l.state = 'live'));
$$;
comment on function tandem.show(uuid, text, text) is 'Shows a state on the event, with the ids that its link knows.';

create or replace function tandem.finish_unlinked(event uuid, reason text) returns jsonb
language plpgsql volatile set search_path = '' as $$
begin
  delete from tandem.jobs where event_id = event;
  perform tandem.show(event, 'none', null);
  return jsonb_build_object('outcome', 'nothing', 'reason', reason);
end $$;
comment on function tandem.finish_unlinked(uuid, text) is 'Ends the work on an event that is not for Google.';

create or replace function tandem.lease(root uuid) returns bigint
language sql volatile set search_path = '' as $$
  insert into tandem.leases as l (root_id, fence, until) values (root, 1, tandem.clock() + interval '60 seconds')
  on conflict (root_id) do update set fence = l.fence + 1, until = excluded.until
    where l.until is null or l.until <= tandem.clock()
  returning fence;
$$;
comment on function tandem.lease(uuid) is 'Takes a series for 60 seconds; null while somebody else has it.';

-- The event's primary link; a new one is reserved in the owner's target calendar.
create or replace function tandem.link_for(event uuid, crm_row jsonb) returns tandem.links
language plpgsql volatile set search_path = '' as $$
declare l tandem.links; c tandem.connections; owner uuid := (crm_row ->> 'owner_id')::uuid;
begin
  select * into l from tandem.links x where x.event_id = event and x.is_primary;
  if found or crm_row is null or not (crm_row ->> 'enabled')::boolean then return l; end if;
  select * into c from tandem.connections x where x.user_id = owner and x.is_target
    and x.state in ('active', 'paused') and x.direction <> 'in';
  if not found then return null; end if;
  insert into tandem.links (tenant, event_id, root_id, owner_id, calendar_id, google_id, origin, state)
  values (c.tenant, event, tandem.root_of(event), owner, c.calendar_id, tandem.google_id(event, 0), 'crm', 'reserved')
  on conflict do nothing returning * into l;
  return l;
end $$;
comment on function tandem.link_for(uuid, jsonb) is 'The link of an event, made where it has none and is for Google; null where it is not.';

create or replace function tandem.claim_blocked(event uuid, l tandem.links, c tandem.calendars, a tandem.accounts) returns jsonb
language plpgsql volatile set search_path = '' as $$
declare conn tandem.connections;
begin
  select * into conn from tandem.connections x where x.calendar_id = c.id and x.user_id = l.owner_id
    order by x.state = 'active' desc limit 1;
  if a.state in ('disconnecting', 'disconnected') or conn.id is null or conn.state in ('disconnecting', 'disconnected') then
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

create or replace function tandem.claimed(event uuid, v_rev bigint, crm_row jsonb, old_row jsonb, l tandem.links, fence bigint, token jsonb)
returns jsonb language sql stable set search_path = '' as $$
  select jsonb_build_object(
    'outcome', 'claimed', 'event_id', event, 'rev', v_rev, 'fence', fence, 'now', tandem.utc(tandem.clock()),
    'row', crm_row, 'old_row', old_row, 'attempt', j.attempts,
    'look', j.looking or exists (select from tandem.inbox i where i.calendar_id = l.calendar_id and i.google_id = l.google_id and i.state = 'waiting'),
    'link', to_jsonb(l) - 'tenant' - 'seen_listing' - 'recorded_seq' - 'created_at',
    'attempts', (select coalesce(jsonb_agg(jsonb_build_object('rev', t.rev, 'row', t.crm_row) order by t.rev), '[]')
                 from tandem.attempts t where t.event_id = event),
    'changed_at', (select coalesce(jsonb_object_agg(f.field, f.at), '{}') from (
                     select field, tandem.utc(max(ch.changed_at)) at from tandem.changes ch, unnest(ch.fields) field
                     where ch.event_id = event and ch.rev > l.synced_rev group by field) f),
    'inbox', (select jsonb_build_object('raw', i.raw, 'etag', i.etag) from tandem.inbox i
              where i.calendar_id = l.calendar_id and i.google_id = l.google_id and i.state = 'waiting'),
    'calendar', (select jsonb_build_object('google_id', c.google_id, 'time_zone', c.time_zone, 'access_role', c.access_role)
                 from tandem.calendars c where c.id = l.calendar_id),
    'connection', (select jsonb_build_object('policy', x.policy, 'send_updates', x.send_updates, 'direction', x.direction)
                   from tandem.connections x where x.calendar_id = l.calendar_id and x.user_id = l.owner_id
                   order by x.state = 'active' desc limit 1),
    'token', token)
  from tandem.jobs j where j.event_id = event;
$$;
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
  on conflict on constraint attempts_pkey do update set crm_row = excluded.crm_row, at = tandem.clock();
  return true;
end $$;
comment on function tandem.spend_attempt(uuid, bigint, jsonb) is 'Counts and notes an attempt before it is made, so that what kills an instance ends too; false where they are spent.';

create or replace function public.tandem_push_claim(p jsonb) returns jsonb
language plpgsql volatile security definer set search_path = '' set timezone = 'UTC' set lock_timeout = '3s' as $$
declare
  event uuid := (p ->> 'event_id')::uuid;
  j tandem.jobs; l tandem.links; c tandem.calendars; a tandem.accounts;
  crm_row jsonb; gone jsonb; v_rev bigint; fence bigint; unclear boolean; token jsonb; blocked jsonb;
begin
  perform tandem.check_instance(p ->> 'instance');
  perform tandem.fold(event);
  select * into j from tandem.jobs where event_id = event for update;
  if not found or j.state = 'dead' or j.due_at > tandem.clock() then
    return jsonb_build_object('outcome', 'nothing', 'reason', 'no work is due');
  end if;
  -- One statement, one snapshot: the rev belongs to this row.
  select tandem.crm_read(event),
         (select max(ch.rev) from tandem.changes ch where ch.event_id = event),
         (select ch.old_row from tandem.changes ch where ch.event_id = event order by ch.rev desc limit 1)
    into crm_row, v_rev, gone;
  l := tandem.link_for(event, crm_row);
  if l.id is null then return tandem.finish_unlinked(event, 'not for Google'); end if;
  v_rev := coalesce(v_rev, l.synced_rev);
  select * into c from tandem.calendars where id = l.calendar_id;
  select * into a from tandem.accounts where id = tandem.acting_account(l);
  blocked := tandem.claim_blocked(event, l, c, a);
  if blocked is not null then return blocked; end if;
  fence := tandem.lease(j.root_id);
  if fence is null then return jsonb_build_object('outcome', 'busy', 'reason', 'another instance works on it'); end if;
  token := tandem.grant_token(a.id);
  if token is null then
    update tandem.leases set until = null where root_id = j.root_id;
    update tandem.jobs set due_at = tandem.clock() + interval '3 seconds' where event_id = event;
    return jsonb_build_object('outcome', 'waiting', 'reason', 'the access token is being refreshed');
  end if;
  unclear := exists (select from tandem.attempts t where t.event_id = event);
  if not tandem.spend_attempt(event, v_rev, crm_row) then
    update tandem.leases set until = null where root_id = j.root_id;
    return jsonb_build_object('outcome', 'nothing', 'reason', 'attempts are spent');
  end if;
  -- A look that is asked for from now on is more than this claim will have done.
  update tandem.jobs set state = 'open', account_id = a.id, looking = looking or look, look = false where event_id = event;
  return tandem.claimed(event, v_rev, crm_row, coalesce(l.old_row, gone), l, fence, token) || jsonb_build_object('unclear', unclear);
end $$;
comment on function public.tandem_push_claim(jsonb) is
  'Takes an event''s open work. p: {event_id, instance}. Returns {outcome: claimed, ...} with row, link, bases, attempts, inbox item, calendar and sealed token, or {outcome: nothing | waiting | busy, reason}.';
