-- What happened, counted for the operator. A count is kept in several rows, so that flows seldom wait for
-- each other; counting is the last thing that a transaction does.

create table if not exists tandem.counters (
  name text not null,
  label text not null default '',
  shard smallint not null default 0,
  value double precision not null default 0,
  primary key (name, label, shard)
);
comment on table tandem.counters is 'Growing numbers.';
comment on column tandem.counters.name is 'What is counted.';
comment on column tandem.counters.label is 'Of which kind; for a histogram the upper bound.';
comment on column tandem.counters.shard is 'Which of the rows of one count.';
comment on column tandem.counters.value is 'The number.';

create or replace function tandem.count(name text, labels jsonb) returns void
language plpgsql volatile set search_path = '' as $$
begin
  insert into tandem.counters as c (name, label, shard, value)
  select count.name, l.key, floor(random() * 4)::smallint, l.value::double precision from jsonb_each_text(labels) l where l.value <> '0' order by l.key
  on conflict on constraint counters_pkey do update set value = c.value + excluded.value;
end $$;
comment on function tandem.count(text, jsonb) is 'Adds to counts of one name: {label: how many}.';

create or replace function tandem.count_seconds(name text, took interval) returns void
language plpgsql volatile set search_path = '' as $$
begin
  perform tandem.count(name, (
    select jsonb_object_agg(b, 1) || jsonb_build_object('sum', greatest(0, extract(epoch from took)))
    from unnest(array['1', '2', '5', '10', '30', '60', '300', '3600', '+Inf']) b where extract(epoch from took) <= b::double precision))
  where took is not null;
end $$;
comment on function tandem.count_seconds(text, interval) is 'Adds a duration to a histogram.';

create or replace function tandem.count_push(j tandem.jobs, l tandem.links, p jsonb) returns void
language plpgsql volatile set search_path = '' as $$
begin
  perform tandem.count('google_calls', coalesce(nullif(p -> 'calls', 'null'), '{}'));
  if p ->> 'outcome' in ('synced', 'deleted') and not j.quiet then
    perform tandem.count_seconds('crm_to_google_seconds', tandem.clock() - (select min(c.changed_at) from tandem.changes c
      where c.event_id = l.event_id and c.rev > l.synced_rev and c.rev <= (p ->> 'rev')::bigint));
  end if;
  perform tandem.count('pushes', jsonb_build_object(p ->> 'outcome', 1));
end $$;
comment on function tandem.count_push(tandem.jobs, tandem.links, jsonb) is 'Counts a recorded push: l as it was before.';

create or replace function tandem.count_pull(c tandem.calendars, p jsonb, outcome text) returns void
language plpgsql volatile set search_path = '' as $$
begin
  perform tandem.count('google_calls', coalesce(nullif(p -> 'calls', 'null'), '{}'));
  perform tandem.count('listings', jsonb_build_object(outcome, 1));
  if p ->> 'sync_token' is not null then
    perform tandem.count_seconds('google_to_crm_seconds', tandem.clock() - (select h.delivered_at from tandem.channels h
      where h.id = p ->> 'channel_id' and p ? 'message_number' and h.calendar_id = c.id));
  end if;
end $$;
comment on function tandem.count_pull(tandem.calendars, jsonb, text) is 'Counts a page of a listing, or one that was refused.';
