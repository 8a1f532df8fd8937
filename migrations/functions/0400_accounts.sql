set local lock_timeout = '3s';
-- Accounts, their tokens and their quota, and how connections are told.

-- Below the provider's own limits: what a load takes is called some time later.
create or replace function tandem.quota(s jsonb) returns jsonb
language plpgsql immutable set search_path = '' as $$
begin return jsonb_build_object('user', coalesce((s ->> 'user_per_minute')::bigint, 570),
    'project', coalesce((s ->> 'project_per_minute')::bigint, 9500));
end $$;
comment on function tandem.quota(jsonb) is 'Calls in any minute, of a user and of the project.';

create or replace function tandem.spent(slot bigint, spent integer[], t timestamptz) returns integer[]
language plpgsql immutable set search_path = '' as $$
declare passed integer := case when spent is null then 31
  else least(31, greatest(0, floor(extract(epoch from t) / 2) - slot)) end;
begin return array_fill(0, array[passed]) || spent[1:31 - passed]; end $$;
comment on function tandem.spent(bigint, integer[], timestamptz) is
  'Calls of the minute before t by slots, the newest first: those that were counted up to a slot, moved on to t.';

-- calls: {account: number}. Among a transaction's last locks, by key. Users get what there is; who asks for more than
-- ten leaves a tenth for single changes. The last fifth of the project's is for who has used less than half of their
-- own: many users' bulk work stops nobody's single change.
create or replace function tandem.take_calls(calls jsonb, s jsonb, t timestamptz) returns jsonb
language plpgsql volatile set search_path = '' set enable_seqscan = off set jit = off as $$
declare q jsonb := tandem.quota(s); own bigint := q -> 'user'; everybodys bigint := q -> 'project'; taken jsonb;
begin
  with wanted as materialized (
    select 'user:' || a.subject as key, 'user' as kind, array_agg(a.id) as ids, sum(c.value::integer) as n
    from jsonb_each_text(calls) c join tandem.accounts a on a.id = c.key::uuid group by 1
    union all select 'project', 'project', null, sum(c.value::integer) from jsonb_each_text(calls) c),
  level as materialized (select w.*, x.spent, (q ->> w.kind)::bigint - (select sum(y) from unnest(x.spent) y) as free
    from wanted w left join lateral (select k.slot, k.spent from tandem.quotas k where k.key = w.key
      for no key update of k) b on true
    cross join lateral (select tandem.spent(b.slot, b.spent, t) as spent) x order by w.key),
  judged as materialized (select l.*, greatest(0, least(l.n, l.free - case when l.n > 10 then own / 10 else 0 end))
      as gets, case l.kind when 'user' then greatest(0, case when l.free * 2 < own then everybodys / 5 else 1 end
        - p.free) else 0 end as lacks
    from level l cross join (select x.free from level x where x.kind = 'project') p),
  stored as (insert into tandem.quotas (key, slot, spent) select l.key, floor(extract(epoch from t) / 2), (l.spent[1]
      + case when l.kind = 'project' then (select coalesce(sum(o.gets), 0) from judged o where o.kind = 'user'
        and o.lacks = 0) when l.lacks = 0 then l.gets else 0 end)::integer || l.spent[2:] from judged l order by l.key
    on conflict (key) do update set slot = excluded.slot, spent = excluded.spent)
  select jsonb_object_agg(i.id, jsonb_build_object('n', case when l.lacks = 0 then l.gets else 0 end, 'wait',
    case when l.lacks > 0 then ceil(l.lacks * 60.0 / everybodys) else 64 - 2 * coalesce(o.slot, 1) end)) into taken
  from judged l cross join lateral (select max(y) as slot from generate_subscripts(l.spent, 1) y where l.spent[y] > 0) o
  cross join lateral unnest(l.ids) i (id);
  return taken;
end $$;
comment on function tandem.take_calls(jsonb, jsonb, timestamptz) is
  'Takes calls of accounts'' and the project''s quota; by account: n, how many it gets; wait, seconds until the rest.';

