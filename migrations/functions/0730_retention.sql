set local lock_timeout = '3s';
-- What ends what grows, a little at each tick, so that the tables grow with the events and not with the years.
-- Deletions go after 40 days, since the trash of the provider lasts 30; quarantine after 90; finished disconnects, and
-- accounts that were disconnected, after 60; history as settings.history_days says, else after 400; what a page is
-- told of deletions, and channels that ended, after 7; keys of rows that are gone, by a walk.

-- Whose row is there needs the tombstone; of an occurrence, as long as its series is there.
create or replace function tandem.forget_deleted(most integer, t timestamptz) returns integer
language plpgsql volatile set search_path = '' set enable_seqscan = off set jit = off as $$
declare n integer; m integer;
begin
  with old as materialized (select l.connection_id, l.remote, l.event, l.root from tandem.links l
    where l.state = 'deleted' and not l.is_blank and l.stored_at < t - interval '40 days'
    order by l.stored_at limit most for update skip locked),
  spent as materialized (select o.connection_id, o.remote from old o
    where not exists (select from tandem.crm_rows r where r.event in (o.event, o.root))
      and not exists (select from tandem.work w where w.root = o.root)
      and not exists (select from tandem.links k where k.root = o.root and k.state <> 'deleted')),
  dropped as (delete from tandem.links l using spent s
    where l.connection_id = s.connection_id and l.remote = s.remote returning 1),
  blank as (update tandem.links l set is_blank = true, standing = tandem.blanked(l.standing) from old o
    where l.connection_id = o.connection_id and l.remote = o.remote
      and not exists (select from spent s where s.connection_id = o.connection_id and s.remote = o.remote) returning 1)
  select (select count(*) from dropped), (select count(*) from blank) into n, m;
  return n + m;
end $$;
comment on function tandem.forget_deleted(integer, timestamptz) is
  'Drops what is left of deleted events, or their texts.';

create or replace function tandem.forget_quarantine(most integer, t timestamptz) returns integer
language plpgsql volatile set search_path = '' set enable_seqscan = off set jit = off as $$
declare n integer;
begin
  with old as (select x.connection_id, x.remote from tandem.parked x where x.state = 'quarantined'
    and x.parked_at < t - interval '90 days' order by x.parked_at limit most for update skip locked)
  delete from tandem.parked x using old o where x.connection_id = o.connection_id and x.remote = o.remote;
  get diagnostics n = row_count;
  return n;
end $$;
comment on function tandem.forget_quarantine(integer, timestamptz) is
  'Drops what nobody has looked at for three months.';

create or replace function tandem.forget_accounts(most integer, t timestamptz) returns integer
language plpgsql volatile set search_path = '' set enable_seqscan = off set jit = off as $$
declare a tandem.accounts; one uuid; n integer;
begin
  select x.* into a from tandem.accounts x where x.state = 'disconnected' and not exists (
    select from tandem.disconnections d where d.account_id = x.id
      and (d.finished_at is null or d.finished_at > t - interval '60 days')) limit 1 for update skip locked;
  if found then return tandem.erase_account(a, most); end if;
  select c.id into one from tandem.connections c where c.state = 'disconnected' and not exists (
    select from tandem.disconnections d where d.connection_id = c.id
      and (d.finished_at is null or d.finished_at > t - interval '60 days'))
  order by c.id limit 1 for update skip locked;
  if found then return greatest(1, tandem.erase_connection(one, most)); end if;
  -- Of accounts that go on, only the jobs that are over.
  delete from tandem.disconnections d where d.id = any (array(select x.id from tandem.disconnections x
    join tandem.accounts o on o.id = x.account_id and o.state <> 'disconnected'
    where x.phase = 'done' and x.finished_at < t - interval '60 days' limit most));
  get diagnostics n = row_count;
  return n;
end $$;
comment on function tandem.forget_accounts(integer, timestamptz) is
  'Forgets accounts and connections that were disconnected two months ago, a part at a time.';

create or replace function tandem.forget_keys(most integer) returns integer
language plpgsql volatile set search_path = '' set enable_seqscan = off set jit = off as $$
declare place text := coalesce(nullif(tandem.setting('keys_up_to'), ''), '00000000-0000-0000-0000-000000000000');
  ids uuid[]; n integer;
