-- What users and operators see.

create or replace view public.tandem_connections with (security_barrier = true) as
  select k.id, k.user_id, a.email, a.state as account_state, a.reason, c.google_id as calendar_id, c.summary, c.time_zone, c.access_role,
    k.state, k.is_target, k.direction, k.policy, k.send_updates, c.push, h.id as channel_id, h.resource_id, h.expires_at as expiration,
    c.imported_at, c.last_synced_at, c.last_error
  from tandem.connections k
  join tandem.accounts a on a.id = k.account_id
  join tandem.calendars c on c.id = k.calendar_id
  left join lateral (select x.* from tandem.channels x where x.calendar_id = c.id and x.state = 'active' order by x.expires_at desc limit 1) h on true
  where k.user_id = tandem.uid();
comment on view public.tandem_connections is 'A user''s own connections, without any token.';

create or replace function tandem.shown_state(k tandem.connections, a tandem.accounts, c tandem.calendars) returns text
language sql stable set search_path = '' as $$
  select case
    when a.state = 'disconnecting' or k.state = 'disconnecting' then 'disconnecting'
    when a.state = 'reconnect_needed' then 'reconnect_needed'
    when k.state = 'paused' then 'paused'
    when exists (select from tandem.jobs j join tandem.links l on l.event_id = j.event_id and l.is_primary
      where j.state::text = 'held' and l.calendar_id = c.id) then 'needs_confirmation'
    when c.failures >= 3 then 'error'
    when c.imported_at is null or c.sync_token is null then 'importing'
    when c.push = 'poll' then 'polling'
    else 'active' end;
$$;
comment on function tandem.shown_state(tandem.connections, tandem.accounts, tandem.calendars) is 'Where a connection stands, in one word for its user.';

create or replace function tandem.status_of(k tandem.connections, a tandem.accounts, c tandem.calendars) returns jsonb
language sql stable set search_path = '' as $$
  select jsonb_build_object('connection_id', k.id, 'calendar_id', c.id, 'google_id', c.google_id, 'summary', c.summary, 'time_zone', c.time_zone, 'access_role', c.access_role, 'state', tandem.shown_state(k, a, c),
    'reason', case when a.state <> 'active' then a.reason when c.failures > 0 or c.push = 'poll' then c.last_error else a.pause_reason end,
    'direction', k.direction, 'policy', k.policy, 'send_updates', k.send_updates, 'opt_out', k.opt_out, 'is_target', k.is_target,
    'last_synced_at', tandem.utc(c.last_synced_at), 'push_proven', tandem.is_push_proven(c),
    'last_message_at', (select tandem.utc(max(h.delivered_at)) from tandem.channels h where h.calendar_id = c.id),
    'next_renewal_at', tandem.utc(c.watch_at), 'next_listing_at', tandem.utc(c.poll_at),
    'import', jsonb_build_object('from', tandem.utc(c.import_from), 'finished_at', case when c.sync_token is not null then tandem.utc(c.imported_at) end,
      'events', (select count(*) from tandem.links l where l.calendar_id = c.id and l.origin = 'google' and c.sync_token is null)),
    'held', (select jsonb_build_object('in_google', count(*) filter (where j.deleting), 'in_crm', count(*) filter (where not j.deleting))
      from tandem.jobs j join tandem.links l on l.event_id = j.event_id and l.is_primary
      where j.account_id = a.id and j.state = 'held' and l.calendar_id = c.id),
    'disconnect', (select jsonb_build_object('choice', d.choice, 'phase', d.phase, 'total', d.total, 'done', d.done, 'problem', d.problem)
      from tandem.disconnections d where d.connection_id = k.id and d.phase <> 'done' limit 1));
$$;
comment on function tandem.status_of(tandem.connections, tandem.accounts, tandem.calendars) is 'A connection for its user.';

