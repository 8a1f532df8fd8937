set local lock_timeout = '3s';
-- What happened, for the user. History is its owner's of that time, and nobody else's, whoever has the id now.

create or replace function tandem.rev(t timestamptz) returns bigint
language plpgsql immutable set search_path = '' as $$
begin return (extract(epoch from t) * 1000000)::bigint; end $$;
comment on function tandem.rev(timestamptz) is
  'The number of a change that was made at a time, where no earlier one is in its way.';

-- A load moves the CRM's changes out of their queue; for whom something is synced, they are history from then on.
create or replace function tandem.note_changes() returns trigger
language plpgsql volatile security definer set search_path = '' set enable_seqscan = off set jit = off as $$
begin
  if current_setting('tandem.forgets', true) = 'yes' then return null; end if;
  insert into tandem.past_changes (event, owner, op, fields, old_row, changed_at)
  select c.event, c.owner, c.op, c.fields, c.old_row -> 'fields', c.changed_at
  from gone c where exists (select from tandem.connections k where k.user_id = c.owner and k.state <> 'disconnected')
  order by c.rev;
  return null;
end $$;
comment on function tandem.note_changes() is 'Keeps what the CRM did to an event for its owner.';
create or replace trigger changes_history after delete on tandem.changes referencing old table as gone
  for each statement execute function tandem.note_changes();

create or replace function tandem.change_kind(op text) returns text
language plpgsql immutable set search_path = '' as $$
begin return case op when 'insert' then 'created' when 'update' then 'changed' else 'deleted' end; end $$;
comment on function tandem.change_kind(text) is 'What a change is called in a history.';

create or replace function tandem.change_detail(op text, fields text[], old_row jsonb) returns jsonb
language plpgsql immutable set search_path = '' as $$
begin
  return jsonb_build_object('by', 'crm') || case op when 'delete' then jsonb_build_object('row', old_row)
    when 'update' then jsonb_build_object('fields', coalesce(fields, '{}')) else '{}' end;
end $$;
comment on function tandem.change_detail(text, text[], jsonb) is 'What a change of the CRM''s was about.';

create or replace function tandem.title_of(event_id uuid, owner text) returns text
language plpgsql stable set search_path = '' set enable_seqscan = off set jit = off as $$
begin
  return coalesce((select r.fields ->> 'title' from tandem.crm_rows r
      where r.event = event_id and r.owner = title_of.owner),
    (select o.deleted_row -> 'fields' ->> 'title' from tandem.open_changes o
      where o.event = event_id and o.deleted_row ->> 'owner' = title_of.owner),
    (select c.old_row ->> 'title' from tandem.past_changes c where c.event = event_id and c.owner = title_of.owner
      and c.op = 'delete' order by c.id desc limit 1),
    (select h.detail -> 'row' ->> 'title' from tandem.history h where h.event = event_id and h.owner = title_of.owner
      and h.kind = 'deleted' order by h.id desc limit 1));
end $$;
comment on function tandem.title_of(uuid, text) is 'A user''s event''s title, also after it was deleted.';

-- An entry's number is twice its time in microseconds; the odd one before is for what announced it.
create or replace function tandem.entry_id(at timestamptz) returns bigint
language plpgsql immutable set search_path = '' as $$
begin return floor(extract(epoch from at) * 1000000)::bigint * 2; end $$;
comment on function tandem.entry_id(timestamptz) is 'The number of an entry of a time.';

create or replace function tandem.entries_of(owner text, before bigint, most integer)
returns table (id bigint, event uuid, at timestamptz, kind text, detail jsonb)
language plpgsql stable set search_path = '' set enable_seqscan = off set jit = off as $$
#variable_conflict use_column
declare ends timestamptz := timestamptz 'epoch' + (before + 1) / 2 * interval '1 microsecond';
begin
  return query
  (select tandem.entry_id(c.changed_at), c.event, c.changed_at, tandem.change_kind(c.op),
      tandem.change_detail(c.op, c.fields, c.old_row -> 'fields')
    from tandem.changes c where c.owner = entries_of.owner and c.rev < tandem.rev(ends) and c.changed_at < ends
    order by c.rev desc fetch first most rows with ties)
  union all
  (select tandem.entry_id(c.changed_at), c.event, c.changed_at, tandem.change_kind(c.op),
      tandem.change_detail(c.op, c.fields, c.old_row)
    from tandem.past_changes c where c.owner = entries_of.owner and c.changed_at < ends
    order by c.changed_at desc fetch first most rows with ties)
  union all
  (select tandem.entry_id(h.at), h.event, h.at, h.kind, h.detail from tandem.history h
    where h.owner = entries_of.owner and h.at < ends order by h.at desc fetch first most rows with ties);
end $$;
comment on function tandem.entries_of(text, bigint, integer) is
  'The newest entries of a user before an entry; more than wanted.';

create or replace function tandem.entries_of_event(event_id uuid, owner text, most integer)
returns table (id bigint, event uuid, at timestamptz, kind text, detail jsonb)
language plpgsql stable set search_path = '' set enable_seqscan = off set jit = off as $$
#variable_conflict use_column
begin
  return query
  (select tandem.entry_id(c.changed_at), c.event, c.changed_at, tandem.change_kind(c.op),
      tandem.change_detail(c.op, c.fields, c.old_row -> 'fields')
    from tandem.changes c where c.event = event_id and c.owner = entries_of_event.owner order by c.rev desc limit most)
  union all
  (select tandem.entry_id(c.changed_at), c.event, c.changed_at, tandem.change_kind(c.op),
      tandem.change_detail(c.op, c.fields, c.old_row)
    from tandem.past_changes c where c.event = event_id and c.owner = entries_of_event.owner
    order by c.id desc limit most)
  union all
  (select tandem.entry_id(h.at), h.event, h.at, h.kind, h.detail from tandem.history h
    where h.event = event_id and h.owner = entries_of_event.owner order by h.id desc limit most);
