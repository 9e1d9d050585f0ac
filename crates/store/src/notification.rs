//! Notifications: what somebody is told of, once for each rule, and what became of that.

use std::collections::{BTreeMap, HashSet};
use std::str::FromStr;

use portolan_model::{EventId, NotificationId, Timestamp};
use serde_json::Value;

use crate::page::{Page, Paged};
use crate::row::{Row, json_text, sql};
use crate::{Store, StoreError, Tx};

/// What became of a notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotificationState {
    /// It was not received yet.
    Waiting,
    /// The receiver has it.
    Sent,
    /// Given up.
    Failed,
}

impl NotificationState {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Waiting, Self::Sent, Self::Failed];

    /// The word in the column.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Sent => "sent",
            Self::Failed => "failed",
        }
    }
}

impl FromStr for NotificationState {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|state| state.name() == text)
            .ok_or_else(|| format!("`{text}` is no state of a notification"))
    }
}

/// Something that somebody is told of.
#[derive(Debug, Clone, PartialEq)]
pub struct Notification {
    /// Its identity: the same however often it is sent.
    pub id: NotificationId,
    /// By which rule.
    pub rule: String,
    /// The word for what happened.
    pub occasion: String,
    /// What it happened to. One subject is told of once for each rule and occasion.
    pub subject: String,
    /// The environment, where it is about one.
    pub environment: Option<String>,
    /// The service, where it is about one.
    pub service: Option<String>,
    /// All of it in one line.
    pub summary: String,
    /// All that is told of it, as JSON.
    pub details: Value,
    /// When it happened.
    pub happened_at: Timestamp,
    /// What became of it.
    pub state: NotificationState,
    /// How often it was sent, or was about to be.
    pub attempts: u64,
    /// The status that the receiver answered last.
    pub status: Option<u16>,
    /// What went wrong last.
    pub error: Option<String>,
    /// When it is sent again.
    pub next_at: Option<Timestamp>,
    /// When it was noticed.
    pub created_at: Timestamp,
    /// When it was received, or given up.
    pub ended_at: Option<Timestamp>,
}

impl Notification {
    fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.parsed("id")?,
            rule: row.text("rule")?,
            occasion: row.text("occasion")?,
            subject: row.text("subject")?,
            environment: row.opt_text("environment")?,
            service: row.opt_text("service")?,
            summary: row.text("summary")?,
            details: row.json("details")?,
            happened_at: row.time("happened_at")?,
            state: row.parsed("state")?,
            attempts: row.count("attempts")?,
            status: row.opt_int("status")?.and_then(|status| u16::try_from(status).ok()),
            error: row.opt_text("error")?,
            next_at: row.opt_time("next_at")?,
            created_at: row.time("created_at")?,
            ended_at: row.opt_time("ended_at")?,
        })
    }
}

/// What became of sending a notification once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// How it stands now.
    pub state: NotificationState,
    /// The status that the receiver answered.
    pub status: Option<u16>,
    /// What went wrong.
    pub error: Option<String>,
    /// When it is sent again.
    pub next_at: Option<Timestamp>,
}

/// Which notifications are wanted.
#[derive(Debug, Clone, Default)]
pub struct NotificationFilter {
    /// Only those by this rule.
    pub rule: Option<String>,
    /// Only those that stand so.
    pub state: Option<NotificationState>,
}

/// What tells one notification from all others: rule, occasion, subject.
pub type NotificationKey = (String, String, String);

/// An entry of the journal that is dead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadEvent {
    /// Its identity.
    pub id: EventId,
    /// The name of what happened.
    pub kind: String,
    /// Why it is dead.
    pub reason: Option<String>,
    /// When it was recorded.
    pub recorded_at: Timestamp,
}

impl Tx {
    /// Records a notification; false where the rule has told of that already.
    pub async fn add_notification(&mut self, new: &Notification) -> Result<bool, StoreError> {
        let insert = sql("INSERT INTO notification (id, rule, occasion, subject, environment, \
             service, summary, details, happened_at, state, attempts, status, error, next_at, \
             created_at, ended_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16) \
             ON CONFLICT (subject, occasion, rule) DO NOTHING")
        .bind(new.id.to_string())
        .bind(new.rule.as_str())
        .bind(new.occasion.as_str())
        .bind(new.subject.as_str())
        .bind(new.environment.as_deref())
        .bind(new.service.as_deref())
        .bind(new.summary.as_str())
        .bind(json_text(&new.details))
        .bind(new.happened_at)
        .bind(new.state.name())
        .bind(new.attempts)
        .bind(new.status.map(i64::from))
        .bind(new.error.as_deref())
        .bind(new.next_at)
        .bind(new.created_at)
        .bind(new.ended_at);
        Ok(self.run(insert).await? == 1)
    }

    /// Records that a notification is about to be sent; false where it was received, or given up.
    pub async fn begin_delivery(&mut self, id: NotificationId) -> Result<bool, StoreError> {
        let update = sql("UPDATE notification SET attempts = attempts + 1, next_at = NULL \
             WHERE id = $1 AND state = 'waiting'")
        .bind(id.to_string());
        Ok(self.run(update).await? == 1)
    }

