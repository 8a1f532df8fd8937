set local lock_timeout = '3s';
-- Users who have left. The mapping's "users" says where they are: {"table": name, "key": column, "where": condition};
-- without it, Supabase's own table does where there is one; without that, whoever removes a user says so.

create or replace function tandem.users_table() returns jsonb
language plpgsql stable set search_path = '' as $$
declare said jsonb := (select a.mapping -> 'users' from tandem.adoption a); own regclass := to_regclass('auth.users');
begin
  if said ->> 'table' is not null then return said; end if;
  -- Supabase can keep the row of a user whom it deletes.
  return case when own is not null then jsonb_build_object('table', 'auth.users', 'key', 'id', 'where',
    case when tandem.column_type(own, 'deleted_at') is null then 'true' else 'deleted_at is null' end) end;
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

create or replace function tandem.user_left(owner text, choice text, begun_by text, t timestamptz) returns jsonb
language plpgsql volatile set search_path = '' as $$
declare a tandem.accounts;
begin
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

-- A walk through the accounts, on from where the last one ended.
create or replace function tandem.find_who_left(most integer, t timestamptz) returns integer
language plpgsql volatile set search_path = '' as $$
declare place text := coalesce(tandem.setting('owners_up_to'), ''); owner text; last text;
  n integer := 0; seen integer := 0;
begin
  if tandem.users_table() is null then return 0; end if;
  for owner in select distinct x.user_id from (select a.user_id from tandem.accounts a where a.user_id > place
    and a.state in ('active', 'reconnect_needed') order by a.user_id limit most) x order by 1
  loop
    seen := seen + 1; last := owner;
    if not tandem.owner_exists(owner) then
      perform tandem.user_left(owner, 'keep', 'database', t);
      n := n + 1;
    end if;
  end loop;
  insert into tandem.settings as s (key, value) values ('owners_up_to', case when seen = 0 then '' else last end)
  on conflict (key) do update set value = excluded.value where s.value <> excluded.value;
  return n;
end $$;
comment on function tandem.find_who_left(integer, timestamptz) is
  'Disconnects users who are no users of the CRM any more; their events stay on both sides.';

select tandem.seal();
