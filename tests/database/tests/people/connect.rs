//! Connecting: what works once, accounts, tokens, calendars.

use super::{Db, text};
use anyhow::Result;
use serde_json::json;

#[tokio::test]
async fn a_state_and_a_ticket_work_once() -> Result<()> {
    let db = Db::new().await;
    let state = json!({"nonce": "n", "user_id": "ann"});
    assert_eq!(
        db.call("oauth_use_state", state.clone()).await?["outcome"],
        "fresh"
    );
    assert_eq!(db.call("oauth_use_state", state).await?["outcome"], "used");
    let ticket = json!({"id": "0123456789abcdef", "user_id": "ann", "purpose": "connect", "detail": {"a": 1}});
    db.call("ticket_issue", ticket).await?;
    let redeem = |purpose| json!({"id": "0123456789abcdef", "purpose": purpose});
    assert_eq!(
        db.call("ticket_redeem", redeem("else")).await?["outcome"],
        "refused"
    );
    let redeemed = db.call("ticket_redeem", redeem("connect")).await?;
    assert_eq!(
        (&redeemed["user_id"], &redeemed["detail"]),
        (&json!("ann"), &json!({"a": 1}))
    );
    assert_eq!(
        db.call("ticket_redeem", redeem("connect")).await?["outcome"],
        "refused"
    );
    Ok(())
}

#[tokio::test]
async fn a_ticket_ends_and_there_are_not_too_many() -> Result<()> {
    let db = Db::new().await;
    let ticket =
        |n: u32| json!({"id": format!("0123456789abcdef{n}"), "user_id": "ann", "purpose": "p"});
    for n in 0..100 {
        db.call("ticket_issue", ticket(n)).await?;
    }
    assert_eq!(db.refusal("ticket_issue", ticket(100)).await?.0, "PT429");
    db.later(61).await?;
    let late = json!({"id": "0123456789abcdef5", "purpose": "p"});
    assert_eq!(db.call("ticket_redeem", late).await?["outcome"], "refused");
    db.call("ticket_issue", ticket(100)).await?;
    Ok(())
}

#[tokio::test]
async fn arguments_are_checked_with_a_sentence() -> Result<()> {
    let db = Db::new().await;
    let (code, message) = db
        .refusal("account_store", json!({"user_id": "ann"}))
        .await?;
    assert_eq!(
        (code.as_str(), message.as_str()),
        ("PT400", "the argument sub is missing, but is to be string")
    );
    let (code, _) = db.refusal("disconnect_step", json!({"id": "x"})).await?;
    assert_eq!(code, "PT400");
    Ok(())
}

#[tokio::test]
async fn an_account_needs_a_refresh_token_once() -> Result<()> {
    let db = Db::new().await;
    let mut p =
        json!({"user_id": "ann", "sub": "s", "email": "e", "access_token": "A", "expires_in": 60});
    assert_eq!(db.refusal("account_store", p.clone()).await?.0, "PT422");
    p["refresh_token"] = json!("R");
    let first = db.call("account_store", p.clone()).await?;
    p["refresh_token"] = json!(null);
    let again = db.call("account_store", p).await?;
    assert_eq!(
        (&again["account_id"], &again["generation"]),
        (&first["account_id"], &json!(2))
    );
    Ok(())
}

#[tokio::test]
async fn an_account_is_known_until_it_is_disconnected() -> Result<()> {
    let db = Db::new().await;
    let ann = db.person("ann").await?;
    let sub = db.get("select subject from tandem.accounts").await?;
    let known = async |user: &str| {
        let p = json!({"user_id": user, "sub": sub});
        Ok::<_, anyhow::Error>(db.call("account_known", p).await?["outcome"].clone())
    };
    for (state, outcome) in [
        ("active", "known"),
        ("reconnect_needed", "known"),
        ("disconnecting", "known"),
        ("disconnected", "new"),
    ] {
        db.run(&format!("update tandem.accounts set state = '{state}'"))
            .await?;
        assert_eq!(known(&ann.user).await?, outcome, "{state}");
        assert_eq!(known("bob").await?, "new", "{state}");
    }
    Ok(())
}

