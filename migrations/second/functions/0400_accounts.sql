set local lock_timeout = '3s';
-- Accounts, their tokens and their quota, and how connections are told.

-- A sliding minute: what a full bucket holds and what a minute refills stay below the provider's limits together.
create or replace function tandem.bucket_size(key text) returns double precision
language plpgsql stable set search_path = '' as $$
begin
  return coalesce(tandem.setting(case when key = 'project' then 'project_burst' else 'user_burst' end)::double precision,
    case when key = 'project' then 1500 else 100 end);
end $$;
comment on function tandem.bucket_size(text) is 'What a full bucket holds.';

create or replace function tandem.bucket_rate(key text) returns double precision
language plpgsql stable set search_path = '' as $$
begin
  return coalesce(tandem.setting(case when key = 'project' then 'project_per_minute' else 'user_per_minute' end)
    ::double precision, case when key = 'project' then 8000 else 480 end) / 60;
end $$;
comment on function tandem.bucket_rate(text) is 'What it gains in a second.';

-- p: {account: calls}. Always among a transaction's last locks, by key. Takes what there is; the rest waits.
create or replace function tandem.take_calls(calls jsonb, t timestamptz) returns jsonb
language plpgsql volatile set search_path = '' set enable_seqscan = off as $$
declare project double precision; taken jsonb;
begin
  with wanted as materialized (
    select a.id, 'user:' || a.subject as key, c.value::integer as n from jsonb_each_text(calls) c
    join tandem.accounts a on a.id = c.key::uuid),
  made as (insert into tandem.buckets as b (key, tokens, at)
    select k.key, tandem.bucket_size(k.key), t from (select w.key from wanted w union select 'project' order by 1) k
    on conflict (key) do update set at = greatest(b.at, t), tokens = least(tandem.bucket_size(b.key),
      b.tokens + greatest(0, extract(epoch from t - b.at)) * tandem.bucket_rate(b.key))
    returning b.key, b.tokens)
  select max(m.tokens) filter (where m.key = 'project'), jsonb_object_agg(w.id, jsonb_build_object('key', m.key,
      'n', least(w.n, greatest(0, floor(m.tokens))), 'wait', ceil((1 - least(m.tokens, 0)) / tandem.bucket_rate(m.key))))
    filter (where w.id is not null)
  into project, taken from made m left join wanted w on w.key = m.key;
  if project < (select sum(value::integer) from jsonb_each_text(calls)) then
    -- The project's is nearly empty: each gets what is there as long as it lasts.
    select jsonb_object_agg(x.key, x.value || jsonb_build_object('n', greatest(0, least((x.value ->> 'n')::double precision,
      floor(project) - x.before)))) into taken
    from (select e.key, e.value, coalesce(sum((e.value ->> 'n')::double precision)
      over (order by e.key rows between unbounded preceding and 1 preceding), 0) as before from jsonb_each(taken) e) x;
  end if;
  perform tandem.charge((select jsonb_object_agg(e.key, e.value -> 'n') from jsonb_each(taken) e where e.value -> 'n' <> '0'), t);
  return taken;
end $$;
comment on function tandem.take_calls(jsonb, timestamptz) is
  'Takes calls of accounts'' and the project''s quota; by account: n, how many it got, and wait, seconds until one more.';

create or replace function tandem.charge(calls jsonb, t timestamptz) returns void
language plpgsql volatile set search_path = '' set enable_seqscan = off as $$
begin
  if calls is null then return; end if;
  insert into tandem.buckets as b (key, tokens, at)
  select k.key, tandem.bucket_size(k.key) - k.n, t from (
    select 'user:' || a.subject as key, sum(c.value::double precision) as n from jsonb_each_text(calls) c
      join tandem.accounts a on a.id = c.key::uuid group by 1
    union all select 'project', sum(c.value::double precision) from jsonb_each_text(calls) c order by 1) k
  on conflict (key) do update set tokens = least(tandem.bucket_size(b.key), b.tokens - (tandem.bucket_size(b.key) - excluded.tokens));
end $$;
comment on function tandem.charge(jsonb, timestamptz) is 'Charges calls of accounts and the project; negative ones are given back.';

