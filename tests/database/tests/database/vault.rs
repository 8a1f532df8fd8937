//! Supabase Vault keeps what signs pokes, where there is one: no table of Tandem's has it, nor has a backup.

use crate::calls::{call, count};
use crate::poke::{add, listening, run};
use serde_json::json;
use tokio_postgres::Client;

/// The interface of supabase_vault 0.3.0 (its SQL in supabase/vault): a table that is encrypted, here turned round
/// only, the view that is not, and two functions with named arguments.
const VAULT: &str = "create schema vault;
    create table vault.secrets (id uuid primary key default gen_random_uuid(), name text, description text not null
      default '', secret text not null, key_id uuid);
    create unique index on vault.secrets (name) where name is not null;
    create view vault.decrypted_secrets as select s.id, s.name, s.description, s.secret, reverse(s.secret) as
      decrypted_secret, s.key_id from vault.secrets s;
    create function vault.create_secret(new_secret text, new_name text default null, new_description text default '',
      new_key_id uuid default null) returns uuid language plpgsql set search_path = '' as $$
    declare made uuid; begin
      insert into vault.secrets (secret, name, description) values (reverse(new_secret), new_name, new_description)
      returning id into made;
      return made;
    end $$;
    create function vault.update_secret(secret_id uuid, new_secret text default null, new_name text default null,
      new_description text default null, new_key_id uuid default null) returns void language plpgsql
    set search_path = '' as $$ begin
      update vault.secrets s set secret = coalesce(reverse(new_secret), s.secret), name = coalesce(new_name, s.name)
      where s.id = secret_id;
    end $$";

async fn tick(client: &Client, key: &str) {
    let p = json!({"most": 5, "function_url": "https://app/v1", "poke_key": key});
    call(client, "chores", &p).await.expect("it answers");
}

/// Pokes that are signed with this key (RFC 2104), over the time, the path and the body.
async fn signed_with(client: &Client, key: &str) -> i64 {
    count(
        client,
        &format!(
            "net.posted where headers ->> 'Tandem-Signature' = (select 't=' || t || ',v1=' || encode(
               hmac(t || chr(10) || replace(url, 'https://app/v1', '') || chr(10) || body, '{key}', 'sha256'), 'hex')
             from (select substring(headers ->> 'Tandem-Signature' from 't=([0-9]+),') as t) x)"
        ),
    )
    .await
}

/// How many of Tandem's own rows have the key, or what is made of it.
async fn seen(client: &Client, key: &str) -> i64 {
    let pad = format!("encode(tandem.hmac_pad('{key}', 54), 'hex')");
    let mut found = 0;
    for table in ["settings", "poking"] {
        let has = format!("tandem.{table} x where x::text ~ '{key}' or x::text ~ {pad}");
        found += count(client, &has).await;
    }
    found
}

#[tokio::test]
async fn what_signs_pokes_is_kept_in_vault_and_nowhere_else() {
    let client = listening().await;
    run(&client, &format!("create extension pgcrypto; {VAULT}")).await;
    tick(&client, "hush-hush").await;
    assert_eq!(seen(&client, "hush-hush").await, 0);
    add(&client, 2).await;
    assert_eq!(signed_with(&client, "hush-hush").await, 2);
    run(&client, "truncate net.posted; select tandem.tick()").await;
    assert_eq!(signed_with(&client, "hush-hush").await, 1);
    tick(&client, "hush-hush").await;
    tick(&client, "another").await;
    add(&client, 1).await;
    assert_eq!(signed_with(&client, "another").await, 1);
    assert_eq!(count(&client, "vault.secrets").await, 1);
}

#[tokio::test]
async fn a_key_moves_to_vault_when_there_is_one_and_back() {
    let client = listening().await;
    run(&client, "create extension pgcrypto").await;
    tick(&client, "hush-hush").await;
    assert_eq!(seen(&client, "hush-hush").await, 2);
    add(&client, 1).await;
    run(&client, VAULT).await;
    add(&client, 1).await;
    assert_eq!(
        signed_with(&client, "hush-hush").await,
        2,
        "until the next tick as before"
    );
    tick(&client, "hush-hush").await;
    assert_eq!(seen(&client, "hush-hush").await, 0);
    add(&client, 1).await;
    assert_eq!(signed_with(&client, "hush-hush").await, 3);
    run(&client, "drop schema vault cascade").await;
    tick(&client, "hush-hush").await;
    add(&client, 1).await;
    assert_eq!(signed_with(&client, "hush-hush").await, 4);
}

#[tokio::test]
async fn a_vault_that_tandem_s_owner_may_not_read_is_left_alone() {
    let client = listening().await;
    run(
        &client,
        &format!(
            "{VAULT}; drop role if exists no_vault; create role no_vault; grant all on schema tandem to no_vault;
             grant all on all tables in schema tandem to no_vault; grant execute on all functions in schema tandem to no_vault;
             set role no_vault; select tandem.keep_poke_key('hush-hush'); reset role"
        ),
    )
    .await;
    assert_eq!(count(&client, "vault.secrets").await, 0);
    assert_eq!(seen(&client, "hush-hush").await, 2);
    run(&client, "drop owned by no_vault; drop role no_vault").await;
}

#[tokio::test]
async fn a_key_that_vault_cannot_read_or_has_no_more_is_written_anew_by_the_next_tick() {
    let client = listening().await;
    let opened = "create function vault.opened(secret text) returns text language plpgsql as $$ begin
          if starts_with(secret, 'another root key') then raise 'invalid ciphertext'; end if;
          return reverse(secret);
        end $$;
        create or replace view vault.decrypted_secrets as select s.id, s.name, s.description, s.secret,
          vault.opened(s.secret) as decrypted_secret, s.key_id from vault.secrets s";
    let vault = format!("create extension pgcrypto; {VAULT}; {opened}");
    run(&client, &vault).await;
    for lost in [
        "update vault.secrets set secret = 'another root key' || secret",
        "delete from vault.secrets",
    ] {
        tick(&client, "hush-hush").await;
        run(&client, &format!("{lost}; truncate net.posted")).await;
        add(&client, 1).await;
        assert_eq!(count(&client, "net.posted").await, 0, "{lost}");
        let ticked = client.batch_execute("select tandem.tick()").await;
        let refused = ticked.expect_err("there is nothing to sign with");
        let hint = refused.as_db_error().and_then(|error| error.hint());
        assert!(hint.is_some_and(|hint| hint.contains("function_secret")));
        tick(&client, "hush-hush").await;
        add(&client, 1).await;
        assert_eq!(signed_with(&client, "hush-hush").await, 1, "{lost}");
    }
}
