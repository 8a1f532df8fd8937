set local lock_timeout = '3s';
-- What operators see. Bounded: what can be millions is counted up to 10,000, by indexes that hold no others.

-- Of 200 owners who can work, up to 1,000 changes each.
create or replace function tandem.oldest_changes(than interval, t timestamptz) returns table (n bigint, seconds float8)
language plpgsql stable set search_path = '' set enable_seqscan = off set jit = off as $$
begin
  return query select count(*), extract(epoch from t)::float8 - min(h.rev) / 1000000.0::float8
  from tandem.next_owners('changes', '', 200, 200, t) o
  cross join lateral (select c.rev from tandem.changes c where c.owner = o.owner
    and c.rev <= extract(epoch from t - than) * 1000000 order by c.rev limit 1000) h
  where o.able <> 'none';
end $$;
comment on function tandem.oldest_changes(interval, timestamptz) is
  'Queued changes that are older and could be worked on, and the age of the oldest.';

create or replace function tandem.measures_of_work(t timestamptz) returns table (name text, label text, value float8)
language plpgsql stable set search_path = '' set enable_seqscan = off set jit = off as $$
begin
  return query
  select 'jobs', 'state="open"', (select count(*) from (select from tandem.work w
    where w.state = 'open' limit 10000) x)::float8
  union all select 'jobs', 'state="' || s || '"', (select count(*) from (select from tandem.work w
    where w.state in ('held', 'dead') and w.state = s limit 10000) x)::float8 from unnest('{held,dead}'::text[]) s
  union all select 'oldest_job_seconds', 'state="open"', (select extract(epoch from t - w.at) from tandem.work w
    where w.state = 'open' and not w.is_bulk order by w.at limit 1)::float8
  union all select 'oldest_change_seconds', '', (select o.seconds from tandem.oldest_changes('0', t) o)
  union all select 'changes_unseen', '', (select count(*) from (select from tandem.changes c limit 10000) x)::float8
  union all select 'inbox', 'state="quarantined"', (select count(*) from (select from tandem.parked i
    where i.state = 'quarantined' limit 10000) x)::float8
  union all select 'inbox', 'state="read"', (select count(*) from (select from tandem.parked i
    where i.state in ('read', 'orphan') limit 10000) x)::float8
  union all select 'walks', '', (select count(*) from (select from tandem.walks w limit 10000) x)::float8
  union all select 'disconnections_open', '', (select count(*) from (select from tandem.disconnections d
    where d.phase <> 'done' limit 10000) x)::float8;
end $$;
comment on function tandem.measures_of_work(timestamptz) is 'What is to be done; each count ends at 10,000.';

create or replace function tandem.measures_of_accounts(t timestamptz)
returns table (name text, label text, value float8)
language plpgsql stable set search_path = '' set enable_seqscan = off set jit = off as $$
begin
  return query
  select 'accounts', 'state="' || a.state || '"', count(*)::float8
    from (select x.state from tandem.accounts x where x.state <> 'active' limit 10000) a group by a.state
  union all select 'accounts', 'state="active"', (select count(*) from (select from tandem.accounts a
    where a.state = 'active' limit 10000) x)::float8
  union all select 'tokens', 'sealed_with="' || split_part(a.refresh_token, '.', 1) || '"', count(*)::float8
    from (select x.refresh_token from tandem.accounts x where x.state in ('active', 'disconnecting') limit 10000) a
    group by split_part(a.refresh_token, '.', 1)
  union all select 'calendars', 'push="' || c.push || '"', count(*)::float8
    from (select x.push from tandem.connections x where x.watch_at is not null limit 10000) c group by c.push
  union all select 'calendars_failing', '', (select count(*) from (select from tandem.connections c
    where c.failures >= 3 and c.state in ('active', 'unreachable') limit 10000) x)::float8
  union all select 'channels', 'state="' || h.state || '"', count(*)::float8
    from (select x.state from tandem.channels x where x.expires_at > t limit 10000) h group by h.state
  union all select 'channel_age_seconds', 'which="oldest"', (select max(extract(epoch from t - h.created_at))
    from (select x.created_at from tandem.channels x where x.state = 'active' and x.expires_at > t
      order by x.expires_at limit 10000) h)::float8
  union all select 'channel_overdue_seconds', 'which="longest"', greatest(0, coalesce((select extract(epoch from
      t - c.watch_at) from tandem.connections c join tandem.accounts a on a.id = c.account_id and a.state = 'active'
    where c.watch_at <= t and c.state in ('active', 'unreachable') order by c.watch_at limit 1), 0))::float8
  union all select 'tick_age_seconds', '', extract(epoch from t - tandem.setting('ticked_at')::timestamptz)::float8;
end $$;
comment on function tandem.measures_of_accounts(timestamptz) is 'Who is connected; each count ends at 10,000.';

create or replace function tandem.measures_of_quota(t timestamptz) returns table (name text, label text, value float8)
language plpgsql stable set search_path = '' as $$
declare q jsonb := tandem.quota((select jsonb_object_agg(s.key, s.value) from tandem.settings s));
begin
  return query
  with left_of as (select k.key, ((q ->> split_part(k.key, ':', 1))::bigint
      - (select sum(y) from unnest(tandem.spent(k.slot, k.spent, t)) y))::float8 as free
    from (select x.* from tandem.quotas x order by x.key limit 10000) k)
  select 'google_quota_left', 'of="project"', coalesce((select x.free from left_of x where x.key = 'project'),
    (q ->> 'project')::float8)
  union all select 'google_quota_left', 'of="busiest_user"', coalesce((select min(x.free) from left_of x
    where x.key <> 'project'), (q ->> 'user')::float8);