create or replace function tandem.charge(calls jsonb, t timestamptz) returns void
language plpgsql volatile set search_path = '' set enable_seqscan = off set jit = off as $$
begin
  insert into tandem.quotas as b (key, slot, spent)
  select k.key, floor(extract(epoch from t) / 2), k.n::integer || array_fill(0, array[30]) from (
    select 'user:' || a.subject as key, sum(c.value::integer) as n
      from jsonb_each_text(calls) c join tandem.accounts a on a.id = c.key::uuid group by 1
    union all select 'project', sum(c.value::integer) from jsonb_each_text(calls) c order by 1) k
  where k.n <> 0 on conflict (key) do update set slot = greatest(b.slot, excluded.slot),
    spent = ((tandem.spent(b.slot, b.spent, t))[1] + excluded.spent[1]) || (tandem.spent(b.slot, b.spent, t))[2:];
end $$;
comment on function tandem.charge(jsonb, timestamptz) is
  'Charges calls of accounts and the project; negative ones are given back.';

create or replace function tandem.token_json(a tandem.accounts, refresh boolean, t timestamptz) returns jsonb
language plpgsql immutable set search_path = '' as $$
begin return case when refresh or a.access_token is not null and a.access_expires_at > t + interval '30 seconds'
    then jsonb_build_object('generation', a.token_generation, 'refresh', refresh, 'access_token', a.access_token,
      'refresh_token', a.refresh_token, 'user', a.user_id, 'subject', a.subject) end;
end $$;
comment on function tandem.token_json(tandem.accounts, boolean, timestamptz) is
  'Sealed tokens in the contract''s form; null for one that ends and is not to be refreshed.';

-- A token is handed out for refresh to one caller at a time, from 5 minutes before its end.
create or replace function tandem.grant_accounts(ids jsonb, t timestamptz) returns jsonb
language plpgsql volatile set search_path = '' set enable_seqscan = off set jit = off as $$
declare known jsonb; ending uuid[];
begin
  select coalesce(jsonb_object_agg(a.id, jsonb_build_object('token', case
      when a.state in ('active', 'disconnecting') then tandem.token_json(a, false, t) end)), '{}'),
    coalesce(array_agg(a.id order by a.id) filter (where a.state in ('active', 'disconnecting')
      and a.refresh_token is not null and (a.refreshing_until is null or a.refreshing_until <= t)
      and (a.access_token is null or a.access_expires_at <= t + interval '5 minutes')), '{}')
  into known, ending from tandem.accounts a
  where a.id = any (array(select x::uuid from jsonb_array_elements_text(ids) x where x is not null));
  if ending <> '{}' then
    with mine as (update tandem.accounts a set refreshing_until = t + interval '30 seconds'
      where a.id = any (ending) and (a.refreshing_until is null or a.refreshing_until <= t)
      returning a.id, tandem.token_json(a, true, t) as token)
    select known || coalesce(jsonb_object_agg(m.id, jsonb_build_object('token', m.token)), '{}') into known from mine m;
  end if;
  return known;
end $$;
comment on function tandem.grant_accounts(jsonb, timestamptz) is
  'By account: token: its sealed tokens, and whether the caller is to refresh them; null while somebody else does.';

create or replace function tandem.store_tokens(tokens jsonb, t timestamptz) returns void
language plpgsql volatile set search_path = '' as $$
begin
  update tandem.accounts a set access_token = n.access_token,
    access_expires_at = t + n.expires_in * interval '1 second', refreshing_until = null,
    refresh_token = coalesce(n.refresh_token, a.refresh_token), token_generation = a.token_generation + 1
  from jsonb_to_recordset(tokens) as n (account uuid, generation bigint, access_token text, expires_in double precision,
    refresh_token text) where a.id = n.account and a.token_generation = n.generation;
end $$;
comment on function tandem.store_tokens(jsonb, timestamptz) is
  'Stores refreshed tokens, each if its generation is still the current one.';

