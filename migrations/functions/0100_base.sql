set local lock_timeout = '3s';

-- clock_timestamp, never now(): a long transaction must not see the past.
create or replace function tandem.clock() returns timestamptz
language plpgsql volatile set search_path = '' as $$
begin return coalesce(tandem.setting('clock')::timestamptz, pg_catalog.clock_timestamp()
    + coalesce(tandem.setting('clock_offset')::double precision, 0) * interval '1 second');
end $$;
comment on function tandem.clock() is
  'The time; settings.clock and clock_offset, which only tests set, stop and move it.';

create or replace function tandem.setting(name text) returns text
language plpgsql stable set search_path = '' as $$
begin return (select s.value from tandem.settings s where s.key = name); end $$;
comment on function tandem.setting(text) is 'One value of tandem.settings, or null.';

-- plpgsql keeps its plans; sql within sql is planned at each call.
create or replace function tandem.utc(t timestamptz) returns text
language plpgsql immutable parallel safe set search_path = '' as $$
begin return to_char(timezone('UTC', t), 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'); end $$;
comment on function tandem.utc(timestamptz) is
  'RFC 3339 in UTC with microseconds: the one form in which times are compared.';

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

-- A database copied elsewhere must not write to real calendars. One question for all that a call needs.
create or replace function tandem.begin_call(p jsonb) returns jsonb
language plpgsql volatile set search_path = '' as $$
declare s jsonb; instance text := p ->> 'instance'; moved text;
begin
  moved := tandem.need(p, 'instance string');
  select coalesce(jsonb_object_agg(x.key, x.value), '{}') || jsonb_build_object(
      'here', (select c.system_identifier::text from pg_catalog.pg_control_system() c),
      'users', (select coalesce(a.mapping -> 'users', to_jsonb(to_regclass('auth.users'))) from tandem.adoption a))
  into s from tandem.settings x where x.key in ('instance', 'cluster', 'clock', 'clock_offset', 'mark',
    'user_per_minute', 'project_per_minute');
  moved := format('select tandem.take_over(%L)', instance);
  if not s ? 'instance' then
    insert into tandem.settings values ('instance', instance), ('cluster', s ->> 'here') on conflict do nothing;
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

select tandem.seal();
