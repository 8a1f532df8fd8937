set local lock_timeout = '3s';
-- What the clock does beside the sync itself. The time is read once in each, as a value: a volatile function in a
-- condition keeps an index from being used as a bound.

-- Whose account rests is not found again and again. It comes back with the account or the user's wish; that is not
-- waited for for ever, since the two may just miss each other.
create or replace function tandem.let_rest(most integer, t timestamptz) returns void
language plpgsql volatile set search_path = '' set enable_seqscan = off set jit = off as $$
begin
  update tandem.connections c set watch_at = t + interval '1 day' * (0.75 + random() / 4)
  where c.id = any (array(select k.id from tandem.connections k join tandem.accounts a on a.id = k.account_id
    where k.watch_at <= t and (a.state <> 'active' or k.state not in ('active', 'unreachable'))
    order by k.watch_at limit most for no key update of k skip locked));
end $$;
comment on function tandem.let_rest(integer, timestamptz) is
  'Puts off connections that want a channel and can have none.';

-- Of those that have waited longest, each user's first before the second of any.
create or replace function tandem.due_channels(most integer, t timestamptz) returns jsonb
language plpgsql stable set search_path = '' set enable_seqscan = off set jit = off as $$
begin
  return (select coalesce(jsonb_agg(y.id order by y.turn, y.watch_at), '[]') from (
    select x.id, x.watch_at, row_number() over (partition by x.user_id order by x.watch_at) turn from (
      select c.id, c.user_id, c.watch_at from tandem.connections c
      cross join lateral (select o.state, o.paused_until from tandem.accounts o where o.id = c.account_id offset 0) a
      where c.watch_at <= t and c.state in ('active', 'unreachable') and a.state = 'active'
        and (a.paused_until is null or a.paused_until <= t)
      order by c.watch_at limit most * 10) x
    order by turn, x.watch_at limit most) y);
end $$;
comment on function tandem.due_channels(integer, timestamptz) is
  'Connections that are to get a channel, their first or the next, users in turn.';

-- The next time is stored before anybody is asked: whoever dies over it holds up nobody.
create or replace function tandem.due_beginnings(most integer, t timestamptz) returns jsonb
language plpgsql volatile set search_path = '' set enable_seqscan = off set jit = off as $$
declare begun jsonb;
begin
  with due as (select a.id from tandem.accounts a where a.begin_at <= t and a.state = 'active'
      order by a.begin_at limit most for no key update skip locked),
  taken as (update tandem.accounts a set begin_tries = a.begin_tries + 1, begin_at = t + (0.75 + random() / 4)
      * least(interval '6 hours', interval '2 minutes' * 2 ^ least(a.begin_tries, 10))
    where a.id in (select d.id from due d) returning a.id, a.user_id)
  select coalesce(jsonb_agg(jsonb_build_object('account_id', x.id, 'user_id', x.user_id) order by x.id), '[]')
  into begun from taken x;
  return begun;
end $$;
comment on function tandem.due_beginnings(integer, timestamptz) is
  'Accounts whose first calendar is still to be connected; the next time comes later and later.';

create or replace function tandem.due_stops(most integer, t timestamptz) returns jsonb
language plpgsql stable set search_path = '' set enable_seqscan = off set jit = off as $$
begin
  return (select coalesce(jsonb_agg(x.account_id), '[]') from (
    select h.account_id from tandem.channels h join tandem.accounts a on a.id = h.account_id
    where h.state = 'stopping' and h.expires_at > t and (h.retry_at is null or h.retry_at <= t)
      and h.resource_id is not null and tandem.can_ask(a)
    group by h.account_id limit most) x);
end $$;
comment on function tandem.due_stops(integer, timestamptz) is 'Accounts with channels that could not be stopped yet.';

create or replace function tandem.due_disconnections(most integer, t timestamptz) returns jsonb
language plpgsql stable set search_path = '' set enable_seqscan = off set jit = off as $$
begin
  return (select coalesce(jsonb_agg(x.id order by x.is_account, x.due_at), '[]') from (
    select d.id, d.connection_id is null as is_account, d.due_at from tandem.disconnections d
    where d.phase <> 'done' and d.due_at <= t order by 2, d.due_at limit most) x);
end $$;
comment on function tandem.due_disconnections(integer, timestamptz) is 'Disconnects whose next step is due.';

-- Two ranges, in the order of the index, so that those with the current key are never read.
create or replace function tandem.due_seals(key text, most integer) returns jsonb
language plpgsql stable set search_path = '' set enable_seqscan = off set jit = off as $$
begin
  return (select coalesce(jsonb_agg(jsonb_build_object('account_id', x.id, 'user', x.user_id, 'subject', x.subject,
    'generation', x.token_generation, 'refresh', false, 'access_token', x.access_token,
    'refresh_token', x.refresh_token)), '[]')
  from (
    (select * from tandem.accounts a where a.state in ('active', 'disconnecting')
      and split_part(a.refresh_token, '.', 1) < key order by split_part(a.refresh_token, '.', 1) limit most)
    union all
    (select * from tandem.accounts a where a.state in ('active', 'disconnecting')
      and split_part(a.refresh_token, '.', 1) > key order by split_part(a.refresh_token, '.', 1) limit most)
    limit most) x);
