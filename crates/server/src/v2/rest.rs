//! What a client still sends when its request is answered already.
//!
//! An error is often known before the body was read. If the connection were closed then, a client
//! that is in the middle of sending would see a broken connection instead of the error. So a body
//! that nobody reads to its end is read, and thrown away, beside the answer.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, BodyDataStream, HttpBody as _};
use bytes::Bytes;
use futures::{Stream, StreamExt as _};
use tokio::runtime::Handle;

/// So much is read, for so long; after that the connection is closed.
const MOST: u64 = 256 << 20;
const PATIENCE: Duration = Duration::from_secs(20);

/// `body`, which is read to its end whoever drops it before.
pub(super) fn read_to_end(body: Body) -> Body {
    if body.is_end_stream() { body } else { Body::from_stream(Rest(Some(body.into_data_stream()))) }
}

struct Rest(Option<BodyDataStream>);

impl Stream for Rest {
    type Item = Result<Bytes, axum::Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(body) = &mut self.0 else { return Poll::Ready(None) };
        let part = ready!(body.poll_next_unpin(cx));
        if !matches!(part, Some(Ok(_))) {
            self.0 = None;
        }
        Poll::Ready(part)
    }
}

impl Drop for Rest {
    fn drop(&mut self) {
        let (Some(mut body), Ok(runtime)) = (self.0.take(), Handle::try_current()) else { return };
        let reading = async move {
            let mut thrown_away = 0;
            while let Some(Ok(part)) = body.next().await {
                thrown_away += part.len() as u64;
                if thrown_away > MOST {
                    return;
                }
            }
        };
        runtime.spawn(tokio::time::timeout(PATIENCE, reading));
    }
}
