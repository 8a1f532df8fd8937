set local lock_timeout = '3s';
-- What CRM transactions leave behind: rows in tandem.changes, and a poke. They take no lock of Tandem's.

create or replace function tandem.next_rev(event_id uuid, clock_rev bigint) returns bigint
language plpgsql stable set search_path = '' set enable_seqscan = off set jit = off as $$
begin return greatest(clock_rev, 1 + (select c.rev from tandem.changes c where c.event = event_id order by c.rev desc
    limit 1), 1 + (select o.rev from tandem.open_changes o where o.event = event_id),
    1 + (select max(l.last_rev) from tandem.links l where l.event = event_id));
end $$;
comment on function tandem.next_rev(uuid, bigint) is
  'The rev of a change, where the clock may be behind: more than the event''s last.';

create or replace function tandem.add_change(v_event uuid, v_series uuid, v_owner text, v_fields text[]) returns void
language plpgsql volatile set search_path = '' as $$
declare t timestamptz := tandem.clock(); v_high bigint;
  v_rev bigint := tandem.next_rev(v_event, (extract(epoch from t) * 1000000)::bigint);
begin
  insert into tandem.changes (event, root, owner, rev, op, fields, changed_at)
  values (v_event, coalesce(v_series, v_event), v_owner, v_rev, 'update', v_fields, t);
  v_high := setval('tandem.revs', greatest(nextval('tandem.revs'), v_rev));
end $$;
comment on function tandem.add_change(uuid, uuid, text, text[]) is
  'Appends the edit of a CRM''s trigger to what Tandem wrote.';

-- After a write: what the rows say now, against what was written. Triggers of the CRM's may have changed it.
create or replace function tandem.settle() returns void
language plpgsql volatile set search_path = '' set enable_seqscan = off set jit = off as $$
declare n bigint;
begin
  with written as materialized (delete from tandem.writing where true returning event, expected),
  -- What is kept aside is not in the table, so no trigger of the CRM's can change it.
  differs as materialized (select r.event, r.owner, r.series, array(select x.key from jsonb_each(r.fields) x
      where e.fields ? x.key and (e.fields -> x.key) is distinct from x.value order by 1) || array_remove(array[
      case when w.expected ->> 'owner' is distinct from r.owner then 'owner' end,
      case when (w.expected ->> 'enabled')::boolean is distinct from r.enabled then 'enabled' end,
      case when w.expected ->> 'series' is distinct from r.series::text and a.mapping ? 'series' then 'series' end,
      case when w.expected ->> 'original_start' is distinct from r.original_start and a.mapping ? 'original_start'
        then 'original_start' end], null) as fields
    -- Row by row by its key, however many rows there are.
    from written w cross join lateral (select x.* from tandem.crm_rows x where x.event = w.event offset 0) r
    cross join lateral (select w.expected -> 'fields' as fields offset 0) e
    cross join tandem.adoption a where w.expected is not null)
  select count(tandem.add_change(d.event, d.series, d.owner, d.fields)) into n from differs d where d.fields <> '{}';
end $$;
comment on function tandem.settle() is 'Notes the edits that the CRM''s triggers made to what Tandem wrote.';
