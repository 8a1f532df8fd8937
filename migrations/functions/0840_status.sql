set local lock_timeout = '3s';
-- Where a user's sync stands.

create or replace function tandem.shown_state(k tandem.connections, a tandem.accounts) returns text
language plpgsql stable set search_path = '' set enable_seqscan = off set jit = off as $$
begin
  return case
    when a.state = 'disconnecting' or k.state = 'disconnecting' then 'disconnecting'
    when a.state = 'reconnect_needed' then 'reconnect_needed'
    when k.state = 'paused' then 'paused'
    when exists (select from tandem.work w where w.owner = k.user_id and w.state = 'held' and w.connection_id = k.id)
      then 'needs_confirmation'
    when k.state = 'unreachable' then k.state
    when k.failures >= 3 or a.troubles > 0 then 'error'
    when k.imported_at is null or k.sync_token is null then 'importing'
    when k.push = 'poll' then 'polling'
    else 'active' end;
end $$;
comment on function tandem.shown_state(tandem.connections, tandem.accounts) is
  'Where a connection stands, in one word for its user.';

create or replace function tandem.reason_shown(k tandem.connections, a tandem.accounts, t timestamptz) returns text
language plpgsql stable set search_path = '' as $$
begin
  return case when a.state <> 'active' then a.reason
    when k.state = 'unreachable' then coalesce(k.last_error, 'the calendar cannot be reached')
    when k.failures > 0 or k.push = 'poll' then k.last_error
    when a.paused_until > t or a.troubles > 0 then a.pause_reason end;
end $$;
comment on function tandem.reason_shown(tandem.connections, tandem.accounts, timestamptz) is 'Why, for people.';

create or replace function tandem.status_of(k tandem.connections, a tandem.accounts, t timestamptz) returns jsonb
language plpgsql stable set search_path = '' set enable_seqscan = off set jit = off as $$
begin
  return tandem.connection_chosen(k) - 'import_from' || jsonb_build_object('time_zone', k.time_zone,
    'access_role', k.access_role, 'state', tandem.shown_state(k, a), 'reason', tandem.reason_shown(k, a, t),
    'last_synced_at', tandem.utc(k.listed_at), 'push_proven', tandem.is_push_proven(k, t),
    'last_message_at', (select tandem.utc(max(h.delivered_at)) from tandem.channels h where h.connection_id = k.id),
    'next_renewal_at', tandem.utc(k.watch_at), 'next_listing_at', tandem.utc(k.due_at),
    'import', jsonb_build_object('from', tandem.utc(k.import_from),
      'finished_at', case when k.sync_token is not null then tandem.utc(k.imported_at) end,
      'events', case when k.sync_token is null then (select count(*) from (select from tandem.links l
        where l.connection_id = k.id and l.origin = 'remote' limit 100000) x) else 0 end),
    'held', (select jsonb_build_object('in_google', count(*) filter (where w.notes ->> 'held' = 'crm'),
        'in_crm', count(*) filter (where w.notes ->> 'held' is distinct from 'crm'))
      from tandem.work w where w.owner = k.user_id and w.state = 'held' and w.connection_id = k.id),
    'disconnect', (select jsonb_build_object('choice', d.choice, 'phase', d.phase, 'total', d.total, 'done', d.done,
        'problem', d.problem) from tandem.disconnections d where d.connection_id = k.id and d.phase <> 'done' limit 1));
end $$;
comment on function tandem.status_of(tandem.connections, tandem.accounts, timestamptz) is 'A connection for its user.';

create or replace function tandem.problems_of(owner text, most integer) returns jsonb
language plpgsql stable set search_path = '' set enable_seqscan = off set jit = off as $$
begin
  return (select coalesce(jsonb_agg(x.problem order by x.at desc), '[]') from (
    (select jsonb_build_object('kind', w.state, 'event_id', w.root, 'title', tandem.title_of(w.root, problems_of.owner),
        'connection_id', w.connection_id, 'reason', w.reason, 'attempts', w.attempts) as problem, w.at
      from tandem.work w where w.owner = problems_of.owner and w.state in ('held', 'dead')
      order by w.at desc limit most)
    union all
    (select jsonb_build_object('kind', 'quarantined', 'connection_id', k.id, 'calendar_id', k.id,
        'google_id', i.remote, 'calendar', k.summary, 'reason', i.reason, 'received_at', tandem.utc(i.parked_at)),
        i.parked_at
      from tandem.connections k join tandem.parked i on i.connection_id = k.id and i.state = 'quarantined'
      where k.user_id = problems_of.owner and k.state <> 'disconnected' order by i.parked_at desc limit most)) x);
end $$;
comment on function tandem.problems_of(text, integer) is
  'What of a user''s needs a person: given up, held back, or not understood.';

create or replace function public.tandem_status(p jsonb) returns jsonb
language plpgsql volatile security definer set search_path = '' set timezone = 'UTC' as $$
declare t timestamptz := tandem.called(p); owner text := p ->> 'user_id';
begin
  perform tandem.need(p, 'user_id string');
  return jsonb_build_object('now', tandem.utc(t), 'events', tandem.crm_states(owner),
    'problems', tandem.problems_of(owner, 100),
    'accounts', (select coalesce(jsonb_agg(jsonb_build_object('account_id', a.id, 'email', a.email,
        'state', case when a.state = 'active' and a.begin_at is not null then 'connecting' else a.state end,
        'reason', coalesce(a.reason, a.begin_reason, case when a.paused_until > t or a.troubles > 0
          then a.pause_reason end), 'paused_until', tandem.utc(a.paused_until),
        'connections', (select coalesce(jsonb_agg(tandem.status_of(k, a, t) order by k.created_at, k.id), '[]')
          from tandem.connections k where k.account_id = a.id and k.state <> 'disconnected'))
        order by a.created_at, a.id), '[]')
      from tandem.accounts a where a.user_id = owner and a.state <> 'disconnected'));
end $$;
comment on function public.tandem_status(jsonb) is
  'Where a user''s sync stands. p: {instance, user_id}, of a verified login. Returns {now, events: {sync_state: n}, '
  'problems, accounts: [{account_id, email, state: active | connecting | reconnect_needed | '
  'disconnecting, reason, paused_until, connections: [{connection_id, '
  'calendar_id: the same, state: active | importing | paused | reconnect_needed | polling | needs_confirmation | '
  'disconnecting | error, ...}]}]}.';

select tandem.seal();
