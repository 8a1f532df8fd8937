-- Disconnecting, as a job of steps. A step may be lost, doubled or done by two at once.

create or replace function tandem.leave(k tandem.connections, v_choice text) returns void
language plpgsql volatile set search_path = '' as $$
declare t timestamptz := tandem.clock();
begin
  update tandem.connections x set state = 'disconnecting', is_target = false where x.id = k.id;
  -- Whoever works on one of its events now records nothing any more.
  update tandem.leases s set fence = s.fence + 1 where s.root_id in (
    select l.root_id from tandem.links l where l.calendar_id = k.calendar_id and l.owner_id = k.user_id);
  delete from tandem.inbox i using tandem.links l where l.calendar_id = k.calendar_id and l.owner_id = k.user_id
    and i.calendar_id = l.calendar_id and i.google_id = l.google_id;
  perform tandem.show(j.event_id, 'none', null) from tandem.jobs j join tandem.links l on l.event_id = j.event_id and l.is_primary
    where l.calendar_id = k.calendar_id and l.owner_id = k.user_id;
  delete from tandem.jobs j using tandem.links l where l.event_id = j.event_id and l.is_primary
    and l.calendar_id = k.calendar_id and l.owner_id = k.user_id;
  if not exists (select from tandem.connections o where o.calendar_id = k.calendar_id and o.state in ('active', 'paused')) then
    update tandem.calendars c set fence = c.fence + 1, poll_at = null, watch_at = null where c.id = k.calendar_id;
  end if;
  -- A claim that read the state before this takes its lease, of 60 seconds, within a moment.
  insert into tandem.disconnections (account_id, connection_id, choice, not_before, due_at)
  values (k.account_id, k.id, v_choice, t + interval '65 seconds', t + interval '65 seconds');
end $$;
comment on function tandem.leave(tandem.connections, text) is 'Stops all work on a calendar for its user and makes the job that disconnects it.';

create or replace function public.tandem_disconnect_begin(p jsonb) returns jsonb
language plpgsql volatile security definer set search_path = '' set timezone = 'UTC' as $$
declare a tandem.accounts; k tandem.connections; owner uuid := (p ->> 'user_id')::uuid; t timestamptz := tandem.clock();
begin
  perform tandem.check_instance(p ->> 'instance');
  if coalesce(p ->> 'choice', '') not in ('keep', 'remove_from_google', 'remove_from_crm') then
    raise sqlstate 'PT400' using message = 'choice must be one of keep, remove_from_google, remove_from_crm';
  end if;
  select x.* into a from tandem.accounts x where x.user_id = owner and x.state <> 'disconnected' and x.id = coalesce((p ->> 'account_id')::uuid,
    (select o.account_id from tandem.connections o where o.id = (p ->> 'connection_id')::uuid and o.state <> 'disconnected')) for update;
  if not found then return jsonb_build_object('outcome', 'unknown'); end if;
  for k in select * from tandem.connections x where x.account_id = a.id and x.state in ('active', 'paused')
    and (p ->> 'connection_id' is null or x.id = (p ->> 'connection_id')::uuid) order by x.id for update
  loop
    perform tandem.leave(k, p ->> 'choice');
  end loop;
  if p ->> 'connection_id' is null and a.state <> 'disconnecting' then
    update tandem.accounts x set state = 'disconnecting', reason = case when x.state = 'reconnect_needed' then coalesce(x.reason, 'access was withdrawn') end
    where x.id = a.id;
    insert into tandem.disconnections (account_id, choice, phase, not_before, due_at)
    values (a.id, p ->> 'choice', 'account', t + interval '65 seconds', t + interval '65 seconds');
  end if;
  return jsonb_build_object('outcome', 'begun', 'disconnections', (select jsonb_agg(d.id order by d.connection_id is null, d.id)
    from tandem.disconnections d where d.account_id = a.id and d.phase <> 'done'));
end $$;
comment on function public.tandem_disconnect_begin(jsonb) is
  'Begins to disconnect one calendar, or an account with all of its calendars. p: {instance, user_id, connection_id or account_id, choice: keep | remove_from_google | remove_from_crm}. Returns {outcome: begun, disconnections} or {outcome: unknown}.';

create or replace function tandem.can_ask_google(a tandem.accounts) returns boolean
language plpgsql immutable set search_path = '' as $$
begin return a.state = 'active' or a.state = 'disconnecting' and a.reason is null; end $$;
comment on function tandem.can_ask_google(tandem.accounts) is 'Whether the account''s access is still good.';

