//! Deployments: the list, one, and asking for one.

use std::collections::BTreeSet;

use http::StatusCode;
use portolan_store::{SourceRepository, SourceTeam};
use portolan_testkit::tar::{self, Entry};
use portolan_testkit::{Image, Layer};
use serde_json::{Value, json};

use crate::bed::{Bed, service};
use crate::story::{Told, places, say, shop, told};

async fn bed() -> Bed {
    let bed = Bed::with(places).await;
    told(&bed).await;
    bed
}

/// Service, version, environment and status of each.
fn lines(list: &Value) -> Vec<String> {
    let text = |it: &Value, name: &str| it[name].as_str().unwrap_or("?").to_owned();
    list.as_array()
        .unwrap()
        .iter()
        .map(|it| {
            let [service, version] = ["service", "version"].map(|name| text(it, name));
            format!("{service} {version} {} {}", text(it, "environment"), text(it, "status"))
        })
        .collect()
}

#[tokio::test]
async fn deployments_are_listed_newest_first() {
    let bed = bed().await;
    let all = bed.json("/deployments").await;
    assert_eq!(
        lines(&all),
        [
            "cart 2.0.0 test RUNNING",
            "shop 1.1.0 prod FAILED",
            "shop 1.1.0 test RUNNING",
            "shop 1.0.0 prod RUNNING",
            "shop 1.0.0 test STOPPED",
        ]
    );
    let failed = &all[1];
    let told = shop("prod", "1.1.0", 2, 1);
    for (name, expected) in [
        ("deploymentId", json!(told.key())),
        ("ecsSvcDeploymentId", json!(told.key())),
        ("user", json!("n/a")),
        ("userId", Value::Null),
        ("deployedAt", json!("2026-11-20T14:00:00.000Z")),
        ("dockerImage", json!("222222222222.dkr.ecr.eu-west-2.amazonaws.com/shop:1.1.0")),
        ("taskId", json!("arn:aws:ecs:eu-west-2:222222222222:task-definition/shop:2")),
        ("instanceTaskId", json!(told.arn())),
        ("cpu", json!("256")),
        ("memory", json!("512")),
        ("instanceCount", json!(1)),
        ("desiredStatus", json!("STOPPED")),
        ("stoppedCount", json!(1)),
        ("digest", json!(service("shop", "1.1.0").digest())),
        ("reasons", json!(["ECS deployment circuit breaker: tasks failed to start."])),
        ("previousVersion", json!("1.0.0")),
        ("finishedAt", json!("2026-11-20T14:10:00.000Z")),
        ("updatedAt", json!("2026-11-20T14:10:00.000Z")),
        ("account", json!("222222222222")),
    ] {
        assert_eq!(failed[name], expected, "{name}");
    }
}

#[tokio::test]
async fn a_list_is_narrowed_and_paged() {
    let bed = bed().await;
    for (query, expected) in [
        ("environment=prod", 2),
        ("environment=prod&environment=test", 5),
        ("environment=", 5),
        ("service=cart", 1),
        ("service=none", 0),
        ("status=failed", 1),
        ("status=RUNNING&environment=test", 2),
        ("user=nobody", 0),
        ("from=2026-11-20T12:00Z&to=2026-11-20T14:00:00Z", 2),
        ("at=2026-11-20T09:30Z", 1),
        ("at=-6h", 3),
        ("offset=3", 2),
        ("offset=9223372036854775808", 0),
        ("team=nobody", 0),
    ] {
        let list = bed.json(&format!("/deployments?{query}")).await;
        assert_eq!(list.as_array().unwrap().len(), expected, "{query}: {list}");
    }
    let early = bed.json("/deployments?at=2026-11-20T11:00Z").await;
    assert_eq!(lines(&early), ["shop 1.0.0 prod RUNNING", "shop 1.0.0 test RUNNING"]);
    let page = bed.json("/deployments?page=2&size=2").await;
    let told = ["page", "pageSize", "totalPages", "total"].map(|name| page[name].as_u64().unwrap());
    assert_eq!(told, [2, 2, 3, 5]);
    let expected = ["shop 1.1.0 test RUNNING", "shop 1.0.0 prod RUNNING"];
    assert_eq!(lines(&page["deployments"]), expected);
    let after = bed.json("/deployments?page=1&size=2&offset=4").await;
    assert_eq!((after["total"].as_u64(), lines(&after["deployments"]).len()), (Some(1), 1));
}

