set local lock_timeout = '3s';

-- One subtransaction for all; family by family only where the database refuses something.
create or replace function tandem.store_all(families jsonb, page uuid, t timestamptz) returns jsonb
language plpgsql volatile set search_path = '' as $$
declare stored jsonb; one jsonb; code text; why text;
begin
  begin
    return tandem.store_families(families, page, t);
  exception when others then
    code := sqlstate; why := sqlerrm;
  end;
  if jsonb_array_length(families) = 1 then
    return jsonb_build_object('good', '[]'::jsonb, 'touched', '[]'::jsonb, 'gone', '[]'::jsonb, 'outcomes',
      jsonb_build_object(
      families -> 0 ->> 'root', case when code in ('55P03', '40P01', '40001') then '"stale"' else tandem.refusal(code,
        why) end));
  end if;
  stored := '{"outcomes": {}, "good": [], "touched": [], "gone": []}';
  for i in 0 .. jsonb_array_length(families) - 1 loop
    one := tandem.store_all(jsonb_build_array(families -> i), page, t);
    stored := jsonb_build_object('outcomes', (stored -> 'outcomes') || (one -> 'outcomes'),
      'good', (stored -> 'good') || (one -> 'good'), 'touched', (stored -> 'touched') || (one -> 'touched'),
      'gone', (stored -> 'gone') || (one -> 'gone'));
  end loop;
  return stored;
end $$;
comment on function tandem.store_all(jsonb, uuid, timestamptz) is 'Stores families, each all or nothing.';

-- What stays open of the families that are stored. A lease ends with a commit.
create or replace function tandem.settle_work(families jsonb, t timestamptz) returns void
language plpgsql volatile set search_path = '' set enable_seqscan = off set jit = off as $$
begin
  with f as materialized (select (x ->> 'root')::uuid as root, nullif(x -> 'work', 'null') as work from
    jsonb_array_elements(families) x),
  g as materialized (select f.root, f.work, w.at as old_at, coalesce(w.is_asked, false) as asked, exists (select from
    tandem.open_changes o
        where o.event = f.root) or exists (select from tandem.open_changes o where o.root = f.root)
      or exists (select from tandem.parked k where k.event = f.root and k.state = 'waiting')
      or exists (select from tandem.links l join tandem.parked k on k.state = 'waiting' and k.connection_id =
        l.connection_id
        and k.remote = l.remote where l.root = f.root)
      or exists (select from tandem.links l join tandem.parked k on k.state = 'waiting' and k.event = l.event where
        l.root = f.root) as more,
    (select o.root from tandem.work o where o.root = (f.work ->> 'waits_for')::uuid and o.at < 'infinity'
      union select c.event from tandem.changes c where c.event = (f.work ->> 'waits_for')::uuid) as waits
    from f left join tandem.work w on w.root = f.root),
  kept as (insert into tandem.work as w (root, owner, state, at, attempts, waits_for, reason, notes)
    select g.root, coalesce((select r.owner from tandem.crm_rows r where r.event = g.root), (select k.user_id from
      tandem.links l
        join tandem.connections k on k.id = l.connection_id where l.event = g.root order by l.recorded desc limit 1),
          ''),
      case when g.asked and g.work ->> 'state' = 'dead' then 'open' else coalesce(g.work ->> 'state', 'open') end,
      case when g.asked or g.work ->> 'waits_for' is not null and g.waits is null then least((g.work ->>
        'at')::timestamptz, t)
        else coalesce((g.work ->> 'at')::timestamptz, t) end,
      case when g.asked and g.work ->> 'state' = 'dead' then 0 else coalesce((g.work ->> 'attempts')::integer, 0) end,
      g.waits, g.work ->> 'reason', coalesce(g.work -> 'notes', '{}')
    from g where g.work is not null or g.asked or g.more order by g.root
    on conflict (root) do update set owner = coalesce(nullif(excluded.owner, ''), w.owner), lease_until = null,
      is_asked = false,
      -- Without a word of it, open work is as it was.
      state = case when (select g.work is null and g.old_at < 'infinity' and not (g.asked and w.state = 'dead') from g
        where g.root = w.root) then w.state else excluded.state end,
      at = case when (select g.work is null and g.old_at < 'infinity' from g where g.root = w.root)
        then case when w.is_asked then least(w.at, t) else w.at end else excluded.at end,
      attempts = case when (select g.work is null and g.old_at < 'infinity' and not (g.asked and w.state = 'dead')
        from g
        where g.root = w.root) then w.attempts else excluded.attempts end,
      waits_for = excluded.waits_for, reason = case when (select g.work is null from g where g.root = w.root) then
        w.reason
        else excluded.reason end,
      notes = case when (select g.work is null from g where g.root = w.root) then w.notes else excluded.notes end)
  delete from tandem.work w using g where w.root = g.root and g.work is null and not g.asked and not g.more;
