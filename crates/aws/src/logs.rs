//! `CloudWatch` Logs: the [last lines](https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_GetLogEvents.html)
//! of a stream.

use portolan_model::Timestamp;
use serde::Deserialize;
use serde_json::json;

use crate::wire::{LOGS, Wire};
use crate::{Aws, AwsError};

/// Lines that are asked for at most: `CloudWatch` Logs gives no more at a time.
const MOST: usize = 10_000;

/// `CloudWatch` Logs in one region.
#[derive(Debug, Clone)]
pub struct Logs {
    logs: Wire,
}

/// A line of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// When it was written.
    pub at: Timestamp,
    /// Its text.
    pub text: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Page {
    events: Vec<Event>,
    next_backward_token: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Event {
    timestamp: i64,
    message: String,
}

impl Logs {
    /// The logs of the region that is reached.
    pub fn of(aws: &Aws) -> Self {
        Self { logs: Wire::new(&aws.config, LOGS) }
    }

    /// The last `count` lines (10,000 at most) of `stream` in `group`, in the order in which they
    /// were written. A container that never ran has no stream: it has no lines then.
    pub async fn last_lines(
        &self,
        group: &str,
        stream: &str,
        count: usize,
    ) -> Result<Vec<LogLine>, AwsError> {
        let doing = || format!("read the log {stream} of {group}");
        let mut asked = json!({
            "logGroupName": group,
            "logStreamName": stream,
            "startFromHead": false,
            "limit": count.clamp(1, MOST),
        });
        let mut page: Page = match self.logs.read("GetLogEvents", &asked, doing).await {
            Ok(page) => page,
            Err(error) if error.code() == Some("ResourceNotFoundException") => {
                return Ok(Vec::new());
            }
            Err(error) => return Err(error),
        };
        // A page may be empty although there are earlier events.
        if page.events.is_empty() && !page.next_backward_token.is_empty() {
            asked["nextToken"] = json!(page.next_backward_token);
            page = self.logs.read("GetLogEvents", &asked, doing).await?;
        }
        let line = |event: Event| LogLine {
            at: Timestamp::from_millis(event.timestamp),
            text: event.message,
        };
        Ok(page.events.into_iter().map(line).collect())
    }
}
