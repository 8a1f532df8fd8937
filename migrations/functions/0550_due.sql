set local lock_timeout = '3s';
-- What the clock finds. Bounded, whatever is due: a look visits some owners, on from where the last one ended, and
-- reads the heads of those who can work.

create or replace function tandem.ability(owner_id text, t timestamptz) returns text
language plpgsql stable set search_path = '' set enable_seqscan = off set jit = off as $$
begin
  -- Who has no connection has nothing to wait for: such changes are loaded once and done.
  return (select case when coalesce(bool_and(x.is_able), true) then 'all' when bool_or(x.is_able) then 'some'
    else 'none' end from (select k.state in ('active', 'disconnecting') and a.state in ('active', 'disconnecting')
        and coalesce(a.paused_until, '-infinity') <= t as is_able
      from tandem.connections k join tandem.accounts a on a.id = k.account_id
      where k.user_id = owner_id and k.state <> 'disconnected') x);
end $$;
comment on function tandem.ability(text, timestamptz) is
  'Which of a user''s connections can work now: all, some, none.';

create or replace function tandem.can_work(root_id uuid, owner_id text, t timestamptz) returns boolean
language plpgsql stable set search_path = '' set enable_seqscan = off set jit = off as $$
begin return (select coalesce(bool_or(tandem.blocked(k, a, t) is null), true) from tandem.connections k
    join tandem.accounts a on a.id = k.account_id where k.state <> 'disconnected' and k.id in (
      select l.connection_id from tandem.links l where l.root = root_id and l.state <> 'deleted'
      union select x.id from tandem.connections x where x.user_id = owner_id and x.takes_new and not exists (
        select from tandem.links l join tandem.connections o on o.id = l.connection_id
        where l.event = root_id and o.user_id = owner_id and o.state <> 'disconnected')));
end $$;
comment on function tandem.can_work(uuid, text, timestamptz) is
  'Whether a family of a user, some of whose connections work, can go on.';

-- kind: changes or work. A walk from owner to owner by the index.
create or replace function tandem.next_owners(kind text, after text, visits integer, wanted integer, t timestamptz)
returns table (owner text, able text)
language plpgsql stable set search_path = '' set enable_seqscan = off set jit = off set enable_bitmapscan = off as $$
declare last text := after; found_able integer := 0; is_second boolean := after = '';
begin
  for n in 1 .. visits loop
    owner := case kind when 'changes' then (select c.owner from tandem.changes c where c.owner > last collate "C"
        order by c.owner limit 1)
      else (select w.owner from tandem.work w where w.owner > last collate "C" and w.state = 'open'
        order by w.owner limit 1) end;
    exit when is_second and (owner is null or owner > after collate "C" and after <> '');
    if owner is null then
      is_second := true; last := '';
      continue;
    end if;
    able := tandem.ability(owner, t);
    return next;
    last := owner; found_able := found_able + (able <> 'none')::integer;
    exit when found_able >= wanted;
  end loop;
end $$;
comment on function tandem.next_owners(text, text, integer, integer, timestamptz) is
  'Owners with changes or work, round and round.';

-- In the order of the indexes, so that a limit is one.
create or replace function tandem.due_families(most integer, t timestamptz) returns jsonb
language plpgsql volatile set search_path = '' set enable_seqscan = off set enable_bitmapscan = off set jit = off as $$
declare s jsonb; events jsonb; last_changes text; last_work text;
begin
  select coalesce(jsonb_object_agg(x.key, x.value), '{}') into s from tandem.settings x
  where x.key in ('due_changes', 'due_work');
  with queued as materialized (select * from tandem.next_owners('changes', coalesce(s ->> 'due_changes', ''), 2000,
    most + 1, t)),
  working as materialized (select * from tandem.next_owners('work', coalesce(s ->> 'due_work', ''), 2000, most + 1, t)),
  heads as (select c.event, c.root, o.owner, c.rev::numeric / 1000000 as at, false as is_bulk from queued o
    -- A series of somebody else's is another family.
    cross join lateral (select x.event, x.rev, case when x.root <> x.event and exists (select from tandem.crm_rows r
        where r.event = x.root and r.owner <> x.owner offset 0) then x.event else x.root end as root
      from (select * from tandem.changes x where x.owner = o.owner order by x.rev limit most * 4) x) c
    where o.able <> 'none' and (o.able = 'all' or tandem.can_work(c.root, o.owner, t))
      and not exists (select from tandem.work w where w.root = c.root
        and (w.lease_until > t or w.state = 'open' and w.at > t and not w.at = 'infinity') offset 0)
    union all select w.root, w.root, o.owner, extract(epoch from w.at), w.is_bulk from working o
    cross join lateral (select x.root, x.at, x.is_bulk from tandem.work x where x.owner = o.owner and x.state = 'open'
      and x.at <= t and (x.lease_until is null or x.lease_until <= t) order by x.at limit most + 1) w
    where o.able <> 'none' and (o.able = 'all' or tandem.can_work(w.root, o.owner, t))),
  turns as (select f.*, row_number() over (partition by f.is_bulk, f.owner order by f.at, f.root) as turn
    from (select distinct on (h.root) h.* from heads h order by h.root, h.is_bulk, h.at) f),
  chosen as (select x.* from turns x order by x.is_bulk, x.turn, x.at, x.root limit most)
  select (select coalesce(jsonb_agg(c.event order by c.is_bulk, c.turn, c.at, c.root), '[]') from chosen c),
    (select max(q.owner) from queued q), (select max(w.owner) from working w)
  into events, last_changes, last_work;
  -- Few owners: each look sees all of them. Many: the next one goes on behind these.
  if last_changes is not null or last_work is not null then
    insert into tandem.settings as x (key, value) values ('due_changes', coalesce(last_changes, '')),
      ('due_work', coalesce(last_work, ''))
    on conflict (key) do update set value = excluded.value where x.value <> excluded.value;
  end if;
  return events;
