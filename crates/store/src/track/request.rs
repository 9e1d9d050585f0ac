//! Deployments that were asked for.

use super::fact::RequestFact;
use crate::bulk::statements;
use crate::row::{Row, Value};
use crate::{StoreError, Tx};

/// A deployment that was asked for.
pub type DeploymentRequest = RequestFact;

impl RequestFact {
    pub(crate) fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.text("id")?,
            environment: row.text("environment")?,
            service: row.text("service")?,
            version: row.text("version")?,
            user_id: row.opt_text("user_id")?,
            user_name: row.opt_text("user_name")?,
            instance_count: row
                .opt_int("instance_count")?
                .and_then(|count| u64::try_from(count).ok()),
            cpu: row.opt_text("cpu")?,
            memory: row.opt_text("memory")?,
            at: row.time("at")?,
            mark: row.int("mark")?,
        })
    }
}

fn row(fact: RequestFact) -> Vec<Value> {
    vec![
        fact.id.into(),
        fact.environment.into(),
        fact.service.into(),
        fact.version.into(),
        fact.user_id.into(),
        fact.user_name.into(),
        fact.instance_count.and_then(|count| i64::try_from(count).ok()).into(),
        fact.cpu.into(),
        fact.memory.into(),
        fact.at.into(),
        fact.mark.into(),
    ]
}

impl Tx {
    /// Merges requests, at most one for each identity, into their rows: the earliest word stands.
    pub async fn merge_requests(&mut self, facts: Vec<RequestFact>) -> Result<(), StoreError> {
        let rows: Vec<Vec<Value>> = facts.into_iter().map(row).collect();
        let insert = "INSERT INTO deployment_request (id, environment, service, version, user_id, \
             user_name, instance_count, cpu, memory, at, mark) VALUES";
        let upsert = "ON CONFLICT (id) DO UPDATE SET environment = excluded.environment, \
             service = excluded.service, version = excluded.version, user_id = excluded.user_id, \
             user_name = excluded.user_name, instance_count = excluded.instance_count, \
             cpu = excluded.cpu, memory = excluded.memory, at = excluded.at, mark = excluded.mark \
             WHERE (excluded.at, excluded.mark) < (deployment_request.at, deployment_request.mark)";
        for insert in statements(insert, rows, upsert) {
            self.run(insert).await?;
        }
        Ok(())
    }
}
