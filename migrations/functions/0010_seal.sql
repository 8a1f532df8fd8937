set local lock_timeout = '3s';
-- Who may call what. Each file that makes functions for others ends with it.

-- Default privileges hand new functions to PUBLIC, and on Supabase to roles by name.
create or replace function tandem.seal() returns void
language plpgsql volatile set search_path = '' as $$
declare f regprocedure; who text; may boolean;
begin
  -- Only what is not so yet: there are many functions, and each file asks.
  for f, who, may in
    with f as (select p.oid, p.proacl, p.proowner, case when n.nspname = 'public' then p.proname::text
        else 'tandem.' || p.proname end as name
      from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace
      where n.nspname = 'tandem' or (n.nspname = 'public' and p.proname like 'tandem\_%')),
    r as (select 0::oid as oid, 'public' as name union all select x.oid, x.rolname from pg_catalog.pg_roles x
      where x.rolname in ('anon', 'authenticated', 'service_role', 'tandem_component', 'tandem_user')),
    wanted as (select f.*, r.oid as role, r.name as who, case when r.oid = 0 then false
        when f.name ~ '^tandem_my_|^tandem\.my_' then r.name in ('authenticated', 'tandem_user')
        when f.name ~ '^tandem_' then r.name in ('service_role', 'tandem_component')
        when f.name in ('tandem.uid', 'tandem.user_uuid') then r.name <> 'tandem_component'
        else false end as may from f cross join r)
    select w.oid::regprocedure, w.who, w.may from wanted w where w.may <> exists (
      select from pg_catalog.aclexplode(coalesce(w.proacl, pg_catalog.acldefault('f', w.proowner))) a
      where a.grantee = w.role)
  loop
    execute format(case when may then 'grant execute on function %s to %s' else 'revoke all on function %s from %s' end,
      f, case who when 'public' then who else quote_ident(who) end);
  end loop;
end $$;
comment on function tandem.seal() is
  'Takes execute from everybody, then gives public.tandem_* to components, tandem_my_* to users and uid() to policies.';
