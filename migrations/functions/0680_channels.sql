set local lock_timeout = '3s';
-- Push channels: noted before the provider is asked for one, since channels cannot be listed.

create or replace function tandem.count_channel_calls(account uuid, p jsonb, t timestamptz) returns void
language plpgsql volatile set search_path = '' as $$
begin
  if (p ->> 'units')::integer <> 0 then
    perform tandem.charge(jsonb_build_object(account, (p ->> 'units')::integer), t);
  end if;
  perform tandem.add_counts(jsonb_build_object('google_calls', p -> 'calls'));
end $$;
comment on function tandem.count_channel_calls(uuid, jsonb, timestamptz) is
  'Charges and counts what was asked of the provider about channels.';

-- The last thing that a transaction does. A count is kept in several rows, so that flows seldom wait for each other.
create or replace function tandem.add_counts(counts jsonb) returns void
language plpgsql volatile set search_path = '' as $$
begin
  if not jsonb_path_exists(counts, '$.*.*') then return; end if;
  insert into tandem.counters as c (name, label, shard, value)
  select n.key, l.key, floor(random() * 4)::smallint, l.value::double precision from jsonb_each(counts) n
  cross join jsonb_each_text(case jsonb_typeof(n.value) when 'object' then n.value else '{}' end) l
  where l.value <> '0' order by n.key, l.key
  on conflict on constraint counters_pkey do update set value = c.value + excluded.value;
end $$;
comment on function tandem.add_counts(jsonb) is 'Adds to counts: {name: {label: how many}}.';

create or replace function tandem.stop_channels(connection uuid, but text) returns void
language plpgsql volatile set search_path = '' as $$
begin
  update tandem.channels h set state = 'stopping' where h.connection_id = connection and h.id is distinct from but
    and h.state in ('creating', 'active');
end $$;
comment on function tandem.stop_channels(uuid, text) is 'Has a connection''s channels stopped, all or all but one.';

create or replace function tandem.no_channel(k tandem.connections, a tandem.accounts, t timestamptz) returns text
language plpgsql stable set search_path = '' as $$
begin
  return case
    when k.id is null then 'no such connection'
    when exists (select from tandem.channels h where h.connection_id = k.id and (h.state = 'active'
      and h.expires_at > t + interval '1 hour' and k.watch_at > t or h.state = 'creating'
      and h.created_at > t - interval '2 minutes')) then 'the calendar has a channel'
    when a.state <> 'active' or k.state not in ('active', 'unreachable') then 'the account is not connected' end;
end $$;
comment on function tandem.no_channel(tandem.connections, tandem.accounts, timestamptz) is
  'Why a connection is to get no channel now, or null.';

create or replace function public.tandem_channel_begin(p jsonb) returns jsonb
language plpgsql volatile security definer set search_path = '' set timezone = 'UTC' as $$
declare t timestamptz := tandem.called(p); k tandem.connections; a tandem.accounts; token jsonb; why text;
begin
  perform tandem.need(p, 'channel_id string', 'unable string?');
  select * into k from tandem.connections c where c.id = tandem.connection_id(p) for no key update;
  select * into a from tandem.accounts x where x.id = k.account_id;
  why := tandem.no_channel(k, a, t);
  if why is not null then return jsonb_build_object('outcome', 'nothing', 'reason', why); end if;
  -- Whoever asks now may end before it says what came of it.
  update tandem.connections c set watch_at = t + interval '5 minutes' where c.id = k.id;
  if p ->> 'unable' is not null then
    update tandem.connections c set push = 'poll', watch_at = t + interval '1 hour' * (1 + random()),
      due_at = least(c.due_at, t + interval '1 minute') where c.id = k.id;
    return jsonb_build_object('outcome', 'nothing', 'reason', p ->> 'unable');
  end if;
  token := tandem.grant_one(a.id, t);
  if token is null then
    return jsonb_build_object('outcome', 'nothing', 'reason', 'the access token is being refreshed');
  end if;
  insert into tandem.channels (id, connection_id, account_id, expires_at, created_at)
  values (p ->> 'channel_id', k.id, a.id, t + interval '7 days', t);
  return jsonb_build_object('outcome', 'begun', 'connection_id', k.id, 'user', k.user_id, 'google_id', k.calendar_id,
    'now', tandem.utc(t), 'token', token);
end $$;
comment on function public.tandem_channel_begin(jsonb) is
  'Notes a channel before the provider is asked for it, where the connection needs one. p: {instance, connection_id '
  '(or calendar_id), channel_id} or with unable: why there can be none. Returns {outcome: begun, connection_id, '
  'user, google_id, now, token} or {outcome: nothing, reason}.';

create or replace function tandem.channel_failed(h tandem.channels, p jsonb, t timestamptz) returns void
language plpgsql volatile set search_path = '' as $$
declare never boolean := coalesce((p ->> 'unsupported')::boolean, false);
begin
  -- Only a channel of which the provider said nothing is given up: a message may have shown that it is there.
  update tandem.channels x set state = 'stopped' where x.id = h.id and x.state = 'creating';
  update tandem.connections c set push = case when never then 'poll' else c.push end,
    watch_at = t + case when never then interval '7 days' when c.state = 'unreachable' then interval '1 day'
      else interval '10 minutes' end * (0.75 + random() / 4), last_error = p ->> 'failed',
    -- A calendar that is not there is asked for more and more rarely, and gets its channel when it is back.
    due_at = case c.state when 'unreachable' then c.due_at else least(c.due_at, t + interval '1 minute') end
  where c.id = h.connection_id and c.watch_at is not null;
end $$;
comment on function tandem.channel_failed(tandem.channels, jsonb, timestamptz) is 'Stores that there is no channel.';

