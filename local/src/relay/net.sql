-- A stand-in for pg_net and for Supabase's Database Webhooks: the same names and arguments over a queue that
-- the relay empties. Like pg_net's, the queue is unlogged: a crash of the server loses what is in it.
begin;
select pg_advisory_xact_lock(7461303);

create schema if not exists net;

create unlogged table if not exists net.http_request_queue (
    id bigint generated always as identity primary key,
    method text not null,
    url text not null,
    headers jsonb not null,
    body text,
    timeout_milliseconds int not null
);

-- Parameters are put into the URL by the relay: SQL has no percent-encoding.
create or replace function net._queue(
    method text, url text, params jsonb, headers jsonb, body text, timeout_milliseconds int
) returns bigint
language plpgsql security definer set search_path = '' as $$
declare
    request_id bigint;
begin
    insert into net.http_request_queue (method, url, headers, body, timeout_milliseconds)
    values (
        _queue.method, _queue.url,
        jsonb_build_object('headers', coalesce(_queue.headers, '{}'), 'params', coalesce(_queue.params, '{}')),
        _queue.body, _queue.timeout_milliseconds
    )
    returning id into request_id;
    -- Delivered when the transaction commits, once per transaction, and not at all when it does not commit.
    perform pg_notify('net_http_request_queue', '');
    return request_id;
end
$$;

create or replace function net.http_post(
    url text,
    body jsonb default '{}',
    params jsonb default '{}',
    headers jsonb default '{"Content-Type": "application/json"}',
    timeout_milliseconds int default 2000
) returns bigint
language sql security definer set search_path = '' as $$
    select net._queue('POST', url, params, headers, body::text, timeout_milliseconds)
$$;

create or replace function net.http_get(
    url text,
    params jsonb default '{}',
    headers jsonb default '{}',
    timeout_milliseconds int default 2000
) returns bigint
language sql security definer set search_path = '' as $$
    select net._queue('GET', url, params, headers, null, timeout_milliseconds)
$$;

create schema if not exists supabase_functions;

create or replace function supabase_functions.http_request() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
    url text := tg_argv[0];
    method text := tg_argv[1];
    headers jsonb := coalesce(nullif(tg_argv[2], 'null'), '{"Content-Type": "application/json"}');
    params jsonb := coalesce(nullif(tg_argv[3], 'null'), '{}');
    timeout_milliseconds int := coalesce(nullif(tg_argv[4], 'null'), '1000');
    body jsonb;
begin
    if url is null or method is null then
        raise exception 'name a URL and a method in the arguments of trigger %', tg_name;
    end if;
    case upper(method)
        when 'GET' then
            perform net.http_get(url, params, headers, timeout_milliseconds);
        when 'POST' then
            body := jsonb_build_object(
                'type', tg_op,
                'table', tg_table_name,
                'schema', tg_table_schema,
                'record', case when tg_op <> 'DELETE' then to_jsonb(new) end,
                'old_record', case when tg_op <> 'INSERT' then to_jsonb(old) end
            );
            perform net.http_post(url, body, params, headers, timeout_milliseconds);
        else
            raise exception 'use GET or POST, not %, in the arguments of trigger %', method, tg_name;
    end case;
    return coalesce(new, old);
end
$$;

revoke all on function net._queue(text, text, jsonb, jsonb, text, int) from public;

do $$
declare
    role name;
begin
    for role in
        select rolname from pg_roles where rolname in ('postgres', 'anon', 'authenticated', 'service_role')
    loop
        execute format('grant usage on schema net, supabase_functions to %I', role);
    end loop;
end
$$;
commit;