end $$;
comment on function tandem.settle_work(jsonb, timestamptz) is
  'Stores what stays open; a family with nothing open has no row.';

-- Families that are not stored: their work stays, and is due where it has to be planned again.
create or replace function tandem.release(outcomes jsonb, t timestamptz) returns void
language plpgsql volatile set search_path = '' set enable_seqscan = off as $$
declare stale uuid[] := array(select x.key::uuid from jsonb_each(outcomes) x where x.value = '"stale"' order by 1);
  ended uuid[] := array(select x.key::uuid from jsonb_each(outcomes) x where x.value <> '"fenced"' order by 1);
begin
  if stale <> '{}' then perform tandem.ask_for(stale, t); end if;
  update tandem.work w set lease_until = null, is_asked = false where w.root = any (ended) and w.at < 'infinity';
  delete from tandem.work w where w.root = any (ended) and w.at = 'infinity';
end $$;
comment on function tandem.release(jsonb, timestamptz) is 'Ends leases of families that were not stored.';

-- The last statement: who is free now, which of the stored are due again, and what pages are told.
create or replace function tandem.conclude(stored jsonb, t timestamptz) returns jsonb
language plpgsql volatile set search_path = '' set enable_seqscan = off set jit = off as $$
declare done jsonb;
begin
  with roots as materialized (select (f ->> 'root')::uuid as root from jsonb_array_elements(stored -> 'all') f),
  freed as (update tandem.work w set at = least(w.at, t), waits_for = null from roots r where w.waits_for = r.root
      and not exists (select from tandem.work o where o.root = r.root and o.at < 'infinity')
      and not exists (select from tandem.changes c where c.event = r.root) returning w.root),
  told as (insert into tandem.touched as x (event, owner, at, is_gone, touched_at)
    select e.event, e.owner, pg_current_xact_id(), e.is_gone, t from (
      select r.event, r.owner, false as is_gone from tandem.crm_rows r
        where r.event = any (array(select y::uuid from jsonb_array_elements_text(stored -> 'touched') y))
      union select (y ->> 'event')::uuid, y ->> 'owner', true from jsonb_array_elements(stored -> 'gone') y) e
    order by 1, 2 on conflict (event, owner) do update set at = excluded.at, is_gone = excluded.is_gone,
      touched_at = excluded.touched_at)
  select jsonb_build_object('freed', (select coalesce(jsonb_agg(f.root order by f.root), '[]') from freed f),
    'families', coalesce(jsonb_agg(jsonb_build_object('root', f.x -> 'root', 'outcome', coalesce(stored -> 'outcomes'
      -> (f.x ->> 'root'),
      jsonb_build_object('stored', jsonb_build_object('again',
        exists (select from tandem.work w where w.root = (f.x ->> 'root')::uuid and w.state = 'open' and w.at <= t)
        or exists (select from freed y where y.root = (f.x ->> 'root')::uuid)
        or exists (select from tandem.changes c where c.event = (f.x ->> 'root')::uuid)
        or exists (select from tandem.changes c where c.root = (f.x ->> 'root')::uuid and c.root <> c.event))))) order
          by f.n), '[]')) into done
  from jsonb_array_elements(stored -> 'all') with ordinality f (x, n);
  return done;
