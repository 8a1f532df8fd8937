set local lock_timeout = '3s';

do $$ begin
  if exists (select from tandem.settings where key = 'adoption') and not exists (select from tandem.adoption) then
    -- (select …): asked once for a statement, not for each row.
    create policy events_own on public.events using (owner_id = (select tandem.user_uuid()))
      with check (owner_id = (select tandem.user_uuid()));
    grant select, insert, update, delete on public.events to tandem_user;
    perform tandem.adopt('public.events', tandem.default_mapping());
  else
    perform tandem.generate();
  end if;
end $$;

-- Row level security runs tandem.user_uuid() with the user's own rights.
do $$ declare role text; begin
  for role in select r.rolname from pg_catalog.pg_roles r
    where r.rolname in ('anon', 'authenticated', 'service_role', 'tandem_user') loop
    execute format('grant usage on schema tandem to %I', role);
    execute format('revoke all on all tables in schema tandem from %I', role);
    execute format('revoke all on all sequences in schema tandem from %I', role);
  end loop;
  grant usage on schema public to tandem_component, tandem_user;
end $$;
select tandem.seal();
