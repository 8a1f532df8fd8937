set local lock_timeout = '3s';
-- The steps of a disconnect that are about events and channels.

create or replace function tandem.disconnect_start(d tandem.disconnections, k tandem.connections) returns jsonb
language plpgsql volatile set search_path = '' set enable_seqscan = off set jit = off as $$
declare n integer := 0;
begin
  if d.choice = 'remove_from_google' then
    select count(*) into n from tandem.links l where l.connection_id = k.id and l.state in ('live', 'kept', 'leaving')
      and l.origin = 'crm' and l.root = l.event;
  elsif d.choice = 'remove_from_crm' then
    select count(*) into n from tandem.links l where l.connection_id = k.id and l.state in ('live', 'kept', 'leaving')
      and l.origin = 'remote';
  end if;
  update tandem.disconnections x set total = n,
    phase = case d.choice when 'remove_from_google' then 'leaving' else 'rows' end where x.id = d.id;
  return jsonb_build_object('outcome', 'again');
end $$;
comment on function tandem.disconnect_start(tandem.disconnections, tandem.connections) is
  'Says how much there is to do.';

create or replace function tandem.next_links(d tandem.disconnections, most integer) returns setof tandem.links
language plpgsql volatile set search_path = '' set enable_seqscan = off set jit = off as $$
begin
  return query select l.* from tandem.links l where l.connection_id = d.connection_id and l.remote > d.place
  order by l.remote limit most for update;
end $$;
comment on function tandem.next_links(tandem.disconnections, integer) is 'The next links that a phase looks at.';

create or replace function tandem.walked(d tandem.disconnections, remotes text[], most integer) returns void
language plpgsql volatile set search_path = '' as $$
declare is_over boolean := cardinality(remotes) < most;
begin
  update tandem.disconnections x set is_walked = is_over, place = case when is_over then '' else remotes[most] end
  where x.id = d.id;
end $$;
comment on function tandem.walked(tandem.disconnections, text[], integer) is 'Notes how far a phase has looked.';

-- Events go from the calendar by their own work, which is safe against everything that can happen. The user has been
-- asked already.
create or replace function tandem.send_away(d tandem.disconnections, k tandem.connections, t timestamptz) returns void
language plpgsql volatile set search_path = '' set enable_seqscan = off set jit = off as $$
declare remotes text[]; roots uuid[];
begin
  select coalesce(array_agg(l.remote order by l.remote), '{}'),
    coalesce(array_agg(l.root) filter (where l.origin = 'crm' and l.root = l.event
      and (l.state in ('live', 'kept', 'leaving')
      or l.state = 'reserved' and exists (select from tandem.attempts x where x.event = l.event))), '{}')
  into remotes, roots from tandem.next_links(d, 500) l;
  update tandem.links l set state = 'leaving', standing = tandem.leaving(l.standing),
    recorded = nextval('tandem.recorded')
  where l.connection_id = k.id and l.event = any (roots);
  insert into tandem.work as w (root, owner, connection_id, at, notes)
  select r, k.user_id, k.id, t, '{"decision": "apply", "quiet": true}' from unnest(roots) r order by r
  on conflict (root) do update set state = 'open', attempts = 0, at = t, waits_for = null, is_asked = true,
    connection_id = k.id, notes = excluded.notes;
  perform tandem.walked(d, remotes, 500);
end $$;
comment on function tandem.send_away(tandem.disconnections, tandem.connections, timestamptz) is
  'Has the next of the events that came from the CRM deleted from the calendar.';

create or replace function tandem.disconnect_leaving(d tandem.disconnections, k tandem.connections, a tandem.accounts,
  t timestamptz) returns jsonb
