set local lock_timeout = '3s';

-- One subtransaction for all; family by family only where the database refuses something.
create or replace function tandem.store_all(families jsonb, ops jsonb, page uuid, t timestamptz) returns jsonb
language plpgsql volatile set search_path = '' as $$
declare stored jsonb := '{"outcomes": {}, "touched": [], "gone": []}'; parts jsonb; one jsonb;
begin
  begin
    return tandem.store_families(families, ops, page, t);
  exception when others then
    if jsonb_array_length(families) = 1 then
      return stored || jsonb_build_object('outcomes', jsonb_build_object(families -> 0 ->> 'root', case
        when sqlstate in ('55P03', '40P01', '40001') then '"stale"' else tandem.refusal(sqlstate, sqlerrm) end));
    end if;
  end;
  parts := tandem.ops_by_root(ops);
  for i in 0 .. jsonb_array_length(families) - 1 loop
    one := tandem.store_all(jsonb_build_array(families -> i),
      coalesce(parts -> (families -> i ->> 'root'), '{}'), page, t);
    stored := jsonb_build_object('outcomes', (stored -> 'outcomes') || (one -> 'outcomes'),
      'touched', (stored -> 'touched') || (one -> 'touched'), 'gone', (stored -> 'gone') || (one -> 'gone'));
  end loop;
  return stored;
end $$;
comment on function tandem.store_all(jsonb, jsonb, uuid, timestamptz) is
  'Stores families, each all or nothing: outcomes of those that are not, events that were written, rows that are gone.';

-- What stays open of the families that are stored. A lease ends with a commit.
create or replace function tandem.settle_work(families jsonb, outcomes jsonb, t timestamptz) returns void
language plpgsql volatile set search_path = '' set enable_seqscan = off set jit = off as $$
begin
  with g as materialized (select f.*, coalesce(w.is_asked, false) as asked, w.reason as why, w.notes as old_notes,
      -- Without a word of it, open work is as it was.
      case when f.work is not null then f.work when w.at < 'infinity' then jsonb_build_object('state', w.state,
        'at', w.at, 'attempts', w.attempts) else jsonb_build_object('state', 'open', 'at', t, 'attempts', 0) end as now,
      (select o.root from tandem.work o where o.root = (f.work ->> 'waits_for')::uuid and o.at < 'infinity'
        union select c.event from tandem.changes c where c.event = (f.work ->> 'waits_for')::uuid) as waits,
      -- offset: each is looked up; planned for next to nothing, all would be read and hashed.
      exists (select from tandem.open_changes o where o.event = f.root offset 0)
        or exists (select from tandem.open_changes o where o.root = f.root offset 0)
        or exists (select from tandem.parked k where k.event = f.root and k.state = 'waiting' offset 0)
        or exists (select from tandem.links l cross join lateral (
          select from tandem.parked k where k.state = 'waiting' and k.event = l.event union all
          select from tandem.parked k where k.state in ('waiting', 'orphan') and k.connection_id = l.connection_id
            and k.remote = l.remote offset 0) k where l.root = f.root offset 0) as more
    from (select (x ->> 'root')::uuid as root, nullif(x -> 'work', 'null') as work
      from jsonb_array_elements(families) x where not outcomes ? (x ->> 'root')) f
    left join lateral (select x.* from tandem.work x where x.root = f.root offset 0) w on true),
  kept as (insert into tandem.work as w (root, owner, state, at, attempts, waits_for, reason, notes)
    select g.root, tandem.owner_of(g.root), case when g.asked and g.now ->> 'state' = 'dead' then 'open'
        else g.now ->> 'state' end,
      case when g.asked or g.work ->> 'waits_for' is not null and g.waits is null
        then least((g.now ->> 'at')::timestamptz, t) else (g.now ->> 'at')::timestamptz end,
      case when g.asked and g.now ->> 'state' = 'dead' then 0 else (g.now ->> 'attempts')::integer end, g.waits,
      case when g.work is null then g.why else g.work ->> 'reason' end,
      coalesce(case when g.work is null then g.old_notes else g.work -> 'notes' end, '{}')
    from g where g.work is not null or g.asked or g.more order by g.root
    on conflict (root) do update set owner = coalesce(nullif(excluded.owner, ''), w.owner), lease_until = null,
      is_asked = false, state = excluded.state, at = excluded.at, attempts = excluded.attempts,
      waits_for = excluded.waits_for, reason = excluded.reason, notes = excluded.notes)
  delete from tandem.work w
  where w.root = any (array(select g.root from g where g.work is null and not g.asked and not g.more));
end $$;
comment on function tandem.settle_work(jsonb, jsonb, timestamptz) is
  'Stores what stays open; a family with nothing open has no row.';

-- Families that are not stored: their work stays, and is due where it has to be planned again; the versions that they
-- would have taken are parked, and what the database refuses is quarantined with what it said.
create or replace function tandem.end_leases(families jsonb, outcomes jsonb, t timestamptz) returns void
language plpgsql volatile set search_path = '' set enable_seqscan = off set jit = off as $$
declare stale uuid[] := array(select x.key::uuid from jsonb_each(outcomes) x where x.value = '"stale"' order by 1);
  ended uuid[] := array(select x.key::uuid from jsonb_each(outcomes) x where x.value <> '"fenced"' order by 1);
