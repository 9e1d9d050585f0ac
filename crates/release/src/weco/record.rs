//! What was deployed, kept with the release.

use portolan_aws::dynamo::Expression;
use serde_json::{Value, json};

use super::table::key;
use super::{Weco, WecoError};

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
