set local lock_timeout = '3s';
-- The keys with which the CRM signs its users' logins, where it publishes them.

-- A key that is published no more is not good for ever, nor after a day without an answer; one that is new is asked
-- for, once a minute. Strangers can ask, so most calls write nothing.
create or replace function tandem.jwks_of(wanted_url text, kid text, t timestamptz) returns jsonb
language plpgsql volatile set search_path = '' as $$
declare k tandem.jwks; may boolean;
begin
  select * into k from tandem.jwks x where x.url = wanted_url;
  may := k.url is null
    or k.asked_at <= t - case when k.keys is null then interval '5 seconds' else interval '1 minute' end
    and (k.keys is null or k.fetched_at <= t - interval '1 hour'
      or not k.keys -> 'keys' @> jsonb_build_array(jsonb_build_object('kid', kid)));
  if may then
    insert into tandem.jwks as x (url, asked_at) values (wanted_url, t)
    on conflict (url) do update set asked_at = t where x.asked_at is not distinct from k.asked_at;
    may := found;
  end if;
  if k.fetched_at <= t - interval '24 hours' then
    k.keys := null;
  end if;
  return jsonb_build_object('keys', k.keys, 'fetched_at', tandem.utc(k.fetched_at), 'may_fetch', may);
end $$;
comment on function tandem.jwks_of(text, text, timestamptz) is
  'The keys as last fetched, none after a day, and whether to fetch them again.';

create or replace function public.tandem_jwks(p jsonb) returns jsonb
language plpgsql volatile security definer set search_path = '' as $$
declare t timestamptz := tandem.called(p);
begin
  perform tandem.need(p, 'url string', 'kid string?', 'found object?');
  if jsonb_typeof(p -> 'found' -> 'keys') = 'array' then
    insert into tandem.jwks (url, keys, fetched_at, asked_at) values (p ->> 'url', p -> 'found', t, t)
    on conflict (url) do update set keys = excluded.keys, fetched_at = excluded.fetched_at;
    return jsonb_build_object('keys', p -> 'found', 'fetched_at', tandem.utc(t), 'may_fetch', false);
  end if;
  return tandem.jwks_of(p ->> 'url', p ->> 'kid', t);
end $$;
comment on function public.tandem_jwks(jsonb) is
  'The CRM''s published keys as last fetched. p: {instance, url} and kid: the key that is needed, or found: what was '
  'fetched just now. Returns {keys, fetched_at, may_fetch}; may_fetch is true where they are older than an hour or '
  'lack the key, for one caller a minute.';

select tandem.seal();
