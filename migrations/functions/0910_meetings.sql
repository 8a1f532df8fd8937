set local lock_timeout = '3s';
-- These views are made when a table is adopted, and this is after all rights were taken.
do $$ declare role text; shown text; begin
  for role, shown in select r.rolname, v from pg_catalog.pg_roles r cross join unnest('{meetings,events}'::text[]) v
    where r.rolname in ('authenticated', 'tandem_user') and to_regclass('tandem.' || v) is not null
  loop
    execute format('grant select on tandem.%I to %I', shown, role);
  end loop;
end $$;
