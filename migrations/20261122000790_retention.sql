-- What is old is forgotten, a little at each tick, so that the tables grow with the events and not with the years.

create or replace function tandem.kept_since() returns timestamptz
language plpgsql stable set search_path = '' as $$
begin
  -- What is no number must not stop the clock.
  return tandem.clock() - greatest(1, coalesce(substring(tandem.setting('history_days') from '^\d{1,5}$')::integer, 400)) * interval '1 day';
end $$;
comment on function tandem.kept_since() is 'What is older may be forgotten: settings.history_days ago, at least one day, 400 if it is not set or no number.';

create or replace function tandem.forget_history(most integer) returns void
language plpgsql volatile set search_path = '' as $$
declare since timestamptz := tandem.kept_since(); old bigint[];
begin
  old := array(select x.id from (select h.id, h.at from tandem.history h where h.id > 0 order by h.id limit most) x where x.at < since);
  if old <> '{}' then delete from tandem.history h where h.id = any (old); end if;
end $$;
comment on function tandem.forget_history(integer) is 'Drops the oldest entries, as far as they are too old.';

-- Google's trash is emptied after about 30 days.
create or replace function tandem.forget_dormant(most integer) returns void
language plpgsql volatile set search_path = '' as $$
begin
  delete from tandem.inbox i using (
    select d.calendar_id, d.google_id from tandem.inbox d where d.state = 'dormant' and d.received_at < tandem.clock() - interval '60 days'
    order by d.received_at limit most for update skip locked) old
  where i.calendar_id = old.calendar_id and i.google_id = old.google_id;
end $$;
comment on function tandem.forget_dormant(integer) is 'Drops exceptions whose series has been in the trash for so long that it cannot come back.';

-- An event's newest change says how it ended and which rev comes next; what was set of units that each copy
-- has for itself is an edit of a copy that may come one day; what is newer than the link is still to be sent.
create or replace function tandem.is_spent(c tandem.changes) returns boolean
language plpgsql stable set search_path = '' as $$
begin
  return c.folded and not (c.op = 'update' and c.fields && tandem.copied_units())
    and exists (select from tandem.changes n where n.event_id = c.event_id and n.rev > c.rev)
    and not exists (select from tandem.links l where l.event_id = c.event_id and l.is_primary and l.synced_rev < c.rev);
end $$;
comment on function tandem.is_spent(tandem.changes) is 'Whether nothing asks for a change any more but its user''s history.';

-- A walk through all events, on from where the last one ended.
create or replace function tandem.forget_changes(most integer) returns void
language plpgsql volatile set search_path = '' as $$
declare since timestamptz := tandem.kept_since(); place text[] := string_to_array(tandem.setting('forgot_up_to'), ' '); events uuid[]; revs bigint[];
begin
  select coalesce(array_agg(x.event_id), '{}'), coalesce(array_agg(x.rev), '{}') into events, revs from (select c.event_id, c.rev from tandem.changes c
    where (c.event_id, c.rev) > (coalesce(place[1], '00000000-0000-0000-0000-000000000000')::uuid, coalesce(place[2], '0')::bigint)
    order by c.event_id, c.rev limit most) x;
  delete from tandem.changes c using unnest(events, revs) p (event_id, rev)
  where c.event_id = p.event_id and c.rev = p.rev and c.changed_at < since and tandem.is_spent(c);
  insert into tandem.settings as s (key, value) values ('forgot_up_to', case when cardinality(events) = most then events[most] || ' ' || revs[most] else '' end)
  on conflict (key) do update set value = excluded.value where s.value <> excluded.value;
end $$;
comment on function tandem.forget_changes(integer) is 'Drops old changes that nothing asks for, of the next events in order.';