#[tokio::test]
async fn a_team_has_the_services_of_its_repositories() {
    let bed = bed().await;
    // Built from the repository `shop`, though its name is another.
    let till = Image::builder()
        .layer(Layer::gzip(&tar::archive(&[Entry::file("till", "till")])))
        .label("defra.cdp.service.name", "till")
        .label("defra.cdp.git.repo.url", "https://git.example/shop.git")
        .build();
    bed.push("till", "3.0.0", &till).await;
    let task = Told { place: "test", service: "till", version: "3.0.0", deployment: 1, task: 1 };
    say(&bed, [task.task("2026-11-20T16:00:00Z", Some("2026-11-20T16:01:00Z"), None)]).await;
    let repository = |(name, team): (&str, &str)| SourceRepository {
        name: name.to_owned(),
        description: None,
        primary_language: None,
        url: None,
        is_archived: false,
        is_template: false,
        is_private: false,
        created_at: None,
        teams: vec![team.to_owned()],
    };
    // No service is built from `till`: the one of that name says that it comes from elsewhere.
    let all = [("shop", "sea"), ("cart", "land"), ("till", "land")].map(repository);
    let teams = ["sea", "land"].map(|slug| SourceTeam { slug: slug.into(), name: slug.into() });
    let put = bed.store.write(move |tx| {
        Box::pin(async move { tx.replace_source_repositories(&all, &teams).await })
    });
    put.await.unwrap();
    let services = async |query: &str| {
        let list = bed.json(&format!("/deployments?{query}")).await;
        let name = |it: &Value| it["service"].as_str().unwrap().to_owned();
        list.as_array().unwrap().iter().map(name).collect::<BTreeSet<_>>().into_iter().collect()
    };
    let (sea, land): (Vec<String>, Vec<String>) =
        (services("team=sea").await, services("team=land").await);
    assert_eq!((sea, land), (vec!["shop".into(), "till".into()], vec!["cart".into()]));
    let till: Vec<String> = services("team=sea&service=till&service=cart").await;
    assert_eq!(till, ["till"]);
}