create or replace function tandem.pause_accounts(pauses jsonb) returns void
language plpgsql volatile set search_path = '' as $$
declare t timestamptz := tandem.clock();
begin
  update tandem.accounts a set pause_reason = nullif(p.reason, ''), paused_until = case when p.kind = 'over' then null
      when p.kind = 'quota' and (a.limited_at > t - interval '1 hour' and a.limited_by <> p.root) is not true
      then a.paused_until else greatest(a.paused_until, p.until) end,
    troubles = case p.kind when 'over' then 0 when 'trouble' then a.troubles
      + (coalesce(a.paused_until, t) <= t)::integer else a.troubles end,
    limited_at = case p.kind when 'quota' then t else a.limited_at end, limited_by = coalesce(p.root, a.limited_by)
  from jsonb_to_recordset(pauses) as p (account uuid, until timestamptz, reason text, kind text, root uuid)
  where a.id = p.account;
  perform tandem.wake(a.user_id, t) from jsonb_to_recordset(pauses) as p (account uuid, kind text)
  join tandem.accounts a on a.id = p.account where p.kind = 'over';
end $$;
comment on function tandem.pause_accounts(jsonb) is
  'Stores that nothing is to be written for a while, or that the provider takes the account again.';

-- members: of families that are loaded. Counts read at most as much as matters to a guard against mass deletion.
create or replace function tandem.connections_json(plan jsonb, members jsonb, listed uuid, t timestamptz, granted jsonb)
returns jsonb
language plpgsql stable set search_path = '' set enable_seqscan = off set jit = off as $$
declare since timestamptz := t - interval '1 hour'; roots jsonb := jsonb_path_query_array(members, '$[*].root');
begin return (with wanted as materialized (
    select c.id from jsonb_array_elements(plan) f join tandem.connections c on c.user_id = f ->> 'owner'
      where roots ? (f ->> 'root')
    union select (x #>> '{}')::uuid from jsonb_path_query(members, '$[*].members[*].links[*].connection') x
    union select listed where listed is not null)
  select jsonb_build_object('accounts', (select coalesce(jsonb_agg(jsonb_build_object('id', a.id, 'state', a.state,
      'reason', coalesce(a.reason, a.pause_reason), 'paused_until', tandem.utc(a.paused_until), 'troubles', a.troubles,
      'token', case when granted ? a.id::text then granted -> a.id::text -> 'token'
      else tandem.token_json(a, false, t) end) order by a.id), '[]')
      from tandem.accounts a where a.id in (select x.account_id from wanted w join tandem.connections x using (id))),
    'connections', coalesce(jsonb_agg(jsonb_build_object('id', c.id, 'user', c.user_id, 'account', c.account_id,
    'calendar', c.calendar_id, 'time_zone', c.time_zone, 'access_role', c.access_role, 'choices', c.choices,
    'state', c.state, 'is_target', c.is_target, 'imported_at', tandem.utc(c.imported_at), 'listed', c.listed,
    'listed_at', tandem.utc(c.listed_at), 'failures', c.failures,
    'linked', (select count(*) from (select from tandem.links l where l.connection_id = c.id
      and l.state in ('live', 'kept', 'leaving') and l.root = l.event limit 10000) x),
    'deleted_by_crm', (select count(*) from (
      select from tandem.links l where l.connection_id = c.id and l.gone_at > since and l.gone_by = 'crm'
        and l.event = l.root union all (select from (
          select o.event from tandem.open_changes o where o.owner = c.user_id and o.deleted_row is not null
          union (select h.event from tandem.changes h where h.owner = c.user_id and h.op = 'delete' limit 2000)) d
        join tandem.links l on l.event = d.event and l.connection_id = c.id
        where l.state in ('live', 'kept', 'leaving') and l.event = l.root
          and not exists (select from tandem.crm_rows r where r.event = d.event) limit 1000) limit 1000) x),
    'deleted_by_remote', (select count(*) from (select from tandem.links l where l.connection_id = c.id
        and l.gone_at > since and l.gone_by = 'remote' and l.event = l.root
      union all (select from tandem.parked k join tandem.links l on l.connection_id = c.id and l.remote = k.remote
        where k.connection_id = c.id and k.is_gone and k.state = 'waiting' and l.event = l.root
          and l.state in ('live', 'kept', 'leaving') limit 1000) limit 1000) x)) order by c.id), '[]'))
  from tandem.connections c where c.id in (select w.id from wanted w));
end $$;
comment on function tandem.connections_json(jsonb, jsonb, uuid, timestamptz, jsonb) is
  'Connections and their accounts in the contract''s form.';
