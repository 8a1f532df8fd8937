set local lock_timeout = '3s';
-- A calendar becomes one that is synced. What that means for the user's rows is a walk's business.

create or replace function tandem.begin_walk(connection uuid, kind text) returns void
language plpgsql volatile set search_path = '' as $$
begin
  insert into tandem.walks (connection_id, kind) values (connection, begin_walk.kind)
  on conflict on constraint walks_connection_id_kind_key do update set place = '', walked_at = '-infinity';
end $$;
comment on function tandem.begin_walk(uuid, text) is
  'Has something done to all events of a connection, in chunks, by the tick.';

create or replace function tandem.check_target(k tandem.connections, p jsonb) returns void
language plpgsql stable set search_path = '' as $$
begin
  if not coalesce((p ->> 'is_target')::boolean, k.is_target) then return; end if;
  if coalesce(p ->> 'direction', k.choices ->> 'direction') = 'in' then
    raise sqlstate 'PT400' using message = 'a calendar that is only read cannot take new CRM events',
      hint = 'Choose another calendar for them first, or another direction.';
  elsif tandem.is_reader(k.access_role) then
    raise sqlstate 'PT400' using message = 'you may only read this calendar, so it cannot take new CRM events',
      hint = 'Choose another calendar for them, or ask its owner for the right to change it.';
  end if;
end $$;
comment on function tandem.check_target(tandem.connections, jsonb) is
  'Refuses a target that nothing can be written to.';

create or replace function tandem.choose(k tandem.connections, p jsonb) returns tandem.connections
language plpgsql volatile set search_path = '' as $$
begin
  if (p ->> 'is_target')::boolean then
    update tandem.connections o set is_target = false where o.user_id = k.user_id and o.is_target and o.id <> k.id;
  end if;
  update tandem.connections x set is_target = coalesce((p ->> 'is_target')::boolean, x.is_target),
    choices = x.choices || jsonb_strip_nulls(jsonb_build_object('direction', p -> 'direction', 'policy', p -> 'policy',
      'send_updates', p -> 'send_updates', 'opt_out', p -> 'opt_out'))
  where x.id = k.id returning * into k;
  return k;
end $$;
comment on function tandem.choose(tandem.connections, jsonb) is
  'Stores what a user chose for a calendar; what p does not name stays. One calendar of a user takes new events.';

create or replace function tandem.set_import_from(k tandem.connections, wanted timestamptz, t timestamptz) returns void
language plpgsql volatile set search_path = '' as $$
begin
  update tandem.connections c set import_from = wanted where c.id = k.id;
  -- What came before was never taken: all is listed again, and what has a row is an echo.
  if k.import_from > coalesce(wanted, '-infinity') then perform tandem.list_everything(k.id, t); end if;
end $$;
comment on function tandem.set_import_from(tandem.connections, timestamptz, timestamptz) is
  'Where the import begins; an earlier beginning lists all anew, a later one leaves the rows that are there.';

-- It begins with a whole listing, and pushes wait for its end. Events that have gone to another calendar of the user's
-- meanwhile belong there.
create or replace function tandem.come_back(k tandem.connections, p jsonb, t timestamptz) returns void
language plpgsql volatile set search_path = '' as $$
begin
  update tandem.connections c set state = 'active', imported_at = null, push = 'off', watch_at = t, due_at = t,
    failures = 0, last_error = null, import_from = tandem.moment(p, 'import_from'), time_zone = p ->> 'time_zone',
    access_role = p ->> 'access_role', choices = '{}', unproductive = 0, missed_at = null where c.id = k.id;
  perform tandem.list_everything(k.id, t);
  delete from tandem.links l where l.connection_id = k.id and exists (
    select from tandem.links o join tandem.connections c on c.id = o.connection_id
    where o.event = l.event and o.connection_id <> k.id and c.user_id = k.user_id and c.state <> 'disconnected'
      and o.state <> 'deleted');
  perform tandem.begin_walk(k.id, 'look');
end $$;
comment on function tandem.come_back(tandem.connections, jsonb, timestamptz) is
  'A calendar is connected again: what both sides did meanwhile is merged event by event, never replayed.';

