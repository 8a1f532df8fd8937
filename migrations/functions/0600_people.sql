set local lock_timeout = '3s';
-- What the functions for users and operators have in common.

create or replace function tandem.uid() returns text
language plpgsql stable set search_path = '' as $$
begin
  return nullif(coalesce(
    nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub',
    current_setting('request.jwt.claim.sub', true)), '');
end $$;
comment on function tandem.uid() is
  'The CRM user of the request: claim sub of its JWT, as PostgREST and Supabase set it.';

create or replace function tandem.user_uuid() returns uuid
language plpgsql stable set search_path = '' as $$
declare sub text := tandem.uid();
begin
  return case when sub ~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then sub::uuid end;
end $$;
comment on function tandem.user_uuid() is 'The same as a uuid; null for a login whose users have other names.';

create or replace function tandem.called(p jsonb) returns timestamptz
language plpgsql volatile set search_path = '' as $$
begin return (tandem.begin_call(p) ->> 'now')::timestamptz; end $$;
comment on function tandem.called(jsonb) is 'Refuses what tandem.begin_call refuses; the time.';

create or replace function tandem.moment(p jsonb, name text) returns timestamptz
language plpgsql stable set search_path = '' set timezone = 'UTC' as $$
begin
  return (p ->> name)::timestamptz;
exception when invalid_datetime_format or datetime_field_overflow then
  raise sqlstate 'PT400' using message = format('the argument %s is to be a time like 2031-03-03T09:00:00Z', name);
end $$;
comment on function tandem.moment(jsonb, text) is 'An argument that is a time.';

-- calendar_id is what callers of the first edition say.
create or replace function tandem.connection_id(p jsonb) returns uuid
language plpgsql immutable set search_path = '' as $$
begin
  perform tandem.need(p, 'connection_id uuid?', 'calendar_id uuid?');
  return coalesce(p ->> 'connection_id', p ->> 'calendar_id')::uuid;
end $$;
comment on function tandem.connection_id(jsonb) is 'The connection that a call names, or null.';

create or replace function tandem.connection_of(p jsonb) returns tandem.connections
language plpgsql volatile set search_path = '' as $$
declare k tandem.connections; named uuid := tandem.connection_id(p);
begin
  perform tandem.need(p, 'user_id string');
  select c.* into k from tandem.connections c
  where c.id = named and c.user_id = p ->> 'user_id' and c.state <> 'disconnected' for update;
  if not found then
    raise sqlstate 'PT404' using message = 'there is no such calendar among yours',
      hint = 'Use the connection_id of one of your connections.';
  end if;
  return k;
end $$;
comment on function tandem.connection_of(jsonb) is
  'The caller''s connection that a call names, locked; PT404 for any other.';

create or replace function tandem.choices_of(k tandem.connections) returns jsonb
language plpgsql immutable set search_path = '' as $$
begin
  return jsonb_build_object('direction', coalesce(k.choices ->> 'direction', 'both'),
    'policy', coalesce(k.choices ->> 'policy', 'latest'),
    'send_updates', coalesce(k.choices ->> 'send_updates', 'none'),
    'opt_out', coalesce(k.choices ->> 'opt_out', 'remove'), 'is_target', k.is_target);
end $$;
comment on function tandem.choices_of(tandem.connections) is 'What a user chose, or what holds where they did not.';

create or replace function tandem.known_choices(p jsonb) returns void
language plpgsql immutable set search_path = '' as $$
declare choice text; words text[];
begin
  perform tandem.need(p, 'is_target boolean?', 'import_from string?');
  foreach choice in array array['direction both in out', 'policy latest crm google',
    'send_updates none all externalOnly', 'opt_out keep remove', 'state active paused']
  loop
    words := string_to_array(choice, ' ');
    if p ->> words[1] is not null and not p ->> words[1] = any (words[2:]) then
      raise sqlstate 'PT400' using
        message = format('%s must be one of %s', words[1], array_to_string(words[2:], ', '));
    end if;
  end loop;
end $$;
comment on function tandem.known_choices(jsonb) is 'Refuses a choice that is none.';

create or replace function tandem.is_reader(access_role text) returns boolean
language plpgsql immutable set search_path = '' as $$
begin return access_role in ('reader', 'freeBusyReader', 'none'); end $$;
comment on function tandem.is_reader(text) is 'Whether such a role writes nothing.';

create or replace function tandem.list_soon(connection uuid, t timestamptz) returns void
language plpgsql volatile set search_path = '' as $$
begin
  update tandem.connections c set notices = c.notices + 1, due_at = least(coalesce(c.due_at, t), t)
  where c.id = connection and c.state in ('active', 'unreachable');