#[tokio::test]
async fn bad_questions_are_refused() {
    let bed = Bed::with(places).await;
    for path in [
        "/deployments?offset=-1",
        "/deployments?offset=x",
        "/deployments?offset=1&offset=2",
        "/deployments?page=-1",
        "/deployments?size=-1",
        "/deployments?status=asleep",
        "/deployments?from=garbage",
        "/deployments?at=2026-13-01",
        "/deployments?user=a&user=b",
        "/deployments/x?at=garbage",
        "/whats-running-where?at=garbage",
        "/whats-running-where/%ff",
        "/running-services?status=.*",
        "/environments?at=99999999999h",
        "/diff/test/prod?atB=x",
        "/history/shop?size=-1",
        "/where",
        "/where?digest=x",
        "/where?commit=xyz1",
        "/where?commit=abc",
        "/where?label=x",
        "/where?path=/",
        "/where?image=-",
        "/where?path=a&commit=abcdef",
    ] {
        let answer = bed.get(path).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{path}: {}", answer.text());
        assert!(answer.json()["message"].as_str().unwrap().len() > 10, "{path}");
    }
    let many = vec!["environment=x"; 200].join("&");
    assert_eq!(bed.json(&format!("/deployments?{many}")).await, json!([]));
    let many: Vec<_> = (0..200).map(|n| format!("environment={n}")).collect();
    assert_eq!(bed.get(&format!("/deployments?{}", many.join("&"))).await.status, 400);
    let none = bed.get("/diff/test/nowhere").await;
    assert_eq!(none.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn one_deployment_is_told_with_its_tasks() {
    let bed = bed().await;
    let key = shop("prod", "1.0.0", 1, 1).key();
    let one = bed.json(&format!("/deployments/{}", key.replace('/', "%2F"))).await;
    assert_eq!(one, bed.json(&format!("/deployments/{key}")).await);
    assert_eq!((&one["status"], &one["runningCount"]), (&json!("RUNNING"), &json!(2)));
    let phases: Vec<_> = one["instances"].as_array().unwrap().iter().collect();
    assert_eq!(phases.len(), 2, "{one}");
    assert_eq!(phases[0]["phase"], "running");
    assert_eq!(phases[1]["runningAt"], "2026-11-20T10:02:00.000Z");
    let early = bed.json(&format!("/deployments/{key}?at=2026-11-20T10:01:30Z")).await;
    assert_eq!((&early["status"], &early["runningCount"]), (&json!("PENDING"), &json!(1)));
    let none = bed.get("/deployments/none").await;
    assert_eq!(none.status, StatusCode::NOT_FOUND);
    assert_eq!(none.json(), json!({"message": "none not found"}));
}

async fn ask(bed: &Bed, headers: &[(&str, &str)], body: &Value) -> (StatusCode, Value) {
    let answer = bed.send("POST", "/deployments", headers, body.to_string()).await;
    (answer.status, answer.json())
}

fn wanted() -> Value {
    json!({
        "service": "shop", "version": "1.2.0", "environment": "prod", "instanceCount": 2,
        "user": {"id": "u-1", "displayName": "Ada"}, "cpu": "512", "memory": "1024",
    })
}

async fn what_is_asked_for_is_recognised_when_it_comes(bed: Bed) {
    told(&bed).await;
    let mut body = wanted();
    body["deploymentId"] = json!("d/1");
    let first = ask(&bed, &[], &body).await;
    assert_eq!(first, (StatusCode::OK, json!({"deploymentId": "d/1"})));
    assert_eq!(ask(&bed, &[], &body).await, first, "asked again before it was acted on");
    bed.work().await;
    assert_eq!(ask(&bed, &[], &body).await, first, "and after");
    bed.work().await;
    assert_eq!(bed.json("/events?kind=deployment-request").await["total"], 1);
    let asked = bed.json("/deployments/d/1").await;
    for (name, expected) in [
        ("status", json!("REQUESTED")),
        ("user", json!("Ada")),
        ("userId", json!("u-1")),
        ("instanceCount", json!(2)),
        ("cpu", json!("512")),
        ("version", json!("1.2.0")),
        ("requestId", json!("d/1")),
        ("deployedAt", json!("2026-11-20T18:00:00.000Z")),
    ] {
        assert_eq!(asked[name], expected, "{name}");
    }
    assert_eq!(bed.json("/deployments?user=Ada").await.as_array().unwrap().len(), 1);
    body["version"] = json!("9.9.9");
    assert_eq!(ask(&bed, &[], &body).await.0, StatusCode::CONFLICT);
    // Nobody takes it up, and nothing happens: time alone makes it fail.
    bed.pass(21 * 60);
    let late = bed.json("/deployments/d/1").await;
    assert_eq!(late["status"], "FAILED");
    assert_eq!(late["reasons"], json!(["Deployment timed out."]));
    // It comes late, and yet within its time by its own word.
    bed.push("shop", "1.2.0", &service("shop", "1.2.0")).await;
    let task = shop("prod", "1.2.0", 3, 1);
    say(&bed, [task.task("2026-11-20T18:05:00Z", Some("2026-11-20T18:06:00Z"), None)]).await;
    let came = bed.json("/deployments/d/1").await;
    assert_eq!(came["ecsSvcDeploymentId"], json!(task.key()));
    assert_eq!((&came["user"], &came["status"]), (&json!("Ada"), &json!("PENDING")));
    let found = &bed.json("/where?image=shop:1.2.0&at=2026-11-20T19:00Z").await["found"][0];
    assert_eq!((&found["user"], &found["deploymentId"]), (&json!("Ada"), &json!("d/1")));
    assert_eq!(found["deployedAt"], "2026-11-20T18:00:00.000Z");
}

async fn a_header_names_a_request_that_has_no_name(bed: Bed) {
    let (body, key) = (wanted(), [("idempotency-key", "k-1")]);
    let first = ask(&bed, &key, &body).await;
    assert_eq!(first, (StatusCode::OK, json!({"deploymentId": "k-1"})));
    assert_eq!(ask(&bed, &key, &body).await, first);
    let unnamed = [ask(&bed, &[], &body).await.1, ask(&bed, &[], &body).await.1];
    assert_ne!(unnamed[0], unnamed[1]);
    bed.work().await;
    assert_eq!(bed.json("/deployments").await.as_array().unwrap().len(), 3);
}

async fn what_cannot_be_asked_for_is_explained(bed: Bed) {
    let problem = |(status, body): (StatusCode, Value)| {
        assert_eq!(status, StatusCode::BAD_REQUEST, "{body}");
        assert_eq!(body["status"], 400);
        assert!(body["type"].is_string() && body["title"].is_string());
        body["errors"].clone()
    };
    let errors = problem(ask(&bed, &[], &json!({"version": "", "environment": "prod"})).await);
    let expected = json!({
        "Service": ["The Service field is required."],
        "Version": ["The Version field is required."],
    });
    assert_eq!(errors, expected);
    let mut body = wanted();
    body["environment"] = json!("moon");
    body["instanceCount"] = json!(-1);
    let errors = problem(ask(&bed, &[], &body).await);
    assert_eq!(errors["Environment"], json!(["There is no environment moon: one of test, prod."]));
    assert!(errors["InstanceCount"].is_array());
    let mut body = wanted();
    body["service"] = json!("x".repeat(5000));
    assert!(problem(ask(&bed, &[], &body).await)["Deployment"].is_array());
    for body in ["", "[]", "{\"service\": 1}", "nonsense"] {
        let answer = bed.send("POST", "/deployments", &[], body).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{body}");
        assert!(answer.json()["message"].is_string(), "{body}");
    }
    let long = bed.send("POST", "/deployments", &[], vec![b' '; 1 << 20]).await;
    assert_eq!(long.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(bed.json("/events").await["total"], 0, "nothing was kept");
}

macro_rules! with_places {
    ($($name:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::$name(crate::bed::Bed::with(crate::story::places).await).await;
            })+
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::$name(crate::bed::Bed::postgres_with(crate::story::places).await).await;
            })+
        }
    };
}
pub(crate) use with_places;

with_places!(
    what_is_asked_for_is_recognised_when_it_comes,
    a_header_names_a_request_that_has_no_name,
    what_cannot_be_asked_for_is_explained,
);
