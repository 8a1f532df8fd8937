set local lock_timeout = '3s';
-- All that Tandem knows of a user, for the user. Nothing that is sealed.

create or replace function tandem.export_accounts(owner text) returns jsonb
language plpgsql stable set search_path = '' as $$
begin
  return (select coalesce(jsonb_agg(jsonb_build_object('account_id', a.id, 'subject', a.subject, 'email', a.email,
    'scopes', a.scopes, 'state', a.state, 'reason', a.reason, 'created_at', tandem.utc(a.created_at),
    'connections', (select coalesce(jsonb_agg(tandem.connection_chosen(k) || jsonb_build_object(
        'time_zone', k.time_zone,
        'access_role', k.access_role, 'created_at', tandem.utc(k.created_at)) order by k.created_at, k.id), '[]')
      from tandem.connections k where k.account_id = a.id),
    'disconnections', (select coalesce(jsonb_agg(jsonb_build_object(
        'connection_id', d.connection_id, 'choice', d.choice,
        'phase', d.phase, 'problem', d.problem, 'created_at', tandem.utc(d.created_at),
        'finished_at', tandem.utc(d.finished_at)) order by d.created_at), '[]')
      from tandem.disconnections d where d.account_id = a.id)) order by a.created_at, a.id), '[]')
  from tandem.accounts a where a.user_id = owner);
end $$;
comment on function tandem.export_accounts(text) is 'A user''s accounts and connections, for an export.';

create or replace function tandem.export_links(owner text, after text, most integer) returns jsonb
language plpgsql stable set search_path = '' as $$
begin
  return (select coalesce(jsonb_agg(x.item || jsonb_build_object('at', x.place) order by x.place), '[]') from (
    select l.connection_id || ' ' || l.remote as place, jsonb_build_object('event_id', l.event,
      'connection_id', l.connection_id, 'google_id', l.remote, 'ical_uid', l.ical_uid, 'origin', l.origin,
      'state', l.state, 'standing', l.standing, 'stored_at', tandem.utc(l.stored_at)) as item
    from tandem.links l where l.connection_id in (select c.id from tandem.connections c where c.user_id = owner)
      and (l.connection_id, l.remote) > (coalesce(nullif(split_part(after, ' ', 1), ''),
        '00000000-0000-0000-0000-000000000000')::uuid, substr(after, 38))
    order by l.connection_id, l.remote limit most) x);
end $$;
comment on function tandem.export_links(text, text, integer) is 'Links of a user''s connections, on from a place.';

create or replace function tandem.export_parked(owner text, after text, most integer) returns jsonb
language plpgsql stable set search_path = '' as $$
begin
  return (select coalesce(jsonb_agg(x.item || jsonb_build_object('at', x.place) order by x.place), '[]') from (
    select l.connection_id || ' ' || l.remote as place, jsonb_build_object('connection_id', l.connection_id,
      'google_id', l.remote, 'state', l.state, 'reason', l.reason, 'raw', l.raw,
      'parked_at', tandem.utc(l.parked_at)) as item
    from tandem.parked l where l.connection_id in (select c.id from tandem.connections c where c.user_id = owner)
      and (l.connection_id, l.remote) > (coalesce(nullif(split_part(after, ' ', 1), ''),
        '00000000-0000-0000-0000-000000000000')::uuid, substr(after, 38))
    order by l.connection_id, l.remote limit most) x);
end $$;
comment on function tandem.export_parked(text, text, integer) is
  'What waits in a user''s connections, on from a place.';

create or replace function tandem.export_aside(owner text, after text, most integer) returns jsonb
language plpgsql stable set search_path = '' as $$
begin
  return (select coalesce(jsonb_agg(jsonb_build_object('event_id', x.event, 'fields', x.fields, 'state', x.state,
    'error', x.error, 'at', x.event) order by x.event), '[]') from (
    select o.event, f.fields, s.state, s.error from tandem.crm_of(export_aside.owner) o (event)
    left join tandem.event_fields f on f.event = o.event left join tandem.event_state s on s.event = o.event
    where (f.event is not null or s.event is not null) and o.event > coalesce(nullif(after, ''),
      '00000000-0000-0000-0000-000000000000')::uuid order by o.event limit most) x);
end $$;
comment on function tandem.export_aside(text, text, integer) is
  'What is kept beside a user''s rows, on from a place.';

