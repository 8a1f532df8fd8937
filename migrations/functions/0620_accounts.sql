set local lock_timeout = '3s';
-- A user's accounts, and their tokens.

-- A token as components of both editions send it.
create or replace function tandem.one_token(token jsonb) returns jsonb
language plpgsql immutable set search_path = '' as $$
begin
  if token is null or token = 'null' then return '[]'; end if;
  if not token ? 'account' then token := token || jsonb_build_object('account', token -> 'account_id'); end if;
  perform tandem.need(token, 'account uuid', 'generation number', 'access_token string', 'expires_in number',
    'refresh_token string?');
  return jsonb_build_array(token);
end $$;
comment on function tandem.one_token(jsonb) is 'A refreshed token in the form that tandem.store_tokens takes.';

create or replace function tandem.grant_one(account uuid, t timestamptz) returns jsonb
language plpgsql volatile set search_path = '' as $$
begin
  return jsonb_build_object('account_id', account)
    || nullif(tandem.grant_accounts(jsonb_build_array(account), t) -> account::text -> 'token', 'null');
end $$;
comment on function tandem.grant_one(uuid, timestamptz) is
  'An account''s sealed tokens and whether the caller is to refresh them; null while somebody else does.';

create or replace function tandem.store_account(p jsonb, t timestamptz) returns tandem.accounts
language plpgsql volatile set search_path = '' as $$
declare a tandem.accounts;
begin
  insert into tandem.accounts as x (user_id, subject, email, scopes, refresh_token, access_token, access_expires_at,
    token_generation)
  values (p ->> 'user_id', p ->> 'sub', p ->> 'email', coalesce(p ->> 'scopes', ''), p ->> 'refresh_token',
    p ->> 'access_token', t + (p ->> 'expires_in')::double precision * interval '1 second', 1)
  on conflict (user_id, subject) do update set email = excluded.email, scopes = excluded.scopes,
    refresh_token = coalesce(excluded.refresh_token, x.refresh_token), access_token = excluded.access_token,
    access_expires_at = excluded.access_expires_at, token_generation = x.token_generation + 1, refreshing_until = null,
    state = 'active', reason = null, paused_until = null, pause_reason = null, busy_until = null,
    troubles = 0
  returning * into a;
  if a.refresh_token is null then
    raise sqlstate 'PT422' using message = 'the provider gave no refresh token',
      hint = 'Connect again; it will ask for consent.';
  end if;
  return a;
end $$;
comment on function tandem.store_account(jsonb, timestamptz) is 'Stores an account with its tokens.';

create or replace function tandem.another_account(p jsonb) returns text
language plpgsql stable set search_path = '' as $$
declare wanted tandem.accounts;
begin
  if p ->> 'wanted' is null then return null; end if;
  select * into wanted from tandem.accounts x where x.id = (p ->> 'wanted')::uuid and x.user_id = p ->> 'user_id';
  return case when wanted.subject is distinct from p ->> 'sub' then coalesce(wanted.email, '') end;
end $$;
comment on function tandem.another_account(jsonb) is
  'The address of the account that is to be connected again, where the one of p is another; null where it is not.';

create or replace function public.tandem_account_known(p jsonb) returns jsonb
language plpgsql volatile security definer set search_path = '' as $$
declare other text;
begin
  perform tandem.called(p);
  perform tandem.need(p, 'user_id string', 'sub string', 'wanted uuid?');
  perform tandem.need_user(p ->> 'user_id');
  other := tandem.another_account(p);
  if other is not null then return jsonb_build_object('outcome', 'another', 'email', other); end if;
  return jsonb_build_object('outcome', case when exists (select from tandem.accounts a
    where a.user_id = p ->> 'user_id' and a.subject = p ->> 'sub' and a.state <> 'disconnected')
    then 'known' else 'new' end);
end $$;
comment on function public.tandem_account_known(jsonb) is
  'Whether a user is connected with a provider''s account: a person is asked before a new one is stored. p: {instance, '
  'user_id, sub, wanted: as in tandem_account_store}. Returns {outcome: known | new} or {outcome: another, email}; '
  'PT403 for who has left.';

