//! The document that describes the API.

use http::StatusCode;
use serde_json::Value;

use crate::bed::Bed;

#[tokio::test]
async fn the_document_is_frozen() {
    let bed = Bed::sqlite().await;
    let mut document = bed.json("/openapi.json").await;
    document["info"]["version"] = Value::from("(this version)");
    insta::assert_json_snapshot!("openapi", document);
}

#[tokio::test]
async fn every_described_path_is_answered() {
    let bed = Bed::sqlite().await;
    let document = bed.json("/openapi.json").await;
    // What is told without end has a test of its own.
    let paths =
        document["paths"].as_object().unwrap().iter().filter(|(path, _)| *path != "/stream");
    for (path, item) in paths {
        for method in item.as_object().unwrap().keys() {
            let path = path.replace(['{', '}'], "x");
            let answer = bed.send(&method.to_uppercase(), &path, &[], "").await;
            assert_ne!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{method} {path}");
            let no_route = format!("{path} was not found");
            let said = answer.text();
            assert!(!said.contains(&no_route), "{method} {path}: {said}");
        }
    }
}

#[tokio::test]
async fn the_document_is_shown_without_a_network() {
    let bed = Bed::sqlite().await;
    let page = bed.get("/swagger/").await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(!page.text().contains("https://"), "{}", page.text());
    let script = bed.get("/swagger/swagger-ui-bundle.js").await;
    assert!(script.body.len() > 100_000);
    assert_eq!(bed.get("/").await.header("location"), "/ui/");
}
