//! What the calls are about.

use super::served::{ANN, Contract, INSTANCE};
use anyhow::{Result, bail, ensure};
use shared::crm::RowId;
use shared::db::connect::{self, Account, Choices, Connected, NewCalendar, Stored};
use shared::google::CalendarId;
use uuid::Uuid;

/// Quotes, every plane of Unicode, what JSON escapes, what SQL might.
pub const NASTY: &str =
    "it's \"quoted\" \\ \u{e9}\u{4e16}\u{1F600}\u{2028} \t\n $$ %s ' ; -- {\"a\":null} \u{202e}";

/// A connected calendar of Ann's.
pub async fn calendar(c: &Contract) -> Result<Uuid> {
    let account = Account {
        instance: INSTANCE,
        user_id: &ANN.parse()?,
        sub: "1",
        email: NASTY,
        scopes: "",
        refresh_token: Some("sealed".to_owned()),
        access_token: "sealed".to_owned(),
        expires_in: 3600,
        wanted: None,
    };
    let stored = connect::store_account(&c.client, &c.database, &account).await?;
    let Stored::Stored(stored) = stored else {
        bail!("{stored:?}");
    };
    ensure!(
        c.value("select email from tandem.accounts").await? == NASTY,
        "the text changed on its way"
    );
    let new = NewCalendar {
        instance: INSTANCE,
        user_id: &ANN.parse()?,
        account_id: stored.account_id,
        google_id: &CalendarId::from("ann@example.com"),
        summary: "Ann",
        time_zone: "Europe/Berlin",
        access_role: "owner",
        choices: &Choices::default(),
    };
    match connect::connect_calendar(&c.client, &c.database, &new).await? {
        Connected::Connected(synced) => Ok(synced.connection_id),
        Connected::Disconnecting => bail!("it is being disconnected"),
    }
}

/// A calendar whose first import is over.
pub async fn imported(c: &Contract) -> Result<Uuid> {
    let calendar = calendar(c).await?;
    c.sql
        .batch_execute(
            "update tandem.connections set imported_at = now(), due_at = now() + interval '1 hour'",
        )
        .await?;
    Ok(calendar)
}

/// An event of Ann's.
pub async fn event(c: &Contract, title: &str) -> Result<RowId> {
    let sql = "insert into public.events (owner_id, title, starts_at, ends_at, time_zone)
        values ($1::text::uuid, $2, '2031-01-01T10:00Z', '2031-01-01T11:00Z', 'UTC') returning id::text";
    let row = c.sql.query_one(sql, &[&ANN, &title]).await?;
    Ok(RowId(row.get::<_, String>(0).parse()?))
}