create or replace function public.tandem_channel_record(p jsonb) returns jsonb
language plpgsql volatile security definer set search_path = '' set timezone = 'UTC' as $$
declare t timestamptz := tandem.called(p); h tandem.channels; old jsonb := '[]'; ends timestamptz; wanted boolean;
begin
  perform tandem.need(p, 'channel_id string', 'failed string?', 'unsupported boolean?', 'units number?');
  ends := tandem.moment(p, 'expires_at');
  -- Connection before account and channel, as in a listing.
  select c.state in ('active', 'paused', 'unreachable') into wanted from tandem.connections c
  join tandem.channels x on x.connection_id = c.id where x.id = p ->> 'channel_id' for no key update of c;
  perform tandem.store_tokens(tandem.one_token(p -> 'token'), t);
  select * into h from tandem.channels x where x.id = p ->> 'channel_id' for update;
  if not found then return jsonb_build_object('outcome', 'nothing', 'reason', 'no such channel'); end if;
  if p ->> 'failed' is not null then
    perform tandem.channel_failed(h, p, t);
    perform tandem.count_channel_calls(h.account_id, p, t);
    return jsonb_build_object('outcome', 'recorded', 'old', old);
  end if;
  perform tandem.need(p, 'resource_id string', 'expires_at string');
  -- A calendar that was disconnected meanwhile wants no channel any more.
  update tandem.channels x set resource_id = p ->> 'resource_id', expires_at = ends,
    state = case when wanted then 'active' else 'stopping' end where x.id = h.id;
  if wanted then
    update tandem.connections c set push = 'push', watch_at = t + (ends - t) * (0.6 + random() / 4)
    where c.id = h.connection_id;
    perform tandem.stop_channels(h.connection_id, h.id);
  end if;
  select coalesce(jsonb_agg(jsonb_build_object('channel_id', x.id, 'resource_id', x.resource_id)), '[]') into old
  from tandem.channels x where x.connection_id = h.connection_id and x.state = 'stopping' and x.resource_id is not null
    and x.account_id = h.account_id and x.expires_at > t;
  perform tandem.count_channel_calls(h.account_id, p, t);
  return jsonb_build_object('outcome', 'recorded', 'old', old);
end $$;
comment on function public.tandem_channel_record(jsonb) is
  'Stores the provider''s answer to watch; the next channel replaces this one after 60 to 85 % of its life. p: '
  '{instance, channel_id, resource_id, expires_at} or {instance, channel_id, failed, unsupported}, with token, calls, '
  'units. Returns {outcome: recorded, old} with the connection''s earlier channels, which are now to be stopped.';

create or replace function public.tandem_channel_stopped(p jsonb) returns jsonb
language plpgsql volatile security definer set search_path = '' set timezone = 'UTC' as $$
declare t timestamptz := tandem.called(p);
begin
  perform tandem.need(p, 'account_id uuid', 'channel_ids array', 'units number?');
  update tandem.channels h set state = 'stopped' where h.account_id = (p ->> 'account_id')::uuid
    and h.id in (select jsonb_array_elements_text(p -> 'channel_ids'));
  perform tandem.store_tokens(tandem.one_token(p -> 'token'), t);
  perform tandem.count_channel_calls((p ->> 'account_id')::uuid, p, t);
  return jsonb_build_object('outcome', 'recorded');
end $$;
comment on function public.tandem_channel_stopped(jsonb) is
  'Stores that channels are stopped. p: {instance, account_id, channel_ids, token, calls, units}.';

create or replace function tandem.can_ask(a tandem.accounts) returns boolean
language plpgsql immutable set search_path = '' as $$
begin return a.state = 'active' or a.state = 'disconnecting' and a.reason is null; end $$;
comment on function tandem.can_ask(tandem.accounts) is 'Whether the account''s access is still good.';

create or replace function tandem.stoppable(account uuid, t timestamptz) returns jsonb
language plpgsql stable set search_path = '' as $$
begin
  return (select coalesce(jsonb_agg(jsonb_build_object('channel_id', x.id, 'resource_id', x.resource_id)), '[]')
  from (select h.id, h.resource_id from tandem.channels h where h.account_id = account and h.state = 'stopping'
    and h.resource_id is not null and h.expires_at > t order by h.id limit 50) x);
end $$;
comment on function tandem.stoppable(uuid, timestamptz) is
  'An account''s channels that the provider is to be asked to stop.';

create or replace function public.tandem_channel_stopping(p jsonb) returns jsonb
language plpgsql volatile security definer set search_path = '' set timezone = 'UTC' as $$
declare t timestamptz := tandem.called(p); a tandem.accounts; channels jsonb; token jsonb;
begin
  perform tandem.need(p, 'account_id uuid');
  select * into a from tandem.accounts x where x.id = (p ->> 'account_id')::uuid;
  channels := tandem.stoppable(a.id, t);
  if channels = '[]' or not tandem.can_ask(a) then
    return jsonb_build_object('outcome', 'nothing', 'reason', 'no channel can be stopped');
  end if;
  -- Not again at once, whether it succeeds or not.
  update tandem.channels h set retry_at = t + interval '10 minutes' where h.account_id = a.id and h.state = 'stopping';
  token := tandem.grant_one(a.id, t);
  if token is null then
    return jsonb_build_object('outcome', 'nothing', 'reason', 'the access token is being refreshed');
  end if;
  return jsonb_build_object('outcome', 'stop', 'channels', channels, 'token', token);
end $$;
comment on function public.tandem_channel_stopping(jsonb) is
  'An account''s channels that are still to be stopped. p: {instance, account_id}. Returns {outcome: stop, channels, '
  'token} or {outcome: nothing, reason}.';

select tandem.seal();