create or replace function public.tandem_account_store(p jsonb) returns jsonb
language plpgsql volatile security definer set search_path = '' set timezone = 'UTC' as $$
declare t timestamptz := tandem.called(p); a tandem.accounts; ids jsonb; other text;
begin
  perform tandem.need(p, 'user_id string', 'sub string', 'email string', 'scopes string?', 'refresh_token string?',
    'access_token string', 'expires_in number', 'wanted uuid?');
  perform tandem.need_user(p ->> 'user_id');
  other := tandem.another_account(p);
  if other is not null then
    return jsonb_build_object('outcome', 'another', 'email', other, 'in_use', tandem.is_in_use(p ->> 'sub'));
  end if;
  -- Connections before their account, as in a listing.
  perform from tandem.connections c join tandem.accounts x on x.id = c.account_id
  where x.user_id = p ->> 'user_id' and x.subject = p ->> 'sub' order by c.id for no key update of c;
  select * into a from tandem.accounts x where x.user_id = p ->> 'user_id' and x.subject = p ->> 'sub' for update;
  if a.state = 'disconnecting' then return jsonb_build_object('outcome', 'disconnecting', 'in_use', true); end if;
  a := tandem.store_account(p, t);
  update tandem.connections c set due_at = t, watch_at = t, failures = 0
  where c.account_id = a.id and c.state in ('active', 'unreachable');
  perform tandem.wake_user(a.user_id, t);
  select coalesce(jsonb_agg(c.id order by c.created_at, c.id), '[]') into ids from tandem.connections c
  where c.account_id = a.id and c.state in ('active', 'paused', 'unreachable');
  -- Whoever stores it begins at once; the clock does where that fails.
  update tandem.accounts x set begin_at = case when ids = '[]' then t + interval '1 minute' end, begin_tries = 0,
    begin_reason = null where x.id = a.id;
  return jsonb_build_object('outcome', 'stored', 'account_id', a.id, 'generation', a.token_generation,
    'connections', ids, 'calendars', ids);
end $$;
comment on function public.tandem_account_store(jsonb) is
  'Stores a connected account with sealed tokens; work that waited for it goes on. p: {instance, user_id, sub, email, '
  'scopes, refresh_token, access_token, expires_in, wanted: the account that is to be connected again, if a certain '
  'one}. Returns {outcome: stored, account_id, generation, connections, calendars: the same}, {outcome: another, '
  'email, in_use} or {outcome: disconnecting, in_use}; what is not in use is to be revoked. PT403 for who has left.';

create or replace function tandem.is_in_use(sub text) returns boolean
language plpgsql stable set search_path = '' as $$
begin
  return exists (select from tandem.accounts a where a.subject = sub and a.state in ('active', 'disconnecting'));
end $$;
comment on function tandem.is_in_use(text) is 'Whether revoking what a person granted would end an account that works.';

create or replace function public.tandem_account_in_use(p jsonb) returns jsonb
language plpgsql volatile security definer set search_path = '' as $$
begin
  perform tandem.called(p);
  perform tandem.need(p, 'sub string');
  return jsonb_build_object('in_use', tandem.is_in_use(p ->> 'sub'));
end $$;
comment on function public.tandem_account_in_use(jsonb) is
  'Whether an account works with what a person granted: a grant that came to nothing is revoked where none does. '
  'p: {instance, sub}. Returns {in_use}.';

create or replace function public.tandem_token_store(p jsonb) returns jsonb
language plpgsql volatile security definer set search_path = '' as $$
declare t timestamptz := tandem.called(p); token jsonb := tandem.one_token(p -> 'token') -> 0; known boolean;
begin
  perform tandem.need(p, 'token object');
  select a.token_generation = (token ->> 'generation')::bigint into known
  from tandem.accounts a where a.id = (token ->> 'account')::uuid for update;
  perform tandem.store_tokens(jsonb_build_array(token), t);
  return jsonb_build_object('outcome', case when known then 'stored' else 'outdated' end);
end $$;
comment on function public.tandem_token_store(jsonb) is
  'Stores a refreshed token where the generation that it was made from is still the current one. p: {instance, token: '
  '{account_id, generation, access_token, expires_in, refresh_token?}}. Returns {outcome: stored | outdated}.';

create or replace function public.tandem_token_refused(p jsonb) returns jsonb
language plpgsql volatile security definer set search_path = '' as $$
begin
  perform tandem.called(p);
  perform tandem.need(p, 'account_id uuid', 'generation number', 'reason string');
  update tandem.accounts a set state = case a.state when 'active' then 'reconnect_needed' else a.state end,
    reason = p ->> 'reason', refreshing_until = null, begin_at = null
  where a.id = (p ->> 'account_id')::uuid and a.token_generation = (p ->> 'generation')::bigint
    and a.state in ('active', 'disconnecting');
  return jsonb_build_object('outcome', case when found then 'recorded' else 'outdated' end);
