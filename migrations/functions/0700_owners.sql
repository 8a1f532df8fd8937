set local lock_timeout = '3s';
-- Users who have left. The mapping's "users" says where they are: {"table": name, "key": column, "where": condition};
-- without it, Supabase's own table does where there is one; without that, whoever removes a user says so.

create or replace function tandem.users_table() returns jsonb
language plpgsql stable set search_path = '' as $$
declare said jsonb := (select a.mapping -> 'users' from tandem.adoption a); own regclass := to_regclass('auth.users');
begin
  if said ->> 'table' is not null then return said; end if;
  -- Supabase can keep the row of a user whom it deletes, and bans others: for hours, or for good.
  return case when own is not null then jsonb_build_object('table', 'auth.users', 'key', 'id', 'where',
    concat_ws(' and ', 'true',
      case when tandem.column_type(own, 'deleted_at') is not null then 'deleted_at is null' end,
      case when tandem.column_type(own, 'banned_until') is not null
        then 'coalesce(banned_until < now() + interval ''30 days'', true)' end)) end;
end $$;
comment on function tandem.users_table() is 'Where the CRM''s users are, or null where nobody has said so.';

-- Not in a plain statement, since the table is not known. What cannot be asked says nothing of anybody.
create or replace function tandem.owner_exists(owner text) returns boolean
language plpgsql stable set search_path = '' as $$
declare said jsonb := tandem.users_table(); known boolean;
begin
  if said is null or to_regclass(said ->> 'table') is null then return true; end if;
  execute format('select exists (select from %s u where u.%I = $1::%s and (%s))', to_regclass(said ->> 'table'),
    said ->> 'key', tandem.column_type(to_regclass(said ->> 'table'), said ->> 'key'),
    coalesce(said ->> 'where', 'true')) into known using owner;
  return known;
exception when invalid_text_representation or undefined_column or insufficient_privilege then
  raise warning 'Tandem cannot say whether a user exists: %', sqlerrm;
  return true;
end $$;
comment on function tandem.owner_exists(text) is 'Whether a CRM user still exists.';

create or replace function tandem.need_user(owner text) returns void
language plpgsql stable set search_path = '' as $$
begin
  if not tandem.owner_exists(owner) then
    raise sqlstate 'PT403' using message = 'this user is not one of the CRM''s any more',
      hint = 'Connect as somebody who still has a login of the CRM.';
  end if;
end $$;
comment on function tandem.need_user(text) is 'Refuses, with PT403, who has left the CRM.';

create or replace function tandem.user_left(owner text, choice text, begun_by text, t timestamptz) returns jsonb
language plpgsql volatile set search_path = '' as $$
declare a tandem.accounts;
begin
  -- Connections before their account, as in a listing.
  perform from tandem.connections k where k.user_id = owner order by k.id for update;
  for a in select * from tandem.accounts x where x.user_id = owner and x.state <> 'disconnected'
    order by x.id for update
  loop
    perform tandem.end_account(a, null, choice, begun_by, t);
  end loop;
  delete from tandem.tickets k where k.user_id = owner;
  return (select coalesce(jsonb_agg(d.id order by d.connection_id is null, d.id), '[]') from tandem.disconnections d
    join tandem.accounts x on x.id = d.account_id where x.user_id = owner and d.phase <> 'done');
end $$;
comment on function tandem.user_left(text, text, text, timestamptz) is 'Begins to disconnect all accounts of a user.';

-- Whoever's rows went with them leaves before a deletion is sent: what they had stays in their calendar.
create or replace function tandem.ask_for_owners(events jsonb, t timestamptz) returns void
language plpgsql volatile set search_path = '' set enable_seqscan = off set jit = off as $$
declare ids uuid[]; owner text;
begin
  if tandem.users_table() is null then return; end if;
  ids := array(select e::uuid from jsonb_array_elements_text(events) e);
  for owner in select c.owner from tandem.changes c where c.event = any (ids) and c.op = 'delete'
    union select c.owner from tandem.changes c where c.root = any (ids) and c.root <> c.event and c.op = 'delete'
    union select o.owner from tandem.open_changes o where o.event = any (ids) and o.deleted_row is not null
    union select o.owner from tandem.open_changes o where o.root = any (ids) and o.deleted_row is not null
    order by 1
  loop
    if not tandem.owner_exists(owner) then perform tandem.user_left(owner, 'keep', 'database', t); end if;
  end loop;
end $$;
comment on function tandem.ask_for_owners(jsonb, timestamptz) is
  'Disconnects who is no user of the CRM any more and has deleted events among these.';

