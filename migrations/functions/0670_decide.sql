set local lock_timeout = '3s';
-- What a person decides about something of theirs that waits for it.

create or replace function public.tandem_confirm(p jsonb) returns jsonb
language plpgsql volatile security definer set search_path = '' set timezone = 'UTC'
set enable_seqscan = off set jit = off as $$
declare t timestamptz := tandem.called(p); k tandem.connections; roots uuid[]; more boolean;
begin
  perform tandem.need(p, 'decision string');
  if p ->> 'decision' not in ('apply', 'keep') then
    raise sqlstate 'PT400' using message = 'decision must be one of apply, keep';
  end if;
  k := tandem.connection_of(p);
  select coalesce(array_agg(x.root), '{}') into roots from (select w.root from tandem.work w where w.owner = k.user_id
    and w.state = 'held' and w.connection_id = k.id order by w.root limit 5001 for update) x;
  more := cardinality(roots) > 5000;
  roots := roots[:5000];
  update tandem.work w set state = 'open', attempts = 0, at = t, waits_for = null, is_asked = true,
    notes = w.notes || jsonb_build_object('decision', p -> 'decision') where w.root = any (roots);
  perform tandem.touch_events(roots, k.user_id, false);
  return jsonb_build_object('outcome', 'confirmed', 'events', cardinality(roots), 'more', more);
end $$;
comment on function public.tandem_confirm(jsonb) is
  'A person decides about the deletions that wait in a calendar of theirs, 5,000 at a time. p: {instance, user_id, '
  'connection_id, decision: apply | keep}. Returns {outcome: confirmed, events, more}.';

create or replace function tandem.root_of(event_id uuid, owner text) returns uuid
language plpgsql stable set search_path = '' set enable_seqscan = off set jit = off as $$
begin
  return coalesce((select w.root from tandem.work w where w.root = event_id and w.owner = root_of.owner),
    (select l.root from tandem.links l join tandem.connections c on c.id = l.connection_id
      where l.event = event_id and c.user_id = root_of.owner limit 1),
    (select m.event from tandem.crm_rows r join tandem.crm_rows m on m.event = r.series and m.owner = r.owner
      where r.event = event_id and r.owner = root_of.owner), event_id);
end $$;
comment on function tandem.root_of(uuid, text) is 'The family of a user''s that an event is in, as far as is known.';

create or replace function tandem.is_of(event_id uuid, owner text) returns boolean
language plpgsql stable set search_path = '' set enable_seqscan = off set jit = off as $$
begin
  return coalesce((select r.owner = is_of.owner from tandem.crm_rows r where r.event = event_id),
    (select o.owner = is_of.owner from tandem.open_changes o where o.event = event_id), false)
    or exists (select from tandem.links l join tandem.connections c on c.id = l.connection_id
      where l.event = event_id and l.state <> 'deleted' and c.user_id = is_of.owner);
end $$;
comment on function tandem.is_of(uuid, text) is 'Whether an event is a user''s, or lies in one of their calendars.';

create or replace function tandem.retry_event(event_id uuid, owner text, t timestamptz) returns void
language plpgsql volatile set search_path = '' as $$
declare v_root uuid := tandem.root_of(event_id, owner);
begin
  if not tandem.is_of(event_id, owner) and not exists (select from tandem.work w
    where w.root = v_root and w.owner = retry_event.owner) then
    raise sqlstate 'PT404' using message = 'there is nothing to retry';
  end if;
  insert into tandem.work as w (root, owner, at, is_asked) values (v_root, retry_event.owner, t, true)
  on conflict (root) do update set state = 'open', attempts = 0, at = t, waits_for = null, is_asked = true,
    notes = w.notes - '{failed,refused}'::text[];
  perform tandem.show_events(array[event_id], owner, 'pending', null, true)
  where exists (select from tandem.crm_rows r where r.event = event_id and r.owner = retry_event.owner);
end $$;
comment on function tandem.retry_event(uuid, text, timestamptz) is
  'Opens an event''s work again, whatever became of it.';

create or replace function public.tandem_retry(p jsonb) returns jsonb
language plpgsql volatile security definer set search_path = '' set timezone = 'UTC' as $$
declare t timestamptz := tandem.called(p); k tandem.connections;
begin
  perform tandem.need(p, 'user_id string', 'event_id uuid?', 'google_id string?');
  if p ->> 'event_id' is not null then
    perform tandem.retry_event((p ->> 'event_id')::uuid, p ->> 'user_id', t);
    return jsonb_build_object('outcome', 'due');
  end if;
  perform tandem.need(p, 'google_id string');
  k := tandem.connection_of(p);
  update tandem.parked x set state = 'read', reason = null
  where x.connection_id = k.id and x.remote = p ->> 'google_id' and x.state = 'quarantined';
  if not found then raise sqlstate 'PT404' using message = 'there is nothing to retry'; end if;
  if p ->> 'google_id' like 'unnamed:%' then
    -- Without an id it cannot be read; a listing of everything shows it again, whatever it has become.
    delete from tandem.parked x where x.connection_id = k.id and x.remote = p ->> 'google_id';
    perform tandem.list_everything(k.id, t);
  else
    perform tandem.list_soon(k.id, t);
  end if;
  return jsonb_build_object('outcome', 'due');
end $$;
comment on function public.tandem_retry(jsonb) is
  'Tries an event again that was given up, or has an item read again that was not understood. p: {instance, user_id, '
  'event_id} or {instance, user_id, connection_id, google_id}. Returns {outcome: due}; PT404 where there is nothing.';

select tandem.seal();