#[tokio::test]
async fn another_account_than_the_wanted_one_is_not_stored() -> Result<()> {
    let db = Db::new().await;
    let ann = db.person("ann").await?;
    let p = json!({
        "user_id": ann.user, "sub": "other", "email": "o", "access_token": "A", "refresh_token": "R",
        "expires_in": 60, "wanted": ann.account,
    });
    let answer = db.call("account_store", p).await?;
    let expected = json!({"outcome": "another", "email": "ann@example.com", "in_use": false});
    assert_eq!(answer, expected);
    Ok(())
}

#[tokio::test]
async fn connecting_again_wakes_what_waited() -> Result<()> {
    let db = Db::new().await;
    let ann = db.person("ann").await?;
    let refused = json!({"account_id": ann.account, "generation": 1, "reason": "revoked"});
    assert_eq!(
        db.call("token_refused", refused.clone()).await?["outcome"],
        "recorded"
    );
    assert_eq!(
        db.get("select state from tandem.accounts").await?,
        "reconnect_needed"
    );
    db.run("update tandem.connections set due_at = 'infinity', failures = 9")
        .await?;
    let stored = db.account(&ann.user, "ann").await?;
    assert_eq!(
        (&stored["connections"], &stored["calendars"]),
        (&json!([ann.connection]), &json!([ann.connection]))
    );
    let due = "select failures = 0 and due_at <= clock_timestamp() from tandem.connections";
    assert_eq!(db.get(due).await?, true);
    assert_eq!(
        db.call("token_refused", refused).await?["outcome"],
        "outdated"
    );
    Ok(())
}

#[tokio::test]
async fn tokens_are_stored_by_generation() -> Result<()> {
    let db = Db::new().await;
    let ann = db.person("ann").await?;
    let token = json!({"token": {"account_id": ann.account, "generation": 1, "access_token": "k1.B", "expires_in": 9}});
    assert_eq!(
        db.call("token_store", token.clone()).await?["outcome"],
        "stored"
    );
    assert_eq!(db.call("token_store", token).await?["outcome"], "outdated");
    let chores = db.call("chores", json!({"seal_key": "k2"})).await?;
    assert_eq!(
        (
            &chores["seals"][0]["subject"],
            &chores["seals"][0]["generation"]
        ),
        (&json!("ann"), &json!(2))
    );
    let sealed = json!({"account_id": ann.account, "generation": 2, "refresh_token": "k2.R", "access_token": "k2.B"});
    assert_eq!(
        db.call("token_reseal", json!({"tokens": [sealed]})).await?["count"],
        1
    );
    assert_eq!(
        db.call("chores", json!({"seal_key": "k2"})).await?["seals"],
        json!([])
    );
    Ok(())
}

#[tokio::test]
async fn the_first_calendar_that_can_be_written_takes_new_events() -> Result<()> {
    let db = Db::new().await;
    let account = db.account("ann", "s").await?["account_id"].clone();
    let mut p = json!({
        "user_id": "ann", "account_id": account, "google_id": "r", "summary": "r", "time_zone": "UTC", "access_role": "reader",
    });
    db.call("calendar_connect", p.clone()).await?;
    p["is_target"] = json!(true);
    assert_eq!(db.refusal("calendar_connect", p).await?.0, "PT400");
    db.calendar(&account, "w").await?;
    let open = db
        .call(
            "accounts_open",
            json!({"user_id": "ann", "with_token": true}),
        )
        .await?;
    let connections = open["accounts"][0]["connections"].clone();
    assert_eq!(
        (&connections[0]["google_id"], &connections[0]["is_target"]),
        (&json!("r"), &json!(false))
    );
    assert_eq!(
        (&connections[1]["google_id"], &connections[1]["is_target"]),
        (&json!("w"), &json!(true))
    );
    assert_eq!(
        connections[1]["connection_id"],
        connections[1]["calendar_id"]
    );
    assert_eq!(open["accounts"][0]["token"]["account_id"], account);
    Ok(())
}

