-- Who may call what. Supabase's default privileges hand new objects to anon and authenticated by name,
-- so PUBLIC alone is not enough; a migration that adds functions ends with tandem.seal().
-- Components call public.tandem_*; users, by their own login, public.tandem_my_* and what is behind it.

create or replace function tandem.seal() returns void
language plpgsql volatile set search_path = '' as $$
declare f regprocedure; outsider text; caller text;
begin
  for f in select p.oid::regprocedure from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace
    where n.nspname = 'tandem' or (n.nspname = 'public' and p.proname like 'tandem\_%')
  loop
    for outsider in select 'public' union select quote_ident(r.rolname) from pg_catalog.pg_roles r
      where r.rolname in ('anon', 'authenticated', 'service_role', 'tandem_component', 'tandem_user') loop
      execute format('revoke all on function %s from %s', f, outsider);
    end loop;
    if f::text ~ '^(public\.)?tandem_my_' or f::text ~ '^tandem\.my_' then
      for caller in select quote_ident(r.rolname) from pg_catalog.pg_roles r where r.rolname in ('authenticated', 'tandem_user') loop
        execute format('grant execute on function %s to %s', f, caller);
      end loop;
    elsif f::text ~ '^(public\.)?tandem_' then
      for caller in select quote_ident(r.rolname) from pg_catalog.pg_roles r where r.rolname in ('service_role', 'tandem_component') loop
        execute format('grant execute on function %s to %s', f, caller);
      end loop;
    end if;
  end loop;
  -- Row level security and CHECK constraints run these with the user's own rights.
  for caller in select quote_ident(r.rolname) from pg_catalog.pg_roles r where r.rolname in ('anon', 'authenticated', 'service_role', 'tandem_user') loop
    execute format('grant usage on schema tandem to %s', caller);
    execute format('grant execute on function tandem.uid() to %s', caller);
    execute format('revoke all on all tables in schema tandem from %s', caller);
  end loop;
  grant usage on schema public to tandem_component, tandem_user;
  grant select, insert, update, delete on public.events to tandem_user;
  revoke all on public.tandem_connections from public;
  for outsider in select quote_ident(r.rolname) from pg_catalog.pg_roles r where r.rolname in ('anon') loop
    execute format('revoke all on public.tandem_connections from %s', outsider);
  end loop;
  for caller in select quote_ident(r.rolname) from pg_catalog.pg_roles r where r.rolname in ('authenticated') loop
    execute format('revoke all on public.tandem_connections from %s', caller);
    execute format('grant select on public.tandem_connections to %s', caller);
  end loop;
end $$;
comment on function tandem.seal() is 'Takes execute from everybody and gives the public functions to service_role and tandem_component, and those for users to them.';

select tandem.seal();
