//! What the mapping's keys are checked for, and the list of fields.

use crate::crm::Crm;
use serde_json::json;

const TABLE: &str =
    "create table t (id uuid primary key, user_id text not null, subject text, starts timestamptz)";

#[tokio::test]
async fn a_wrong_word_is_told_with_the_right_one() {
    let crm = Crm::new(TABLE).await;
    for (mapping, problem) in [
        (
            json!({ "ownr": "user_id" }),
            "the mapping has no key ownr Do you mean owner?",
        ),
        (
            json!({ "owner": "user_id", "fields": { "titel": "subject" } }),
            "fields has no key titel Do you mean title?",
        ),
        (
            json!({ "owner": "user_id", "fields": { "title": "subjct" } }),
            "has no column subjct, which title is mapped to Do you mean subject?",
        ),
        (json!({}), "the mapping says of no column whose an event is"),
    ] {
        let said = crm.refused("t", &mapping).await;
        assert!(said.contains(problem), "{said}");
    }
}

#[tokio::test]
async fn the_fields_are_those_of_the_events() {
    let crm = Crm::new(TABLE).await;
    let names = event::FIELDS.map(|field| field.name).join(",");
    assert_eq!(
        crm.text("select array_to_string(tandem.field_names(), ',')")
            .await,
        names
    );
}
