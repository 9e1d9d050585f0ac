//! Bad input: a status that says so and a message, never a 500.

use http::StatusCode;

use crate::bed::{Bed, service};

async fn is_refused(bed: Bed) {
    bed.push("shop", "1.0.0", &service("shop", "1")).await;
    let long = "x".repeat(9000);
    for (path, status) in [
        ("/artifacts/%ff".to_owned(), 400),
        ("/artifacts/a%00b".to_owned(), 400),
        ("/services/%00".to_owned(), 400),
        ("/deployables/%ff".to_owned(), 400),
        ("/files/%ff?path=a".to_owned(), 400),
        ("/files/a%00?path=a".to_owned(), 400),
        ("/files/x?path=%ff".to_owned(), 400),
        ("/jobs/%ff".to_owned(), 400),
        ("/images/%ff/files".to_owned(), 400),
        ("/files/x?path=%00".to_owned(), 400),
        ("/artifacts?page=x".to_owned(), 400),
        ("/artifacts?page=-1".to_owned(), 400),
        ("/artifacts?size=-1".to_owned(), 400),
        ("/artifacts?page=99999999999999999999".to_owned(), 400),
        ("/artifacts?page=18446744073709551615&size=1000".to_owned(), 200),
        ("/artifacts?size=18446744073709551615".to_owned(), 200),
        ("/artifacts?page=0&size=0".to_owned(), 200),
        ("/jobs?state=asleep".to_owned(), 400),
        ("/jobs?kind=%00".to_owned(), 400),
        ("/jobs/no-id".to_owned(), 404),
        ("/jobs/no-id/events".to_owned(), 404),
        ("/tags?repo=NO".to_owned(), 400),
        ("/tags/history".to_owned(), 400),
        ("/tags/history?repo=a".to_owned(), 400),
        ("/tags/history?repo=a&tag=-".to_owned(), 400),
        ("/images?contains=%25%5C_'%22".to_owned(), 200),
        ("/images/sha256:nothing".to_owned(), 404),
        ("/images/x/files?limit=-1".to_owned(), 400),
        (format!("/artifacts/{long}"), 200),
        (format!("/artifacts/{long}/1"), 404),
        (format!("/services/{long}"), 404),
        (format!("/files/sha256:{long}?path={long}"), 404),
        (format!("/deployables/{long}"), 200),
        (format!("/{long}"), 404),
        ("/nothing".to_owned(), 404),
        ("//artifacts".to_owned(), 404),
    ] {
        let answer = bed.get(&path).await;
        assert_eq!(answer.status.as_u16(), status, "{path}: {}", answer.text());
        if status >= 400 {
            let message = answer.json()["message"].as_str().unwrap_or_default().to_owned();
            assert!(!message.is_empty() && message.len() < 1500, "{path}: {message}");
        }
    }
}

async fn is_refused_in_what_is_posted(bed: Bed) {
    for (path, status) in [
        ("/admin/scan?repo=NO&tag=1", 400),
        ("/admin/scan?repo=a&tag=%F0%9F%A6%80", 400),
        ("/admin/scan?repo=a&tag=%ff", 400),
        ("/admin/backfill?drop=maybe", 400),
        ("/admin/registry-gc?graceSeconds=-1", 400),
        ("/artifacts", 405),
        ("/health", 405),
    ] {
        let answer = bed.post(path).await;
        assert_eq!(answer.status.as_u16(), status, "{path}: {}", answer.text());
        assert!(answer.json()["message"].is_string(), "{path}");
    }
}

crate::on_both_engines!(is_refused, is_refused_in_what_is_posted);

#[tokio::test]
async fn only_this_machine_may_ask() {
    let bed = Bed::sqlite().await;
    for (name, value, status) in [
        ("host", "evil.example", StatusCode::FORBIDDEN),
        ("host", "localhost:5094", StatusCode::OK),
        ("host", "127.0.0.1:5094", StatusCode::OK),
        ("origin", "https://evil.example", StatusCode::FORBIDDEN),
        ("origin", "null", StatusCode::FORBIDDEN),
        ("origin", "http://127.0.0.1:5094", StatusCode::OK),
    ] {
        for path in ["/health", "/v2/", "/artifacts"] {
            let answer = bed.send("GET", path, &[(name, value)], "").await;
            assert_eq!(answer.status, status, "{name}: {value} on {path}");
            if status == StatusCode::FORBIDDEN {
                let said = answer.json()["message"].as_str().unwrap().to_owned();
                assert!(said.contains(&format!("`{value}`")), "{said}");
            }
        }
    }
}