create or replace function public.tandem_user_gone(p jsonb) returns jsonb
language plpgsql volatile security definer set search_path = '' set timezone = 'UTC' as $$
declare t timestamptz := tandem.called(p); choice text := coalesce(p ->> 'choice', 'keep');
begin
  perform tandem.need(p, 'user_id string', 'choice string?');
  perform tandem.is_choice(choice);
  return jsonb_build_object('outcome', 'begun',
    'disconnections', tandem.user_left(p ->> 'user_id', choice, 'operator', t));
end $$;
comment on function public.tandem_user_gone(jsonb) is
  'An operator, or the CRM, says that a user has left: all that they connected ends. p: {instance, user_id, '
  'choice?: keep | remove_from_google | remove_from_crm}. Returns {outcome: begun, disconnections}.';

-- What waits for an account that nobody connects again, or for a calendar that is paused or not there, does so for a
-- written time.
create or replace function tandem.resting(a tandem.accounts, t timestamptz) returns uuid[]
language plpgsql stable set search_path = '' as $$
begin
  return array(select k.id from tandem.connections k where k.account_id = a.id
    and (k.state in ('paused', 'unreachable') or k.state = 'active' and a.state = 'reconnect_needed')
    and coalesce(k.listed_at, k.created_at) < t - interval '400 days' order by 1);
end $$;
comment on function tandem.resting(tandem.accounts, timestamptz) is
  'Connections of an account that could not be listed, or were paused, for so long that nobody waits for them.';

create or replace function tandem.rests(a tandem.accounts, t timestamptz) returns boolean
language plpgsql stable set search_path = '' as $$
begin
  return a.state in ('active', 'reconnect_needed') and tandem.resting(a, t) <> '{}'
    or a.state = 'reconnect_needed' and a.created_at < t - interval '400 days' and not exists (
      select from tandem.connections k where k.account_id = a.id
        and coalesce(k.listed_at, k.created_at) >= t - interval '400 days');
end $$;
comment on function tandem.rests(tandem.accounts, timestamptz) is
  'Whether an account, or a connection of it, has waited for 400 days.';

create or replace function tandem.end_rest(owner text, t timestamptz) returns integer
language plpgsql volatile set search_path = '' as $$
declare a tandem.accounts; resting uuid[]; one uuid; n integer := 0;
begin
  if not exists (select from tandem.accounts x where x.user_id = owner and tandem.rests(x, t)) then return 0; end if;
  perform from tandem.connections k where k.user_id = owner order by k.id for update;
  for a in select * from tandem.accounts x where x.user_id = owner and tandem.rests(x, t) order by x.id for update loop
    resting := tandem.resting(a, t);
    if a.state = 'reconnect_needed' and not exists (select from tandem.connections k where k.account_id = a.id
      and k.state not in ('disconnecting', 'disconnected') and not k.id = any (resting))
    then
      perform tandem.end_account(a, null, 'keep', 'clock', t);
      n := n + 1;
      continue;
    end if;
    foreach one in array resting loop
      perform tandem.end_account(a, one, 'keep', 'clock', t);
      n := n + 1;
    end loop;
  end loop;
  return n;
end $$;
comment on function tandem.end_rest(text, timestamptz) is
  'Disconnects what a user has let rest for 400 days; events stay on both sides. How many.';

-- A walk through the accounts, on from where the last one ended.
create or replace function tandem.find_who_left(most integer, t timestamptz) returns integer
language plpgsql volatile set search_path = '' as $$
declare place text := coalesce(tandem.setting('owners_up_to'), ''); owner text; last text; n integer := 0;
begin
  for owner in select distinct x.user_id from (select o.user_id from tandem.accounts o where o.user_id > place
    and o.state in ('active', 'reconnect_needed') order by o.user_id limit most) x order by 1
  loop
    last := owner;
    if not tandem.owner_exists(owner) then
      perform tandem.user_left(owner, 'keep', 'database', t);
      n := n + 1;
      continue;
    end if;
    n := n + tandem.end_rest(owner, t);
  end loop;
  -- The next round begins anew where this one has seen the last.
  if not exists (select from tandem.accounts o where o.user_id > last and o.state in ('active', 'reconnect_needed'))
  then last := ''; end if;
  insert into tandem.settings as s (key, value) values ('owners_up_to', coalesce(last, ''))
  on conflict (key) do update set value = excluded.value where s.value <> excluded.value;
  return n;
end $$;
comment on function tandem.find_who_left(integer, timestamptz) is
  'Disconnects users who are no users of the CRM any more, and what has rested too long; events stay on both sides.';

select tandem.seal();
