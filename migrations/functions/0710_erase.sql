set local lock_timeout = '3s';
-- Erasing: all that Tandem knows of a user, or of an account that ended long ago, in bounded steps. The CRM's own rows
-- are the CRM's to erase.

create or replace function tandem.erase_links(connection uuid, most integer) returns integer
language plpgsql volatile set search_path = '' set enable_seqscan = off set jit = off as $$
declare events uuid[]; n integer; m integer;
begin
  with gone as (delete from tandem.links l where l.connection_id = connection and l.remote in (select x.remote
    from tandem.links x where x.connection_id = erase_links.connection order by x.remote limit most for update)
    returning l.event)
  select coalesce(array_agg(g.event), '{}') into events from gone g;
  n := cardinality(events);
  -- What another connection has, or a row still is, goes on.
  events := array(select e from unnest(events) e where not exists (select from tandem.links o where o.event = e));
  delete from tandem.attempts a where a.event = any (events);
  events := array(select e from unnest(events) e where not exists (select from tandem.crm_rows r where r.event = e));
  delete from tandem.event_fields f where f.event = any (events);
  delete from tandem.event_state s where s.event = any (events);
  delete from tandem.parked x where x.connection_id = connection and x.remote in (select y.remote
    from tandem.parked y where y.connection_id = erase_links.connection limit most);
  get diagnostics m = row_count;
  return n + m;
end $$;
comment on function tandem.erase_links(uuid, integer) is 'Forgets some of a connection''s links; how many.';

create or replace function tandem.erase_connection(connection uuid, most integer) returns integer
language plpgsql volatile set search_path = '' set enable_seqscan = off set jit = off as $$
declare n integer := tandem.erase_links(connection, most);
begin
  if n > 0 then return n; end if;
  delete from tandem.channels h where h.connection_id = connection;
  delete from tandem.disconnections d where d.connection_id = connection;
  update tandem.work w set connection_id = null where w.connection_id = connection;
  delete from tandem.connections c where c.id = connection;
  return 0;
end $$;
comment on function tandem.erase_connection(uuid, integer) is
  'Forgets a connection that has ended, a part at a time; how many links, so that none means it is gone.';

create or replace function tandem.erase_account(a tandem.accounts, most integer) returns integer
language plpgsql volatile set search_path = '' set enable_seqscan = off set jit = off as $$
declare k uuid; n integer;
begin
  for k in select c.id from tandem.connections c where c.account_id = a.id order by c.id loop
    n := tandem.erase_connection(k, most);
    if n > 0 then return n; end if;
  end loop;
  delete from tandem.channels h where h.account_id = a.id;
  delete from tandem.disconnections d where d.account_id = a.id;
  delete from tandem.accounts x where x.id = a.id;
  delete from tandem.quotas b where b.key = 'user:' || a.subject
    and not exists (select from tandem.accounts x where x.subject = a.subject);
  return 1;
end $$;
comment on function tandem.erase_account(tandem.accounts, integer) is
  'Forgets an account that has ended, with its connections, a part at a time; how much.';

create or replace function tandem.erase_traces(owner text, most integer) returns integer
language plpgsql volatile set search_path = '' set enable_seqscan = off set jit = off as $$
declare n integer; total integer := 0;
begin
  delete from tandem.history h where h.id in (select x.id from tandem.history x
    where x.owner = erase_traces.owner order by x.at limit most);
  get diagnostics n = row_count; total := total + n;
  delete from tandem.past_changes c where c.id in (select x.id from tandem.past_changes x
    where x.owner = erase_traces.owner order by x.changed_at limit most);
  get diagnostics n = row_count; total := total + n;
  -- A row that is the user's still goes on being one; what it was is nobody's to know.
  perform set_config('tandem.forgets', 'yes', true);
  delete from tandem.changes c where (c.event, c.rev) in (select x.event, x.rev from tandem.changes x
    where x.owner = erase_traces.owner limit most);
  get diagnostics n = row_count; total := total + n;
  perform set_config('tandem.forgets', '', true);
  delete from tandem.open_changes o where o.event in (select x.event from tandem.open_changes x
    where x.owner = erase_traces.owner limit most);
  get diagnostics n = row_count; total := total + n;
  delete from tandem.work w where w.root in (select x.root from tandem.work x
    where x.owner = erase_traces.owner limit most);
  get diagnostics n = row_count; total := total + n;
  delete from tandem.touched k where (k.event, k.owner) in (select x.event, x.owner from tandem.touched x
    where x.owner = erase_traces.owner limit most);
  get diagnostics n = row_count; total := total + n;
  delete from tandem.event_fields f where f.event in (select o.event from tandem.crm_of(erase_traces.owner) o (event)
    join tandem.event_fields x on x.event = o.event limit most);
  get diagnostics n = row_count; total := total + n;
  delete from tandem.event_state s where s.event in (select o.event from tandem.crm_of(erase_traces.owner) o (event)
    join tandem.event_state x on x.event = o.event limit most);
  get diagnostics n = row_count; total := total + n;
  delete from tandem.tickets k where k.user_id = erase_traces.owner;
  delete from tandem.oauth_states s where s.user_id = erase_traces.owner;
  return total;
end $$;
comment on function tandem.erase_traces(text, integer) is
  'Forgets some of what happened to a user''s events; how much.';

create or replace function public.tandem_erase_user(p jsonb) returns jsonb
language plpgsql volatile security definer set search_path = '' set timezone = 'UTC' as $$
declare t timestamptz := tandem.called(p); a tandem.accounts; running jsonb; n integer;
begin
  perform tandem.need(p, 'user_id string', 'choice string?');
  perform tandem.is_choice(coalesce(p ->> 'choice', 'keep'));
  -- Access is given back, and work that is under way ends, before anything is forgotten.
  running := tandem.user_left(p ->> 'user_id', coalesce(p ->> 'choice', 'keep'), 'operator', t);
  if running <> '[]' then return jsonb_build_object('outcome', 'waiting', 'disconnections', running); end if;
  select * into a from tandem.accounts x where x.user_id = p ->> 'user_id' order by x.id limit 1 for update;
  n := case when a.id is not null then tandem.erase_account(a, 1000)
    else tandem.erase_traces(p ->> 'user_id', 1000) end;
  if n > 0 then return jsonb_build_object('outcome', 'again', 'erased', n); end if;
  return jsonb_build_object('outcome', 'erased');
end $$;
comment on function public.tandem_erase_user(jsonb) is
  'An operator has all forgotten that Tandem knows of a user; rows of the CRM stay, unless choice is remove_from_crm. '
  'To be called until it is over. p: {instance, user_id, choice?: keep}. Returns {outcome: waiting, disconnections: '
  'to be stepped first}, {outcome: again, erased: n} or {outcome: erased}.';

select tandem.seal();