    /// Records what became of sending a notification; false where it was received or given up
    /// before.
    pub async fn end_delivery(
        &mut self,
        id: NotificationId,
        delivery: &Delivery,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let ended = (delivery.state != NotificationState::Waiting).then_some(now);
        let update = sql("UPDATE notification SET state = $2, status = $3, error = $4, \
             next_at = $5, ended_at = $6 WHERE id = $1 AND state = 'waiting'")
        .bind(id.to_string())
        .bind(delivery.state.name())
        .bind(delivery.status.map(i64::from))
        .bind(delivery.error.as_deref())
        .bind(delivery.next_at)
        .bind(ended);
        Ok(self.run(update).await? == 1)
    }

    /// Keeps since when the rules have been looking: those of `watched`, each a rule and an
    /// occasion, that are new do from `now` on; those that are not among them do no longer.
    pub async fn watch(
        &mut self,
        watched: &[(String, String)],
        now: Timestamp,
    ) -> Result<BTreeMap<(String, String), Timestamp>, StoreError> {
        let mut since = BTreeMap::new();
        for row in self.all(sql("SELECT rule, occasion, since FROM notification_watch")).await? {
            since.insert((row.text("rule")?, row.text("occasion")?), row.time("since")?);
        }
        for gone in since.keys().filter(|known| !watched.contains(known)) {
            let delete = sql("DELETE FROM notification_watch WHERE rule = $1 AND occasion = $2")
                .bind(gone.0.as_str())
                .bind(gone.1.as_str());
            self.run(delete).await?;
        }
        since.retain(|known, _| watched.contains(known));
        for new in watched {
            if since.contains_key(new) {
                continue;
            }
            let insert = sql("INSERT INTO notification_watch (rule, occasion, since) \
                 VALUES ($1, $2, $3) ON CONFLICT (rule, occasion) DO NOTHING")
            .bind(new.0.as_str())
            .bind(new.1.as_str())
            .bind(now);
            self.run(insert).await?;
            since.insert(new.clone(), now);
        }
        Ok(since)
    }

    /// Forgets notifications that ended before `before`; how many.
    pub async fn forget_notifications(&mut self, before: Timestamp) -> Result<u64, StoreError> {
        self.run(sql("DELETE FROM notification WHERE ended_at < $1").bind(before)).await
    }
}

impl Store {
    /// One notification.
    pub async fn notification(
        &self,
        id: NotificationId,
    ) -> Result<Option<Notification>, StoreError> {
        let select = sql("SELECT * FROM notification WHERE id = $1").bind(id.to_string());
        self.first(select).await?.as_ref().map(Notification::read).transpose()
    }

    /// Notifications, newest first.
    pub async fn notifications(
        &self,
        filter: &NotificationFilter,
        page: Page,
    ) -> Result<Paged<Notification>, StoreError> {
        let rule = filter.rule.as_deref();
        let state = filter.state.map(NotificationState::name);
        let count = sql("SELECT COUNT(*) AS total FROM notification \
             WHERE ($1 IS NULL OR rule = $1) AND ($2 IS NULL OR state = $2)")
        .bind(rule)
        .bind(state);
        let total = self.first(count).await?.map_or(Ok(0), |row| row.count("total"))?;
        let select = sql("SELECT * FROM notification \
             WHERE ($1 IS NULL OR rule = $1) AND ($2 IS NULL OR state = $2) \
             ORDER BY created_at DESC, id DESC LIMIT $3 OFFSET $4")
        .bind(rule)
        .bind(state)
        .bind(page.limit)
        .bind(page.offset);
        let items =
            self.all(select).await?.iter().map(Notification::read).collect::<Result<_, _>>()?;
        Ok(Paged { items, total })
    }

    /// What was noticed at or after `from`.
    pub async fn noticed_since(
        &self,
        from: Timestamp,
    ) -> Result<HashSet<NotificationKey>, StoreError> {
        let select = sql("SELECT rule, occasion, subject FROM notification WHERE created_at >= $1")
            .bind(from);
        let read = |row: &Row| Ok((row.text("rule")?, row.text("occasion")?, row.text("subject")?));
        self.all(select).await?.iter().map(read).collect()
    }

    /// How many notifications there are in each state.
    pub async fn notification_counts(&self) -> Result<Vec<(NotificationState, u64)>, StoreError> {
        let select = sql("SELECT state, COUNT(*) AS total FROM notification \
             GROUP BY state ORDER BY state");
        let read = |row: &Row| Ok((row.parsed("state")?, row.count("total")?));
        self.all(select).await?.iter().map(read).collect()
    }

    /// The newest `limit` entries of the journal that are dead, without what was said.
    pub async fn dead_events(&self, limit: u32) -> Result<Vec<DeadEvent>, StoreError> {
        let select = sql("SELECT d.id, kind, reason, recorded_at FROM journal_dead AS d \
             CROSS JOIN journal AS j WHERE j.id = d.id ORDER BY d.id DESC LIMIT $1")
        .bind(limit);
        let read = |row: &Row| {
            Ok(DeadEvent {
                id: row.event_id("id")?,
                kind: row.text("kind")?,
                reason: row.opt_text("reason")?,
                recorded_at: row.time("recorded_at")?,
            })
        };
        self.all(select).await?.iter().map(read).collect()
    }
}
