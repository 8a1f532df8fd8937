set local lock_timeout = '3s';
-- What an operator says once a database was moved or restored.

create or replace function tandem.cluster() returns text
language plpgsql stable set search_path = '' as $$
begin
  return (select c.system_identifier::text from pg_catalog.pg_control_system() c);
exception when insufficient_privilege then
  return '';
end $$;
comment on function tandem.cluster() is 'Tells this database server from another that was restored from its dump.';

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