end $$;
comment on function tandem.conclude(jsonb, timestamptz) is 'Frees who waited, and says what became of each family.';

-- Versions to keep where a family is not stored; what the database refuses is quarantined with what it said.
create or replace function tandem.park_instead(families jsonb, outcomes jsonb, t timestamptz) returns void
language plpgsql volatile set search_path = '' as $$
declare versions jsonb;
begin
  select jsonb_agg(case when o -> 'refused' -> 'transient' = 'false'
    then v || jsonb_build_object('state', 'quarantined', 'reason', o -> 'refused' -> 'message') else v end) into
      versions
  from jsonb_array_elements(families) f cross join lateral (select outcomes -> (f ->> 'root') as o) x
  cross join lateral jsonb_array_elements(f -> 'instead') v where o is not null;
  if versions is not null then perform tandem.park(versions, '{}', t); end if;
end $$;
comment on function tandem.park_instead(jsonb, jsonb, timestamptz) is
  'Parks what families that are not stored would have taken.';

create or replace function public.tandem_commit(p jsonb) returns jsonb
language plpgsql volatile security definer set search_path = '' set timezone = 'UTC' set lock_timeout = '500ms' as $$
declare s jsonb := tandem.begin_call(p); t timestamptz := s ->> 'now'; listing jsonb := nullif(p -> 'listing',
  'null'); mark text;
  stored jsonb := '{"outcomes": {}, "good": [], "touched": [], "gone": []}'; page jsonb :=
    '{"more": false, "reads": []}';
  done jsonb := '{"freed": [], "families": []}'; families jsonb := p -> 'families'; calls jsonb;
begin
  mark := tandem.need(p, 'families array', 'listing object?', 'usage array', 'tokens array', 'pauses array');
  if listing is not null and not tandem.hold_listing(listing, t) then
    return jsonb_build_object('fenced', true, 'freed', '[]'::jsonb, 'as_of', nextval('tandem.recorded'), 'families',
      (select coalesce(jsonb_agg(jsonb_build_object('root', f -> 'root', 'outcome', 'fenced') order by n), '[]')
        from jsonb_array_elements(families) with ordinality x (f, n))) || page;
  end if;
  mark := set_config('tandem.commit', 'yes', true);
  if p -> 'tokens' <> '[]' then perform tandem.store_tokens(p -> 'tokens', t); end if;
  if p -> 'pauses' <> '[]' then perform tandem.pause_accounts(p -> 'pauses'); end if;
  if families <> '[]' then
    stored := tandem.store_all(families, (listing ->> 'connection')::uuid, t);
    if stored -> 'outcomes' <> '{}' then
      perform tandem.release(stored -> 'outcomes', t);
      perform tandem.park_instead(families, stored -> 'outcomes', t);
    end if;
    if stored -> 'good' <> '[]' then mark := tandem.settle_work(stored -> 'good', t); end if;
  end if;
  if listing is not null then page := tandem.commit_page(listing, t); end if;
  if families <> '[]' then
    done := tandem.conclude(stored || jsonb_build_object('all', families), t);
  end if;
  if p -> 'usage' <> '[]' then
    calls := '{}';
    for i in 0 .. jsonb_array_length(p -> 'usage') - 1 loop
      mark := p -> 'usage' -> i ->> 'account';
      calls := calls || jsonb_build_object(mark, coalesce((calls ->> mark)::bigint, 0) + (p -> 'usage' -> i ->>
        'units')::bigint);
    end loop;
    mark := tandem.charge(calls, s, t);
  end if;
  perform tandem.add_counts(coalesce(p -> 'counts', '{}') || jsonb_build_object('google_calls', p -> 'calls'));
  return jsonb_build_object('fenced', false, 'as_of', nextval('tandem.recorded')) || done || page;
end $$;
comment on function public.tandem_commit(jsonb) is 'The contract''s commit. p: Commit; returns Committed.';

select tandem.seal();
