-- Google's quotas, kept before Google has to refuse: token buckets per Google account and per project.
-- Google counts a sliding minute, so that what a full bucket holds and what a minute refills stay below
-- its limits together: 600 for a user, 10,000 for a project.

create table if not exists tandem.buckets (
  key text primary key,
  tokens double precision not null,
  at timestamptz not null
);
comment on table tandem.buckets is 'How many calls may be made now.';
comment on column tandem.buckets.key is 'project, or user: and Google''s key of the account.';
comment on column tandem.buckets.tokens is 'Calls left at that time; can be below zero after a call that could not be foreseen.';
comment on column tandem.buckets.at is 'When.';

create or replace function tandem.bucket_size(key text) returns double precision
language plpgsql stable set search_path = '' as $$
begin
  return case when key = 'project' then coalesce(tandem.setting('project_burst')::double precision, 1500)
    else coalesce(tandem.setting('user_burst')::double precision, 100) end;
end $$;
comment on function tandem.bucket_size(text) is 'What a full bucket holds.';

create or replace function tandem.bucket_rate(key text) returns double precision
language plpgsql stable set search_path = '' as $$
begin
  return case when key = 'project' then coalesce(tandem.setting('project_per_minute')::double precision, 8000)
    else coalesce(tandem.setting('user_per_minute')::double precision, 480) end / 60;
end $$;
comment on function tandem.bucket_rate(text) is 'What it gains in a second.';

create or replace function tandem.bucket_level(b tandem.buckets, t timestamptz) returns double precision
language plpgsql stable set search_path = '' as $$
begin
  return least(tandem.bucket_size(b.key), b.tokens + greatest(0, extract(epoch from t - b.at)) * tandem.bucket_rate(b.key));
end $$;
comment on function tandem.bucket_level(tandem.buckets, timestamptz) is 'What a bucket holds at a time.';

-- Always the last lock of a transaction, the user's before the project's. Work that is not urgent leaves half.
create or replace function tandem.take_calls(account uuid, calls integer, urgent boolean) returns double precision
language plpgsql volatile set search_path = '' as $$
declare v_key text; b tandem.buckets; level double precision; least_level double precision; wait double precision := 0; t timestamptz := tandem.clock();
  keys text[] := array['user:' || (select a.google_sub from tandem.accounts a where a.id = account), 'project'];
begin
  foreach v_key in array keys loop
    insert into tandem.buckets (key, tokens, at) values (v_key, tandem.bucket_size(v_key), t) on conflict do nothing;
    select * into b from tandem.buckets x where x.key = v_key for update;
    level := tandem.bucket_level(b, t);
    least_level := calls + case when urgent then 0 else tandem.bucket_size(v_key) / 2 end;
    wait := greatest(wait, (least_level - level) / tandem.bucket_rate(v_key));
    update tandem.buckets x set tokens = level, at = greatest(t, b.at) where x.key = v_key;
  end loop;
  if wait > 0 then return wait; end if;
  update tandem.buckets x set tokens = x.tokens - calls where x.key = any (keys);
  return null;
end $$;
comment on function tandem.take_calls(uuid, integer, boolean) is 'Takes so many calls of an account''s and the project''s allowance; null, or how many seconds to wait where there are too few.';

-- What was not foreseen is charged afterwards, and what was not needed given back.
create or replace function tandem.charge_calls(account uuid, foreseen integer, units integer) returns void
language plpgsql volatile set search_path = '' as $$
declare v_key text; t timestamptz := tandem.clock(); sub text;
begin
  if units is null or units = foreseen then return; end if;
  select a.google_sub into sub from tandem.accounts a where a.id = account;
  if not found then return; end if;
  foreach v_key in array array['user:' || sub, 'project'] loop
    insert into tandem.buckets (key, tokens, at) values (v_key, tandem.bucket_size(v_key), t) on conflict do nothing;
    update tandem.buckets b set tokens = least(tandem.bucket_size(v_key), tandem.bucket_level(b, t) + foreseen - units), at = greatest(t, b.at)
    where b.key = v_key;
  end loop;
end $$;
comment on function tandem.charge_calls(uuid, integer, integer) is 'Charges an account''s and the project''s allowance for what Google counted beyond what was taken before.';