end $$;
comment on function tandem.due_families(integer, timestamptz) is
  'Events with due work, one of each family: live ones before a first export, owners in turn.';

create or replace function tandem.due_connections(most integer, t timestamptz) returns jsonb
language plpgsql volatile set search_path = '' set enable_seqscan = off set jit = off as $$
begin
  -- What cannot be listed now is not found again and again.
  update tandem.connections k set due_at = t + interval '1 hour' * (0.75 + random() / 4)
  where k.due_at <= t and k.id in (select x.id from (select y.id, y.account_id, y.state from tandem.connections y
      where y.due_at <= t order by y.due_at limit most * 4) x join tandem.accounts a on a.id = x.account_id
    where a.state <> 'active' or x.state not in ('active', 'unreachable') order by x.id);
  return (with k as (
    (select y.* from tandem.connections y join tandem.accounts a on a.id = y.account_id and a.state = 'active'
      where y.state in ('active', 'unreachable') and y.due_at <= t and (y.lease_until is null or y.lease_until <= t)
      order by y.due_at limit most * 4 + 1)
    union all select y.* from (select distinct q.connection_id from (select q.connection_id from tandem.asked q
        order by q.id limit most * 4) q) q join tandem.connections y on y.id = q.connection_id
      join tandem.accounts a on a.id = y.account_id and a.state = 'active' where y.state in ('active', 'unreachable')
        and y.due_at > t and (y.lease_until is null or y.lease_until <= t)),
  turns as (select x.*, row_number() over (order by x.turn, x.due_at, x.id) as n from (select k.id,
    least(k.due_at, t) as due_at, row_number() over (partition by k.user_id order by least(k.due_at, t), k.id) as turn
    from k) x)
  select coalesce(jsonb_agg(z.id order by z.n) filter (where z.n <= most), '[]') from turns z);
end $$;
comment on function tandem.due_connections(integer, timestamptz) is 'Connections to list, owners in turn.';

create or replace function public.tandem_due(p jsonb) returns jsonb
language plpgsql security definer set search_path = '' set timezone = 'UTC' set lock_timeout = 500 set jit = off as $$
declare s jsonb := tandem.begin_call(p); t timestamptz := s ->> 'now'; events jsonb := '[]'; connections jsonb := '[]';
  done text := tandem.need(p, 'tick string', 'most number');
begin
  -- One after the other: who is turned away has work that another one's next question finds.
  lock table tandem.ticks in exclusive mode;
  delete from tandem.ticks x where x.until <= t or x.id = (p ->> 'tick')::uuid;
  if (p ->> 'most')::integer > 0 and (select count(*) < 2 from tandem.ticks) then
    events := tandem.due_families((p ->> 'most')::integer, t);
    connections := tandem.due_connections((p ->> 'most')::integer, t);
  end if;
  if events <> '[]' or connections <> '[]' then
    insert into tandem.ticks values ((p ->> 'tick')::uuid, t + interval '1 minute');
  end if;
  -- One tick asks several times.
  if coalesce(tandem.setting('ticked_at')::timestamptz not between t - interval '30 seconds' and t, true) then
    insert into tandem.settings as x (key, value) values ('ticked_at', tandem.utc(t))
    on conflict (key) do update set value = excluded.value;
  end if;
  return jsonb_build_object('events', events, 'connections', connections);
end $$;
comment on function public.tandem_due(jsonb) is 'The contract''s due. p: AskDue; returns Due.';

select tandem.seal();