end $$;
comment on function tandem.due_seals(text, integer) is 'Sealed tokens that another key than this one sealed.';

create or replace function public.tandem_chores(p jsonb) returns jsonb
language plpgsql volatile security definer set search_path = '' set timezone = 'UTC' as $$
declare t timestamptz := tandem.called(p); most integer;
begin
  perform tandem.need(p, 'most number?', 'function_url string?', 'poke_key string?', 'event_url string?',
    'seal_key string?');
  most := least(greatest(coalesce((p ->> 'most')::integer, 50), 1), 1000);
  insert into tandem.settings as s (key, value)
  select e.key, e.value from jsonb_each_text(p) e
  where e.key in ('function_url', 'event_url') and e.value is not null order by 1
  on conflict (key) do update set value = excluded.value where s.value <> excluded.value;
  if p ->> 'poke_key' is not null then perform tandem.keep_poke_key(p ->> 'poke_key'); end if;
  perform tandem.let_rest(most, t);
  return jsonb_build_object('now', tandem.utc(t), 'channels', tandem.due_channels(most, t),
    'beginnings', tandem.due_beginnings(most, t), 'stops', tandem.due_stops(most, t),
    'disconnections', tandem.due_disconnections(most, t),
    'seals', tandem.due_seals(p ->> 'seal_key', most));
end $$;
comment on function public.tandem_chores(jsonb) is
  'What the clock finds beside the sync itself; stores where triggers are to poke. p: '
  '{instance, most, function_url, poke_key, event_url, seal_key}. Returns {now, channels: connections, '
  'beginnings: [{account_id, user_id}], stops: accounts, disconnections, seals: tokens}.';

create or replace function public.tandem_may_tick(p jsonb) returns jsonb
language plpgsql volatile security definer set search_path = '' set timezone = 'UTC' as $$
declare t timestamptz := tandem.called(p); ticked timestamptz := tandem.setting('ticked_at')::timestamptz;
begin
  if ticked between t - interval '30 seconds' and t then return '{"may": false}'; end if;
  insert into tandem.settings as s (key, value) values ('asked_to_tick_at', tandem.utc(t))
  on conflict (key) do update set value = excluded.value
  where s.value::timestamptz not between t - interval '30 seconds' and t;
  return jsonb_build_object('may', found);
end $$;
comment on function public.tandem_may_tick(jsonb) is
  'Whether somebody unknown may have the clock''s work done: once in 30 seconds. p: {instance}. Returns {may}.';

create or replace function tandem.keep_up(part text, t timestamptz) returns integer
language plpgsql volatile set search_path = '' as $$
begin
  return case part when 'walks' then tandem.walk_some(500, 500, t)
    when 'owners' then tandem.find_who_left(200, t)
    when 'history' then tandem.forget_history(500, t)
    when 'spent' then tandem.forget_spent(500, t)
    when 'deleted' then tandem.forget_deleted(500, t)
    when 'quarantine' then tandem.forget_quarantine(200, t)
    when 'accounts' then tandem.forget_accounts(500, t)
    when 'keys' then tandem.forget_keys(500)
    when 'aside' then tandem.forget_aside(500)
    when 'triggers' then tandem.keep_triggers() end;
end $$;
comment on function tandem.keep_up(text, timestamptz) is
  'One part of what the clock keeps up; how much there was to do.';

-- One part that fails leaves the others alone. Walks are people's wishes, so each call does some of them.
create or replace function public.tandem_upkeep(p jsonb) returns jsonb
language plpgsql volatile security definer set search_path = '' set timezone = 'UTC' as $$
declare t timestamptz := tandem.called(p); part text; n integer; did jsonb := '{}'; problems jsonb := '{}';
  parts text[] := '{walks}'; before timestamptz := tandem.setting('kept_up_at')::timestamptz; begun timestamptz;
begin
  begun := clock_timestamp();
  -- One tick asks several times.
  if before is null or before not between t - interval '30 seconds' and t then
    parts := parts || '{triggers,owners,history,spent,deleted,quarantine,accounts,aside,keys}'::text[];
    insert into tandem.settings as s (key, value) values ('kept_up_at', tandem.utc(t))
    on conflict (key) do update set value = excluded.value;
  end if;
  foreach part in array parts loop
    exit when clock_timestamp() > begun + interval '2 seconds';
    begin
      n := tandem.keep_up(part, t);
      if n > 0 then did := did || jsonb_build_object(part, n); end if;
    exception when others then
      problems := problems || jsonb_build_object(part, sqlstate || ' ' || sqlerrm);
    end;
  end loop;
  return jsonb_build_object('did', did, 'problems', problems, 'more', exists (select from tandem.walks w
    join tandem.connections c on c.id = w.connection_id
    where c.state in ('active', 'paused', 'unreachable') and (w.kind = 'unread' or c.imported_at is not null)));
end $$;
comment on function public.tandem_upkeep(jsonb) is
  'Goes on with what people chose about very many events, finds users who left, forgets what is old: a bounded part of '
  'each. p: {instance}. Returns {did: {part: n}, problems: {part: why}, more: ask again at once}.';

select tandem.seal();
