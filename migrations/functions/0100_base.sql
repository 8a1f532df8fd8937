set local lock_timeout = '3s';

-- clock_timestamp, never now(): a long transaction must not see the past.
create or replace function tandem.clock() returns timestamptz
language plpgsql volatile parallel safe set search_path = '' as $$
begin
  return coalesce((select s.value::timestamptz from tandem.settings s where s.key = 'clock'),
    pg_catalog.clock_timestamp()
    + coalesce((select s.value::double precision * interval '1 second' from tandem.settings s where s.key =
      'clock_offset'),
      interval '0'));
end $$;
comment on function tandem.clock() is
  'The time; settings.clock and clock_offset, which only tests set, stop and move it.';

create or replace function tandem.setting(name text) returns text
language plpgsql stable set search_path = '' as $$
begin return (select s.value from tandem.settings s where s.key = name); end $$;
comment on function tandem.setting(text) is 'One value of tandem.settings, or null.';

create or replace function tandem.uid() returns text
language plpgsql stable set search_path = '' as $$
begin
  return nullif(coalesce(
    nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub',
    current_setting('request.jwt.claim.sub', true)), '');
end $$;
comment on function tandem.uid() is
  'The CRM user of the request: claim sub of its JWT, as PostgREST and Supabase set it.';

create or replace function tandem.user_uuid() returns uuid
language plpgsql stable set search_path = '' as $$
declare sub text := tandem.uid();
begin
  return case when sub ~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then sub::uuid end;
end $$;
comment on function tandem.user_uuid() is 'The same as a uuid; null for a login whose users have other names.';

