//! One change whose instance ends at one of its calls.

use crate::history::{History, text};
use anyhow::Result;
use serde_json::json;
use tests::inprocess::{ANN, Fate};

/// A kind of change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    CrmInsert,
    CrmUpdate,
    CrmDelete,
    GoogleInsert,
    GoogleUpdate,
    GoogleDelete,
}

impl History {
    /// One change of one kind, whose instance ends at one of its calls.
    pub async fn crash(&mut self, kind: Kind, call: u32, fate: Fate) -> Result<()> {
        let id = uuid::Uuid::from_u128(u128::from(self.pick(u64::MAX))).to_string();
        let title = self.word("crm");
        self.say(&format!("{kind:?}, {fate:?} at call {call}"));
        let insert = format!(
            "insert into public.events (id, owner_id, title, starts_at, ends_at, time_zone) values ('{id}', '{ANN}', '{title}', '2031-03-03T09:00Z', '2031-03-03T10:00Z', 'UTC')"
        );
        if kind != Kind::CrmInsert && kind != Kind::GoogleInsert {
            self.system.sql(&insert).await?;
            self.settle().await?;
        }
        let google_id = format!("select google_event_id from public.events where id = '{id}'");
        let acts = self.acts.entry(id.clone()).or_default();
        match kind {
            Kind::CrmInsert => {
                acts.crm_title = Some(title);
                self.system.sql(&insert).await?;
            }
            Kind::CrmUpdate => {
                acts.crm_place = Some(title.clone());
                self.system
                    .sql(&format!(
                        "update public.events set location = '{title}' where id = '{id}'"
                    ))
                    .await?;
            }
            Kind::CrmDelete => {
                acts.deleted = true;
                self.system
                    .sql(&format!("delete from public.events where id = '{id}'"))
                    .await?;
            }
            Kind::GoogleInsert => {
                self.acts.remove(&id);
                self.google_insert()?;
            }
            Kind::GoogleUpdate => {
                acts.google_place = Some(title.clone());
                let event = text(&self.system.value(&google_id).await?);
                self.person("edit", &event, &json!({"location": title}))?;
            }
            Kind::GoogleDelete => {
                acts.deleted = true;
                let event = text(&self.system.value(&google_id).await?);
                self.person("delete", &event, &json!({}))?;
            }
        }
        self.system.kill(call, fate);
        self.system.poke(&id).await;
        self.system.deliver(|| 1).await;
        self.system.forgive();
        self.settle().await
    }
}
