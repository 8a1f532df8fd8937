set local lock_timeout = '3s';
-- What ends what grows, a little at each tick, so that the tables grow with the events and not with the years:
--   history: settings.history_days, 400; texts of deleted events: 40 days (the provider's trash lasts 30);
--   deletions that pages ask for: 7 days; channels: 7 days after their end; quarantine: 90 days; finished disconnects
--   and accounts that were disconnected: 60 days; states and tickets: their end; keys of rows that are gone: a walk.

create or replace function tandem.kept_since(t timestamptz) returns timestamptz
language plpgsql stable set search_path = '' as $$
begin
  -- What is no number must not stop the clock.
  return t - greatest(1, coalesce(substring(tandem.setting('history_days') from '^\d{1,5}$')::integer, 400))
    * interval '1 day';
end $$;
comment on function tandem.kept_since(timestamptz) is
  'What is older may be forgotten: settings.history_days ago, at least one day, 400 if it is not set or no number.';

create or replace function tandem.forget_history(most integer, t timestamptz) returns integer
language plpgsql volatile set search_path = '' set enable_seqscan = off set jit = off as $$
declare since timestamptz := tandem.kept_since(t); n integer;
begin
  delete from tandem.history h where h.id = any (array(select x.id from (
    select o.id, o.at from tandem.history o where o.id > 0 order by o.id limit most) x where x.at < since));
  get diagnostics n = row_count;
  return n;
end $$;
comment on function tandem.forget_history(integer, timestamptz) is
  'Drops the oldest entries, as far as they are too old.';

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

-- Nobody waits for this: a row that somebody holds is left for the next time.
create or replace function tandem.forget_gone(most integer, t timestamptz) returns integer
language plpgsql volatile set search_path = '' set enable_seqscan = off set jit = off as $$
declare last xid8; n integer;
begin
  with dead as (select k.event, k.owner from tandem.touched k where k.is_gone and k.touched_at < t - interval '7 days'
    order by k.touched_at limit most for update skip locked),
  forgotten as (delete from tandem.touched k using dead d where k.event = d.event and k.owner = d.owner returning k.at)
  select count(*), max(f.at) into n, last from forgotten f;
  -- What another server numbered is no horizon here.
  if last < pg_snapshot_xmax(pg_current_snapshot()) then
    insert into tandem.settings as s (key, value) values ('touched_horizon', last::text)
    on conflict (key) do update set value = greatest(s.value::xid8, excluded.value::xid8)::text;
  end if;
  return n;
end $$;
comment on function tandem.forget_gone(integer, timestamptz) is
  'Drops deletions that are older than a week; cursors from before are refused from then on.';

create or replace function tandem.forget_channels(most integer, t timestamptz) returns integer
language plpgsql volatile set search_path = '' set enable_seqscan = off set jit = off as $$
declare n integer;
begin
  delete from tandem.channels h where h.id = any (array(select x.id from tandem.channels x
    where x.expires_at < t - interval '7 days' order by x.expires_at limit most for update skip locked));
  get diagnostics n = row_count;
  return n;
end $$;
comment on function tandem.forget_channels(integer, timestamptz) is 'Drops channels that ended a week ago.';

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
declare a tandem.accounts; n integer;
begin
  select x.* into a from tandem.accounts x where x.state = 'disconnected' and not exists (
    select from tandem.disconnections d where d.account_id = x.id
      and (d.finished_at is null or d.finished_at > t - interval '60 days')) limit 1 for update skip locked;
  if found then return tandem.erase_account(a, most); end if;
  -- Of accounts that go on, only the jobs that are over.
  delete from tandem.disconnections d where d.id = any (array(select x.id from tandem.disconnections x
    join tandem.accounts o on o.id = x.account_id and o.state <> 'disconnected'
    where x.phase = 'done' and x.finished_at < t - interval '60 days' limit most));
  get diagnostics n = row_count;
  return n;
end $$;
comment on function tandem.forget_accounts(integer, timestamptz) is
  'Forgets accounts that were disconnected two months ago, a part at a time.';

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

select tandem.seal();