-- A token is handed out for refresh to one caller at a time, from 5 minutes before its end.
create or replace function tandem.grant_tokens(accounts uuid[], t timestamptz) returns jsonb
language plpgsql volatile set search_path = '' set enable_seqscan = off as $$
declare granted jsonb; ending uuid[]; mine uuid[] := '{}';
begin
  select coalesce(array_agg(a.id order by a.id), '{}') into ending from tandem.accounts a where a.id = any (accounts)
    and (a.access_token is null or a.access_expires_at <= t + interval '5 minutes') and a.state in ('active', 'disconnecting');
  if ending <> '{}' then
    with ours as (update tandem.accounts a set refreshing_until = t + interval '30 seconds'
      where a.id = any (ending) and (a.refreshing_until is null or a.refreshing_until <= t) returning a.id)
    select coalesce(array_agg(o.id), '{}') into mine from ours o;
  end if;
  select coalesce(jsonb_object_agg(a.id, jsonb_build_object('generation', a.token_generation, 'refresh', a.id = any (mine),
    'access_token', a.access_token, 'refresh_token', a.refresh_token)), '{}') into granted
  from tandem.accounts a where a.id = any (accounts) and a.state in ('active', 'disconnecting') and a.refresh_token is not null
    and (a.id = any (mine) or a.access_token is not null and a.access_expires_at > t + interval '30 seconds');
  return granted;
end $$;
comment on function tandem.grant_tokens(uuid[], timestamptz) is
  'By account: its sealed tokens and whether the caller is to refresh them; absent while somebody else does.';

create or replace function tandem.store_tokens(tokens jsonb, t timestamptz) returns void
language plpgsql volatile set search_path = '' as $$
begin
  update tandem.accounts a set access_token = n.access_token, access_expires_at = t + n.expires_in * interval '1 second',
    refresh_token = coalesce(n.refresh_token, a.refresh_token), token_generation = a.token_generation + 1, refreshing_until = null
  from jsonb_to_recordset(tokens) as n (account uuid, generation bigint, access_token text, expires_in double precision,
    refresh_token text)
  where a.id = n.account and a.token_generation = n.generation;
end $$;
comment on function tandem.store_tokens(jsonb, timestamptz) is 'Stores refreshed tokens, each if its generation is still the current one.';

create or replace function tandem.pause_accounts(pauses jsonb) returns void
language plpgsql volatile set search_path = '' as $$
begin
  update tandem.accounts a set paused_until = greatest(a.paused_until, p.until), pause_reason = p.reason
  from jsonb_to_recordset(pauses) as p (account uuid, until timestamptz, reason text) where a.id = p.account;
end $$;
comment on function tandem.pause_accounts(jsonb) is 'Stores that nothing is to be written for a while.';

create or replace function tandem.accounts_json(ids uuid[], tokens jsonb) returns jsonb
language plpgsql stable set search_path = '' set enable_seqscan = off as $$
begin
  return (select coalesce(jsonb_agg(jsonb_build_object('id', a.id, 'state', a.state, 'reason', a.reason,
    'paused_until', tandem.utc(a.paused_until), 'token', tokens -> a.id::text) order by a.id), '[]')
  from tandem.accounts a where a.id = any (ids));
end $$;
comment on function tandem.accounts_json(uuid[], jsonb) is 'Accounts in the contract''s form.';

-- Counts read at most as much as matters to a guard against mass deletion.
create or replace function tandem.connections_json(ids uuid[], t timestamptz) returns jsonb
language plpgsql stable set search_path = '' set enable_seqscan = off as $$
declare since timestamptz := t - interval '1 hour';
begin
  return (select coalesce(jsonb_agg(jsonb_build_object('id', c.id, 'user', c.user_id, 'account', c.account_id,
    'calendar', c.calendar_id, 'time_zone', c.time_zone, 'access_role', c.access_role, 'choices', c.choices,
    'state', c.state, 'is_target', c.is_target, 'imported_at', tandem.utc(c.imported_at), 'listed', c.listed,
    'listed_at', tandem.utc(c.listed_at), 'failures', c.failures,
    'linked', (select count(*) from (select from tandem.links l where l.connection_id = c.id
      and l.state in ('live', 'kept', 'leaving') limit 10000) x),
    'deleted_by_crm', (select count(*) from (
      select from tandem.links l where l.connection_id = c.id and l.gone_at > since and l.gone_by = 'crm' and l.event = l.root
      union all (select from tandem.open_changes o join tandem.links l on l.event = o.event and l.connection_id = c.id
        where o.owner = c.user_id and o.deleted_row is not null and l.state <> 'deleted' and l.event = l.root limit 1000)
      union all (select from tandem.changes h join tandem.links l on l.event = h.event and l.connection_id = c.id
        where h.owner = c.user_id and h.op = 'delete' and l.state <> 'deleted' and l.event = l.root limit 1000)
      limit 1000) x),
    'deleted_by_remote', (select count(*) from (
      select from tandem.links l where l.connection_id = c.id and l.gone_at > since and l.gone_by = 'remote' and l.event = l.root
      union all (select from tandem.work w where w.owner = c.user_id and w.state = 'held' and w.connection_id = c.id
        and not exists (select from tandem.open_changes o where o.event = w.root and o.deleted_row is not null) limit 1000)
      limit 1000) x)) order by c.id), '[]')
  from tandem.connections c where c.id = any (ids));
end $$;
comment on function tandem.connections_json(uuid[], timestamptz) is 'Connections in the contract''s form.';
