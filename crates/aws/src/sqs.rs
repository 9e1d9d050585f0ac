//! A queue of SQS: [receive](https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ReceiveMessage.html)
//! by long poll, delete, keep hidden.

use std::time::Duration;

use aws_config::Region;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::Builder;
use aws_sdk_sqs::types::{
    ChangeMessageVisibilityBatchRequestEntry, DeleteMessageBatchRequestEntry, Message,
    MessageSystemAttributeName,
};
use portolan_model::Timestamp;
use url::{Host, Url};

use crate::{AwsError, AwsSettings};

/// Messages of one receive, delete or extension: SQS takes no more.
pub const BATCH: usize = 10;
/// The same, as SQS counts.
const MOST: i32 = 10;
/// Where an emulator is that nobody gave a region.
const REGION: &str = "us-east-1";
/// What a call may take beyond the time for which SQS holds it open.
const PATIENCE: Duration = Duration::from_secs(15);

/// What a message is deleted and kept hidden by. It is good for this receipt of it alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt(String);

/// A message that was received, and is hidden from others for a while.
#[derive(Debug, Clone)]
pub struct Received {
    /// SQS's identity of the message.
    pub id: String,
    /// What it is deleted by.
    pub receipt: Receipt,
    /// What was sent.
    pub body: String,
    /// When it was sent.
    pub sent_at: Option<Timestamp>,
    /// How often it was received, this time included; 0 where the queue does not count.
    pub receives: u32,
}

/// One queue.
#[derive(Debug, Clone)]
pub struct Queue {
    client: Client,
    name: String,
    url: String,
}