-- Events that are to go from Google go by their own jobs, which are safe against everything that can happen.
create or replace function tandem.send_away(k tandem.connections) returns integer
language plpgsql volatile set search_path = '' as $$
declare n integer;
begin
  update tandem.links l set departing = true where l.calendar_id = k.calendar_id and l.owner_id = k.user_id and l.is_primary and l.origin = 'crm'
    and l.root_id = l.event_id and (l.state in ('live', 'reserved') or l.proof = 'never_seen');
  get diagnostics n = row_count;
  -- The user has been asked already: the deletion guard lets them go.
  insert into tandem.jobs as j (event_id, root_id, account_id, due_at, look, decision, deleting)
  select l.event_id, l.root_id, k.account_id, tandem.clock(), l.state <> 'live' or exists (select from tandem.attempts t where t.event_id = l.event_id),
    'apply', true
  from tandem.links l where l.departing and l.calendar_id = k.calendar_id and l.owner_id = k.user_id
  on conflict (event_id) do update set state = 'open', attempts = 0, due_at = excluded.due_at, look = true,
    decision = 'apply', deleting = true, waits_for = null;
  return n;
end $$;
comment on function tandem.send_away(tandem.connections) is 'Makes the jobs that delete from Google what came from the CRM; says how many.';

create or replace function tandem.remove_rows(k tandem.connections, most integer) returns integer
language plpgsql volatile set search_path = '' as $$
declare l tandem.links; n integer := 0;
begin
  -- Exceptions before their master, and every event before its link.
  for l in select x.* from tandem.links x where x.calendar_id = k.calendar_id and x.owner_id = k.user_id and x.is_primary and x.origin = 'google'
    order by x.event_id = x.root_id, x.event_id limit most
  loop
    perform tandem.crm_lock(l.event_id, true);
    perform tandem.note(l.event_id, 'deleted', jsonb_build_object('by', 'disconnect', 'row', tandem.crm_delete(l.event_id)));
    delete from tandem.jobs j where j.event_id = l.event_id;
    delete from tandem.attempts t where t.event_id = l.event_id;
    update tandem.changes ch set folded = true where ch.event_id = l.event_id and not ch.folded;
    delete from tandem.links x where x.event_id = l.event_id;
    n := n + 1;
  end loop;
  return n;
end $$;
comment on function tandem.remove_rows(tandem.connections, integer) is 'Deletes from the CRM, under Tandem''s hand, some of what came from Google; says how many.';

create or replace function tandem.hand_over(k tandem.connections, v_choice text) returns void
language plpgsql volatile set search_path = '' as $$
declare heir tandem.connections;
begin
  select x.* into heir from tandem.connections x join tandem.accounts a on a.id = x.account_id
  where x.calendar_id = k.calendar_id and x.state in ('active', 'paused') order by a.state = 'active' desc, x.state = 'active' desc, x.created_at limit 1;
  delete from tandem.links l where l.calendar_id = k.calendar_id and l.owner_id = k.user_id and l.state = 'reserved'
    and not exists (select from tandem.attempts t where t.event_id = l.event_id);
  update tandem.links l set departing = false where l.calendar_id = k.calendar_id and l.owner_id = k.user_id and l.departing;
  perform tandem.show(l.event_id, 'none', null) from tandem.links l
  where l.calendar_id = k.calendar_id and l.owner_id = k.user_id and l.is_primary and heir.id is null;
  if heir.id is null then
    update tandem.calendars c set poll_at = null, lease_until = null, sync_token = null, page_token = null, listing = null, push = 'off'
    where c.id = k.calendar_id;
    return;
  end if;
  -- Another user syncs the calendar: what is shared lives on through their account.
  update tandem.links l set owner_id = heir.user_id where l.calendar_id = k.calendar_id and l.owner_id = k.user_id and l.state <> 'gone';
  update tandem.calendars c set account_id = heir.account_id, push = 'off', poll_at = tandem.clock(), watch_at = tandem.clock(),
    sync_token = case when v_choice <> 'remove_from_crm' then c.sync_token end,
    page_token = case when v_choice <> 'remove_from_crm' then c.page_token end,
    listing = case when v_choice <> 'remove_from_crm' then c.listing end
  where c.id = k.calendar_id and c.account_id = k.account_id;
  perform tandem.catch_up(heir);
  perform tandem.wake(heir.account_id);
end $$;
comment on function tandem.hand_over(tandem.connections, text) is 'Ends the calendar''s listing, or hands it to another user who syncs the same calendar.';