create or replace function tandem.problems_of(owner uuid, most integer) returns jsonb
language sql stable set search_path = '' as $$
  select coalesce(jsonb_agg(x.problem order by x.at desc), '[]') from (
    (select jsonb_build_object('kind', j.state, 'event_id', j.event_id, 'title', tandem.crm_read(j.event_id) ->> 'title', 'reason', j.last_error,
        'attempts', j.attempts) as problem, j.due_at as at
      from tandem.accounts a join tandem.jobs j on j.account_id = a.id and j.state in ('held', 'dead')
      where a.user_id = owner order by j.due_at desc limit most)
    union all
    (select jsonb_build_object('kind', 'quarantined', 'calendar_id', i.calendar_id, 'google_id', i.google_id, 'calendar', c.summary,
        'reason', i.reason, 'received_at', tandem.utc(i.received_at)), i.received_at
      from tandem.accounts a join tandem.calendars c on c.account_id = a.id
      join tandem.inbox i on i.calendar_id = c.id and i.state = 'quarantined'
      where a.user_id = owner order by i.received_at desc limit most)) x;
$$;
comment on function tandem.problems_of(uuid, integer) is 'What of a user''s needs a person: given up, held back, or not understood.';

create or replace function public.tandem_status(p jsonb) returns jsonb
language plpgsql stable security definer set search_path = '' set timezone = 'UTC' as $$
declare owner uuid := (p ->> 'user_id')::uuid;
begin
  perform tandem.check_instance(p ->> 'instance');
  return jsonb_build_object('now', tandem.utc(tandem.clock()),
    'events', tandem.crm_states(owner), 'problems', tandem.problems_of(owner, 100),
    'accounts', (select coalesce(jsonb_agg(jsonb_build_object('account_id', a.id, 'email', a.email, 'state', a.state, 'reason', a.reason,
        'paused_until', tandem.utc(a.paused_until),
        'connections', (select coalesce(jsonb_agg(tandem.status_of(k, a, c) order by k.created_at, k.id), '[]')
          from tandem.connections k join tandem.calendars c on c.id = k.calendar_id where k.account_id = a.id and k.state <> 'disconnected'))
        order by a.created_at, a.id), '[]')
      from tandem.accounts a where a.user_id = owner and a.state <> 'disconnected'));
end $$;
comment on function public.tandem_status(jsonb) is
  'Where a user''s sync stands. p: {instance, user_id}, of a verified login. Returns {now, events: {sync_state: n}, problems, accounts: [{account_id, email, state, reason, connections: [{state: active | importing | paused | reconnect_needed | polling | needs_confirmation | disconnecting | error, ...}]}]}.';

-- One number of each kind, with what it is called in Prometheus.
create or replace function tandem.measures() returns table (name text, label text, value double precision)
language sql stable set search_path = '' as $$
  select 'jobs', 'state="' || j.state || '"', count(*) from tandem.jobs j group by j.state
  union all select 'oldest_job_seconds', 'state="' || j.state || '"', max(extract(epoch from tandem.clock() - j.due_at)) from tandem.jobs j group by j.state
  union all select 'changes_unseen', '', count(*) from tandem.changes c where not c.folded
  union all select 'inbox', 'state="' || i.state || '"', count(*) from tandem.inbox i group by i.state
  union all select 'accounts', 'state="' || a.state || '"', count(*) from tandem.accounts a group by a.state
  union all select 'calendars', 'push="' || c.push || '"', count(*) from tandem.calendars c where c.watch_at is not null group by c.push
  union all select 'calendars_failing', '', count(*) from tandem.calendars c where c.failures >= 3 and c.poll_at is not null
  union all select 'channels', 'state="' || h.state || '"', count(*) from tandem.channels h where h.expires_at > tandem.clock() group by h.state
  union all select 'channel_age_seconds', 'which="oldest"', max(extract(epoch from tandem.clock() - h.created_at)) from tandem.channels h
    where h.state = 'active' and h.expires_at > tandem.clock()
  union all select 'channel_overdue_seconds', 'which="longest"', greatest(0, max(extract(epoch from tandem.clock() - c.watch_at))) from tandem.calendars c
    join tandem.accounts a on a.id = c.account_id where c.watch_at <= tandem.clock() and a.state = 'active' and tandem.is_synced(c.id)
  union all select 'disconnections_open', '', count(*) from tandem.disconnections d where d.phase <> 'done'
  union all select 'tick_age_seconds', '', extract(epoch from tandem.clock() - tandem.setting('ticked_at')::timestamptz)
  union all select 'google_quota_left', 'of="project"', coalesce((select tandem.bucket_level(b, tandem.clock()) from tandem.buckets b where b.key = 'project'),
    tandem.bucket_size('project'))
  union all select 'google_quota_left', 'of="busiest_user"', coalesce((select min(tandem.bucket_level(b, tandem.clock())) from tandem.buckets b
    where b.key like 'user:%'), tandem.bucket_size('user:'))
  union all select 'tokens', 'sealed_with="' || split_part(a.refresh_token, '.', 1) || '"', count(*) from tandem.accounts a
    where a.state in ('active', 'disconnecting') group by split_part(a.refresh_token, '.', 1)
  union all select c.name || '_total', case c.name when 'google_calls' then 'result="' else 'outcome="' end || c.label || '"', sum(c.value)
    from tandem.counters c where c.name in ('google_calls', 'pushes', 'listings') group by c.name, c.label
  union all select case c.label when 'sum' then c.name || '_sum' else c.name || '_bucket' end,
    case c.label when 'sum' then '' else 'le="' || c.label || '"' end, sum(c.value)
    from tandem.counters c where c.name like '%\_seconds' group by c.name, c.label
  union all select c.name || '_count', '', sum(c.value) from tandem.counters c where c.name like '%\_seconds' and c.label = '+Inf' group by c.name;
