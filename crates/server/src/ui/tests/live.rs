//! What open pages are told.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;

use super::bed::Bed;

async fn listen(router: &Router) -> Response {
    let request = Request::get("/ui/changes").body(Body::empty()).unwrap();
    router.clone().oneshot(request).await.unwrap()
}

/// The next words of a stream.
async fn next(body: &mut Body) -> String {
    let frame = tokio::time::timeout(Duration::from_secs(5), body.frame()).await.unwrap();
    String::from_utf8(frame.unwrap().unwrap().into_data().unwrap().to_vec()).unwrap()
}

#[tokio::test]
async fn a_page_is_told_once_of_what_changed_together() {
    let bed = Bed::new().await;
    let response = listen(&bed.router()).await;
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let mut body = response.into_body();
    assert!(next(&mut body).await.contains("retry"));
    for _ in 0..3 {
        bed.store.wake_changes().await;
    }
    assert_eq!(next(&mut body).await, "event: changed\ndata: look again\n\n");
    let silent = tokio::time::timeout(Duration::from_millis(1500), body.frame()).await;
    assert!(silent.is_err(), "told twice: {silent:?}");
    bed.store.wake_jobs().await;
    assert!(next(&mut body).await.contains("changed"));
}

#[tokio::test]
async fn a_server_that_stops_waits_for_no_page() {
    let bed = Bed::new().await;
    let response = listen(&bed.router()).await;
    bed.app.stopping.cancel();
    let end = tokio::time::timeout(Duration::from_secs(5), response.into_body().collect()).await;
    assert!(end.unwrap().is_ok());
}

#[tokio::test]
async fn one_page_too_many_is_refused_until_another_leaves() {
    let bed = Bed::new().await;
    let router = bed.router();
    let mut open = Vec::new();
    for _ in 0..512 {
        let response = listen(&router).await;
        assert_eq!(response.status(), StatusCode::OK);
        open.push(response);
    }
    assert_eq!(listen(&router).await.status(), StatusCode::SERVICE_UNAVAILABLE);
    open.pop();
    assert_eq!(listen(&router).await.status(), StatusCode::OK);
}
