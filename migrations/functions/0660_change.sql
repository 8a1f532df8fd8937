set local lock_timeout = '3s';
-- What a user changes of their own connections. p.user_id comes from a verified login.

create or replace function tandem.connection_meant(p jsonb) returns tandem.connections
language plpgsql volatile set search_path = '' as $$
declare k tandem.connections; named uuid := tandem.connection_id(p);
begin
  perform tandem.need(p, 'user_id string', 'google_id string?', 'account_id uuid?');
  select x.* into k from tandem.connections x
  where x.user_id = p ->> 'user_id' and x.state <> 'disconnected' and (x.id = named or named is null
    and x.calendar_id = p ->> 'google_id' and x.account_id = coalesce((p ->> 'account_id')::uuid, x.account_id))
  order by x.created_at limit 1 for update;
  return k;
end $$;
comment on function tandem.connection_meant(jsonb) is
  'The user''s connection, by its key or by its calendar and perhaps its account.';

create or replace function tandem.turn(before tandem.connections, k tandem.connections, t timestamptz) returns void
language plpgsql volatile set search_path = '' as $$
declare was text := coalesce(before.choices ->> 'direction', 'both');
  is_now text := coalesce(k.choices ->> 'direction', 'both');
begin
  -- What was only noted so far is read again, and merged; what was not sent so far is.
  if was = 'out' and is_now <> 'out' then perform tandem.begin_walk(k.id, 'unread'); end if;
  if was = 'in' and is_now <> 'in' then perform tandem.begin_walk(k.id, 'look'); end if;
  if k.is_target and not before.is_target then perform tandem.begin_walk(k.id, 'backfill'); end if;
  if k.state <> 'active' then return; end if;
  if before.state <> 'active' or was <> is_now then perform tandem.list_soon(k.id, t); end if;
  if before.state = 'paused' then
    -- Its channel may have ended meanwhile.
    update tandem.connections c set watch_at = t where c.id = k.id and not exists (select from tandem.channels h
      where h.connection_id = c.id and h.state = 'active' and h.expires_at > t + interval '1 day');
    perform tandem.wake_user(k.user_id, t);
  end if;
end $$;
comment on function tandem.turn(tandem.connections, tandem.connections, timestamptz) is 'What follows from a choice.';

create or replace function public.tandem_connection_change(p jsonb) returns jsonb
language plpgsql volatile security definer set search_path = '' set timezone = 'UTC' as $$
declare t timestamptz := tandem.called(p); k tandem.connections; before tandem.connections;
begin
  perform tandem.known_choices(p);
  perform tandem.need(p, 'user_id string');
  perform pg_advisory_xact_lock(hashtextextended('tandem target ' || (p ->> 'user_id'), 0));
  k := tandem.connection_meant(p);
  if k.id is null then return jsonb_build_object('outcome', 'unknown'); end if;
  if k.state = 'disconnecting' then return jsonb_build_object('outcome', 'disconnecting'); end if;
  perform tandem.check_target(k, p);
  before := k;
  k := tandem.choose(k, p);
  if p ? 'import_from' then perform tandem.set_import_from(before, tandem.moment(p, 'import_from'), t); end if;
  -- A calendar that cannot be reached goes on being one until a listing says otherwise.
  update tandem.connections x set state = case when p ->> 'state' = 'paused' then 'paused'
    when p ->> 'state' = 'active' and x.state = 'paused' then 'active' else x.state end
  where x.id = k.id returning * into k;
  perform tandem.turn(before, k, t);
  return jsonb_build_object('outcome', 'changed', 'connection_id', k.id, 'calendar_id', k.id, 'state', k.state);
end $$;
comment on function public.tandem_connection_change(jsonb) is
  'Stores a user''s choices for one of their calendars; what p does not name stays. p: {instance, user_id, '
  'connection_id or google_id and account_id, direction, policy, send_updates, opt_out, is_target, import_from, '
  'state: active | paused}. Returns {outcome: changed, connection_id, calendar_id: the same, state} or {outcome: '
  'unknown | disconnecting}.';

create or replace function public.tandem_resync(p jsonb) returns jsonb
language plpgsql volatile security definer set search_path = '' set timezone = 'UTC' as $$
declare t timestamptz := tandem.called(p); k tandem.connections := tandem.connection_of(p);
begin
  if k.state not in ('active', 'unreachable') then
    raise sqlstate 'PT409' using message = format('this calendar is %s', k.state),
      hint = 'Resume it first, or choose it again.';
  elsif (select a.state from tandem.accounts a where a.id = k.account_id) <> 'active' then
    raise sqlstate 'PT409' using message = 'the access to this calendar has ended',
      hint = 'Connect the account again first.';
  end if;
  perform tandem.list_everything(k.id, t);
  return jsonb_build_object('outcome', 'due', 'connection_id', k.id, 'calendar_id', k.id);
end $$;
comment on function public.tandem_resync(jsonb) is
  'Has a whole calendar listed again. p: {instance, user_id, connection_id}. Returns {outcome: due, connection_id, '
  'calendar_id: the same}; PT404, or PT409 where it is not active.';

select tandem.seal();
