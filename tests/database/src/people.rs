//! What people do, in SQL.

use store::sides::Act;
use tokio_postgres::Client;

pub(crate) async fn act(client: &Client, act: &Act) {
    let one = serde_json::to_value(act).expect("it is JSON");
    client
        .execute("select crm_act($1)", &[&one])
        .await
        .expect("it is done");
}
