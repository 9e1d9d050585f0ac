//! Moving a body into a sink: the next bytes are received while the last ones are hashed and
//! written, and a thread is only held while there is work for it.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use futures::{Stream, StreamExt as _};
use tokio::task::JoinHandle;

use super::sink::Sink;
use crate::RegistryError;

/// What a body may fail with.
pub(super) type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Bytes that are handed to the writing thread at a time. An upload holds twice as many at most,
/// and what the connection adds to the last part.
const BATCH: usize = 1 << 20;
/// How long less than that is held in memory: so what slow clients hold together stays small.
const LINGER: Duration = Duration::from_millis(200);
/// How long a client may send nothing.
const SILENCE: Duration = Duration::from_mins(1);

/// Moves `body` into `sink` until it ends or fails, and answers the sink with all that arrived and
/// how the body ended. `declared` is the exact length of the body where it is known, `limit` that
/// of the whole upload. The outer error means that the sink is lost.
pub(super) async fn receive<E: Into<BoxError> + Send>(
    sink: Sink,
    body: impl Stream<Item = Result<Bytes, E>>,
    declared: Option<u64>,
    limit: u64,
) -> Result<(Sink, Result<(), RegistryError>), RegistryError> {
    let mut body = std::pin::pin!(body);
    let room = limit.saturating_sub(sink.size());
    let mut arrived = 0_u64;
    let mut writer = Writer::Idle(sink);
    let mut batch = Vec::new();
    let mut held = 0;
    let outcome = loop {
        let wait = if batch.is_empty() { SILENCE } else { LINGER };
        let part = match tokio::time::timeout(wait, body.next()).await {
            Ok(Some(Ok(part))) => part,
            Ok(Some(Err(error))) => break Err(RegistryError::Body(error.into())),
            Ok(None) => break Ok(()),
            Err(_) if batch.is_empty() => break Err(RegistryError::Silent(SILENCE.as_secs())),
            Err(_) => {
                writer = Writer::write(writer.idle().await?, std::mem::take(&mut batch));
                held = 0;
                continue;
            }
        };
        arrived += part.len() as u64;
        if let Some(declared) = declared.filter(|declared| arrived > *declared) {
            break Err(RegistryError::ChunkLength { declared, actual: arrived });
        }
        if arrived > room {
            break Err(RegistryError::BlobTooLarge { limit });
        }
        held += part.len();
        batch.push(part);
        if held >= BATCH {
            writer = Writer::write(writer.idle().await?, std::mem::take(&mut batch));
            held = 0;
        }
    };
    let mut sink = writer.idle().await?;
    if !batch.is_empty() {
        sink = Writer::write(sink, batch).idle().await?;
    }
    let outcome = match declared {
        Some(declared) if outcome.is_ok() && arrived < declared => {
            Err(RegistryError::ChunkLength { declared, actual: arrived })
        }
        _ => outcome,
    };
    Ok((sink, outcome))
}

enum Writer {
    Idle(Sink),
    Busy(JoinHandle<io::Result<Sink>>),
}

impl Writer {
    fn write(mut sink: Sink, batch: Vec<Bytes>) -> Self {
        Self::Busy(tokio::task::spawn_blocking(move || sink.take(&batch).map(|()| sink)))
    }

    async fn idle(self) -> Result<Sink, RegistryError> {
        match self {
            Self::Idle(sink) => Ok(sink),
            Self::Busy(work) => work
                .await
                .map_err(|_| RegistryError::Stopped)?
                .map_err(RegistryError::io("write the bytes of an upload")),
        }
    }
}