-- plpgsql keeps its plans; sql within sql is planned at each call.
create or replace function tandem.utc(t timestamptz) returns text
language plpgsql immutable parallel safe set search_path = '' as $$
begin
  return to_char(timezone('UTC', t), 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"');
end $$;
comment on function tandem.utc(timestamptz) is
  'RFC 3339 in UTC with microseconds: the one form in which times are compared.';

-- Two texts of one moment would be two exceptions.
create or replace function tandem.planned_start(t text) returns text
language plpgsql immutable set search_path = '' set timezone = 'UTC' as $$
begin
  if t is null or t ~ '^\d{4}-\d{2}-\d{2}$' then return t; end if;
  return to_char(timezone('UTC', t::timestamptz), 'YYYY-MM-DD"T"HH24:MI:SS"Z"');
exception when datetime_field_overflow or invalid_datetime_format then
  raise exception 'the original start is neither a date nor a time: %', t
    using hint = 'Write 2031-03-03T09:00:00Z, or 2031-03-03 for an all-day series.', errcode =
      'invalid_datetime_format';
end $$;
comment on function tandem.planned_start(text) is
  'The planned start of an occurrence in the one form that is compared: a date, or RFC 3339 in UTC to the second.';

-- Lists of zones differ; the moment is right without the name.
create or replace function tandem.known_zone(zone text) returns text
language plpgsql stable set search_path = '' as $$
begin
  perform timezone(zone, 'epoch'::timestamptz);
  return zone;
exception when invalid_parameter_value then
  return null;
end $$;
comment on function tandem.known_zone(text) is 'A time zone''s name, or null where this database does not know it.';

create or replace function tandem.differing(a jsonb, b jsonb) returns text[]
language plpgsql immutable set search_path = '' as $$
begin
  if a = b then return '{}'; end if;
  return (select coalesce(array_agg(k order by k), '{}') from (select jsonb_object_keys(a || b) k) keys
    where (a -> k) is distinct from (b -> k));
end $$;
comment on function tandem.differing(jsonb, jsonb) is 'Keys whose values differ.';

create or replace function tandem.rev(t timestamptz) returns bigint
language plpgsql immutable set search_path = '' as $$
begin return (extract(epoch from t) * 1000000)::bigint; end $$;
comment on function tandem.rev(timestamptz) is
  'The number of a change that was made at a time, where no earlier one is in its way.';

-- p: what was called with; kinds: "name type", where the type is jsonb_typeof's, and ends in ? where it may be absent.
create or replace function tandem.need(p jsonb, variadic kinds text[]) returns void
language plpgsql immutable set search_path = '' as $$
declare kind text; name text; wanted text; found text;
begin
  if p is null or jsonb_typeof(p) <> 'object' then
    raise sqlstate 'PT400' using message = 'the argument p is to be an object';
  end if;
  foreach kind in array kinds loop
    name := split_part(kind, ' ', 1); wanted := split_part(kind, ' ', 2);
    found := coalesce(jsonb_typeof(p -> name), 'null');
    if found = 'null' and wanted like '%?' then continue; end if;
    if found <> (case rtrim(wanted, '?') when 'uuid' then 'string' else rtrim(wanted, '?') end) then
      raise sqlstate 'PT400' using message = format('the argument %s is %s, but is to be %s', name,
        (case found when 'null' then 'missing' else 'of type ' || found end), rtrim(wanted, '?'));
    elsif wanted ~ '^uuid' and p ->> name !~* '^[0-9a-f]{8}(-?[0-9a-f]{4}){3}-?[0-9a-f]{12}$' then
      raise sqlstate 'PT400' using message = format('the argument %s is to be a uuid', name);
    end if;
  end loop;
end $$;
comment on function tandem.need(jsonb, text[]) is 'Refuses a call whose arguments are missing or of another type.';

create or replace function tandem.cluster() returns text
language plpgsql stable set search_path = '' as $$
begin
  return (select c.system_identifier::text from pg_catalog.pg_control_system() c);
exception when insufficient_privilege then
  return '';
end $$;
comment on function tandem.cluster() is 'Tells this database server from another that was restored from its dump.';

-- A database copied elsewhere must not write to real calendars. One question for all that a call needs.
create or replace function tandem.begin_call(p jsonb) returns jsonb
language plpgsql volatile set search_path = '' as $$
declare s jsonb; instance text := p ->> 'instance'; moved text;
begin
  moved := tandem.need(p, 'instance string');
  select coalesce(jsonb_object_agg(x.key, x.value), '{}') || jsonb_build_object('here',
    (select c.system_identifier::text from pg_catalog.pg_control_system() c)) into s from tandem.settings x
  where x.key in ('instance', 'cluster', 'clock', 'clock_offset', 'user_per_minute', 'user_burst', 'project_per_minute',
    'project_burst');
  moved := format('select tandem.take_over(%L)', instance);
  if not s ? 'instance' then
    insert into tandem.settings (key, value) values ('instance', instance), ('cluster', s ->> 'here')
    on conflict (key) do nothing;
  elsif s ->> 'instance' <> instance then
    raise sqlstate 'PT409' using hint = 'If the deployment moved for good: ' || moved,
      message = format('this database belongs to the deployment %s, not to %s', s ->> 'instance', instance);
  elsif s ->> 'cluster' <> s ->> 'here' then
    raise sqlstate 'PT409' using hint = 'If it is the one to go on with: ' || moved,
      message = 'this database is a copy, or was moved: it works once somebody says which';
  end if;
  return s || jsonb_build_object('now', coalesce((s ->> 'clock')::timestamptz, clock_timestamp()
    + coalesce((s ->> 'clock_offset')::double precision, 0) * interval '1 second'));
end $$;
comment on function tandem.begin_call(jsonb) is
  'Refuses a deployment other than the one that this database belongs to (the first to call), and a copy. Returns now '
  'and what is set of quotas.';

create or replace function tandem.take_over(instance text) returns void
language plpgsql volatile set search_path = '' as $$
begin
  insert into tandem.settings as s (key, value) values ('instance', instance), ('cluster', tandem.cluster())
  on conflict (key) do update set value = excluded.value;
  -- Transactions are numbered anew here, so what names them is of no use; the next poke or tick finds the rest.
  delete from tandem.touched where true;
  update tandem.open_changes set txids = '{}', inserted_by = null where true;
  update tandem.changes set txid = pg_current_xact_id() where true;
  update tandem.work set lease_until = null, fence = nextval('tandem.fences') where lease_until is not null;
  insert into tandem.settings as s (key, value) values ('touched_horizon', pg_current_xact_id()::text)
  on conflict (key) do update set value = excluded.value;
end $$;
comment on function tandem.take_over(text) is
  'Says that this database, moved or restored, is the one that the deployment works with.';

-- Default privileges hand new functions to PUBLIC, and on Supabase to roles by name.
create or replace function tandem.seal() returns void
language plpgsql volatile set search_path = '' as $$
declare f regprocedure; role text; callers text[];
begin
  for f in select p.oid::regprocedure from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace
    where n.nspname = 'tandem' or (n.nspname = 'public' and p.proname like 'tandem\_%')
  loop
    execute format('revoke all on function %s from public', f);
    callers := case when f::text ~ '^(public\.)?tandem_my_|^tandem\.my_' then '{authenticated,tandem_user}'
      when f::text ~ '^(public\.)?tandem_' then '{service_role,tandem_component}'
      when f::text in ('tandem.uid()', 'tandem.user_uuid()') then '{anon,authenticated,service_role,tandem_user}'
      else '{}' end;
    for role in select r.rolname from pg_catalog.pg_roles r
      where r.rolname in ('anon', 'authenticated', 'service_role', 'tandem_component', 'tandem_user')
    loop
      execute format('revoke all on function %s from %I', f, role);
      if role = any (callers) then execute format('grant execute on function %s to %I', f, role); end if;
    end loop;
  end loop;
end $$;
comment on function tandem.seal() is
  'Takes execute from everybody, then gives public.tandem_* to components, tandem_my_* to users and uid() to policies.';

select tandem.seal();
