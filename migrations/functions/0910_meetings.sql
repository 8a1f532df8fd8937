set local lock_timeout = '3s';
-- The view is made when a table is adopted, and this is after all rights were taken.
do $$ declare role text; begin
  if to_regclass('tandem.meetings') is null then return; end if;
  for role in select r.rolname from pg_catalog.pg_roles r where r.rolname in ('authenticated', 'tandem_user') loop
    execute format('grant select on tandem.meetings to %I', role);
  end loop;
end $$;
