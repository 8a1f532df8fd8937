//! Tokens: one refresher at a time, every outcome against the generation that it is about.

use anyhow::Result;
use serde_json::{Value, json};
use tests::sql::{Person, Sql, merge, refusal, synced};

#[tokio::test]
async fn a_token_that_lasts_is_handed_out_as_it_is() -> Result<()> {
    let (sql, person) = with_person().await?;
    let grant = sql.list_calendar(person.calendar).await?["token"].clone();
    let expected = json!({"account_id": person.account, "generation": 1, "refresh": false, "access_token": "access", "refresh_token": "refresh"});
    assert_eq!(grant, expected);
    Ok(())
}

#[tokio::test]
async fn one_caller_refreshes_and_the_others_take_the_old_token_while_it_lasts() -> Result<()> {
    let (sql, person) = with_person().await?;
    let (one, two) = (sql.event(person.user).await?, sql.event(person.user).await?);
    sql.clock(3600 - 240).await?;
    assert_eq!(sql.claim(one).await?["token"]["refresh"], true);
    let other = sql.claim(two).await?;
    assert_eq!(
        (&other["token"]["refresh"], &other["token"]["access_token"]),
        (&json!(false), &json!("access"))
    );
    Ok(())
}

#[tokio::test]
async fn the_others_wait_where_the_old_token_is_at_its_end() -> Result<()> {
    let (sql, person) = with_person().await?;
    let (one, two) = (sql.event(person.user).await?, sql.event(person.user).await?);
    sql.clock(3600).await?;
    let claimed = sql.claim(one).await?;
    assert_eq!(claimed["token"]["refresh"], true);
    let waiting = json!({"outcome": "waiting", "reason": "the access token is being refreshed"});
    assert_eq!(sql.claim(two).await?, waiting);
    assert_eq!(sql.list_calendar(person.calendar).await?, waiting);
    assert_eq!(sql.of_job(two, "attempts").await?, 0);
    let token = json!({"account_id": person.account, "generation": 1, "access_token": "new", "expires_in": 3600});
    sql.record(
        &claimed,
        merge(synced(&claimed, "e1"), json!({"token": token})),
    )
    .await?;
    sql.clock(3604).await?;
    let next = sql.claim(two).await?;
    assert_eq!(
        (
            &next["token"]["access_token"],
            &next["token"]["generation"],
            &next["attempt"]
        ),
        (&json!("new"), &json!(2), &json!(1))
    );
    Ok(())
}

#[tokio::test]
async fn another_caller_refreshes_where_the_first_one_died() -> Result<()> {
    let (sql, person) = with_person().await?;
    let (one, two) = (sql.event(person.user).await?, sql.event(person.user).await?);
    sql.clock(3600).await?;
    assert_eq!(sql.claim(one).await?["token"]["refresh"], true);
    sql.clock(3631).await?;
    assert_eq!(sql.claim(two).await?["token"]["refresh"], true);
    Ok(())
}

#[tokio::test]
async fn a_token_of_an_older_generation_is_not_stored() -> Result<()> {
    let (sql, person) = with_person().await?;
    let token = |generation: i64, access: &str| json!({"token": {"account_id": person.account, "generation": generation, "access_token": access, "refresh_token": "next", "expires_in": 3600}});
    assert_eq!(
        sql.call("tandem_token_store", token(1, "second")).await?["outcome"],
        "stored"
    );
    assert_eq!(
        sql.call("tandem_token_store", token(1, "late")).await?["outcome"],
        "outdated"
    );
    assert_eq!(
        of_account(
            &sql,
            "jsonb_build_array(access_token, refresh_token, token_generation)"
        )
        .await?,
        json!(["second", "next", 2])
    );
    Ok(())
}

#[tokio::test]
async fn a_refusal_of_an_older_generation_does_not_undo_a_reconnect() -> Result<()> {
    let (sql, person) = with_person().await?;
    sql.account(person.user, "ann").await?;
    let refused = |generation: i64| json!({"account_id": person.account, "generation": generation, "reason": "invalid_grant"});
    assert_eq!(
        sql.call("tandem_token_refused", refused(1)).await?["outcome"],
        "outdated"
    );
    assert_eq!(of_account(&sql, "state").await?, "active");
    assert_eq!(
        sql.call("tandem_token_refused", refused(2)).await?["outcome"],
        "recorded"
    );
    assert_eq!(
        of_account(&sql, "jsonb_build_array(state, reason)").await?,
        json!(["reconnect_needed", "invalid_grant"])
    );
    Ok(())
}

#[tokio::test]
async fn a_reconnect_without_a_new_refresh_token_keeps_the_old_one_and_a_first_connect_needs_one()
-> Result<()> {
    let (sql, person) = with_person().await?;
    let p = |user: uuid::Uuid| json!({"user_id": user, "sub": "sub-ann", "email": "new@example.com", "scopes": "", "access_token": "again", "expires_in": 3600});
    sql.call("tandem_account_store", p(person.user)).await?;
    assert_eq!(
        of_account(
            &sql,
            "jsonb_build_array(refresh_token, access_token, email)"
        )
        .await?,
        json!(["refresh", "again", "new@example.com"])
    );
    let (code, said) = refusal(
        sql.call("tandem_account_store", p(uuid::Uuid::new_v4()))
            .await,
    );
    assert_eq!(
        (code.as_str(), said.as_str()),
        ("PT422", "Google gave no refresh token")
    );
    Ok(())
}

#[tokio::test]
async fn a_fenced_record_and_a_fenced_listing_store_the_token_that_they_bring() -> Result<()> {
    let (sql, person) = with_person().await?;
    let event = sql.event(person.user).await?;
    let (claimed, listing) = (
        sql.claim(event).await?,
        sql.list_calendar(person.calendar).await?,
    );
    sql.clock(61).await?;
    sql.claim(event).await?;
    sql.list_calendar(person.calendar).await?;
    let token = |generation: i64| json!({"token": {"account_id": person.account, "generation": generation, "access_token": "new", "expires_in": 3600}});
    assert_eq!(
        sql.record(&claimed, merge(synced(&claimed, "e1"), token(1)))
            .await?["outcome"],
        "fenced"
    );
    assert_eq!(of_account(&sql, "token_generation").await?, 2);
    assert_eq!(
        sql.apply(&listing, &[], token(2)).await?["outcome"],
        "fenced"
    );
    assert_eq!(of_account(&sql, "token_generation").await?, 3);
    Ok(())
}

#[tokio::test]
async fn a_state_of_oauth_works_once() -> Result<()> {
    let sql = Sql::new().await?;
    let p = json!({"nonce": "n"});
    assert_eq!(
        sql.call("tandem_oauth_use_state", p.clone()).await?["outcome"],
        "fresh"
    );
    assert_eq!(
        sql.call("tandem_oauth_use_state", p).await?["outcome"],
        "used"
    );
    assert_eq!(
        sql.call("tandem_oauth_use_state", json!({"nonce": "m"}))
            .await?["outcome"],
        "fresh"
    );
    Ok(())
}

async fn with_person() -> Result<(Sql, Person)> {
    let sql = Sql::new().await?;
    let person = sql.person("ann").await?;
    Ok((sql, person))
}

async fn of_account(sql: &Sql, column: &str) -> Result<Value> {
    Ok(sql
        .value(&format!("select {column} from tandem.accounts"))
        .await?)
}