begin
  if stale <> '{}' then perform tandem.ask_for(stale, t); end if;
  update tandem.work w set lease_until = null, is_asked = false where w.root = any (ended) and w.at < 'infinity';
  delete from tandem.work w where w.root = any (ended) and w.at = 'infinity';
  perform tandem.park((select jsonb_agg(case when o -> 'refused' -> 'transient' = 'false' then v || jsonb_build_object(
      'state', 'quarantined', 'reason', o -> 'refused' -> 'message') else v end)
    from jsonb_array_elements(families) f cross join lateral (select outcomes -> (f ->> 'root') as o) x
    cross join lateral jsonb_array_elements(f -> 'instead') v where o is not null), '[]', t);
end $$;
comment on function tandem.end_leases(jsonb, jsonb, timestamptz) is 'Ends leases of families that were not stored.';

-- The last statement: who is free now, which of the stored are due again, and what pages are told.
create or replace function tandem.conclude(families jsonb, stored jsonb, t timestamptz) returns jsonb
language plpgsql volatile set search_path = '' set enable_seqscan = off set jit = off as $$
declare done jsonb;
begin
  with f as materialized (select (x ->> 'root')::uuid as root, x ->> 'root' as name, n
    from jsonb_array_elements(families) with ordinality y (x, n)),
  freed as (update tandem.work w set at = least(w.at, t), waits_for = null from f r where w.waits_for = r.root
      and not exists (select from tandem.work o where o.root = r.root and o.at < 'infinity' offset 0)
      and not exists (select from tandem.changes c where c.event = r.root offset 0) returning w.root),
  told as (insert into tandem.touched as x (event, owner, at, is_gone, touched_at)
    select e.event, e.owner, pg_current_xact_id(), e.is_gone, t from (
      select r.event, r.owner, false as is_gone from tandem.crm_rows r
        where r.event = any (array(select y::uuid from jsonb_array_elements_text(stored -> 'touched') y))
      union select (y ->> 'event')::uuid, y ->> 'owner', true from jsonb_array_elements(stored -> 'gone') y) e
    order by 1, 2 on conflict (event, owner) do update set at = excluded.at, is_gone = excluded.is_gone,
      touched_at = excluded.touched_at)
  select jsonb_build_object('freed', (select coalesce(jsonb_agg(f.root order by f.root), '[]') from freed f),
    'families', coalesce(jsonb_agg(jsonb_build_object('root', f.root, 'outcome', coalesce(
      stored -> 'outcomes' -> f.name, jsonb_build_object('stored', jsonb_build_object('again',
        f.root in (select y.root from freed y)
        or exists (select from tandem.work w where w.root = f.root and w.state = 'open' and w.at <= t offset 0)
        or exists (select from tandem.changes c where c.event = f.root offset 0) or exists (
          select from tandem.changes c where c.root = f.root and c.root <> c.event offset 0))))) order by f.n), '[]'))
  into done from f;
  return done;
end $$;
comment on function tandem.conclude(jsonb, jsonb, timestamptz) is
  'Frees who waited, and says what became of each family.';

create or replace function public.tandem_commit(p jsonb) returns jsonb
language plpgsql security definer set search_path = '' set timezone = 'UTC' set lock_timeout = 500 set jit = off as $$
declare s jsonb := tandem.begin_call(p); t timestamptz := s ->> 'now'; listing jsonb := nullif(p -> 'listing', 'null');
  families jsonb := p -> 'families'; stored jsonb; page jsonb := '{"more": false, "reads": []}'; mark text;
  done jsonb := '{"freed": [], "families": []}';
begin
  mark := tandem.need(p, 'families array', 'ops object', 'listing object?', 'usage array', 'tokens array',
    'pauses array');
  if listing is not null and not tandem.hold_listing(listing, t) then
    return jsonb_build_object('fenced', true, 'freed', '[]'::jsonb, 'as_of', nextval('tandem.recorded'), 'families',
      (select coalesce(jsonb_agg(jsonb_build_object('root', f -> 'root', 'outcome', 'fenced') order by n), '[]')
        from jsonb_array_elements(families) with ordinality x (f, n))) || page;
  end if;
  mark := set_config('tandem.commit', s ->> 'mark', true);
  if p -> 'tokens' <> '[]' then mark := tandem.store_tokens(p -> 'tokens', t); end if;
  if p -> 'pauses' <> '[]' then mark := tandem.pause_accounts(p -> 'pauses'); end if;
  if families <> '[]' then
    stored := tandem.store_all(families, p -> 'ops', (listing ->> 'connection')::uuid, t);
    if stored -> 'outcomes' <> '{}' then mark := tandem.end_leases(families, stored -> 'outcomes', t); end if;
    mark := tandem.settle_work(families, stored -> 'outcomes', t);
  end if;
  if listing is not null then page := tandem.commit_page(listing, t); end if;
  if families <> '[]' then done := tandem.conclude(families, stored, t); end if;
  if p -> 'usage' <> '[]' then
    mark := tandem.charge((select jsonb_object_agg(u.account, u.units) from (select x.account, sum(x.units) as units
      from jsonb_to_recordset(p -> 'usage') as x (account text, units bigint) group by 1) u), t);
  end if;
  mark := tandem.add_counts(coalesce(p -> 'counts', '{}') || jsonb_build_object('google_calls', p -> 'calls'));
  return jsonb_build_object('fenced', false, 'as_of', nextval('tandem.recorded')) || done || page;
end $$;
comment on function public.tandem_commit(jsonb) is 'The contract''s commit. p: Commit; returns Committed.';

select tandem.seal();