$$;
comment on function tandem.measures() is 'All measures; histograms in parts.';

create or replace function public.tandem_metrics(p jsonb) returns jsonb
language plpgsql stable security definer set search_path = '' set timezone = 'UTC' as $$
begin
  perform tandem.check_instance(p ->> 'instance');
  return jsonb_build_object('measures', (select coalesce(jsonb_agg(jsonb_build_object('name', m.name, 'label', m.label, 'value', m.value)
    order by m.name, m.label), '[]') from tandem.measures() m where m.value is not null));
end $$;
comment on function public.tandem_metrics(jsonb) is 'What an operator watches. p: {instance}. Returns {measures: [{name, label, value}]}.';

create or replace function public.tandem_health(p jsonb) returns jsonb
language plpgsql stable security definer set search_path = '' set timezone = 'UTC' as $$
declare t timestamptz := tandem.clock(); problems text[] := array[]::text[]; n bigint; ticked timestamptz := tandem.setting('ticked_at')::timestamptz;
begin
  perform tandem.check_instance(p ->> 'instance');
  if ticked is null or ticked < t - interval '5 minutes' then
    problems := problems || format('no clock has called scheduler/tick since %s', coalesce(tandem.utc(ticked), 'ever'));
  end if;
  select count(*) into n from tandem.jobs j where j.state = 'open' and not j.quiet and j.due_at < t - interval '10 minutes';
  if n > 0 then problems := problems || format('%s changes have been due for more than 10 minutes', n); end if;
  select count(*) into n from tandem.calendars c join tandem.accounts a on a.id = c.account_id
  where c.watch_at < t - interval '1 hour' and a.state = 'active' and tandem.is_synced(c.id);
  if n > 0 then problems := problems || format('%s channels have been due for renewal for more than an hour', n); end if;
  select count(*) into n from tandem.calendars c where c.failures >= 3 and c.poll_at is not null;
  if n > 0 then problems := problems || format('%s calendars cannot be listed', n); end if;
  return jsonb_build_object('outcome', case when problems = '{}' then 'healthy' else 'unhealthy' end, 'problems', to_jsonb(problems),
    'now', tandem.utc(t), 'ticked_at', tandem.utc(ticked),
    'waiting_for_users', (select count(*) from tandem.accounts a where a.state = 'reconnect_needed'),
    'given_up', (select count(*) from tandem.jobs j where j.state = 'dead'),
    'quarantined', (select count(*) from tandem.inbox i where i.state = 'quarantined'));
end $$;
comment on function public.tandem_health(jsonb) is 'Whether the deployment does its work. p: {instance}. Returns {outcome: healthy | unhealthy, problems, now, ticked_at, waiting_for_users, given_up, quarantined}.';
