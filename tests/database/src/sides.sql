-- What people do, and all that can be seen, whichever table is adopted.
create function crm_wake(account uuid, t timestamptz) returns void language plpgsql as $$
begin
  update tandem.connections set due_at = least(due_at, t) where account_id = account;
  perform tandem.wake(k.user_id, t) from tandem.connections k where k.account_id = account;
end $$;

create function crm_act(a jsonb) returns void language plpgsql as $$
declare t timestamptz := tandem.clock(); v jsonb := a -> (select k from jsonb_object_keys(a) k);
  c uuid := v ->> 'connection';
  family uuid;
begin
  if a ? 'account' then
    insert into tandem.accounts as x (id, user_id, subject, email, refresh_token, access_token, access_expires_at,
      token_generation)
    values ((v ->> 'id')::uuid, v ->> 'user', v ->> 'id', '', v ->> 'refresh_token', v -> 'access_token' ->> 0,
      (v -> 'access_token' ->> 1)::timestamptz, 1)
    on conflict (id) do update set refresh_token = excluded.refresh_token, access_token = excluded.access_token,
      access_expires_at = excluded.access_expires_at, token_generation = x.token_generation + 1, state = 'active',
      reason = null, paused_until = null, pause_reason = null, refreshing_until = null;
    perform crm_wake((v ->> 'id')::uuid, t);
  elsif a ? 'account_state' then
    update tandem.accounts set state = v ->> 'state', reason = v ->> 'reason' where id = (v ->> 'account')::uuid;
    if v ->> 'state' = 'active' then perform crm_wake((v ->> 'account')::uuid, t); end if;
  elsif a ? 'quota' then
    delete from tandem.quotas;
    insert into tandem.settings as s values ('user_per_minute', coalesce(v ->> 'per_minute', '1000000'))
    on conflict (key) do update set value = excluded.value;
  elsif a ? 'connect' then
    if (v -> 'is_target')::boolean then
      update tandem.connections set is_target = false where user_id = v ->> 'user';
    end if;
    insert into tandem.connections (id, user_id, account_id, calendar_id, time_zone, access_role, choices, is_target,
      import_from, poll_seconds, due_at)
    values ((v ->> 'id')::uuid, v ->> 'user', (v ->> 'account')::uuid, v ->> 'calendar', v ->> 'time_zone',
      v ->> 'access_role', v -> 'choices', (v -> 'is_target')::boolean, (v ->> 'import_from')::timestamptz,
      (v ->> 'poll_seconds')::integer, t);
  elsif a ? 'connection_state' then
    update tandem.connections set state = v ->> 'state',
      due_at = case when v ->> 'state' = 'active' then t else due_at end,
      fence = case when v ->> 'state' like 'disconnect%' then nextval('tandem.fences') else fence end,
      lease_until = case when v ->> 'state' like 'disconnect%' then null else lease_until end where id = c;
    if v ->> 'state' = 'active' then
      perform tandem.wake(k.user_id, t) from tandem.connections k where k.id = c;
    end if;
  elsif a ? 'target' then
    update tandem.connections set is_target = false
    where user_id = (select user_id from tandem.connections where id = c);
    update tandem.connections set is_target = true where id = c;
  elsif a ? 'choices' then
    update tandem.connections set choices = v -> 'choices' where id = c;
  elsif a ? 'backfill' then
    insert into tandem.work as w (root, owner, at, is_bulk)
    select r.event, r.owner, t, true from tandem.connections k
    join tandem.crm_rows r on r.owner = k.user_id and r.enabled
    where k.id = c and tandem.roots(jsonb_build_array(r.event)) ->> r.event::text = r.event::text
      and not exists (select from tandem.links l join tandem.connections x on x.id = l.connection_id
        where l.event = r.event and x.user_id = r.owner and x.state <> 'disconnected')
    on conflict on constraint work_pkey do update set is_asked = true,
      is_bulk = case when w.at = 'infinity' then true else w.is_bulk end,
      at = least(w.at, t), attempts = case w.state when 'dead' then 0 else w.attempts end,
      state = case w.state when 'dead' then 'open' else w.state end;
  elsif a ? 'channel' then
    insert into tandem.channels (id, connection_id, account_id, state, resource_id, expires_at)
    select v ->> 'id', k.id, k.account_id, 'active', v ->> 'resource', (v ->> 'expires_at')::timestamptz
    from tandem.connections k where k.id = c
    on conflict (id) do update set connection_id = excluded.connection_id, resource_id = excluded.resource_id,
      expires_at = excluded.expires_at, done_message = 0;
  elsif a ? 'list' or a ? 'reread' then
    if a ? 'reread' then
      update tandem.parked set state = 'read' where connection_id = c and remote = v ->> 'remote';
    end if;
    update tandem.connections set notices = notices + 1, due_at = least(due_at, t) where id = c;
    if (v -> 'again')::boolean then
      update tandem.connections set sync_token = null, page_token = null, full_listing = null, lease_until = null
      where id = c;
    end if;
  elsif a ? 'retry' then
    family := tandem.roots(jsonb_build_array(v -> 'event')) ->> (v ->> 'event');
    insert into tandem.work as w (root, owner, at, notes, is_asked)
    values (family, coalesce((select r.owner from tandem.crm_rows r where r.event = family), ''), t, v -> 'notes', true)
    on conflict on constraint work_pkey do update set state = 'open', attempts = 0, at = t, waits_for = null,
      notes = w.notes || excluded.notes, is_asked = true;
  else
    raise exception 'unknown: %', a;
  end if;
