-- The keys with which the CRM signs its users' logins, where it publishes them.

create table if not exists tandem.jwks (
  url text primary key,
  keys jsonb,
  fetched_at timestamptz,
  asked_at timestamptz not null
);
comment on table tandem.jwks is 'Published keys of the CRM''s logins, as last fetched.';
comment on column tandem.jwks.url is 'Where from.';
comment on column tandem.jwks.keys is 'The JWK set.';
comment on column tandem.jwks.fetched_at is 'When.';
comment on column tandem.jwks.asked_at is 'When somebody was last told to fetch them.';

create or replace function public.tandem_jwks(p jsonb) returns jsonb
language plpgsql volatile security definer set search_path = '' as $$
declare k tandem.jwks; may boolean := false; t timestamptz := tandem.clock();
begin
  perform tandem.check_instance(p ->> 'instance');
  insert into tandem.jwks (url, asked_at) values (p ->> 'url', '-infinity') on conflict do nothing;
  if jsonb_typeof(p -> 'found' -> 'keys') = 'array' then
    update tandem.jwks x set keys = p -> 'found', fetched_at = t where x.url = p ->> 'url' returning * into k;
  else
    -- A key that is published no more is not good for ever; one that is new is asked for, once a minute.
    update tandem.jwks x set asked_at = t where x.url = p ->> 'url'
      and x.asked_at <= t - case when x.keys is null then interval '5 seconds' else interval '1 minute' end
      and (x.keys is null or x.fetched_at <= t - interval '1 hour'
        or not x.keys -> 'keys' @> jsonb_build_array(jsonb_build_object('kid', p ->> 'kid')))
    returning true into may;
    select * into k from tandem.jwks x where x.url = p ->> 'url';
  end if;
  return jsonb_build_object('keys', k.keys, 'may_fetch', coalesce(may, false));
end $$;
comment on function public.tandem_jwks(jsonb) is
  'The CRM''s published keys as last fetched. p: {instance, url} and kid: the key that is needed, or found: what was fetched just now. Returns {keys, may_fetch}; may_fetch is true where they are older than an hour or lack the key, for one caller a minute.';
