//! Deletion of an event, an occurrence, it and the following, or a series.

use super::edit::{later, occurrence, trimmed, understood};
use super::target::{EditTarget, Target, target};
use super::{Edit, Refusal, Rows, Write};
use serde_json::{Map, json};
use uuid::Uuid;

/// Decides which rows a deletion writes; `new` is the key of a row that may be made.
///
/// # Errors
/// [`Refusal`].
pub fn remove(rows: &Rows, wanted: &EditTarget, new: Uuid) -> Result<Edit, Refusal> {
    let cancelled = || Map::from_iter([("status".to_owned(), json!("cancelled"))]);
    let writes = match target(rows, wanted)? {
        Target::Single(_) => vec![Write::Delete { id: wanted.event }],
        // An occurrence that does not take place is a row that says so.
        Target::This(series, at) => vec![match at.row {
            Some((_, row)) if row.is_cancelled() => return Err(Refusal::Unknown),
            Some((id, _)) => Write::Update {
                id,
                fields: cancelled(),
            },
            None => {
                let mut fields = occurrence(&series, at);
                fields.extend(cancelled());
                Write::Insert { id: new, fields }
            }
        }],
        Target::Following(series, at) => {
            understood(&series.plan)?;
            let trim = Write::Update {
                id: series.id,
                fields: trimmed(&series, at),
            };
            let gone = later(&series, at).map(|(id, _)| Write::Delete { id });
            std::iter::once(trim).chain(gone).collect()
        }
        Target::All(series, _) => {
            let ids = series.exceptions.iter().map(|(id, _)| *id);
            let ids = ids.chain([series.id]);
            ids.map(|id| Write::Delete { id }).collect()
        }
    };
    let main = wanted.event;
    Ok(Edit { main, writes })
}
