//! One at a time: whoever makes changes to an environment holds an item of the table, for a while.
//!
//! The item has none of the attributes by which the table's indexes find releases, so weco-deploy
//! does not see it.

use std::time::Duration;

use portolan_aws::dynamo::{Expression, Item};
use serde_json::{Value, json};

use super::table::key;
use super::{Weco, WecoError, stamp};

/// For how long nobody else is let in, from when it was last renewed.
const LASTS_MILLIS: i64 = 120_000;
/// How often it is renewed.
const RENEW: Duration = Duration::from_secs(40);

/// The right to change an environment.
#[derive(Debug)]
pub(super) struct Lease {
    environment: String,
    token: String,
}

impl Lease {
    fn key(&self) -> Item {
        key(&name(&self.environment))
    }

    fn is_ours(&self) -> Expression {
        Expression::new("#token = :token", [(":token", json!(self.token))])
            .naming([("#token", "token")])
    }
}

fn name(environment: &str) -> String {
    format!("portolan.lease.{environment}")
}

impl Weco {
    /// The right to deploy `release` to `environment`; an error that names whoever has it.
    pub(super) async fn lease(
        &self,
        environment: &str,
        release: &str,
        holder: &str,
    ) -> Result<Lease, WecoError> {
        let lease =
            Lease { environment: environment.to_owned(), token: self.ids.next().to_string() };
        let now = self.now();
        let change = Expression::new(
            "SET holder = :holder, #token = :token, #release = :release, since = :since, \
             #until = :until, fence = if_not_exists(fence, :none) + :one",
            [
                (":holder", json!(holder)),
                (":token", json!(lease.token)),
                (":release", json!(release)),
                (":since", json!(stamp(now))),
                (":until", json!(now.millis() + LASTS_MILLIS)),
                (":none", json!(0)),
                (":one", json!(1)),
            ],
        )
        .naming([("#token", "token"), ("#release", "release"), ("#until", "until")]);
        let free = Expression::new(
            "attribute_not_exists(#until) OR #until < :now",
            [(":now", json!(now.millis()))],
        );
        if self.table.dynamo.update(&self.table.name, &lease.key(), &change, Some(&free)).await? {
            return Ok(lease);
        }
        let held = self.table.dynamo.get(&self.table.name, &lease.key()).await?;
        let text = |name: &str| {
            let text = held.as_ref().and_then(|item| item.get(name)).and_then(Value::as_str);
            text.unwrap_or("somebody").to_owned()
        };
        Err(WecoError::Held {
            environment: environment.to_owned(),
            holder: text("holder"),
            release: text("release"),
            since: text("since"),
        })
    }

    /// Does `work` while the lease is renewed. Where it is lost, the work is stopped.
    pub(super) async fn holding<T>(
        &self,
        lease: &Lease,
        work: impl Future<Output = Result<T, WecoError>>,
    ) -> Result<T, WecoError> {
        let lost = async {
            loop {
                tokio::time::sleep(RENEW).await;
                let until = self.now().millis() + LASTS_MILLIS;
                // That it could not be asked is no loss: it lasts for two more tries.
                if matches!(self.until(lease, until).await, Ok(false)) {
                    return WecoError::Overtaken { environment: lease.environment.clone() };
                }
            }
        };
        tokio::select! {
            done = work => done,
            lost = lost => Err(lost),
        }
    }

    /// Lets others in.
    pub(super) async fn release_lease(&self, lease: &Lease) {
        if let Err(error) = self.until(lease, 0).await {
            tracing::warn!(%error, "others are let in only when the lease has run out");
        }
    }

    async fn until(&self, lease: &Lease, until: i64) -> Result<bool, WecoError> {
        let change = Expression::new("SET #until = :until", [(":until", json!(until))])
            .naming([("#until", "until")]);
        let (table, ours) = (&self.table, lease.is_ours());
        Ok(table.dynamo.update(&table.name, &lease.key(), &change, Some(&ours)).await?)
    }
}
