set local lock_timeout = '3s';
-- What the triggers are made of and call that the mapping makes for the adopted table.

-- Two texts of one moment would be two exceptions.
create or replace function tandem.planned_start(t text) returns text
language plpgsql immutable set search_path = '' set timezone = 'UTC' as $$
begin
  if t is null or t ~ '^\d{4}-\d{2}-\d{2}$' then return t; end if;
  return to_char(timezone('UTC', t::timestamptz), 'YYYY-MM-DD"T"HH24:MI:SS"Z"');
exception when datetime_field_overflow or invalid_datetime_format then
  raise exception 'the original start is neither a date nor a time: %', t
    using hint = 'Write 2031-03-03T09:00:00Z, or 2031-03-03 for an all-day series.', errcode =
      'invalid_datetime_format';
end $$;
comment on function tandem.planned_start(text) is
  'The planned start of an occurrence in the one form that is compared: a date, or RFC 3339 in UTC to the second.';

-- A service may store what it likes; a load takes such a row for a family of its own.
create or replace function tandem.check_series(named uuid, owner_id text) returns void
language plpgsql stable set search_path = '' as $$
begin
  if named is null or tandem.uid() is null then return; end if;
  if exists (select from tandem.crm_rows r where r.event = named and r.owner is distinct from owner_id) then
    raise sqlstate 'PT403' using message = 'the series that this occurrence names is another user''s';
  end if;
end $$;
comment on function tandem.check_series(uuid, text) is 'Refuses an occurrence of a series of somebody else''s.';

-- An event of another user's that is not there any more may still wait to be deleted in their calendar, or to be read.
create or replace function tandem.check_id(event_id uuid, owner_id text) returns void
language plpgsql stable set search_path = '' as $$
begin
  if event_id is null or tandem.uid() is null then return; end if;
  if exists (select from tandem.links l join tandem.connections c on c.id = l.connection_id
      where l.event = event_id and l.state <> 'deleted' and c.user_id is distinct from owner_id)
    or exists (select from tandem.changes c where c.event = event_id and c.owner is distinct from owner_id)
    or exists (select from tandem.open_changes o where o.event = event_id and o.owner is distinct from owner_id) then
    raise sqlstate 'PT409' using message = 'this id is of an event that is not gone from its calendar yet',
      hint = 'Let the database choose the id.';
  end if;
end $$;
comment on function tandem.check_id(uuid, text) is 'Refuses a new row under the id of somebody else''s event.';

create or replace function tandem.key_of(row_key text) returns uuid
language plpgsql volatile set search_path = '' as $$
declare known uuid := (select k.event from tandem.keys k where k.key = row_key);
begin
  if known is null then
    -- Of a row whose key the table's own trigger makes, Tandem's commit has said which event it is.
    insert into tandem.keys (event, key) values (coalesce(case when tandem.is_own() then
      nullif(current_setting('tandem.inserting', true), '')::uuid end, gen_random_uuid()), row_key)
    returning event into known;
  end if;
  return known;
end $$;
comment on function tandem.key_of(text) is 'Tandem''s id of a row, made where it has none.';