end $$;
comment on function tandem.entries_of_event(uuid, text, integer) is 'Entries of one event while it was a user''s.';

create or replace function tandem.told(id bigint, event uuid, at timestamptz, kind text, detail jsonb, owner text)
returns jsonb
language plpgsql stable set search_path = '' as $$
begin
  return jsonb_build_object('id', id, 'event_id', event, 'at', tandem.utc(at), 'kind', kind,
    'title', tandem.title_of(event, owner), 'detail', case when kind = 'conflict' and detail ? 'group' then
      jsonb_build_object(detail ->> 'group', jsonb_build_object('crm', detail -> 'crm', 'google', detail -> 'google',
        'kept', detail -> (detail ->> 'won'))) else detail end);
end $$;
comment on function tandem.told(bigint, uuid, timestamptz, text, jsonb, text) is 'An entry for its user.';

create or replace function tandem.history_of_event(event_id uuid, owner text) returns jsonb
language plpgsql stable set search_path = '' as $$
declare found jsonb;
begin
  select coalesce(jsonb_agg(tandem.told(y.id, y.event, y.at, y.kind, y.detail, owner) order by y.id), '[]')
  into found from (
    select x.* from (select * from tandem.entries_of_event(event_id, owner, 500) e order by e.id desc limit 500) x
    union all select x.id - 1, x.event, (x.detail ->> 'notified_at')::timestamptz, 'notified', '{}'
    from tandem.entries_of_event(event_id, owner, 500) x where x.detail ->> 'notified_at' is not null) y;
  if found = '[]' and not exists (select from tandem.crm_rows r
    where r.event = event_id and r.owner = history_of_event.owner) then
    raise sqlstate 'PT404' using message = 'there is no such event among yours';
  end if;
  return jsonb_build_object('entries', found, 'more', false);
end $$;
comment on function tandem.history_of_event(uuid, text) is
  'What happened to an event while it was a user''s, in order.';

create or replace function public.tandem_history(p jsonb) returns jsonb
language plpgsql volatile security definer set search_path = '' set timezone = 'UTC' as $$
declare owner text := p ->> 'user_id'; most integer; before bigint; found jsonb; n integer; floor_id bigint;
begin
  perform tandem.called(p);
  perform tandem.need(p, 'user_id string', 'event_id uuid?', 'before number?', 'limit number?');
  if p ->> 'event_id' is not null then return tandem.history_of_event((p ->> 'event_id')::uuid, owner); end if;
  most := least(greatest(coalesce((p ->> 'limit')::integer, 50), 1), 500);
  before := least(coalesce((p ->> 'before')::bigint, 9007199254740991), 9007199254740991);
  select count(*), (array_agg(x.id order by x.id desc))[most] into n, floor_id
  from tandem.entries_of(owner, before, most + 1) x where x.id < before;
  select coalesce(jsonb_agg(tandem.told(y.id, y.event, y.at, y.kind, y.detail, owner) order by y.id desc), '[]')
  into found from (
    select x.* from tandem.entries_of(owner, before, most + 1) x where x.id >= coalesce(floor_id, 0) and x.id < before
    union all
    select x.id - 1, x.event, (x.detail ->> 'notified_at')::timestamptz, 'notified', '{}'
    from tandem.entries_of(owner, before, most + 1) x
    where x.id >= coalesce(floor_id, 0) and x.id < before and x.detail ->> 'notified_at' is not null) y;
  return jsonb_build_object('entries', found, 'more', n > most);
end $$;
comment on function public.tandem_history(jsonb) is
  'What happened to a user''s events while they were theirs: to one, in order, or to all, newest first. p: {instance, '
  'user_id, event_id, before: an entry''s id, limit}. Returns {entries: [{id, event_id, at, kind, title, detail}], '
  'more}; PT404 for an event that never was theirs.';

create or replace function public.tandem_quarantine(p jsonb) returns jsonb
language plpgsql volatile security definer set search_path = '' set timezone = 'UTC'
set enable_seqscan = off set jit = off as $$
begin
  perform tandem.called(p);
  perform tandem.need(p, 'user_id string');
  return jsonb_build_object('items', (select coalesce(jsonb_agg(x.item order by x.parked_at desc), '[]') from (
    select i.parked_at, jsonb_build_object('connection_id', k.id, 'calendar_id', k.id, 'calendar', k.summary,
      'google_id', i.remote, 'reason', i.reason, 'received_at', tandem.utc(i.parked_at),
      'raw', left(i.raw, 65536)) as item
    from tandem.connections k join tandem.parked i on i.connection_id = k.id and i.state = 'quarantined'
    where k.user_id = p ->> 'user_id' and k.state <> 'disconnected' order by i.parked_at desc limit 100) x));
end $$;
comment on function public.tandem_quarantine(jsonb) is
  'What came for a user''s own connections and nobody understood. p: {instance, user_id}. Returns {items: '
  '[{connection_id, calendar_id: the same, calendar, google_id, reason, received_at, raw: as text}]}.';

select tandem.seal();
