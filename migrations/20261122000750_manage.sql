-- What a user sees and changes of their own connections. p.user_id comes from a verified login.

create or replace function tandem.known_choices(p jsonb) returns void
language plpgsql stable set search_path = '' as $$
declare allowed jsonb := jsonb_build_object('direction', array['both', 'in', 'out'], 'policy', array['latest', 'crm', 'google'],
  'send_updates', array['none', 'all', 'externalOnly'], 'opt_out', array['keep', 'remove'], 'state', array['active', 'paused']);
  choice text;
begin
  for choice in select jsonb_object_keys(allowed) loop
    if p ->> choice is not null and not allowed -> choice ? (p ->> choice) then
      raise sqlstate 'PT400' using message = format('%s must be one of %s', choice,
        (select string_agg(v, ', ') from jsonb_array_elements_text(allowed -> choice) v));
    end if;
  end loop;
end $$;
comment on function tandem.known_choices(jsonb) is 'Refuses a choice that is none.';

create or replace function public.tandem_accounts_open(p jsonb) returns jsonb
language plpgsql volatile security definer set search_path = '' set timezone = 'UTC' as $$
declare a tandem.accounts; accounts jsonb := jsonb_build_array(); owner uuid := (p ->> 'user_id')::uuid;
begin
  perform tandem.check_instance(p ->> 'instance');
  for a in select * from tandem.accounts x where x.user_id = owner and x.state <> 'disconnected'
    and x.id = coalesce((p ->> 'account_id')::uuid, x.id) order by x.created_at, x.id
  loop
    accounts := accounts || jsonb_build_object('account_id', a.id, 'email', a.email, 'state', a.state, 'reason', a.reason,
      'token', case when a.state = 'active' and (p -> 'with_token')::boolean then tandem.grant_token(a.id) end,
      'connections', (select coalesce(jsonb_agg(jsonb_build_object('connection_id', k.id, 'google_id', c.google_id, 'summary', c.summary,
          'state', k.state, 'direction', k.direction, 'policy', k.policy, 'send_updates', k.send_updates, 'opt_out', k.opt_out,
          'is_target', k.is_target, 'import_from', tandem.utc(c.import_from)) order by c.summary, k.id), '[]')
        from tandem.connections k join tandem.calendars c on c.id = k.calendar_id where k.account_id = a.id and k.state <> 'disconnected'));
  end loop;
  return jsonb_build_object('accounts', accounts);
end $$;
comment on function public.tandem_accounts_open(jsonb) is
  'A user''s accounts with what they chose. p: {instance, user_id, account_id: only this one, with_token}. Returns {accounts: [{account_id, email, state, reason, token, connections}]}; the token is sealed.';

create or replace function public.tandem_connection_change(p jsonb) returns jsonb
language plpgsql volatile security definer set search_path = '' set timezone = 'UTC' as $$
declare k tandem.connections; before tandem.connections; owner uuid := (p ->> 'user_id')::uuid;
begin
  perform tandem.check_instance(p ->> 'instance');
  perform tandem.known_choices(p);
  select x.* into k from tandem.connections x join tandem.calendars c on c.id = x.calendar_id
  where x.user_id = owner and x.state <> 'disconnected' and (x.id = (p ->> 'connection_id')::uuid
    or p ->> 'connection_id' is null and c.google_id = p ->> 'google_id' and x.account_id = coalesce((p ->> 'account_id')::uuid, x.account_id))
  order by x.created_at limit 1 for update of x;
  if not found then return jsonb_build_object('outcome', 'unknown'); end if;
  if k.state = 'disconnecting' then return jsonb_build_object('outcome', 'disconnecting'); end if;
  if coalesce(p ->> 'direction', k.direction) = 'in' and coalesce((p ->> 'is_target')::boolean, k.is_target) then
    raise sqlstate 'PT400' using message = 'a calendar that is only read cannot take new CRM events',
      hint = 'Choose another calendar for them first, or another direction.';
  end if;
  before := k;
  k := tandem.choose(k, p);
  update tandem.connections x set state = coalesce(p ->> 'state', x.state) where x.id = k.id returning * into k;
  if before.direction = 'out' and k.direction <> 'out' then
    -- What was only noted so far is listed again, and merged.
    update tandem.calendars c set sync_token = null, page_token = null, listing = null, fence = c.fence + 1, lease_until = null where c.id = k.calendar_id;
    update tandem.links l set etag = null where l.calendar_id = k.calendar_id and l.owner_id = k.user_id and l.is_primary and l.state = 'live';
  end if;
  if before.direction = 'in' and k.direction <> 'in' then
    -- What was not sent so far is.
    insert into tandem.jobs as j (event_id, root_id, account_id, due_at, look)
    select l.event_id, l.root_id, k.account_id, tandem.clock(), true from tandem.links l
    where l.calendar_id = k.calendar_id and l.owner_id = k.user_id and l.is_primary and l.state = 'live'
      and tandem.crm_read(l.event_id) is distinct from l.base_crm
    on conflict (event_id) do update set look = true;
  end if;
  if p ? 'import_from' then perform tandem.set_import_from(k.calendar_id, (p ->> 'import_from')::timestamptz); end if;
  if k.state = 'active' then
    update tandem.calendars c set poll_at = tandem.clock() where c.id = k.calendar_id and (before.state <> 'active' or before.direction <> k.direction);
    if before.state <> 'active' then
      -- Its channel may have ended meanwhile.
      update tandem.calendars c set watch_at = tandem.clock() where c.id = k.calendar_id and not exists (
        select from tandem.channels h where h.calendar_id = c.id and h.state = 'active' and h.expires_at > tandem.clock() + interval '1 day');
      perform tandem.wake(k.account_id);
    end if;
  end if;
  if k.is_target and not before.is_target then perform tandem.backfill(k.account_id, k.user_id); perform tandem.wake(k.account_id); end if;
  return jsonb_build_object('outcome', 'changed', 'connection_id', k.id, 'calendar_id', k.calendar_id, 'state', k.state);
end $$;
comment on function public.tandem_connection_change(jsonb) is
  'Stores a user''s choices for one of their calendars; what p does not name stays. p: {instance, user_id, connection_id or google_id and account_id, direction, policy, send_updates, opt_out, is_target, import_from, state: active | paused}. Returns {outcome: changed, connection_id, calendar_id, state} or {outcome: unknown | disconnecting}.';