end $$;
comment on function public.tandem_token_refused(jsonb) is
  'The provider refused the refresh token for good: the account waits until a person connects it again. p: {instance, '
  'account_id, generation, reason}. Returns {outcome: recorded | outdated}.';

create or replace function public.tandem_account_not_begun(p jsonb) returns jsonb
language plpgsql volatile security definer set search_path = '' as $$
begin
  perform tandem.called(p);
  perform tandem.need(p, 'account_id uuid', 'reason string', 'again boolean');
  update tandem.accounts a set begin_reason = p ->> 'reason',
    begin_at = case when (p -> 'again')::boolean then a.begin_at end
  where a.id = (p ->> 'account_id')::uuid and a.begin_at is not null;
  return jsonb_build_object('outcome', case when found then 'recorded' else 'outdated' end);
end $$;
comment on function public.tandem_account_not_begun(jsonb) is
  'Why an account has no calendar yet; the clock tries again, or nobody does where that cannot help. p: {instance, '
  'account_id, reason, again}. Returns {outcome: recorded | outdated}: outdated where it has begun.';

create or replace function public.tandem_token_reseal(p jsonb) returns jsonb
language plpgsql volatile security definer set search_path = '' as $$
declare n integer;
begin
  perform tandem.called(p);
  perform tandem.need(p, 'tokens array');
  update tandem.accounts a set refresh_token = x.refresh_token, access_token = coalesce(x.access_token, a.access_token)
  from jsonb_to_recordset(p -> 'tokens')
    as x (account_id uuid, generation bigint, refresh_token text, access_token text)
  where a.id = x.account_id and a.token_generation = x.generation and x.refresh_token is not null;
  get diagnostics n = row_count;
  return jsonb_build_object('outcome', 'stored', 'count', n);
end $$;
comment on function public.tandem_token_reseal(jsonb) is
  'Stores the same tokens sealed with the current key, where they are still the current ones. p: {instance, tokens: '
  '[{account_id, generation, refresh_token, access_token}]}. Returns {outcome: stored, count}.';

create or replace function tandem.connection_chosen(k tandem.connections) returns jsonb
language plpgsql stable set search_path = '' as $$
begin
  return jsonb_build_object('connection_id', k.id, 'calendar_id', k.id, 'google_id', k.calendar_id,
    'summary', k.summary, 'state', k.state, 'import_from', tandem.utc(k.import_from)) || tandem.choices_of(k);
end $$;
comment on function tandem.connection_chosen(tandem.connections) is 'A connection with what its user chose.';

create or replace function public.tandem_accounts_open(p jsonb) returns jsonb
language plpgsql volatile security definer set search_path = '' set timezone = 'UTC' as $$
declare t timestamptz := tandem.called(p); a tandem.accounts; accounts jsonb := '[]';
begin
  perform tandem.need(p, 'user_id string', 'account_id uuid?', 'with_token boolean?');
  for a in select * from tandem.accounts x where x.user_id = p ->> 'user_id' and x.state <> 'disconnected'
    and x.id = coalesce((p ->> 'account_id')::uuid, x.id) order by x.created_at, x.id
  loop
    accounts := accounts || jsonb_build_object('account_id', a.id, 'email', a.email, 'state', a.state,
      'reason', a.reason,
      'token', case when a.state = 'active' and (p -> 'with_token')::boolean then tandem.grant_one(a.id, t) end,
      'connections', (select coalesce(jsonb_agg(tandem.connection_chosen(k) order by k.summary, k.id), '[]')
        from tandem.connections k where k.account_id = a.id and k.state <> 'disconnected'));
  end loop;
  return jsonb_build_object('accounts', accounts);
end $$;
comment on function public.tandem_accounts_open(jsonb) is
  'A user''s accounts with what they chose. p: {instance, user_id, account_id: only this one, with_token}. Returns '
  '{accounts: [{account_id, email, state, reason, token, connections: [{connection_id, calendar_id: the same, '
  'google_id, summary, state, import_from, direction, policy, send_updates, opt_out, is_target}]}]}, '
  'the token sealed.';

select tandem.seal();