#[tokio::test]
async fn a_calendar_is_synced_through_one_account_of_a_user() -> Result<()> {
    let db = Db::new().await;
    let one = db.account("ann", "s1").await?["account_id"].clone();
    let two = db.account("ann", "s2").await?["account_id"].clone();
    db.calendar(&one, "shared").await?;
    let p = json!({
        "user_id": "ann", "account_id": two, "google_id": "shared", "summary": "s", "time_zone": "UTC", "access_role": "owner",
    });
    let (code, message) = db.refusal("calendar_connect", p).await?;
    assert_eq!(
        (code.as_str(), message.contains("s1@example.com")),
        ("PT409", true)
    );
    let bob = db.account("bob", "s3").await?["account_id"].clone();
    let his = db.calendar(&bob, "shared").await?;
    assert_eq!(his["outcome"], "connected");
    assert_ne!(text(&his["connection_id"]), text(&one));
    Ok(())
}

#[tokio::test]
async fn what_a_user_chooses_is_theirs() -> Result<()> {
    let db = Db::new().await;
    let (ann, bob) = (db.person("ann").await?, db.person("bob").await?);
    let change = |user: &str, more: serde_json::Value| {
        let mut p = json!({"user_id": user, "connection_id": ann.connection});
        p.as_object_mut()
            .expect("an object")
            .extend(more.as_object().expect("an object").clone());
        p
    };
    let stranger = db
        .call(
            "connection_change",
            change(&bob.user, json!({"policy": "crm"})),
        )
        .await?;
    assert_eq!(stranger, json!({"outcome": "unknown"}));
    let paused = db
        .call(
            "connection_change",
            change(&ann.user, json!({"state": "paused", "policy": "crm"})),
        )
        .await?;
    assert_eq!(
        (&paused["outcome"], &paused["state"]),
        (&json!("changed"), &json!("paused"))
    );
    assert_eq!(paused["calendar_id"], paused["connection_id"]);
    let resync = json!({"user_id": ann.user, "connection_id": ann.connection});
    assert_eq!(db.refusal("resync", resync.clone()).await?.0, "PT409");
    db.call(
        "connection_change",
        change(&ann.user, json!({"state": "active"})),
    )
    .await?;
    assert_eq!(db.call("resync", resync).await?["outcome"], "due");
    let stranger = json!({"user_id": bob.user, "connection_id": ann.connection});
    assert_eq!(db.refusal("resync", stranger).await?.0, "PT404");
    for wrong in [
        json!({"policy": "x"}),
        json!({"direction": "in"}),
        json!({"import_from": "soon"}),
    ] {
        assert_eq!(
            db.refusal("connection_change", change(&ann.user, wrong))
                .await?
                .0,
            "PT400"
        );
    }
    Ok(())
}

#[tokio::test]
async fn an_earlier_import_lists_all_anew() -> Result<()> {
    let db = Db::new().await;
    let ann = db.person("ann").await?;
    let from = |time: serde_json::Value| json!({"user_id": ann.user, "connection_id": ann.connection, "import_from": time});
    let listed = "select sync_token is not null from tandem.connections";
    db.call("connection_change", from(json!("2030-01-01T00:00:00Z")))
        .await?;
    assert_eq!(db.get(listed).await?, true);
    db.call("connection_change", from(json!("2031-01-01T00:00:00Z")))
        .await?;
    assert_eq!(db.get(listed).await?, true);
    db.call("connection_change", from(json!(null))).await?;
    assert_eq!(db.get(listed).await?, false);
    Ok(())
}
