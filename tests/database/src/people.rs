//! What people do, in SQL.

use serde_json::Value;
use store::sides::Act;
use tokio_postgres::Client;

pub(crate) async fn act(client: &Client, act: &Act) {
    let mut one = serde_json::to_value(act).expect("it is JSON");
    if let Act::Quota { quota: None, .. } = act {
        one["quota"]["quota"] = Value::Null;
    }
    client
        .execute("select crm_act($1)", &[&one])
        .await
        .expect("it is done");
}