end $$;

create table crm_settings as select * from tandem.settings;

-- As it was when the table was adopted.
create function crm_reset() returns void language plpgsql as $$
declare names text;
begin
  select string_agg(c.oid::regclass::text, ', ') into names from pg_class c
  where c.relnamespace = 'tandem'::regnamespace and c.relkind = 'r' and c.relname not in ('adoption', 'schema_version');
  truncate tandem.links;
  execute 'truncate crm, ' || names || ' restart identity';
  insert into tandem.settings select * from crm_settings;
  perform setval(c.oid::regclass, 1, false) from pg_class c
  where c.relnamespace = 'tandem'::regnamespace and c.relkind = 'S';
end $$;

create function crm_row(key uuid) returns jsonb language sql as $$
  select jsonb_build_object('row', jsonb_build_object('fields', r.fields, 'owner', r.owner, 'enabled', r.enabled,
      'series', r.series, 'original_start', r.original_start),
    'shown', jsonb_build_object('state', e.sync_state, 'error', e.sync_error, 'remote', e.remote,
      'calendar', e.calendar, 'access', e.access))
  from tandem.crm_rows r join crm_shown e on e.event = r.event where r.event = key
$$;

create function crm_connections() returns jsonb language sql as $$
  select coalesce(jsonb_agg(tandem.connections_json('[]', '{}', k.id, tandem.clock(), '{}') -> 'connections' -> 0
    order by k.id), '[]') from tandem.connections k
$$;

create function crm_look() returns jsonb language sql as $$
  select jsonb_build_object(
    'rows', (select coalesce(jsonb_object_agg(r.event, crm_row(r.event)), '{}') from tandem.crm_rows r),
    'links', (select coalesce(jsonb_agg(tandem.link_json(l) order by l.connection_id, l.remote), '[]')
      from tandem.links l),
    'works', (select coalesce(jsonb_object_agg(w.root, jsonb_build_object('state', w.state, 'at', tandem.utc(w.at),
      'attempts', w.attempts, 'waits_for', w.waits_for, 'reason', w.reason, 'notes', w.notes, 'bulk', w.is_bulk)), '{}')
      from tandem.work w where w.at < 'infinity'),
    'unacknowledged', (select coalesce(jsonb_agg(x.event order by x.event), '[]') from (
      select event from tandem.changes union select event from tandem.open_changes) x),
    'attempts', (select coalesce(jsonb_object_agg(x.event, x.list), '{}') from (
      select a.event, jsonb_agg(jsonb_build_object('rev', a.rev, 'row', a.row, 'loads', a.loads) order by a.rev) as list
      from tandem.attempts a group by a.event) x),
    'parked', (select coalesce(jsonb_agg(tandem.parked_json(k) order by k.connection_id, k.remote), '[]')
      from tandem.parked k),
    'history', (select coalesce(jsonb_agg(jsonb_build_object('event', h.event, 'owner', h.owner, 'kind', h.kind,
      'detail', h.detail, 'at', tandem.utc(h.at)) order by h.id), '[]') from tandem.history h
      -- What the CRM did is kept there too, which the contract leaves open.
      where not h.detail @> '{"by": "crm"}'),
    'connections', crm_connections());
$$;
