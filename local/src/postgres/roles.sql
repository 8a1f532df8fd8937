begin;
-- Roles are shared by all databases of a cluster: only one test may make them.
select pg_advisory_xact_lock(7461302);
do $$
declare
    wanted record;
begin
    for wanted in
        select * from (values
            ('anon', 'nologin noinherit'),
            ('authenticated', 'nologin noinherit'),
            ('service_role', 'nologin noinherit bypassrls'),
            ('authenticator', 'login noinherit password ''authenticator''')
        ) as roles (name, attributes)
    loop
        if not exists (select from pg_roles where rolname = wanted.name) then
            execute format('create role %I %s', wanted.name, wanted.attributes);
        end if;
    end loop;
    if not pg_has_role('authenticator', 'service_role', 'member') then
        grant anon, authenticated, service_role to authenticator;
    end if;
end
$$;
grant usage on schema public to anon, authenticated, service_role;
grant all on all tables in schema public to anon, authenticated, service_role;
grant all on all routines in schema public to anon, authenticated, service_role;
grant all on all sequences in schema public to anon, authenticated, service_role;
alter default privileges in schema public grant all on tables to anon, authenticated, service_role;
alter default privileges in schema public grant all on routines to anon, authenticated, service_role;
alter default privileges in schema public grant all on sequences to anon, authenticated, service_role;
commit;
