set local lock_timeout = '3s';
-- What works once: OAuth states, and tickets of signed-in users.

create or replace function public.tandem_oauth_use_state(p jsonb) returns jsonb
language plpgsql volatile security definer set search_path = '' set timezone = 'UTC' as $$
declare t timestamptz := tandem.called(p);
begin
  perform tandem.need(p, 'nonce string', 'user_id string?');
  insert into tandem.oauth_states (nonce, user_id, expires_at)
  values (p ->> 'nonce', p ->> 'user_id', t + interval '1 hour') on conflict (nonce) do nothing;
  return jsonb_build_object('outcome', case when found then 'fresh' else 'used' end, 'now', tandem.utc(t));
end $$;
comment on function public.tandem_oauth_use_state(jsonb) is
  'Takes an OAuth state, which works once. p: {instance, nonce, user_id?}. Returns {outcome: fresh | used, now}.';

create or replace function public.tandem_ticket_issue(p jsonb) returns jsonb
language plpgsql volatile security definer set search_path = '' set timezone = 'UTC' as $$
declare t timestamptz := tandem.called(p); ends timestamptz;
begin
  perform tandem.need(p, 'id string', 'user_id string', 'purpose string', 'detail object?', 'seconds number?');
  if length(p ->> 'id') < 16 then
    raise sqlstate 'PT400' using message = 'a ticket''s id is to be long and random';
  end if;
  delete from tandem.tickets x where x.user_id = p ->> 'user_id' and x.expires_at < t;
  if (select count(*) from tandem.tickets x where x.user_id = p ->> 'user_id') >= 100 then
    raise sqlstate 'PT429' using message = 'too many tickets at once; wait a minute';
  end if;
  ends := t + least(greatest(coalesce((p ->> 'seconds')::double precision, 60), 1), 3600) * interval '1 second';
  insert into tandem.tickets (id, user_id, purpose, detail, expires_at)
  values (p ->> 'id', p ->> 'user_id', p ->> 'purpose', coalesce(nullif(p -> 'detail', 'null'), '{}'), ends);
  return jsonb_build_object('outcome', 'issued', 'expires_at', tandem.utc(ends));
end $$;
comment on function public.tandem_ticket_issue(jsonb) is
  'Stores what a signed-in user may do once, from another place than their session. p: {instance, id: random, user_id, '
  'purpose, detail?, seconds?: 60, at most 3600}. Returns {outcome: issued, expires_at}; PT429 for too many.';

create or replace function public.tandem_ticket_redeem(p jsonb) returns jsonb
language plpgsql volatile security definer set search_path = '' set timezone = 'UTC' as $$
declare t timestamptz := tandem.called(p); x tandem.tickets;
begin
  perform tandem.need(p, 'id string', 'purpose string');
  delete from tandem.tickets k where k.id = p ->> 'id' and k.purpose = p ->> 'purpose' returning k.* into x;
  if x.id is null or x.expires_at < t then
    return jsonb_build_object('outcome', 'refused', 'now', tandem.utc(t));
  end if;
  return jsonb_build_object('outcome', 'redeemed', 'user_id', x.user_id, 'detail', x.detail, 'now', tandem.utc(t));
end $$;
comment on function public.tandem_ticket_redeem(jsonb) is
  'Uses a ticket up. p: {instance, id, purpose}. Returns {outcome: redeemed, user_id, detail, now} or '
  '{outcome: refused, now}.';

select tandem.seal();
