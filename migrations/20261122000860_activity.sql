-- What happened, for the user: the CRM's own changes and Tandem's history in one order.

create or replace function tandem.change_told(c tandem.changes) returns jsonb
language sql stable set search_path = '' as $$
  select jsonb_build_object('by', 'crm') || case c.op when 'delete' then jsonb_build_object('row', c.old_row)
    when 'update' then jsonb_build_object('fields', c.fields) else '{}' end;
$$;
comment on function tandem.change_told(tandem.changes) is 'What a change of the CRM''s was about.';

-- An entry's number is twice its time in microseconds; the odd one before is for what announced it.
create or replace function tandem.entries_of(owner uuid, before bigint, most integer)
returns table (id bigint, event_id uuid, at timestamptz, kind text, detail jsonb)
language sql stable set search_path = '' as $$
  select x.* from (
    (select c.rev * 2, c.event_id, c.changed_at, case c.op when 'insert' then 'created' when 'update' then 'changed' else 'deleted' end,
        tandem.change_told(c)
      from tandem.changes c where c.owner_id = owner and c.rev < (before + 1) / 2
      order by c.rev desc fetch first most rows with ties)
    union all
    (select floor(extract(epoch from h.at) * 1000000)::bigint * 2, h.event_id, h.at, h.kind, h.detail
      from tandem.history h where h.owner_id = owner and h.at < timestamptz 'epoch' + (before + 1) / 2 * interval '1 microsecond'
      order by h.at desc fetch first most rows with ties)) x (id, event_id, at, kind, detail);
$$;
comment on function tandem.entries_of(uuid, bigint, integer) is 'The newest entries of a user before an entry; more than wanted.';

create or replace function tandem.entries_of_event(event uuid) returns table (id bigint, event_id uuid, at timestamptz, kind text, detail jsonb)
language sql stable set search_path = '' as $$
  select c.rev * 2, c.event_id, c.changed_at, case c.op when 'insert' then 'created' when 'update' then 'changed' else 'deleted' end,
      tandem.change_told(c)
    from tandem.changes c where c.event_id = event
  union all
  select floor(extract(epoch from h.at) * 1000000)::bigint * 2, h.event_id, h.at, h.kind, h.detail from tandem.history h where h.event_id = event;
$$;
comment on function tandem.entries_of_event(uuid) is 'All entries of one event.';

create or replace function tandem.title_of(event uuid) returns text
language sql stable set search_path = '' as $$
  select coalesce(tandem.crm_read(event), tandem.deleted_row(event)) ->> 'title';
$$;
comment on function tandem.title_of(uuid) is 'An event''s title, also after it was deleted.';

create or replace function tandem.told(id bigint, event uuid, at timestamptz, kind text, detail jsonb) returns jsonb
language sql stable set search_path = '' as $$
  select jsonb_build_object('id', id, 'event_id', event, 'at', tandem.utc(at), 'kind', kind, 'title', tandem.title_of(event),
    'detail', case kind when 'conflict' then jsonb_build_object(detail ->> 'unit', jsonb_build_object('crm', detail -> 'crm', 'google', detail -> 'google',
      'kept', detail -> (detail ->> 'won'))) else detail end);
$$;
comment on function tandem.told(bigint, uuid, timestamptz, text, jsonb) is 'An entry for its user.';

create or replace function tandem.was_owned(event uuid, owner uuid) returns boolean
language sql stable set search_path = '' as $$
  select coalesce(tandem.crm_owner(event) = owner, exists (select from tandem.changes c where c.event_id = event and c.owner_id = owner)
    or exists (select from tandem.history h where h.event_id = event and h.owner_id = owner));
$$;
comment on function tandem.was_owned(uuid, uuid) is 'Whether an event is the user''s, or was before it was deleted.';

create or replace function public.tandem_history(p jsonb) returns jsonb
language plpgsql stable security definer set search_path = '' set timezone = 'UTC' as $$
declare owner uuid := (p ->> 'user_id')::uuid; event uuid := (p ->> 'event_id')::uuid; most integer := coalesce((p ->> 'limit')::integer, 50);
  before bigint := coalesce((p ->> 'before')::bigint, 9007199254740991); found jsonb; n integer; floor_id bigint;