create or replace function tandem.disconnect_events(d tandem.disconnections, k tandem.connections, a tandem.accounts) returns jsonb
language plpgsql volatile set search_path = '' as $$
declare open_jobs integer; dead integer; n integer; due jsonb;
begin
  if d.phase = 'begun' then
    n := case d.choice when 'remove_from_google' then tandem.send_away(k)
      when 'remove_from_crm' then (select count(*) from tandem.links l where l.calendar_id = k.calendar_id and l.owner_id = k.user_id
        and l.is_primary and l.origin = 'google' and l.state <> 'gone') else 0 end;
    update tandem.disconnections x set phase = case d.choice when 'remove_from_google' then 'leaving' when 'remove_from_crm' then 'rows' else 'channels' end,
      total = n where x.id = d.id;
    return jsonb_build_object('outcome', 'again');
  elsif d.phase = 'rows' then
    n := tandem.remove_rows(k, 100);
    update tandem.disconnections x set done = least(x.total, x.done + n), phase = case when n = 0 then 'channels' else 'rows' end where x.id = d.id;
    return jsonb_build_object('outcome', 'again');
  end if;
  select count(*) filter (where j.state not in ('dead', 'held')), count(*) filter (where j.state in ('dead', 'held')),
    coalesce(jsonb_agg(j.event_id) filter (where j.state = 'open' and j.due_at <= tandem.clock()), '[]')
  into open_jobs, dead, due from tandem.jobs j join tandem.links l on l.event_id = j.event_id and l.is_primary
  where l.departing and l.calendar_id = k.calendar_id and l.owner_id = k.user_id;
  update tandem.disconnections x set done = x.total - open_jobs - dead where x.id = d.id;
  if open_jobs > 0 and tandem.can_ask_google(a) then
    return jsonb_build_object('outcome', 'push', 'events', (select coalesce(jsonb_agg(e), '[]') from (select e from jsonb_array_elements(due) e limit 20) x));
  end if;
  update tandem.disconnections x set phase = 'channels', problem = case when open_jobs + dead > 0 then
    format('%s events could not be removed from Google Calendar', open_jobs + dead) end where x.id = d.id;
  delete from tandem.attempts t using tandem.links l where l.event_id = t.event_id and l.is_primary and l.departing
    and l.calendar_id = k.calendar_id and l.owner_id = k.user_id;
  delete from tandem.jobs j using tandem.links l where l.event_id = j.event_id and l.is_primary and l.departing
    and l.calendar_id = k.calendar_id and l.owner_id = k.user_id;
  return jsonb_build_object('outcome', 'again');
end $$;
comment on function tandem.disconnect_events(tandem.disconnections, tandem.connections, tandem.accounts) is 'The part of a disconnect that is about events.';

create or replace function tandem.stoppable(account uuid) returns jsonb
language plpgsql stable set search_path = '' as $$
begin
  return (select coalesce(jsonb_agg(jsonb_build_object('channel_id', h.id, 'resource_id', h.resource_id)), '[]')
  from tandem.channels h where h.account_id = account and h.state = 'stopping' and h.resource_id is not null and h.expires_at > tandem.clock());
end $$;
comment on function tandem.stoppable(uuid) is 'An account''s channels that Google is to be asked to stop.';

create or replace function tandem.disconnect_channels(d tandem.disconnections, k tandem.connections, a tandem.accounts) returns jsonb
language plpgsql volatile set search_path = '' as $$
declare token jsonb;
begin
  if d.tries = 0 then perform tandem.hand_over(k, d.choice); end if;
  update tandem.channels h set state = 'stopping' where h.calendar_id = k.calendar_id and h.account_id = k.account_id and h.state in ('creating', 'active');
  if tandem.can_ask_google(a) and d.tries < 10 and tandem.stoppable(a.id) <> '[]' then
    update tandem.disconnections x set tries = x.tries + 1 where x.id = d.id;
    token := tandem.grant_token(a.id);
    if token is null then return jsonb_build_object('outcome', 'waiting', 'reason', 'the access token is being refreshed'); end if;
    return jsonb_build_object('outcome', 'stop', 'channels', tandem.stoppable(a.id), 'token', token);
  end if;
  -- What cannot be stopped ends by itself; until then its messages ask for nothing.
  update tandem.channels h set state = 'stopped' where h.calendar_id = k.calendar_id and h.account_id = k.account_id and h.state = 'stopping';
  update tandem.connections x set state = 'disconnected' where x.id = k.id;
  update tandem.disconnections x set phase = 'done', finished_at = tandem.clock() where x.id = d.id;
  update tandem.disconnections x set due_at = tandem.clock() where x.account_id = a.id and x.phase = 'account';
  return jsonb_build_object('outcome', 'done');
end $$;
comment on function tandem.disconnect_channels(tandem.disconnections, tandem.connections, tandem.accounts) is 'The part of a disconnect that is about channels, and its end.';

