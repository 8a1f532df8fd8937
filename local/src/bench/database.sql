-- A webhook with the steps of Supabase's: a row trigger (supabase_functions.http_request of its image) reads its
-- arguments, makes the payload, has pg_net queue the request (net.http_post of 0.14; not its worker), and notes it.
create schema bench;
create schema if not exists net;
create unlogged table net.bench_queue (id bigserial, method text, url text, headers jsonb, body bytea,
  timeout_milliseconds integer);
create table bench.hooks (id bigserial primary key, hook_table_id integer not null, hook_name text not null,
  created_at timestamptz not null default now(), request_id bigint);
create index on bench.hooks (request_id);
create index on bench.hooks (hook_table_id, hook_name);
grant usage on schema net to public;
grant insert on net.bench_queue to public;
grant usage on sequence net.bench_queue_id_seq to public;
create or replace function net.http_post(url text, body jsonb default '{}', params jsonb default '{}',
  headers jsonb default '{"Content-Type": "application/json"}', timeout_milliseconds integer default 5000)
returns bigint language plpgsql security definer set search_path = '' as $$
declare made bigint; pairs text[]; kind text;
begin
  select x.value into kind from jsonb_each_text(coalesce(headers, '{}')) x where lower(x.key) = 'content-type' limit 1;
  if kind is distinct from 'application/json' then raise exception 'only JSON is sent'; end if;
  select coalesce(array_agg(x.key || '=' || x.value), '{}') into pairs from jsonb_each_text(params) x;
  insert into net.bench_queue (method, url, headers, body, timeout_milliseconds)
  values ('POST', url || array_to_string(pairs, '&'), headers, convert_to(body::text, 'utf8'), timeout_milliseconds)
  returning id into made;
  return made;
end $$;
create function bench.webhook() returns trigger language plpgsql security definer set search_path = '' as $$
declare request bigint; payload jsonb; url text := tg_argv[0]; method text := tg_argv[1]; headers jsonb; params jsonb;
  timeout_ms integer;
begin
  if url is null or method is null then raise exception 'an argument is missing'; end if;
  headers := coalesce(tg_argv[2], '{"Content-Type": "application/json"}')::jsonb;
  params := coalesce(tg_argv[3], '{}')::jsonb;
  timeout_ms := coalesce(tg_argv[4], '1000')::integer;
  payload := jsonb_build_object('old_record', old, 'record', new, 'type', tg_op, 'table', tg_table_name,
    'schema', tg_table_schema);
  select http_post into request from net.http_post(url, payload, params, headers, timeout_ms);
  insert into bench.hooks (hook_table_id, hook_name, request_id) values (tg_relid, tg_name, request);
  return new;
end $$;
create table bench.bare (like public.events including all);
create table bench.hooked (like public.events including all);
create trigger hook after insert or update or delete on bench.hooked for each row execute function bench.webhook(
  'https://app.example/hook', 'POST', '{"Content-Type": "application/json"}', '{}', '1000');
insert into tandem.settings values ('function_url', 'https://app.example'), ('poke_key', 'secret'),
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

-- What signs a poke, beside a request without a signature; and where Vault keeps the key, its read. The view decrypts
-- as Supabase Vault 0.3.0's does, with pgcrypto's AES in place of libsodium's.
create extension if not exists pgcrypto;
create schema if not exists vault;
create table vault.secrets (name text primary key, secret bytea);
create view vault.decrypted_secrets as
  select s.name, convert_from(decrypt(s.secret, sha256('root'), 'aes'), 'UTF8') as decrypted_secret
  from vault.secrets s;
insert into vault.secrets select 'tandem_poke_key',
  encrypt(convert_to(encode(p.inner_pad || p.outer_pad, 'hex'), 'UTF8'), sha256('root'), 'aes') from tandem.poking p;
create function bench.unsigned_post(p tandem.poking, path text, body jsonb) returns bigint
language plpgsql volatile set search_path = '' as $$
begin
  return net.http_post(url := p.url || path, body := body, headers := '{"Content-Type": "application/json"}',
    timeout_milliseconds := 5000);
end $$;
create procedure bench.sign(measured integer)
language plpgsql as $$
declare here tandem.poking; vaulted tandem.poking; made bigint; begun double precision; kind text;
begin
  select * into here from tandem.poking;
  vaulted := here;
  vaulted.inner_pad := null;
  foreach kind in array '{unsigned,signed,here,vault}'::text[] loop
    begun := bench.computed();
    for i in 1 .. measured loop
      case kind when 'unsigned' then made := bench.unsigned_post(here, '/event-create', '{"type": "INSERT"}');
        when 'signed' then made := tandem.signed_post(here, '/event-create', '{"type": "INSERT"}');
        when 'here' then here := tandem.signing(here);
        else here := tandem.signing(vaulted); end case;
      commit;
    end loop;
    insert into bench.costs values ('sign', kind, (bench.computed() - begun) / measured);
  end loop;
end $$;