begin
  perform tandem.check_instance(p ->> 'instance');
  if event is not null then
    if not tandem.was_owned(event, owner) then
      raise sqlstate 'PT404' using message = 'there is no such event among yours';
    end if;
    select coalesce(jsonb_agg(tandem.told(y.id, y.event_id, y.at, y.kind, y.detail) order by y.id), '[]') into found from (
      select * from (select * from tandem.entries_of_event(event) e order by e.id desc limit 500) x
      union all
      select x.id - 1, x.event_id, (x.detail ->> 'notified_at')::timestamptz, 'notified', '{}' from tandem.entries_of_event(event) x
      where x.detail ->> 'notified_at' is not null) y;
    return jsonb_build_object('entries', found, 'more', false);
  end if;
  select count(*), (array_agg(x.id order by x.id desc))[most] into n, floor_id from tandem.entries_of(owner, before, most + 1) x;
  select coalesce(jsonb_agg(tandem.told(y.id, y.event_id, y.at, y.kind, y.detail) order by y.id desc), '[]') into found from (
    select * from tandem.entries_of(owner, before, most + 1) x where x.id >= coalesce(floor_id, 0)
    union all
    select x.id - 1, x.event_id, (x.detail ->> 'notified_at')::timestamptz, 'notified', '{}' from tandem.entries_of(owner, before, most + 1) x
    where x.id >= coalesce(floor_id, 0) and x.detail ->> 'notified_at' is not null) y;
  return jsonb_build_object('entries', found, 'more', n > most);
end $$;
comment on function public.tandem_history(jsonb) is
  'What happened to a user''s events: to one, in order, or to all, newest first. p: {instance, user_id, event_id, before: an entry''s id, limit}. Returns {entries: [{id, event_id, at, kind, title, detail}], more}; PT404 for an event that is not theirs.';

create or replace function public.tandem_quarantine(p jsonb) returns jsonb
language plpgsql stable security definer set search_path = '' set timezone = 'UTC' as $$
begin
  perform tandem.check_instance(p ->> 'instance');
  return jsonb_build_object('items', (select coalesce(jsonb_agg(x.item order by x.received_at desc), '[]') from (
    select i.received_at, jsonb_build_object('calendar_id', i.calendar_id, 'calendar', c.summary, 'google_id', i.google_id, 'reason', i.reason,
      'received_at', tandem.utc(i.received_at), 'raw', left(i.raw, 65536)) as item
    from tandem.connections k join tandem.calendars c on c.id = k.calendar_id
    join tandem.inbox i on i.calendar_id = c.id and i.state = 'quarantined'
    where k.user_id = (p ->> 'user_id')::uuid and k.state <> 'disconnected' order by i.received_at desc limit 100) x));
end $$;
comment on function public.tandem_quarantine(jsonb) is
  'What Google sent for a user''s calendars and nobody understood. p: {instance, user_id}. Returns {items: [{calendar_id, calendar, google_id, reason, received_at, raw: as text}]}.';

create or replace function public.tandem_resync(p jsonb) returns jsonb
language plpgsql volatile security definer set search_path = '' set timezone = 'UTC' as $$
declare k tandem.connections; a tandem.accounts;
begin
  perform tandem.check_instance(p ->> 'instance');
  select x.* into k from tandem.connections x where x.id = (p ->> 'connection_id')::uuid and x.user_id = (p ->> 'user_id')::uuid and x.state <> 'disconnected';
  if not found then raise sqlstate 'PT404' using message = 'there is no such calendar among yours'; end if;
  select x.* into a from tandem.accounts x where x.id = k.account_id;
  if k.state <> 'active' then
    raise sqlstate 'PT409' using message = format('this calendar is %s', k.state), hint = 'Resume it first, or choose it again.';
  elsif a.state <> 'active' then
    raise sqlstate 'PT409' using message = 'Google has ended the access', hint = 'Connect the Google account again first.';
  end if;
  update tandem.calendars c set sync_token = null, page_token = null, listing = null, fence = c.fence + 1, lease_until = null, poll_at = tandem.clock()
  where c.id = k.calendar_id;
  return jsonb_build_object('outcome', 'due', 'calendar_id', k.calendar_id);
end $$;
comment on function public.tandem_resync(jsonb) is
  'Has a whole calendar listed again. p: {instance, user_id, connection_id}. Returns {outcome: due, calendar_id}; PT404, or PT409 where it is not active.';