language plpgsql volatile set search_path = '' set enable_seqscan = off set jit = off as $$
declare left_over bigint; hopeless bigint; due jsonb;
begin
  if not d.is_walked then
    perform tandem.send_away(d, k, t);
    return jsonb_build_object('outcome', 'again');
  end if;
  select count(*), count(*) filter (where w.state is distinct from 'open') into left_over, hopeless
  from tandem.links l left join tandem.work w on w.root = l.root where l.connection_id = k.id and l.state = 'leaving';
  update tandem.disconnections x set done = greatest(0, x.total - left_over) where x.id = d.id;
  if left_over > hopeless and tandem.can_ask(a) and d.created_at > t - interval '1 day' then
    select coalesce(jsonb_agg(x.root), '[]') into due from (select l.root from tandem.links l
      join tandem.work w on w.root = l.root where l.connection_id = k.id and l.state = 'leaving' and w.state = 'open'
        and w.at <= t and (w.lease_until is null or w.lease_until <= t) order by w.at, l.root limit 20) x;
    return jsonb_build_object('outcome', 'push', 'events', due);
  end if;
  update tandem.disconnections x set phase = 'rows', is_walked = false, place = '', problem = case when left_over > 0
    then format('%s events could not be removed from the calendar', left_over) end where x.id = d.id;
  return jsonb_build_object('outcome', 'again');
end $$;
comment on function
  tandem.disconnect_leaving(tandem.disconnections, tandem.connections, tandem.accounts, timestamptz) is
  'Which events are to be deleted from the calendar now; on, where none is left or nothing more can be done.';

-- Of rows that something of the CRM's refers to, only those can go that nothing refers to.
create or replace function tandem.delete_rows(events uuid[]) returns uuid[]
language plpgsql volatile set search_path = '' as $$
declare e uuid; gone uuid[] := '{}';
begin
  if events = '{}' then return gone; end if;
  perform set_config('tandem.commit', tandem.setting('mark'), true);
  begin
    perform tandem.crm_delete(events);
    gone := events;
  exception when integrity_constraint_violation or raise_exception then
    foreach e in array events loop
      begin
        perform tandem.crm_delete(array[e]);
        gone := gone || e;
      exception when integrity_constraint_violation or raise_exception then null;
      end;
    end loop;
  end;
  delete from tandem.writing w where w.event = any (events);
  perform set_config('tandem.commit', '', true);
  return gone;
end $$;
comment on function tandem.delete_rows(uuid[]) is 'Deletes rows under Tandem''s hand; those that went.';

-- Exceptions before their master, and every row before its link.
create or replace function tandem.remove_rows(d tandem.disconnections, k tandem.connections, links tandem.links[],
  t timestamptz) returns void
language plpgsql volatile set search_path = '' set enable_seqscan = off set jit = off as $$
declare wanted uuid[]; gone uuid[]; kept integer;
begin
  select coalesce(array_agg(l.event order by l.event = l.root, l.event), '{}') into wanted from unnest(links) l
  join tandem.crm_rows r on r.event = l.event and r.owner = k.user_id
  where l.origin = 'remote' and l.state in ('live', 'kept', 'leaving');
  gone := tandem.delete_rows(wanted);
  kept := cardinality(wanted) - cardinality(gone);
  insert into tandem.history (event, owner, at, kind, detail)
  select e, k.user_id, t, 'deleted', '{"by": "disconnect"}' from unnest(gone) e;
  perform tandem.touch_events(gone, k.user_id, true);
  delete from tandem.links l where l.connection_id = k.id and l.event = any (gone);
  delete from tandem.open_changes o where o.event = any (gone);
  perform set_config('tandem.forgets', 'yes', true);
  delete from tandem.changes c where c.event = any (gone);
  perform set_config('tandem.forgets', '', true);
  update tandem.disconnections x set done = least(x.total, x.done + cardinality(gone)), problem = case when kept > 0
    then 'some events stay in the CRM, since other data of the CRM refer to them' else x.problem end where x.id = d.id;
end $$;
comment on function tandem.remove_rows(tandem.disconnections, tandem.connections, tandem.links[], timestamptz) is
  'Deletes from the CRM what came from the calendar.';

