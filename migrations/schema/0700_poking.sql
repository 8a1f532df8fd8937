set local lock_timeout = '3s';

create table tandem.poking (
  one boolean primary key default true check (one),
  url text,
  inner_pad bytea,
  outer_pad bytea,
  cluster text,
  clock text not null check (clock in ('-', 'm'))
);
comment on table tandem.poking is
  'What a trigger needs of the settings, as the one row that it reads: where and how it pokes. Made from them.';
comment on column tandem.poking.inner_pad is
  'HMAC''s key over its inner padding (RFC 2104), 64 bytes; null where Supabase Vault has it.';
comment on column tandem.poking.outer_pad is 'Likewise over the outer one.';
comment on column tandem.poking.cluster is 'The only server that pokes.';
comment on column tandem.poking.clock is 'm: tests have moved it.';