create or replace function tandem.new_connection(a tandem.accounts, p jsonb, t timestamptz) returns tandem.connections
language plpgsql volatile set search_path = '' as $$
declare k tandem.connections; other text;
begin
  select x.email into other from tandem.connections c join tandem.accounts x on x.id = c.account_id
  where c.user_id = a.user_id and c.calendar_id = p ->> 'google_id' and c.account_id <> a.id
    and c.state <> 'disconnected';
  if other is not null then
    raise sqlstate 'PT409' using message = format('this calendar is synced already, through %s', other),
      hint = 'Disconnect it there first.';
  end if;
  select * into k from tandem.connections c
  where c.account_id = a.id and c.calendar_id = p ->> 'google_id' for update;
  if k.state = 'disconnected' then
    perform tandem.come_back(k, p, t);
  elsif k.id is null then
    insert into tandem.connections (user_id, account_id, calendar_id, summary, time_zone, access_role, import_from,
      due_at, watch_at)
    values (a.user_id, a.id, p ->> 'google_id', p ->> 'summary', p ->> 'time_zone', p ->> 'access_role',
      tandem.moment(p, 'import_from'), t, t) on conflict (account_id, calendar_id) do nothing;
  elsif k.state <> 'disconnecting' then
    update tandem.connections c set summary = p ->> 'summary', access_role = p ->> 'access_role' where c.id = k.id;
    if p ? 'import_from' then perform tandem.set_import_from(k, tandem.moment(p, 'import_from'), t); end if;
    perform tandem.list_soon(k.id, t);
  end if;
  select * into k from tandem.connections c where c.account_id = a.id and c.calendar_id = p ->> 'google_id' for update;
  return k;
end $$;
comment on function tandem.new_connection(tandem.accounts, jsonb, timestamptz) is
  'The connection of an account''s calendar, made or brought back where there is none.';

create or replace function public.tandem_calendar_connect(p jsonb) returns jsonb
language plpgsql volatile security definer set search_path = '' set timezone = 'UTC' as $$
declare t timestamptz := tandem.called(p); a tandem.accounts; k tandem.connections; was_target boolean;
begin
  perform tandem.need(p, 'user_id string', 'account_id uuid', 'google_id string', 'summary string?',
    'time_zone string', 'access_role string');
  perform tandem.known_choices(p);
  perform tandem.need_user(p ->> 'user_id');
  select * into a from tandem.accounts x where x.id = (p ->> 'account_id')::uuid and x.user_id = p ->> 'user_id'
    and x.state <> 'disconnected';
  if not found then raise sqlstate 'PT404' using message = 'there is no such account'; end if;
  -- One at a time for a user, since one calendar is the target.
  perform pg_advisory_xact_lock(hashtextextended('tandem target ' || a.user_id, 0));
  k := tandem.new_connection(a, p, t);
  if k.state = 'disconnecting' then return jsonb_build_object('outcome', 'disconnecting'); end if;
  was_target := k.is_target;
  if p ->> 'is_target' is null and coalesce(p ->> 'direction', k.choices ->> 'direction', 'both') <> 'in'
    and not tandem.is_reader(k.access_role) and not exists (select from tandem.connections o
      where o.user_id = a.user_id and o.is_target and o.state <> 'disconnected') then
    p := p || '{"is_target": true}';
  end if;
  perform tandem.check_target(k, p);
  k := tandem.choose(k, p);
  if k.is_target and not was_target then perform tandem.begin_walk(k.id, 'backfill'); end if;
  update tandem.accounts x set begin_at = null, begin_reason = null
  where x.id = a.id and (x.begin_at is not null or x.begin_reason is not null);
  return jsonb_build_object('outcome', 'connected', 'connection_id', k.id, 'calendar_id', k.id);
end $$;
comment on function public.tandem_calendar_connect(jsonb) is
  'Syncs a calendar of an account. p: {instance, user_id, account_id, google_id, summary, time_zone, access_role} and '
  'choices: direction, policy, send_updates, opt_out, is_target, import_from. Returns {outcome: connected, '
  'connection_id, calendar_id: the same} or {outcome: disconnecting}; PT409 where another account of the user '
  'syncs it, PT403 for who has left.';

select tandem.seal();