-- What is in the calendar keeps its link, for the day on which it is connected again.
create or replace function tandem.let_go(k tandem.connections, links tandem.links[]) returns void
language plpgsql volatile set search_path = '' set enable_seqscan = off set jit = off as $$
declare events uuid[] := array(select l.event from unnest(links) l order by 1);
begin
  delete from tandem.work w where w.root in (select l.root from unnest(links) l) and w.owner = k.user_id
    and not exists (select from tandem.links o join tandem.connections c on c.id = o.connection_id
      where o.event = w.root and o.connection_id <> k.id and c.state <> 'disconnected' and o.state <> 'deleted');
  delete from tandem.attempts a where a.event = any (events);
  -- Nor is a deletion done that was still to be sent: what stays there is taken anew on that day.
  delete from tandem.links l where l.connection_id = k.id and l.event = any (events)
    and (l.state in ('reserved', 'deleted') or not exists (select from tandem.crm_rows r where r.event = l.event));
  delete from tandem.open_changes o where o.event = any (events) and o.owner = k.user_id
    and not exists (select from tandem.links l where l.event = o.event)
    and not exists (select from tandem.crm_rows r where r.event = o.event);
  update tandem.links l set state = 'live', standing = tandem.staying(l.standing)
  where l.connection_id = k.id and l.event = any (events) and l.state = 'leaving';
  perform tandem.show_events(array(select r.event from tandem.crm_rows r where r.event = any (events)
    and r.owner = k.user_id and not exists (select from tandem.links o
      join tandem.connections c on c.id = o.connection_id
      where o.event = r.event and o.connection_id <> k.id and c.state <> 'disconnected')),
    k.user_id, 'none', null, false);
end $$;
comment on function tandem.let_go(tandem.connections, tandem.links[]) is 'Ends what is open of events, and shows it.';

create or replace function tandem.disconnect_rows(d tandem.disconnections, k tandem.connections, t timestamptz)
returns jsonb
language plpgsql volatile set search_path = '' as $$
declare links tandem.links[]; n integer;
begin
  if not d.is_walked then
    links := array(select l from tandem.next_links(d, 200) l);
    if d.choice = 'remove_from_crm' then perform tandem.remove_rows(d, k, links, t); end if;
    perform tandem.let_go(k, links);
    perform tandem.walked(d, array(select l.remote from unnest(links) l order by 1), 200);
    return jsonb_build_object('outcome', 'again');
  end if;
  delete from tandem.parked x where x.connection_id = k.id and x.remote in (select y.remote from tandem.parked y
    where y.connection_id = k.id limit 1000);
  get diagnostics n = row_count;
  if n = 0 then
    delete from tandem.seen s where s.connection_id = k.id;
    delete from tandem.missed m where m.connection_id = k.id;
    delete from tandem.asked x where x.connection_id = k.id;
    update tandem.disconnections x set phase = 'channels', is_walked = false, place = '' where x.id = d.id;
  end if;
  return jsonb_build_object('outcome', 'again');
end $$;
comment on function tandem.disconnect_rows(tandem.disconnections, tandem.connections, timestamptz) is
  'The part of a disconnect that is about the user''s rows: some at a time.';

create or replace function tandem.disconnect_channels(d tandem.disconnections, k tandem.connections, a tandem.accounts,
  t timestamptz) returns jsonb
language plpgsql volatile set search_path = '' as $$
declare token jsonb;
begin
  perform tandem.stop_channels(k.id, null);
  if tandem.can_ask(a) and d.tries < 10 and tandem.stoppable(a.id, t) <> '[]' then
    update tandem.disconnections x set tries = x.tries + 1 where x.id = d.id;
    token := tandem.grant_one(a.id, t);
    if token is null then
      return jsonb_build_object('outcome', 'waiting', 'reason', 'the access token is being refreshed');
    end if;
    return jsonb_build_object('outcome', 'stop', 'channels', tandem.stoppable(a.id, t), 'token', token);
  end if;
  -- What cannot be stopped ends by itself; until then its messages ask for nothing.
  update tandem.channels h set state = 'stopped' where h.connection_id = k.id and h.state = 'stopping';
  update tandem.connections c set state = 'disconnected', push = 'off', sync_token = null, page_token = null,
    full_listing = null, due_at = null, watch_at = null where c.id = k.id;
  update tandem.disconnections x set phase = 'done', finished_at = t where x.id = d.id;
  update tandem.disconnections x set due_at = t where x.account_id = a.id and x.phase = 'account';
  return tandem.ended(d.id);
end $$;
comment on function
  tandem.disconnect_channels(tandem.disconnections, tandem.connections, tandem.accounts, timestamptz) is
  'The part of a disconnect that is about channels, and its end.';

select tandem.seal();