-- RFC 2104: a key of at most 64 bytes, filled up with zeros, with each byte changed.
create or replace function tandem.hmac_pad(key bytea, pad integer) returns bytea
language plpgsql immutable set search_path = '' as $$
begin
  if key is null then return null; end if;
  return decode((select string_agg(lpad(to_hex(case when i < length(key) then get_byte(key, i) else 0 end # pad), 2,
    '0'), '' order by i) from generate_series(0, 63) i), 'hex');
end $$;
comment on function tandem.hmac_pad(bytea, integer) is 'What HMAC-SHA-256 hashes first.';

create or replace function tandem.set_poking() returns trigger
language plpgsql volatile security definer set search_path = '' as $$
begin
  insert into tandem.poking as p (url, inner_pad, outer_pad, cluster, clock)
  select s ->> 'function_url', tandem.hmac_pad(k.key, 54), tandem.hmac_pad(k.key, 92), s ->> 'cluster',
    case when s ? 'clock' or s ->> 'clock_offset' <> '0' then 'm' else '-' end
  from (select coalesce(jsonb_object_agg(x.key, x.value), '{}') as s from tandem.settings x
    where x.key in ('function_url', 'poke_key', 'cluster', 'clock', 'clock_offset')) y
  cross join lateral (select convert_to(s ->> 'poke_key', 'UTF8')) k (key)
  on conflict (one) do update set url = excluded.url, inner_pad = excluded.inner_pad, outer_pad = excluded.outer_pad,
    cluster = excluded.cluster, clock = excluded.clock
  where (p.url, p.inner_pad, p.outer_pad, p.cluster, p.clock)
    is distinct from (excluded.url, excluded.inner_pad, excluded.outer_pad, excluded.cluster, excluded.clock);
  return null;
end $$;
comment on function tandem.set_poking() is 'Keeps tandem.poking what the settings say.';
create or replace trigger settings_poking after insert or update or delete on tandem.settings for each statement
execute function tandem.set_poking();
update tandem.settings set value = value where false;

-- Vault's own interface (supabase/vault): tables are encrypted, and so are backups and replicas.
create or replace function tandem.has_vault() returns boolean
language plpgsql stable set search_path = '' as $$
begin
  return coalesce((select has_schema_privilege(n.oid, 'usage') and has_table_privilege(c.oid, 'select')
    from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where n.nspname = 'vault' and c.relname = 'decrypted_secrets'), false);
end $$;
comment on function tandem.has_vault() is 'Whether Supabase Vault can keep a secret.';

-- Of a dump that was restored under another root key nothing can be read: it is written anew.
create or replace function tandem.vault_pads() returns text
language plpgsql stable set search_path = '' as $$
begin
  return (select v.decrypted_secret from vault.decrypted_secrets v where v.name = 'tandem_poke_key');
exception when others then return null;
end $$;
comment on function tandem.vault_pads() is 'What Vault has of the key that signs pokes, or null.';

create or replace function tandem.keep_poke_key(key text) returns void
language plpgsql volatile set search_path = '' as $$
declare pads text; kept uuid; old text;
begin
  if not tandem.has_vault() then
    insert into tandem.settings as s (key, value) values ('poke_key', keep_poke_key.key)
    on conflict on constraint settings_pkey do update set value = excluded.value where s.value <> excluded.value;
    return;
  end if;
  pads := encode(tandem.hmac_pad(convert_to(key, 'UTF8'), 54) || tandem.hmac_pad(convert_to(key, 'UTF8'), 92), 'hex');
  select v.id into kept from vault.secrets v where v.name = 'tandem_poke_key';
  old := tandem.vault_pads();
  if kept is null then
    begin
      perform vault.create_secret(new_secret := pads, new_name := 'tandem_poke_key',
        new_description := 'What Tandem signs pokes and ticks with; made from function_secret.');
    exception when unique_violation then null;
    end;
  elsif old is distinct from pads then
    perform vault.update_secret(secret_id := kept, new_secret := pads);
  end if;
  delete from tandem.settings s where s.key = 'poke_key';
end $$;
comment on function tandem.keep_poke_key(text) is 'Stores what signs pokes: in Vault where there is one.';

create or replace function tandem.late_rev(event_id uuid, clock_rev bigint) returns bigint
language plpgsql volatile set search_path = '' as $$
declare v_rev bigint := tandem.next_rev(event_id, clock_rev); v_high bigint;
begin
  v_high := setval('tandem.revs', greatest(nextval('tandem.revs'), v_rev));
  return v_rev;
end $$;
comment on function tandem.late_rev(uuid, bigint) is
  'The rev of a change where the clock is not ahead of all revs there have been: this event''s are looked at.';

-- Parts of the generated trigger: functions of their own would cost more than they do. The first expression of each
-- statement is made anew in each transaction, so there are few, and none with a query where a plain one does.
create or replace function tandem.append_sql(owner text, series text, old_row text) returns text
language plpgsql immutable set search_path = '' as $$
begin
  return format('insert into tandem.changes (event, root, owner, rev, op, fields, old_row, changed_at) values ('
    'v_event, %s, %s::text, v_rev, coalesce(v_op, lower(tg_op)), v_fields, %s, v_time);',
    case series when 'null' then 'v_event' else format('coalesce(%s, v_event)', series) end, owner, old_row);
end $$;
comment on function tandem.append_sql(text, text, text) is 'How a generated trigger appends a change.';

create or replace function tandem.moment_sql() returns text
language plpgsql immutable set search_path = '' as $$
begin
  return $sql$
    -- What Tandem writes itself is compared once it is written.
    if current_setting('tandem.commit', true) <> '' then
      if exists (select from tandem.writing w where w.event = v_event) then return null; end if;
    end if;
    -- tandem.poked: x where nobody is to be poked, else tandem.poking.clock and what this statement has changed.
    v_poked := coalesce(current_setting('tandem.poked', true), '');
    if v_poked = '' then
      select case when p.url is null and p.clock = '-' then 'x' else p.clock end into v_poked
      from tandem.poking p where p.one;
      v_poked := set_config('tandem.poked', v_poked, true);
    end if;
    v_time := case when starts_with(v_poked, 'm') then tandem.clock() else clock_timestamp() end;
    v_rev := (extract(epoch from v_time) * 1000000)::bigint;
    v_rev := case when v_rev < nextval('tandem.revs') then tandem.late_rev(v_event, v_rev)
      else setval('tandem.revs', v_rev) end;
  $sql$;
end $$;
comment on function tandem.moment_sql() is 'When a generated trigger''s change is, and whether it is one.';

create or replace function tandem.poke_sql() returns text
language plpgsql immutable set search_path = '' as $$
begin
  -- Of more than twenty rows none is named.
  return $sql$
    if v_poked <> 'x' and length(v_poked) < 760 then
      v_poked := set_config('tandem.poked', v_poked || ' ' || v_event, true);
    end if;
  $sql$;
end $$;
comment on function tandem.poke_sql() is 'How a generated trigger leaves word for tandem.poke.';

create or replace function tandem.signing(p tandem.poking) returns tandem.poking
language plpgsql stable set search_path = '' as $$
declare pads bytea;
begin
  -- Where the components are known and their key is not here, it is in Vault.
  if p.inner_pad is null and p.url is not null then
    select decode(v.decrypted_secret, 'hex') into pads from vault.decrypted_secrets v where v.name = 'tandem_poke_key';
    p.inner_pad := substr(pads, 1, 64);
    p.outer_pad := substr(pads, 65);
  end if;
  return p;
end $$;
comment on function tandem.signing(tandem.poking) is 'With what signs, where Vault has it; null where nobody has.';

-- Signed for one path and body and some minutes, so that what is seen of a poke opens nothing else.
create or replace function tandem.signed_post(p tandem.poking, path text, body jsonb) returns bigint
language plpgsql volatile set search_path = '' as $$
declare t text := floor(extract(epoch from clock_timestamp()))::bigint;
begin
  return net.http_post(url := p.url || path, body := body, headers := jsonb_build_object('Content-Type',
    'application/json', 'Tandem-Signature', 't=' || t || ',v1=' || encode(sha256(p.outer_pad || sha256(p.inner_pad
      || convert_to(t || chr(10) || path || chr(10) || body::text, 'UTF8'))), 'hex')), timeout_milliseconds := 5000);
end $$;
comment on function tandem.signed_post(tandem.poking, text, jsonb) is 'Sends a request that the components take.';

create or replace function tandem.tick() returns bigint
language plpgsql volatile security definer set search_path = '' as $$
declare p tandem.poking;
begin
  select * into p from tandem.poking;
  if p.url is null or p.inner_pad is null and tandem.vault_pads() is null then
    raise exception 'it is not known yet whom to tick' using
      hint = 'Call scheduler/tick once with the function_secret; the components then say where they are.';
  end if;
  p := tandem.signing(p);
  return case when p.cluster = tandem.cluster() then tandem.signed_post(p, '/scheduler/tick', '{}') end;
end $$;
comment on function tandem.tick() is 'For pg_cron: has pg_net tick the scheduler, without a secret in the job.';

-- Whatever goes wrong here costs only time: the scheduler finds the changes.
create or replace function tandem.poke() returns trigger
language plpgsql volatile security definer set search_path = '' as $$
declare said text := current_setting('tandem.poked', true); events text[]; event text; p tandem.poking; made bigint;
begin
  if coalesce(position(' ' in said), 0) = 0 then return null; end if;
  events := string_to_array(said, ' ');
  said := set_config('tandem.poked', events[1], true);
  select * into p from tandem.poking;
  -- A session asks once which server this is: it reads a file.
  if p.url is null or p.cluster is distinct from coalesce(nullif(current_setting('tandem.cluster', true), ''),
      set_config('tandem.cluster', tandem.cluster(), false)) then return null; end if;
  p := tandem.signing(p);
  if p.inner_pad is null then return null; end if;
  if cardinality(events) > 21 then
    made := tandem.signed_post(p, '/scheduler/tick', '{"due": 20}');
    return null;
  end if;
  foreach event in array events[2:] loop
    -- Components know the adopted table by this name.
    made := tandem.signed_post(p, case tg_op when 'INSERT' then '/event-create' when 'UPDATE' then '/event-update'
        else '/event-delete' end,
      jsonb_build_object('type', tg_op, 'schema', 'public', 'table', 'events',
        'record', case when tg_op <> 'DELETE' then jsonb_build_object('id', event) end,
        'old_record', case when tg_op <> 'INSERT' then jsonb_build_object('id', event) end));
  end loop;
  return null;
exception when undefined_function or undefined_table or invalid_schema_name then return null;
when others then
  raise warning 'Tandem was not poked: %', sqlerrm;
  return null;
end $$;
comment on function tandem.poke() is
  'Tells the components, after the commit, that events changed. Uses pg_net where there is one.';

create or replace function tandem.before_truncate() returns trigger
language plpgsql volatile security definer set search_path = '' as $$
begin
  if exists (select from tandem.links l where l.state <> 'deleted') then
    raise exception 'events that are linked to a calendar cannot be truncated'
      using hint = 'Use DELETE, which the calendar follows, or disconnect the calendars first.';
  end if;
  insert into tandem.settings as s (key, value) values ('touched_horizon', pg_current_xact_id()::text)
  on conflict (key) do update set value = excluded.value;
  return null;
end $$;
comment on function tandem.before_truncate() is 'TRUNCATE fires no row trigger, so it would lose deletions.';