create or replace function tandem.erase_account(d tandem.disconnections, why text) returns jsonb
language plpgsql volatile set search_path = '' as $$
begin
  update tandem.accounts a set state = 'disconnected', reason = null, refresh_token = null, access_token = null, access_expires_at = null,
    token_generation = a.token_generation + 1, refreshing_until = null, paused_until = null, pause_reason = null where a.id = d.account_id;
  update tandem.disconnections x set phase = 'done', finished_at = tandem.clock(), problem = why where x.id = d.id;
  return jsonb_build_object('outcome', 'done');
end $$;
comment on function tandem.erase_account(tandem.disconnections, text) is 'Forgets an account''s secrets.';

create or replace function tandem.disconnect_account(d tandem.disconnections, a tandem.accounts) returns jsonb
language plpgsql volatile set search_path = '' as $$
begin
  if exists (select from tandem.disconnections x where x.account_id = a.id and x.phase not in ('account', 'done')) then
    return jsonb_build_object('outcome', 'waiting', 'reason', 'its calendars are disconnected first');
  end if;
  -- Revoking ends every grant of this person: two at once must see each other.
  perform from tandem.accounts x where x.google_sub = a.google_sub order by x.id for update;
  if not tandem.can_ask_google(a) or exists (select from tandem.accounts x where x.google_sub = a.google_sub and x.id <> a.id
    and x.state in ('active', 'disconnecting')) then
    return tandem.erase_account(d, null);
  elsif d.tries >= 10 then
    return tandem.erase_account(d, 'Google could not be told; remove the access in the Google account''s settings');
  end if;
  update tandem.disconnections x set tries = x.tries + 1, due_at = tandem.clock() + interval '1 minute' where x.id = d.id;
  return jsonb_build_object('outcome', 'revoke', 'refresh_token', a.refresh_token);
end $$;
comment on function tandem.disconnect_account(tandem.disconnections, tandem.accounts) is 'The end of an account: access is given back unless somebody else connected the same Google account.';

create or replace function public.tandem_disconnect_step(p jsonb) returns jsonb
language plpgsql volatile security definer set search_path = '' set timezone = 'UTC' as $$
declare d tandem.disconnections; k tandem.connections; a tandem.accounts; t timestamptz := tandem.clock();
begin
  perform tandem.check_instance(p ->> 'instance');
  select * into d from tandem.disconnections where id = (p ->> 'id')::uuid for update;
  if not found or d.phase = 'done' then return jsonb_build_object('outcome', 'done'); end if;
  if d.not_before > t then return jsonb_build_object('outcome', 'waiting', 'reason', 'work that was under way ends first'); end if;
  update tandem.disconnections x set due_at = t + interval '10 seconds' where x.id = d.id;
  select * into a from tandem.accounts where id = d.account_id;
  if d.phase = 'account' then
    if (p -> 'revoked')::boolean then return tandem.erase_account(d, null); end if;
    return tandem.disconnect_account(d, a);
  end if;
  select * into k from tandem.connections where id = d.connection_id;
  if d.phase in ('begun', 'leaving', 'rows') then return tandem.disconnect_events(d, k, a); end if;
  return tandem.disconnect_channels(d, k, a);
end $$;
comment on function public.tandem_disconnect_step(jsonb) is
  'Does the next step of a disconnect, or says which one Google is needed for. p: {instance, id, revoked}. Returns {outcome: again | waiting | done}, {outcome: push, events}, {outcome: stop, channels, token} or {outcome: revoke, refresh_token}.';

create or replace function public.tandem_channel_stopping(p jsonb) returns jsonb
language plpgsql volatile security definer set search_path = '' set timezone = 'UTC' as $$
declare a tandem.accounts; channels jsonb; token jsonb;
begin
  perform tandem.check_instance(p ->> 'instance');
  select * into a from tandem.accounts where id = (p ->> 'account_id')::uuid;
  channels := tandem.stoppable(a.id);
  if channels = '[]' or not tandem.can_ask_google(a) then
    return jsonb_build_object('outcome', 'nothing', 'reason', 'no channel can be stopped');
  end if;
  -- Not again at once, whether it succeeds or not.
  update tandem.channels h set retry_at = tandem.clock() + interval '10 minutes' where h.account_id = a.id and h.state = 'stopping';
  token := tandem.grant_token(a.id);
  if token is null then return jsonb_build_object('outcome', 'nothing', 'reason', 'the access token is being refreshed'); end if;
  return jsonb_build_object('outcome', 'stop', 'channels', channels, 'token', token);
end $$;
comment on function public.tandem_channel_stopping(jsonb) is
  'An account''s channels that are still to be stopped. p: {instance, account_id}. Returns {outcome: stop, channels, token} or {outcome: nothing, reason}.';
