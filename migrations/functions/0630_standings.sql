set local lock_timeout = '3s';
-- What people, and time, do to many links at once. The planner alone reads and writes standings, but for what is here:
-- their kind, the version that they are of, and the texts that a deleted event leaves.

create or replace function tandem.unread(standing jsonb) returns jsonb
language plpgsql immutable set search_path = '' as $$
begin
  return case when standing ? 'etag' then jsonb_set(standing, '{etag}', 'null') else standing end;
end $$;
comment on function tandem.unread(jsonb) is 'The standing of a link that has to be read before anything else.';

-- Nobody knows whether what an attempt wrote has arrived: it is looked for, then deleted.
create or replace function tandem.leaving(standing jsonb) returns jsonb
language plpgsql immutable set search_path = '' as $$
begin
  return case when standing ->> 'kind' in ('live', 'kept', 'leaving') then jsonb_set(standing, '{kind}', '"leaving"')
    else jsonb_build_object('kind', 'leaving', 'etag', null, 'updated', null, 'crm', '{}'::jsonb, 'remote', '{}'::jsonb,
      'is_organizer', true, 'access', 'full', 'has_foreign_link_back', false) end;
end $$;
comment on function tandem.leaving(jsonb) is 'The standing of a link that is to be deleted with its connection.';

create or replace function tandem.staying(standing jsonb) returns jsonb
language plpgsql immutable set search_path = '' as $$
begin
  return tandem.unread(jsonb_set(standing, '{kind}', '"live"'));
end $$;
comment on function tandem.staying(jsonb) is 'The standing of a link that was to be deleted, and is not any more.';

create or replace function tandem.blanked(standing jsonb) returns jsonb
language plpgsql immutable set search_path = '' as $$
begin
  return standing - '{row,bases}'::text[];
end $$;
comment on function tandem.blanked(jsonb) is 'The standing of a deleted event without its texts.';

select tandem.seal();