end $$;
comment on function tandem.list_soon(uuid, timestamptz) is 'Asks for a listing, as a notification does.';

-- Whoever lists it now would store a token, so its lease ends.
create or replace function tandem.list_everything(connection uuid, t timestamptz) returns void
language plpgsql volatile set search_path = '' as $$
begin
  update tandem.connections c set sync_token = null, page_token = null, full_listing = null, lease_until = null,
    fence = nextval('tandem.fences') where c.id = connection;
  delete from tandem.seen s where s.connection_id = connection;
  perform tandem.list_soon(connection, t);
end $$;
comment on function tandem.list_everything(uuid, timestamptz) is 'Asks for a listing of everything.';

-- The rest comes by itself, since work that waits for an account is looked at again within minutes.
create or replace function tandem.wake_user(owner text, t timestamptz) returns void
language plpgsql volatile set search_path = '' set enable_seqscan = off set jit = off as $$
begin
  update tandem.work w set at = t where w.root = any (array(
    select x.root from tandem.work x where x.owner = wake_user.owner and x.state = 'open' and x.at > t
      and x.at < 'infinity' order by x.at limit 1000 for update skip locked));
end $$;
comment on function tandem.wake_user(text, timestamptz) is 'Work of a user that waits for a time is due.';

-- A row that is locked at this moment changes, and is poked about again.
create or replace function tandem.say_why(family jsonb) returns void
language plpgsql volatile set search_path = '' set enable_seqscan = off set jit = off as $$
declare events uuid[];
begin
  events := tandem.crm_lock(array(select o.event from tandem.open_changes o
    where o.root = (family ->> 'root')::uuid and o.owner = family ->> 'owner' order by 1));
  events := array(select s.event from tandem.crm_shown(events) s where s.state = 'pending'
    and s.error is distinct from family ->> 'says' order by 1);
  if events <> '{}' then
    perform tandem.show_events(events, family ->> 'owner', 'pending', family ->> 'says', true);
  end if;
end $$;
comment on function tandem.say_why(jsonb) is 'Rows of a family that waits for something that a person may end say why.';

-- What is held waits for a person, and goes on waiting.
create or replace function tandem.ask_work(roots uuid[], owner text, connection uuid, t timestamptz) returns void
language plpgsql volatile set search_path = '' as $$
begin
  insert into tandem.work as w (root, owner, connection_id, at, is_bulk, is_asked)
  select r, ask_work.owner, connection, t, true, true from unnest(roots) r order by r
  on conflict (root) do update set is_asked = true, at = least(w.at, excluded.at),
    attempts = case w.state when 'dead' then 0 else w.attempts end,
    state = case w.state when 'dead' then 'open' else w.state end;
end $$;
comment on function tandem.ask_work(uuid[], text, uuid, timestamptz) is 'Families are to be looked at, in bulk.';

-- What a page asks for news of; is_gone: it has left its owner's events.
create or replace function tandem.touch_events(events uuid[], owner text, is_gone boolean) returns void
language plpgsql volatile set search_path = '' as $$
begin
  insert into tandem.touched as t (event, owner, at, is_gone)
  select e, touch_events.owner, pg_current_xact_id(), touch_events.is_gone from unnest(events) e order by e
  on conflict on constraint touched_pkey do update set at = excluded.at, is_gone = excluded.is_gone,
    touched_at = excluded.touched_at
  where (t.at, t.is_gone) is distinct from (excluded.at, excluded.is_gone);
end $$;
comment on function tandem.touch_events(uuid[], text, boolean) is
  'Notes that the running transaction wrote these events.';

-- Rows that are shown under Tandem's hand, so that no trigger takes it for a change of the CRM's.
create or replace function tandem.show_events(events uuid[], owner text, shown_state text, error text, keeps boolean)
returns void
language plpgsql volatile set search_path = '' as $$
declare items jsonb;
begin
  select coalesce(jsonb_agg(jsonb_build_object('event', s.event, 'state', shown_state, 'error', show_events.error)
    || case when keeps then jsonb_build_object('remote', s.remote, 'calendar', s.calendar, 'access', s.access)
    else '{}' end), '[]')
  into items from tandem.crm_shown(events) s;
  perform set_config('tandem.commit', tandem.setting('mark'), true);
  perform tandem.crm_show(items);
  perform set_config('tandem.commit', '', true);
  perform tandem.touch_events(events, owner, false);
end $$;
comment on function tandem.show_events(uuid[], text, text, text, boolean) is
  'Shows the sync state of rows; keeps: with the remote ids that they show already.';

select tandem.seal();
