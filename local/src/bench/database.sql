-- A webhook as Supabase makes it: a row trigger that queues a request with the row as JSON.
create schema bench;
create schema if not exists net;
create table net.bench_queue (id bigserial primary key, url text, headers jsonb, body bytea);
grant usage on schema net to public;
grant insert on net.bench_queue to public;
grant usage on sequence net.bench_queue_id_seq to public;
create or replace function net.http_post(url text, body jsonb default '{}', params jsonb default '{}',
  headers jsonb default '{}', timeout_milliseconds integer default 5000) returns bigint
language plpgsql security definer set search_path = '' as $$
declare made bigint;
begin
  insert into net.bench_queue (url, headers, body) values (url, headers, convert_to(body::text, 'utf8'))
  returning id into made;
  return made;
end $$;
create function bench.webhook() returns trigger language plpgsql security definer set search_path = '' as $$
declare request bigint;
begin
  request := net.http_post('https://app.example/hook', jsonb_build_object('type', tg_op, 'table', tg_table_name,
    'schema', tg_table_schema, 'record', case when tg_op <> 'DELETE' then to_jsonb(new) end,
    'old_record', case when tg_op <> 'INSERT' then to_jsonb(old) end));
  return coalesce(new, old);
end $$;
create table bench.bare (like public.events including all);
create table bench.hooked (like public.events including all);
create trigger hook after insert or update or delete on bench.hooked for each row execute function bench.webhook();
insert into tandem.settings values ('function_url', 'https://app.example'), ('function_secret', 'secret'),
  ('cluster', tandem.cluster()) on conflict (key) do update set value = excluded.value;

create function bench.computed() returns double precision language sql volatile as $$
  select split_part(pg_read_file('/proc/self/schedstat'), ' ', 1)::double precision / 1000
$$;

create table bench.costs (relation text, kind text, cost double precision);

-- Microseconds of one statement of each kind, each a transaction of its own, as a CRM's are.
create procedure bench.round(relation text, measured integer)
language plpgsql as $$
declare ids uuid[] := array(select gen_random_uuid() from generate_series(1, measured));
  begun double precision; statement text; kind text;
  fresh text := format('insert into %s (id, owner_id, title, description, starts_at, ends_at) '
    'select $1, $2, ''Meeting'', repeat(''words '', 40), now(), now()', relation);
begin
  foreach kind in array '{insert,update,other,delete}'::text[] loop
    statement := case kind when 'insert' then fresh
      when 'update' then format('update %s set title = title || ''x'' where id = $1', relation)
      when 'other' then format('update %s set updated_at = now() where id = $1', relation)
      else format('delete from %s where id = $1', relation) end;
    begun := bench.computed();
    for i in 1 .. measured loop
      execute statement using ids[i], ids[1];
      commit;
    end loop;
    insert into bench.costs values (relation, kind, (bench.computed() - begun) / measured);
  end loop;
  execute replace(fresh, 'select $1', 'select gen_random_uuid()') || ' from generate_series(1, 10000)'
    using ids[1], ids[1];
  commit;
  begun := bench.computed();
  execute format('update %s set title = title || ''y''', relation);
  commit;
  insert into bench.costs values (relation, 'bulk', bench.computed() - begun);
  execute format('delete from %s', relation);
end $$;