impl Queue {
    /// The queue that `queue` says: a URL, or a name of the caller's own account and region.
    ///
    /// A URL tells the region, and, where it is not AWS's own, the endpoint too; `settings` win.
    pub async fn open(queue: &str, settings: &AwsSettings) -> Result<Self, AwsError> {
        let Ok(url) = Url::parse(queue) else {
            let client = Client::new(&settings.load().await);
            let doing = || format!("find the queue {queue}");
            let found = client.get_queue_url().queue_name(queue).send().await;
            let found = found.map_err(|error| AwsError::call(doing(), &error))?;
            let what = "without a QueueUrl";
            let url =
                found.queue_url().ok_or(AwsError::Answer { doing: doing(), what: what.into() })?;
            return Ok(Self { client, name: queue.to_owned(), url: url.to_owned() });
        };
        let mut settings = settings.clone();
        let (region, endpoint) = place(&url);
        settings.region = settings.region.or(region);
        let config = settings.load().await;
        let mut builder = Builder::from(&config);
        if config.endpoint_url().is_none() {
            builder.set_endpoint_url(endpoint);
        }
        if config.region().is_none() {
            builder.set_region(Some(Region::new(REGION)));
        }
        let name = url.path_segments().and_then(|mut parts| parts.next_back()).unwrap_or(queue);
        let client = Client::from_conf(builder.build());
        Ok(Self { client, name: name.to_owned(), url: queue.to_owned() })
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The URL.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Up to ten messages, hidden from others for `hidden`; waits up to `wait` (SQS allows 20 s)
    /// for the first. Both are counted in whole seconds.
    pub async fn receive(
        &self,
        wait: Duration,
        hidden: Duration,
    ) -> Result<Vec<Received>, AwsError> {
        let doing = || format!("receive from the queue {}", self.name);
        let timeouts = TimeoutConfig::builder()
            .operation_attempt_timeout(wait + PATIENCE)
            .operation_timeout(wait + PATIENCE * 2)
            .build();
        let answer = self
            .client
            .receive_message()
            .queue_url(&self.url)
            .max_number_of_messages(MOST)
            .wait_time_seconds(whole(wait))
            .visibility_timeout(whole(hidden))
            .message_system_attribute_names(MessageSystemAttributeName::SentTimestamp)
            .message_system_attribute_names(MessageSystemAttributeName::ApproximateReceiveCount)
            .customize()
            .config_override(Builder::new().timeout_config(timeouts))
            .send()
            .await
            .map_err(|error| AwsError::call(doing(), &error))?;
        let what = "with a message that has no id, receipt or body";
        let all = answer.messages.unwrap_or_default().into_iter().map(received);
        all.collect::<Option<_>>()
            .ok_or_else(|| AwsError::Answer { doing: doing(), what: what.into() })
    }

    /// Deletes what was received; how many SQS could not delete: these come again.
    pub async fn delete(&self, receipts: &[Receipt]) -> Result<usize, AwsError> {
        let mut failed = 0;
        for batch in receipts.chunks(BATCH) {
            let doing = || format!("delete from the queue {}", self.name);
            let mut call = self.client.delete_message_batch().queue_url(&self.url);
            for (at, Receipt(receipt)) in batch.iter().enumerate() {
                let entry = DeleteMessageBatchRequestEntry::builder();
                let entry = entry.id(at.to_string()).receipt_handle(receipt).build();
                let what = "nothing: a receipt is incomplete";
                call = call.entries(
                    entry.map_err(|_| AwsError::Answer { doing: doing(), what: what.into() })?,
                );
            }
            let answer = call.send().await.map_err(|error| AwsError::call(doing(), &error))?;
            failed += answer.failed().len();
        }
        Ok(failed)
    }

    /// Keeps what was received hidden for `hidden` from now on; how many SQS would not keep so.
    /// With no time at all, they come again at once.
    pub async fn extend(&self, receipts: &[Receipt], hidden: Duration) -> Result<usize, AwsError> {
        let mut failed = 0;
        for batch in receipts.chunks(BATCH) {
            let doing = || format!("keep messages of the queue {} hidden", self.name);
            let mut call = self.client.change_message_visibility_batch().queue_url(&self.url);
            for (at, Receipt(receipt)) in batch.iter().enumerate() {
                let entry = ChangeMessageVisibilityBatchRequestEntry::builder();
                let entry = entry.id(at.to_string()).receipt_handle(receipt);
                let entry = entry.visibility_timeout(whole(hidden)).build();
                let what = "nothing: a receipt is incomplete";
                call = call.entries(
                    entry.map_err(|_| AwsError::Answer { doing: doing(), what: what.into() })?,
                );
            }
            let answer = call.send().await.map_err(|error| AwsError::call(doing(), &error))?;
            failed += answer.failed().len();
        }
        Ok(failed)
    }
}

/// The region and the endpoint that the URL of a queue tells: the region where it is AWS's own,
/// the endpoint where it is not.
fn place(url: &Url) -> (Option<String>, Option<String>) {
    let Some(Host::Domain(host)) = url.host() else {
        return (None, Some(url.origin().ascii_serialization()));
    };
    let own = [".amazonaws.com", ".amazonaws.com.cn"];
    let of_aws = own.iter().find_map(|end| host.strip_suffix(end));
    match of_aws.and_then(|rest| rest.strip_prefix("sqs.")) {
        Some(region) if !region.contains('.') => (Some(region.to_owned()), None),
        _ => (None, Some(url.origin().ascii_serialization())),
    }
}

fn received(message: Message) -> Option<Received> {
    let attribute = |name| message.attributes.as_ref()?.get(&name).map(String::as_str);
    let sent_at = attribute(MessageSystemAttributeName::SentTimestamp);
    let receives = attribute(MessageSystemAttributeName::ApproximateReceiveCount);
    Some(Received {
        sent_at: sent_at.and_then(|millis| millis.parse().ok()).map(Timestamp::from_millis),
        receives: receives.and_then(|count| count.parse().ok()).unwrap_or(0),
        id: message.message_id?,
        receipt: Receipt(message.receipt_handle?),
        body: message.body?,
    })
}

fn whole(duration: Duration) -> i32 {
    i32::try_from(duration.as_secs()).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_url_of_a_queue_tells_where_it_is() {
        let place = |url: &str| place(&Url::parse(url).unwrap());
        let region = |name: &str| (Some(name.to_owned()), None);
        let endpoint = |url: &str| (None, Some(url.to_owned()));
        for (url, expected) in [
            ("https://sqs.eu-west-2.amazonaws.com/123456789012/q", region("eu-west-2")),
            ("https://sqs.cn-north-1.amazonaws.com.cn/123456789012/q", region("cn-north-1")),
            ("http://localhost:4566/000000000000/q", endpoint("http://localhost:4566")),
            ("http://127.0.0.1:5000/123456789012/q", endpoint("http://127.0.0.1:5000")),
            ("https://sqs.a.b.amazonaws.com/1/q", endpoint("https://sqs.a.b.amazonaws.com")),
        ] {
            assert_eq!(place(url), expected, "{url}");
        }
    }
}