begin
  ids := array(select k.event from tandem.keys k where k.event > place::uuid order by k.event limit most);
  delete from tandem.keys k where k.event = any (ids)
    and not exists (select from tandem.crm_rows r where r.event = k.event)
    and not exists (select from tandem.links l where l.event = k.event)
    and not exists (select from tandem.changes c where c.event = k.event)
    and not exists (select from tandem.open_changes o where o.event = k.event);
  get diagnostics n = row_count;
  insert into tandem.settings as s (key, value) values ('keys_up_to', coalesce(ids[most]::text, ''))
  on conflict (key) do update set value = excluded.value where s.value <> excluded.value;
  return n;
end $$;
comment on function tandem.forget_keys(integer) is 'Drops ids of rows that are gone for good.';

-- By the clock, since a transaction of the CRM's that deletes a row must not wait for what shows its state.
create or replace function tandem.forget_aside(most integer) returns integer
language plpgsql volatile set search_path = '' set enable_seqscan = off set jit = off as $$
declare place text := coalesce(nullif(tandem.setting('aside_up_to'), ''), '00000000-0000-0000-0000-000000000000');
  ids uuid[]; gone uuid[]; n integer; m integer;
begin
  ids := array((select f.event from tandem.event_fields f where f.event > place::uuid order by f.event limit most)
    union (select s.event from tandem.event_state s where s.event > place::uuid order by s.event limit most)
    order by 1 limit most);
  gone := array(select e from unnest(ids) e where not exists (select from tandem.crm_rows r where r.event = e offset 0)
    and not exists (select from tandem.links l where l.event = e and l.state <> 'deleted' offset 0)
    and not exists (select from tandem.changes c where c.event = e offset 0)
    and not exists (select from tandem.open_changes o where o.event = e offset 0));
  delete from tandem.event_fields f where f.event = any (gone);
  get diagnostics n = row_count;
  delete from tandem.event_state s where s.event = any (gone);
  get diagnostics m = row_count;
  insert into tandem.settings as s (key, value) values ('aside_up_to', coalesce(ids[most]::text, ''))
  on conflict (key) do update set value = excluded.value where s.value <> excluded.value;
  return n + m;
end $$;
comment on function tandem.forget_aside(integer) is 'Drops what is kept beside rows that are gone for good.';

create or replace function tandem.forget_history(most integer, t timestamptz) returns integer
language plpgsql volatile set search_path = '' set enable_seqscan = off set jit = off as $$
declare days integer; until timestamptz; n integer; m integer;
begin
  -- What is no number must not stop the clock.
  days := greatest(1, coalesce(substring(tandem.setting('history_days') from '^\d{1,5}$')::integer, 400));
  until := t - days * interval '1 day';
  delete from tandem.history h where h.id in (select x.id from (
    select y.id, y.at from tandem.history y order by y.id limit most) x where x.at < until);
  get diagnostics n = row_count;
  delete from tandem.past_changes c where c.id in (select x.id from (
    select y.id, y.changed_at from tandem.past_changes y order by y.id limit most) x where x.changed_at < until);
  get diagnostics m = row_count;
  return n + m;
end $$;
comment on function tandem.forget_history(integer, timestamptz) is
  'Drops what is older than a history is kept: what happened, and what the CRM changed.';

create or replace function tandem.forget_spent(most integer, t timestamptz) returns integer
language plpgsql volatile set search_path = '' set enable_seqscan = off set jit = off as $$
declare n integer; m integer; last xid8;
begin
  delete from tandem.channels h where h.id in (select y.id from tandem.channels y
    where y.expires_at < t - interval '7 days' order by y.expires_at limit most);
  get diagnostics n = row_count;
  delete from tandem.oauth_states o where o.nonce in (select y.nonce from tandem.oauth_states y
    where y.expires_at < t order by y.expires_at limit most);
  get diagnostics m = row_count; n := n + m;
  delete from tandem.tickets k where k.id in (select y.id from tandem.tickets y
    where y.expires_at < t order by y.expires_at limit most);
  get diagnostics m = row_count; n := n + m;
  with old as (select y.event, y.owner from tandem.touched y where y.is_gone and y.touched_at < t - interval '7 days'
    order by y.touched_at limit most for update skip locked),
  gone as (delete from tandem.touched x using old where x.event = old.event and x.owner = old.owner returning x.at)
  select (array_agg(g.at order by g.at desc))[1], count(*) into last, m from gone g;
  if last is not null then
    insert into tandem.settings as x (key, value) values ('touched_horizon', last::text)
    on conflict (key) do update set value = greatest(x.value::xid8, excluded.value::xid8)::text;
  end if;
  return n + m;
end $$;
comment on function tandem.forget_spent(integer, timestamptz) is
  'Drops what worked once or has ended, and what pages were told of deletions.';

select tandem.seal();
