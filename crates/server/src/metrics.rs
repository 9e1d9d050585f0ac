//! What is counted, in the text format of Prometheus.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use metrics::{Key, Label, Level, Metadata, Recorder as _};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusRecorder};

use crate::App;

const META: Metadata<'static> = Metadata::new("portolan", Level::INFO, None);
/// Bounds of the buckets of what takes time, in seconds.
const SECONDS: [f64; 11] = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0, 60.0, 300.0];

/// The counters of one server. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Metrics {
    recorder: Arc<PrometheusRecorder>,
}

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Metrics")
    }
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let suffix = Matcher::Suffix("_seconds".to_owned());
        let builder = PrometheusBuilder::new();
        let builder = builder
            .set_buckets_for_metric(suffix, &SECONDS)
            // Fails for an empty list of buckets alone.
            .unwrap_or_else(|_| PrometheusBuilder::new());
        let recorder = builder.build_recorder();
        for (name, description) in [
            ("portolan_http_requests_total", "Requests answered, by method, route and status."),
            ("portolan_queue_messages_total", "Messages of SQS, by queue and what became of them."),
            ("portolan_queue_failures_total", "Calls to SQS that failed, by queue."),
            ("portolan_sweep_drift_total", "What a sweep found that no event had told."),
            ("portolan_scanned_bytes_total", "Uncompressed bytes of the images that were scanned."),
        ] {
            recorder.describe_counter(name.into(), None, description.into());
        }
        for (name, description) in [
            ("portolan_http_request_seconds", "Time until an answer's head was ready."),
            ("portolan_job_seconds", "Time that a job ran, by kind and outcome."),
        ] {
            recorder.describe_histogram(name.into(), None, description.into());
        }
        for (name, description) in [
            ("portolan_queue_failing", "Whether the last call to a queue of SQS failed, 1 or 0."),
            ("portolan_jobs", "Jobs by kind and state."),
            ("portolan_journal_pending", "Events that wait to be acted on."),
            ("portolan_blobs", "Blobs in the built-in registry."),
            ("portolan_blob_bytes", "Bytes of the blobs in the built-in registry."),
        ] {
            recorder.describe_gauge(name.into(), None, description.into());
        }
        Self { recorder: Arc::new(recorder) }
    }

    pub(crate) fn count(&self, name: &'static str, labels: Vec<Label>, by: u64) {
        self.recorder.register_counter(&Key::from_parts(name, labels), &META).increment(by);
    }

    pub(crate) fn took(&self, name: &'static str, labels: Vec<Label>, time: Duration) {
        let key = Key::from_parts(name, labels);
        self.recorder.register_histogram(&key, &META).record(time.as_secs_f64());
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "a gauge is a float, and this one is approximate"
    )]
    pub(crate) fn set(&self, name: &'static str, labels: Vec<Label>, value: u64) {
        self.recorder.register_gauge(&Key::from_parts(name, labels), &META).set(value as f64);
    }

    /// All of it, as text.
    pub(crate) fn render(&self) -> String {
        self.recorder.handle().render()
    }

    /// Moves what was observed into the buckets, so that it does not pile up between two scrapes.
    pub(crate) fn tidy(&self) {
        self.recorder.handle().run_upkeep();
    }
}

/// Counts a request under the route that answered it: paths are without number, routes are not.
pub(crate) async fn count(State(app): State<App>, request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let route = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let route = route.unwrap_or_else(|| "none".to_owned());
    // Any word can be a method; these are the ones that routes have.
    let method = match request.method().as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        _ => "other",
    };
    let response = next.run(request).await;
    let labels = vec![Label::new("method", method), Label::new("route", route)];
    app.metrics.took("portolan_http_request_seconds", labels.clone(), begun.elapsed());
    let status = Label::new("status", response.status().as_u16().to_string());
    let labels = labels.into_iter().chain([status]).collect();
    app.metrics.count("portolan_http_requests_total", labels, 1);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_counted_is_told() {
        let metrics = Metrics::new();
        let labels = || vec![Label::new("route", "/artifacts")];
        metrics.count("portolan_http_requests_total", labels(), 2);
        metrics.took("portolan_http_request_seconds", labels(), Duration::from_millis(7));
        metrics.set("portolan_blobs", Vec::new(), 3);
        let text = metrics.render();
        assert!(text.contains("portolan_http_requests_total{route=\"/artifacts\"} 2"), "{text}");
        assert!(
            text.contains(
                "portolan_http_request_seconds_bucket{route=\"/artifacts\",le=\"0.01\"} 1"
            ),
            "{text}"
        );
        assert!(text.contains("portolan_blobs 3"), "{text}");
    }
}
