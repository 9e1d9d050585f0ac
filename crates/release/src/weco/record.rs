//! What was deployed, kept with the release.

use portolan_aws::dynamo::Expression;
use serde_json::{Value, json};

use super::table::key;
use super::{Table, Weco, WecoError};

/// How often a deployment is added anew that others came before.
const TRIES: usize = 10;
/// By what a deployment that was added is known again.
const ROLLOUT: &str = "rollout";

impl Table {
    /// Adds the deployment `record` of the moment `created` to the release `id`, which must be
    /// there, unless one of the same `rollout` is among its deployments.
    pub(crate) async fn add_once(
        &self,
        id: &str,
        rollout: &str,
        record: &Value,
        created: &str,
    ) -> Result<(), WecoError> {
        let mut record = record.clone();
        record[ROLLOUT] = json!(rollout);
        for _ in 0..TRIES {
            let none = || WecoError::NoRelease { id: id.to_owned(), table: self.name.clone() };
            let release = self.find(id).await?.ok_or_else(none)?;
            let had = release.item().get("deployments").and_then(Value::as_array);
            if had.is_some_and(|all| all.iter().any(|it| it[ROLLOUT] == rollout)) {
                return Ok(());
            }
            // What is written late must not make the newest deployment an older one.
            let last = release.item().get("last_date_deployed").and_then(Value::as_str);
            let last = last.filter(|last| *last > created).unwrap_or(created);
            let change = Expression::new(
                "SET deployments = list_append(if_not_exists(deployments, :none), :record), \
                 last_date_deployed = :last",
                [(":none", json!([])), (":record", json!([record])), (":last", json!(last))],
            );
            // Whoever added one meanwhile may have added this one.
            let as_read = match had {
                Some(all) => {
                    Expression::new("size(deployments) = :count", [(":count", json!(all.len()))])
                }
                None => Expression::new(
                    "attribute_exists(release_id) AND attribute_not_exists(deployments)",
                    [],
                ),
            };
            if self.dynamo.update(&self.name, &key(id), &change, Some(&as_read)).await? {
                return Ok(());
            }
        }
        Err(WecoError::Busy { id: id.to_owned(), table: self.name.clone() })
    }
}

impl Weco {
    /// Adds the deployment `record` of the moment `created` to the release `id`, in one change.
    pub(super) async fn record(
        &self,
        id: &str,
        record: &Value,
        created: &str,
    ) -> Result<(), WecoError> {
        let change = Expression::new(
            "SET deployments = list_append(deployments, :record), last_date_deployed = :created",
            [(":record", json!([record])), (":created", json!(created))],
        );
        let is_there = Expression::new("attribute_exists(deployments)", []);
        let table = &self.table;
        if table.dynamo.update(&table.name, &key(id), &change, Some(&is_there)).await? {
            return Ok(());
        }
        Err(WecoError::NoRelease { id: id.to_owned(), table: table.name.clone() })
    }
}
