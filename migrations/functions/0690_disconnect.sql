set local lock_timeout = '3s';
-- Disconnecting, as a job of steps. A step may be lost, doubled or done by two at once, and does a bounded part. It is
-- about one connection, so about one user's rows.

create or replace function tandem.leave(k tandem.connections, choice text, begun_by text, t timestamptz) returns void
language plpgsql volatile set search_path = '' as $$
begin
  -- Whoever lists it now stores nothing any more.
  update tandem.connections c set state = 'disconnecting', is_target = false, due_at = null, watch_at = null,
    lease_until = null, fence = nextval('tandem.fences') where c.id = k.id;
  delete from tandem.walks w where w.connection_id = k.id;
  -- Who loaded before this writes within its lease, of 60 seconds.
  insert into tandem.disconnections (account_id, connection_id, choice, begun_by, not_before, due_at, created_at)
  values (k.account_id, k.id, choice, begun_by, t + interval '65 seconds', t + interval '65 seconds', t);
end $$;
comment on function tandem.leave(tandem.connections, text, text, timestamptz) is
  'Stops all work on a connection and makes the job that ends it.';

create or replace function tandem.end_account(a tandem.accounts, one uuid, choice text, begun_by text, t timestamptz)
returns void
language plpgsql volatile set search_path = '' as $$
declare k tandem.connections;
begin
  for k in select * from tandem.connections x where x.account_id = a.id and x.id = coalesce(one, x.id)
    and x.state in ('active', 'paused', 'unreachable') order by x.id for update
  loop
    perform tandem.leave(k, choice, begun_by, t);
  end loop;
  if one is null and a.state not in ('disconnecting', 'disconnected') then
    update tandem.accounts x set state = 'disconnecting',
      reason = case x.state when 'reconnect_needed' then coalesce(x.reason, 'access was withdrawn') end
    where x.id = a.id;
    insert into tandem.disconnections (account_id, choice, begun_by, phase, not_before, due_at, created_at)
    values (a.id, choice, begun_by, 'account', t + interval '65 seconds', t + interval '65 seconds', t);
  end if;
end $$;
comment on function tandem.end_account(tandem.accounts, uuid, text, text, timestamptz) is
  'Begins to disconnect an account, or one of its connections.';

create or replace function tandem.is_choice(choice text) returns void
language plpgsql immutable set search_path = '' as $$
begin
  if choice is null or choice not in ('keep', 'remove_from_google', 'remove_from_crm') then
    raise sqlstate 'PT400' using message = 'choice must be one of keep, remove_from_google, remove_from_crm';
  end if;
end $$;
comment on function tandem.is_choice(text) is 'Refuses a choice that is none.';

create or replace function public.tandem_disconnect_begin(p jsonb) returns jsonb
language plpgsql volatile security definer set search_path = '' set timezone = 'UTC' as $$
declare t timestamptz := tandem.called(p); a tandem.accounts; one uuid := tandem.connection_id(p);
begin
  perform tandem.need(p, 'user_id string', 'account_id uuid?');
  perform tandem.is_choice(p ->> 'choice');
  -- Connections before their account, as in a listing.
  perform from tandem.connections k where k.user_id = p ->> 'user_id' order by k.id for update;
  select x.* into a from tandem.accounts x where x.user_id = p ->> 'user_id' and x.state <> 'disconnected'
    and x.id = coalesce((p ->> 'account_id')::uuid, (select o.account_id from tandem.connections o where o.id = one
      and o.state <> 'disconnected')) for update;
  if not found then return jsonb_build_object('outcome', 'unknown'); end if;
  perform tandem.end_account(a, one, p ->> 'choice', 'user', t);
  return jsonb_build_object('outcome', 'begun', 'disconnections', (
    select coalesce(jsonb_agg(d.id order by d.connection_id is null, d.id), '[]')
    from tandem.disconnections d where d.account_id = a.id and d.phase <> 'done'));
end $$;
comment on function public.tandem_disconnect_begin(jsonb) is
  'Begins to disconnect one calendar, or an account with all of its calendars. p: {instance, user_id, connection_id or '
  'account_id, choice: keep | remove_from_google | remove_from_crm}. Returns {outcome: begun, disconnections} or '
  '{outcome: unknown}.';

create or replace function tandem.ended(job uuid) returns jsonb
language plpgsql stable set search_path = '' as $$
begin
  return (select jsonb_build_object('outcome', 'done', 'ended', jsonb_build_object('user', a.user_id, 'account', a.id,
    'connection', d.connection_id, 'choice', d.choice, 'begun_by', d.begun_by, 'is_clean', d.problem is null))
    from tandem.disconnections d join tandem.accounts a on a.id = d.account_id where d.id = job);