create or replace function tandem.export_waiting(owner text, after text, most integer) returns jsonb
language plpgsql stable set search_path = '' as $$
begin
  return (select coalesce(jsonb_agg(jsonb_build_object('event_id', x.event, 'at', x.event,
    'changes', (select jsonb_agg(jsonb_build_object('op', c.op, 'fields', c.fields, 'old_row', c.old_row,
        'changed_at', tandem.utc(c.changed_at)) order by c.rev) from tandem.changes c
      where c.event = x.event and c.owner = export_waiting.owner),
    'open_change', (select jsonb_build_object('changed', o.changed, 'deleted_row', o.deleted_row)
      from tandem.open_changes o where o.event = x.event and o.owner = export_waiting.owner),
    'unanswered_writes', (select jsonb_agg(jsonb_build_object('row', w.row, 'at', tandem.utc(w.at)) order by w.rev)
      from tandem.attempts w where w.event = x.event),
    'work', (select jsonb_build_object('state', w.state, 'at', tandem.utc(w.at), 'reason', w.reason, 'notes', w.notes)
      from tandem.work w where w.root = x.event and w.owner = export_waiting.owner)) order by x.event), '[]')
  from (select y.event from (select c.event from tandem.changes c where c.owner = export_waiting.owner
      union select o.event from tandem.open_changes o where o.owner = export_waiting.owner
      union select w.root from tandem.work w where w.owner = export_waiting.owner
      union select w.event from tandem.attempts w join tandem.links l on l.event = w.event
        join tandem.connections k on k.id = l.connection_id where k.user_id = export_waiting.owner) y (event)
    where y.event > coalesce(nullif(after, ''), '00000000-0000-0000-0000-000000000000')::uuid
    order by y.event limit most) x);
end $$;
comment on function tandem.export_waiting(text, text, integer) is
  'What is still to be done about a user''s events, on from a place.';

create or replace function tandem.export_history(owner text, after text, most integer) returns jsonb
language plpgsql stable set search_path = '' as $$
declare since timestamptz := coalesce(nullif(split_part(after, ' ', 1), ''), '-infinity')::timestamptz;
  last text := coalesce(split_part(after, ' ', 2), '');
begin
  return (select coalesce(jsonb_agg(y.item || jsonb_build_object('at', tandem.utc(y.at) || ' ' || y.id)
    order by y.at, y.id), '[]') from (select x.* from (
    (select h.at, 'h' || lpad(h.id::text, 20, '0') as id, jsonb_build_object('event_id', h.event, 'kind', h.kind,
        'happened_at', tandem.utc(h.at), 'detail', h.detail) as item
      from tandem.history h where h.owner = export_history.owner and h.at >= since order by h.at, h.id limit most * 2)
    union all
    (select c.changed_at, 'c' || lpad(c.id::text, 20, '0'), jsonb_build_object('event_id', c.event,
        'kind', tandem.change_kind(c.op), 'happened_at', tandem.utc(c.changed_at),
        'detail', tandem.change_detail(c.op, c.fields, c.old_row))
      from tandem.past_changes c where c.owner = export_history.owner and c.changed_at >= since
      order by c.changed_at, c.id limit most * 2)) x
    where (x.at, x.id) > (since, last) order by x.at, x.id limit most) y);
end $$;
comment on function tandem.export_history(text, text, integer) is 'What happened to a user''s events, on from a place.';

-- The parts follow each other; a place is the part's name and where in it.
create or replace function public.tandem_export_user(p jsonb) returns jsonb
language plpgsql volatile security definer set search_path = '' set timezone = 'UTC' as $$
declare owner text := p ->> 'user_id'; part text; place text; items jsonb; i integer;
  parts text[] := '{links,parked,aside,waiting,history}';
begin
  perform tandem.called(p);
  perform tandem.need(p, 'user_id string', 'after string?');
  if coalesce(p ->> 'after', '') = '' then
    return jsonb_build_object('part', 'accounts', 'items', tandem.export_accounts(owner), 'after', 'links:');
  end if;
  part := split_part(p ->> 'after', ':', 1); place := substr(p ->> 'after', length(part) + 2);
  i := array_position(parts, part);
  if i is null then raise sqlstate 'PT400' using message = 'after is to be that of an earlier answer'; end if;
  begin
    items := case part when 'links' then tandem.export_links(owner, place, 500)
      when 'parked' then tandem.export_parked(owner, place, 500)
      when 'aside' then tandem.export_aside(owner, place, 500)
      when 'waiting' then tandem.export_waiting(owner, place, 500) else tandem.export_history(owner, place, 500) end;
  exception when invalid_text_representation or invalid_datetime_format then
    raise sqlstate 'PT400' using message = 'after is to be that of an earlier answer';
  end;
  return jsonb_build_object('part', part, 'items', items, 'after', case
    when jsonb_array_length(items) = 500 then part || ':' || (items -> -1 ->> 'at')
    when i < cardinality(parts) then parts[i + 1] || ':' end);
end $$;
comment on function public.tandem_export_user(jsonb) is
  'All that Tandem knows of a user, a part at a time; rows of the CRM are the CRM''s to export. p: {instance, user_id, '
  'after?: of the last answer}. Returns {part: accounts | links | parked | aside | waiting | history, items, '
  'after: null at the end}.';

select tandem.seal();
