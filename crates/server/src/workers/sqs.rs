//! Receiving from the queues of SQS: what is received is in the journal before it is deleted.
//!
//! Any number of receivers, in any number of processes, may share a queue. A message that is
//! received twice is recorded once, by the journal's own key.

use std::time::Duration;

use metrics::Label;
use portolan_aws::AwsError;
use portolan_aws::sqs::{Queue, Receipt, Received};
use portolan_model::failpoint;
use portolan_store::StoreError;
use portolan_tracker::{Message, Taken};
use tokio::sync::OnceCell;
use tokio_util::sync::CancellationToken;

use crate::App;

/// How long a receive waits for the first message: the most that SQS allows.
const WAIT: Duration = Duration::from_secs(20);
/// The wait after the first failure; it doubles with each further one.
const PAUSE: Duration = Duration::from_secs(1);
/// The longest wait after a failure.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// Receives from `name` (a URL or a name), until `stop`.
pub(super) async fn run(app: App, name: String, stop: CancellationToken) {
    let receiver = Receiver { app, name, queue: OnceCell::new(), stop: stop.clone() };
    let mut pause = PAUSE;
    while !stop.is_cancelled() {
        let done = receiver.round().await;
        let failing = done.is_err();
        receiver.app.metrics.set("portolan_queue_failing", receiver.labels([]), failing.into());
        let Err(error) = done else {
            pause = PAUSE;
            continue;
        };
        receiver.app.metrics.count("portolan_queue_failures_total", receiver.labels([]), 1);
        tracing::warn!(%error, seconds = pause.as_secs(), "a queue is tried again later");
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// Why a receiver pauses.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error(transparent)]
    Sqs(#[from] AwsError),
    #[error("could not record what was received; it stays in its queue: {0}")]
    Store(#[from] StoreError),
}

/// One receiver of one queue.
struct Receiver {
    app: App,
    name: String,
    /// Found when it is first needed.
    queue: OnceCell<Queue>,
    stop: CancellationToken,
}

impl Receiver {
    /// Waits for messages, records and deletes them. What SQS sent while nobody listened any more
    /// comes again.
    async fn round(&self) -> Result<(), Trouble> {
        let hidden = self.app.settings.aws.hidden;
        let received = async {
            let open = || Queue::open(&self.name, &self.app.settings.aws.reach);
            let queue = self.queue.get_or_try_init(open).await?;
            Ok::<_, AwsError>((queue, queue.receive(WAIT, hidden).await?))
        };
        let (queue, messages) = tokio::select! {
            () = self.stop.cancelled() => return Ok(()),
            received = received => received?,
        };
        if messages.is_empty() {
            return Ok(());
        }
        self.count("received", messages.len());
        let receipts: Vec<Receipt> = messages.iter().map(|each| each.receipt.clone()).collect();
        let recorded = {
            let prolonging = prolong(queue, &receipts, hidden);
            tokio::select! {
                recorded = self.record(queue, messages) => recorded?,
                never = prolonging => never,
            }
        };
        failpoint::hit("sqs.before-delete");
        let left = queue.delete(&recorded).await?;
        if left > 0 {
            tracing::warn!(
                queue = self.name,
                left,
                "SQS could not delete messages: they come again"
            );
        }
        Ok(())
    }

    /// Records `messages`, however long the store needs; the receipts of those that are. An error
    /// where none is.
    async fn record(
        &self,
        queue: &Queue,
        messages: Vec<Received>,
    ) -> Result<Vec<Receipt>, StoreError> {
        let mut refused = match self.persist(queue, &messages).await {
            Ok(()) => return Ok(messages.into_iter().map(|message| message.receipt).collect()),
            Err(refused) => refused,
        };
        let mut recorded = Vec::new();
        // Where the store refuses one of them for what it is, the others do not suffer for it.
        let alone = messages.len() > 1 && !self.stop.is_cancelled();
        for message in messages {
            if alone {
                match self.persist(queue, std::slice::from_ref(&message)).await {
                    Ok(()) => {
                        recorded.push(message.receipt);
                        continue;
                    }
                    Err(error) => refused = error,
                }
            }
            self.count("refused", 1);
            let (queue, message, receives) = (&self.name, message.id, message.receives);
            tracing::error!(%refused, queue, message, receives, "a message stays in its queue");
        }
        if recorded.is_empty() { Err(refused) } else { Ok(recorded) }
    }

    /// Records `messages` all together. Tries again for as long as the store cannot be reached; an
    /// error is one that trying again does not help, or there is no time for it.
    async fn persist(&self, queue: &Queue, messages: &[Received]) -> Result<(), StoreError> {
        let mut pause = PAUSE;
        loop {
            let taken = messages.iter().map(|received| message(queue, received)).collect();
            match self.app.intake.take(taken).await {
                Ok(taken) => {
                    self.tell(&taken);
                    return Ok(());
                }
                Err(error) if error.is_transient() && !self.stop.is_cancelled() => {
                    tracing::warn!(%error, "received messages wait for the store");
                    tokio::select! {
                        () = self.stop.cancelled() => {}
                        () = tokio::time::sleep(pause) => {}
                    }
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
                Err(error) => return Err(error),
            }
        }
    }

    fn tell(&self, taken: &Taken) {
        self.count("recorded", taken.recorded.len());
        self.count("repeated", usize::try_from(taken.repeated).unwrap_or(usize::MAX));
        self.count("dead", usize::try_from(taken.dead).unwrap_or(usize::MAX));
    }

    fn count(&self, became: &'static str, messages: usize) {
        let labels = self.labels([Label::new("became", became)]);
        self.app.metrics.count("portolan_queue_messages_total", labels, messages as u64);
    }

    fn labels<const N: usize>(&self, more: [Label; N]) -> Vec<Label> {
        let name = self.name.rsplit('/').next().unwrap_or(&self.name);
        [Label::new("queue", name.to_owned())].into_iter().chain(more).collect()
    }
}

fn message(queue: &Queue, received: &Received) -> Message {
    Message {
        source: format!("sqs:{}", queue.name()),
        body: received.body.clone(),
        id: Some(format!("sqs:{}", received.id)),
        sent_at: received.sent_at,
    }
}

/// Keeps what was received hidden from others, for as long as it is asked to.
async fn prolong(queue: &Queue, receipts: &[Receipt], hidden: Duration) -> Vec<Receipt> {
    loop {
        tokio::time::sleep(hidden / 3).await;
        if let Err(error) = queue.extend(receipts, hidden).await {
            tracing::warn!(%error, "messages may be received twice, which does no harm");
        }
    }
}
