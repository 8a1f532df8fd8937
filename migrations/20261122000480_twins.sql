-- A meeting that was deleted here and lives on elsewhere may have got another row meanwhile.
create or replace function tandem.twin_of(l tandem.links, p jsonb) returns tandem.links
language plpgsql stable set search_path = '' as $$
declare twin tandem.links;
begin
  select * into twin from tandem.links o where o.tenant = l.tenant and o.ical_uid = p -> 'google' ->> 'ical_uid'
    and o.original_start is not distinct from l.original_start and o.is_primary and o.state <> 'gone' and o.event_id <> l.event_id;
  return twin;
end $$;
comment on function tandem.twin_of(tandem.links, jsonb) is 'What another row of the meeting that is being recorded goes by; null where there is none.';

create or replace function tandem.join_twin(l tandem.links, p jsonb) returns boolean
language plpgsql volatile set search_path = '' as $$
declare twin tandem.links := tandem.twin_of(l, p); e record; known jsonb;
begin
  if twin.id is null then return false; end if;
  -- Its exceptions are the other row's too, as far as they are there.
  for e in delete from tandem.links k where k.root_id = l.event_id and k.event_id <> l.event_id and k.calendar_id = l.calendar_id and k.state = 'gone'
    returning k.calendar_id, k.google_id loop
    perform tandem.read_again(e.calendar_id, e.google_id, 'its series has another row now');
  end loop;
  update tandem.links x set event_id = twin.event_id, root_id = twin.root_id, is_primary = false, state = 'live', leaving = false,
    organized = coalesce((p -> 'google' -> 'organized')::boolean, x.organized), etag = p -> 'google' ->> 'etag', gone_at = null where x.id = l.id;
  -- What only the CRM knew of the deleted row is not in Google, from where the other one is.
  select jsonb_object_agg(f.key, f.value) into known from jsonb_each(p -> 'fields') f
  where f.key in ('contact_id', 'company_id', 'deal_id') and f.value <> 'null' and tandem.crm_read(twin.event_id) -> f.key = 'null';
  if known is not null then perform tandem.crm_write(twin.event_id, known); end if;
  perform tandem.look_at(twin.event_id);
  return true;
end $$;
comment on function tandem.join_twin(tandem.links, jsonb) is 'Makes a copy that came back a mirror of the row that its meeting has; false where there is no other row.';
