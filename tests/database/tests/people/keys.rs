//! The published keys of the CRM's logins.

use super::Db;
use anyhow::Result;
use serde_json::json;

#[tokio::test]
async fn one_caller_a_minute_fetches_keys() -> Result<()> {
    let db = Db::new().await;
    let ask = |kid: &str| json!({"url": "https://crm/jwks", "kid": kid});
    let first = db.call("jwks", ask("a")).await?;
    assert_eq!(
        (&first["keys"], &first["may_fetch"]),
        (&json!(null), &json!(true))
    );
    assert_eq!(db.call("jwks", ask("a")).await?["may_fetch"], false);
    let keys = json!({"keys": [{"kid": "a"}]});
    let found = json!({"url": "https://crm/jwks", "found": keys});
    assert_eq!(db.call("jwks", found).await?["keys"], keys);
    db.later(120).await?;
    assert_eq!(db.call("jwks", ask("a")).await?["may_fetch"], false);
    assert_eq!(db.call("jwks", ask("b")).await?["may_fetch"], true);
    assert_eq!(db.call("jwks", ask("b")).await?["may_fetch"], false);
    db.later(3600).await?;
    assert_eq!(db.call("jwks", ask("a")).await?["may_fetch"], true);
    // Nobody could: they are good for a day.
    db.later(22 * 3600).await?;
    assert_eq!(db.call("jwks", ask("a")).await?["keys"], keys);
    db.later(2 * 3600).await?;
    let old = db.call("jwks", ask("a")).await?;
    assert_eq!(
        (&old["keys"], &old["may_fetch"]),
        (&json!(null), &json!(true))
    );
    Ok(())
}