end $$;
comment on function tandem.ended(uuid) is 'What the log says of a disconnect that has come to its end.';

create or replace function tandem.erase_secrets(d tandem.disconnections, why text, t timestamptz) returns jsonb
language plpgsql volatile set search_path = '' as $$
begin
  update tandem.accounts a set state = 'disconnected', reason = null, refresh_token = null, access_token = null,
    access_expires_at = null, token_generation = a.token_generation + 1, refreshing_until = null, paused_until = null,
    pause_reason = null, begin_at = null, begin_reason = null where a.id = d.account_id;
  update tandem.disconnections x set phase = 'done', finished_at = t, problem = why where x.id = d.id;
  return tandem.ended(d.id);
end $$;
comment on function tandem.erase_secrets(tandem.disconnections, text, timestamptz) is 'Forgets an account''s secrets.';

create or replace function tandem.disconnect_account(d tandem.disconnections, a tandem.accounts, t timestamptz)
returns jsonb
language plpgsql volatile set search_path = '' as $$
begin
  if exists (select from tandem.disconnections x where x.account_id = a.id and x.phase not in ('account', 'done')) then
    return jsonb_build_object('outcome', 'waiting', 'reason', 'its calendars are disconnected first');
  end if;
  -- Revoking ends every grant of this person: two at once must see each other.
  perform from tandem.accounts x where x.subject = a.subject order by x.id for update;
  if not tandem.can_ask(a) or exists (select from tandem.accounts x where x.subject = a.subject and x.id <> a.id
    and x.state in ('active', 'disconnecting')) then
    return tandem.erase_secrets(d, null, t);
  elsif d.tries >= 10 then
    return tandem.erase_secrets(d, 'the provider could not be told; remove the access in the account''s settings', t);
  end if;
  update tandem.disconnections x set tries = x.tries + 1, due_at = t + interval '1 minute' where x.id = d.id;
  return jsonb_build_object('outcome', 'revoke', 'token', jsonb_build_object('account_id', a.id)
    || tandem.token_json(a, true, t));
end $$;
comment on function tandem.disconnect_account(tandem.disconnections, tandem.accounts, timestamptz) is
  'The end of an account: access is given back unless somebody else connected the same one.';

create or replace function public.tandem_disconnect_step(p jsonb) returns jsonb
language plpgsql volatile security definer set search_path = '' set timezone = 'UTC' as $$
declare t timestamptz := tandem.called(p); d tandem.disconnections; k tandem.connections; a tandem.accounts;
begin
  perform tandem.need(p, 'id uuid', 'revoked boolean?');
  -- Connection before job, since a person who begins another one has them in this order.
  perform from tandem.connections c join tandem.disconnections x on x.connection_id = c.id
  where x.id = (p ->> 'id')::uuid for no key update of c;
  select * into d from tandem.disconnections x where x.id = (p ->> 'id')::uuid for update;
  if not found or d.phase = 'done' then return jsonb_build_object('outcome', 'done'); end if;
  if d.not_before > t then
    return jsonb_build_object('outcome', 'waiting', 'reason', 'work that was under way ends first');
  end if;
  update tandem.disconnections x set due_at = t + interval '10 seconds' where x.id = d.id;
  select * into a from tandem.accounts x where x.id = d.account_id;
  if d.phase = 'account' then
    if (p -> 'revoked')::boolean then return tandem.erase_secrets(d, null, t); end if;
    return tandem.disconnect_account(d, a, t);
  end if;
  select * into k from tandem.connections c where c.id = d.connection_id;
  return case d.phase when 'begun' then tandem.disconnect_start(d, k)
    when 'leaving' then tandem.disconnect_leaving(d, k, a, t)
    when 'rows' then tandem.disconnect_rows(d, k, t)
    else tandem.disconnect_channels(d, k, a, t) end;
end $$;
comment on function public.tandem_disconnect_step(jsonb) is
  'Does the next step of a disconnect, or says which one the provider is needed for. p: {instance, id, revoked}. '
  'Returns {outcome: again | waiting | done}, {outcome: done, ended: {user, account, connection, choice, begun_by: '
  'user | operator | database | clock, is_clean}}, {outcome: push, events}, {outcome: stop, channels, token} or '
  '{outcome: revoke, token}.';

select tandem.seal();