end $$;
comment on function tandem.measures_of_quota(timestamptz) is 'What is left of quotas.';

create or replace function tandem.measures_counted() returns table (name text, label text, value float8)
language plpgsql stable set search_path = '' as $$
begin
  return query
  select c.name || '_total', case c.name when 'google_calls' then 'result="' else 'outcome="' end || c.label || '"',
    sum(c.value) from tandem.counters c where c.name not like '%\_seconds' group by c.name, c.label
  union all select case c.label when 'sum' then c.name || '_sum' else c.name || '_bucket' end,
    case c.label when 'sum' then '' else 'le="' || c.label || '"' end, sum(c.value)
    from tandem.counters c where c.name like '%\_seconds' group by c.name, c.label
  union all select c.name || '_count', '', sum(c.value) from tandem.counters c
    where c.name like '%\_seconds' and c.label = '+Inf' group by c.name;
end $$;
comment on function tandem.measures_counted() is 'What is counted as it happens; histograms in parts.';

create or replace function public.tandem_metrics(p jsonb) returns jsonb
language plpgsql volatile security definer set search_path = '' set timezone = 'UTC' as $$
declare t timestamptz := tandem.called(p);
begin
  return jsonb_build_object('measures', (select coalesce(jsonb_agg(jsonb_build_object('name', m.name, 'label', m.label,
    'value', m.value) order by m.name, m.label), '[]') from (
      select * from tandem.measures_of_work(t) union all select * from tandem.measures_of_accounts(t)
      union all select * from tandem.measures_of_quota(t) union all select * from tandem.measures_counted()) m
    where m.value is not null));
end $$;
comment on function public.tandem_metrics(jsonb) is
  'What an operator watches; counts of what is stored end at 10,000. p: {instance}. Returns {measures: [{name, label, '
  'value}]}.';

-- Where nobody has to be asked whether somebody exists, nobody's leaving is noticed, either.
-- An account that the provider refuses as a whole is its user's trouble, which their status says.
create or replace function tandem.health_problems(t timestamptz, ticked timestamptz) returns text[]
language plpgsql stable set search_path = '' set enable_seqscan = off set jit = off as $$
declare problems text[] := '{}'; n bigint;
begin
  if ticked is null or ticked < t - interval '5 minutes' then
    problems := problems || format('no clock has called scheduler/tick since %s', coalesce(tandem.utc(ticked), 'ever'));
  end if;
  select count(*) into n from (select from tandem.work w where w.state = 'open' and not w.is_bulk
    and w.at < t - interval '10 minutes' and not exists (select from tandem.accounts a
      where a.user_id = w.owner and a.troubles > 0) limit 10000) x;
  n := n + (select o.n from tandem.oldest_changes('10 minutes', t) o);
  if n > 0 then problems := problems || format('%s changes have been due for more than 10 minutes', n); end if;
  select count(*) into n from (select from tandem.connections c join tandem.accounts a on a.id = c.account_id
    where c.watch_at < t - interval '1 hour' and a.state = 'active' and a.troubles = 0
      and c.state in ('active', 'unreachable') limit 10000) x;
  if n > 0 then
    problems := problems || format('%s channels have been due for renewal for more than an hour', n);
  end if;
  select count(*) into n from (select from tandem.connections c
    where c.failures >= 3 and c.state = 'active' limit 10000) x;
  if n > 0 then problems := problems || format('%s calendars cannot be listed', n); end if;
  if to_regclass((select a.relation from tandem.adoption a)) is null then
    problems := problems || 'no table is adopted: see tandem.adopt'::text;
  end if;
  return problems;
end $$;
comment on function tandem.health_problems(timestamptz, timestamptz) is 'What an operator is to look at.';

create or replace function public.tandem_health(p jsonb) returns jsonb
language plpgsql volatile security definer set search_path = '' set timezone = 'UTC'
set enable_seqscan = off set jit = off as $$
declare t timestamptz := tandem.called(p); problems text[];
  ticked timestamptz := tandem.setting('ticked_at')::timestamptz;
begin
  problems := tandem.health_problems(t, ticked);
  return jsonb_build_object('outcome', case when problems = '{}' then 'healthy' else 'unhealthy' end,
    'problems', to_jsonb(problems), 'now', tandem.utc(t), 'ticked_at', tandem.utc(ticked),
    'schema_version', (select max(v.version) from tandem.schema_version v),
    'waiting_for_users', (select count(*) from (select from tandem.accounts a
      where a.state <> 'active' and a.state = 'reconnect_needed' limit 10000) x),
    'given_up', (select count(*) from (select from tandem.work w
      where w.state in ('held', 'dead') and w.state = 'dead' limit 10000) x),
    'quarantined', (select count(*) from (select from tandem.parked i where i.state = 'quarantined' limit 10000) x));
end $$;
comment on function public.tandem_health(jsonb) is
  'Whether the deployment does its work. p: {instance}. Returns {outcome: healthy | unhealthy, problems, now, '
  'ticked_at, schema_version, waiting_for_users, given_up, quarantined}.';

select tandem.seal();
