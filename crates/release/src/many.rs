//! Several things at once.

use futures::StreamExt;
use futures::future::BoxFuture;

/// What all of `futures` come to, in their order, at most `at_once` of them at a time. All of them
/// end, whatever one of them comes to.
pub(crate) async fn many<T>(futures: Vec<BoxFuture<'_, T>>, at_once: usize) -> Vec<T> {
    futures::stream::iter(futures).buffered(at_once.max(1)).collect().await
}
