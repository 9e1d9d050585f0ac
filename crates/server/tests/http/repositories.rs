//! `/repositories`, `/templates`, `/service-types`, `/github-repo`, and how they are learnt.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http::StatusCode;
use portolan_github::{Auth, Client, Source};
use portolan_model::{Clock, Secret, Timestamp};
use portolan_server::{SourceSettings, Template};
use serde_json::{Value, json};
use wiremock::matchers::path;
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

use crate::bed::Bed;

#[derive(Debug)]
struct Standing;

impl Clock for Standing {
    fn now(&self) -> Timestamp {
        "2026-11-20T18:00:00Z".parse().unwrap()
    }
}

fn templates() -> Vec<Template> {
    let template = |repository: &str, title: &str| Template {
        repository: repository.to_owned(),
        title: title.to_owned(),
    };
    // Not in the order of the alphabet, and one does not exist.
    vec![
        template("node-template", "Node.js"),
        template("dotnet-template", ".NET"),
        template("gone-template", "Gone"),
    ]
}

fn from(source: Source) -> SourceSettings {
    SourceSettings { source: Some(source), templates: templates(), ..SourceSettings::default() }
}

const LISTED: &str = r#"{"repositories": [
    {"name": "shop", "description": "A shop", "primaryLanguage": "JavaScript",
     "url": "https://github.com/DEFRA/shop", "isPrivate": true,
     "createdAt": "2023-09-27T09:12:01Z", "teams": ["makers", "buyers"]},
    {"name": "node-template", "isTemplate": true, "teams": ["makers"]},
    {"name": "dotnet-template", "teams": ["makers", "platform"]},
    {"name": "Bare", "isArchived": true, "isTemplate": true}]}"#;

fn listed(folder: &Path, text: &str) -> Source {
    let path = folder.join("repos.json");
    std::fs::write(&path, text).unwrap();
    Source::File(path)
}

/// A server that has read [`LISTED`].
async fn filled() -> (Bed, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let source = listed(folder.path(), LISTED);
    let bed = Bed::with(|settings| settings.repositories = from(source)).await;
    let job = ended(&bed, 1).await;
    assert_eq!(job["state"], "done", "{job}");
    (bed, folder)
}

/// The newest job once so many have been begun and none is under way. Workers run meanwhile.
async fn ended(bed: &Bed, begun: usize) -> Value {
    let workers = bed.app.start_workers();
    let mut jobs = Value::Null;
    for _ in 0..1000 {
        tokio::time::sleep(Duration::from_millis(10)).await;
        jobs = bed.json("/jobs?kind=sync-repositories").await["jobs"].take();
        let list = jobs.as_array().unwrap();
        let waits = |job: &Value| job["attempts"] == 0 || job["state"] == "running";
        if list.len() == begun && !list.iter().any(waits) {
            workers.stop().await;
            return list[0].clone();
        }
    }
    panic!("{jobs}");
}

fn ids(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn repositories_are_as_the_portal_had_them() {
    let (bed, _folder) = filled().await;
    let all = bed.json("/repositories").await;
    insta::assert_json_snapshot!("repositories", all);
    for query in ["?team=", "?team=%20", "?excludeTemplates=false", "?excludeTemplates="] {
        assert_eq!(bed.json(&format!("/repositories{query}")).await, all, "{query}");
    }
    let listed = async |query: &str| {
        let answer = bed.json(&format!("/repositories{query}")).await;
        assert_eq!(answer["message"], "success");
        ids(&answer["repositories"]).join(" ")
    };
    assert_eq!(listed("?team=makers").await, "dotnet-template node-template shop");
    assert_eq!(listed("?team=makers&excludeTemplates=true").await, "shop");
    assert_eq!(listed("?excludeTemplates=True").await, "Bare shop");
    assert_eq!(listed("?team=MAKERS").await, "");
    assert_eq!(listed("?team=.*").await, "");
    assert_eq!(listed("?page=2&size=3").await, "shop");
    let part = bed.json("/repositories?page=1&size=3").await;
    assert_eq!((&part["total"], &part["totalPages"]), (&json!(4), &json!(2)));
    let bad = bed.get("/repositories?excludeTemplates=perhaps").await;
    assert_eq!(bad.status, StatusCode::BAD_REQUEST);
    let one = bed.json("/repositories/shop").await;
    assert_eq!(one, json!({ "message": "success", "repository": all["repositories"][3] }));
    for id in ["SHOP", "unknown", "a%2Fb", "%27%20OR%201"] {
        let missing = bed.get(&format!("/repositories/{id}")).await;
        assert_eq!(missing.status, StatusCode::NOT_FOUND, "{id}");
    }
    let missing = bed.get("/repositories/unknown").await;
    assert_eq!(missing.json(), json!({ "message": "unknown not found" }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn templates_are_the_configurations_in_its_order() {
    let (bed, _folder) = filled().await;
    let all = bed.json("/templates").await;
    assert_eq!(all["message"], "success");
    assert_eq!(ids(&all["templates"]), ["node-template", "dotnet-template"]);
    assert_eq!(ids(&bed.json("/templates?team=platform").await["templates"]), ["dotnet-template"]);
    assert_eq!(bed.json("/templates?team=nobody").await["templates"], json!([]));
    assert_eq!(bed.json("/templates?team=").await, all);
    // Any repository, as the portal had it.
    let one = bed.json("/templates/shop").await;
    assert_eq!(one["template"], bed.json("/repositories/shop").await["repository"]);
    let missing = bed.get("/templates/gone-template").await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
    assert_eq!(missing.json(), json!({ "message": "gone-template not found" }));
    assert_eq!(
        bed.json("/service-types").await,
        json!({ "message": "success", "serviceTypes": [
        { "value": "node-template", "text": "Node.js" },
        { "value": "dotnet-template", "text": ".NET" },
        { "value": "gone-template", "text": "Gone" },
    ] })
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_team_has_repositories_and_templates() {
    let (bed, _folder) = filled().await;
    let makers = bed.json("/github-repo/makers").await;
    assert_eq!(makers["message"], "success");
    assert_eq!(ids(&makers["repositories"]), ["shop"]);
    assert_eq!(ids(&makers["templates"]), ["node-template", "dotnet-template"]);
    assert_eq!(makers["libraries"], json!([]));
    let nobody = json!({
        "message": "success", "repositories": [], "templates": [], "libraries": [],
    });
    assert_eq!(bed.json("/github-repo/nobody").await, nobody);
    for path in ["/github-repo", "/github-repo/", "/github-repo/%20"] {
        let blank = bed.get(path).await;
        assert_eq!(blank.status, StatusCode::BAD_REQUEST, "{path}");
        assert_eq!(blank.json(), json!({ "message": "The team must be specified" }), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_client_has_is_not_sent_again_and_paths_are_the_portals() {
    let (bed, _folder) = filled().await;
    for path in [
        "/repositories",
        "/repositories/shop",
        "/templates",
        "/templates/shop",
        "/service-types",
        "/github-repo/makers",
    ] {
        let first = bed.get(path).await;
        let held = [("if-none-match", first.header("etag"))];
        let again = bed.send("GET", path, &held, "").await;
        assert_eq!((again.status, again.body.len()), (StatusCode::NOT_MODIFIED, 0), "{path}");
        let portals = format!("/cdp-portal-backend{}", path.replacen("/re", "/RE", 1));
        assert_eq!(bed.json(&portals).await, first.json(), "{portals}");
    }
}

#[tokio::test]
async fn without_configuration_nothing_is_there_and_nothing_runs() {
    let bed = Bed::sqlite().await;
    let workers = bed.app.start_workers();
    tokio::time::sleep(Duration::from_millis(100)).await;
    workers.stop().await;
    assert_eq!(bed.json("/jobs").await["total"], 0);
    let nothing = json!({ "message": "success", "repositories": [] });
    assert_eq!(bed.json("/repositories").await, nothing);
    assert_eq!(bed.json("/templates").await["templates"], json!([]));
    assert_eq!(bed.json("/service-types").await["serviceTypes"], json!([]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_breaks_takes_nothing_away() {
    let (bed, folder) = filled().await;
    let before = bed.json("/repositories").await;
    for (text, begun) in [("{\"repositories\": [{\"na", 2), ("{}", 3)] {
        bed.pass(301);
        std::fs::write(folder.path().join("repos.json"), text).unwrap();
        let job = ended(&bed, begun).await;
        assert_eq!((&job["state"], &job["attempts"]), (&json!("failed"), &json!(1)), "{job}");
        assert!(job["error"].as_str().unwrap().contains("repos.json is not a list"), "{job}");
        assert_eq!(bed.json("/repositories").await, before);
    }
    bed.pass(301);
    std::fs::write(folder.path().join("repos.json"), r#"{"repositories": [{"name": "new"}]}"#)
        .unwrap();
    let job = ended(&bed, 4).await;
    let told = json!({
        "pages": 1, "repositories": 1, "teams": 0, "added": 1, "changed": 0, "removed": 4,
    });
    assert_eq!(job["progress"], told);
    assert_eq!(ids(&bed.json("/repositories").await["repositories"]), ["new"]);
}

/// An organisation of three repositories and a team, one repository on each page.
struct Github {
    asked: Arc<AtomicUsize>,
    fault: Arc<dyn Fn(usize) -> Option<ResponseTemplate> + Send + Sync>,
}

impl Respond for Github {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        if let Some(fault) = (self.fault)(self.asked.fetch_add(1, Ordering::SeqCst)) {
            return fault;
        }
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        let after = body["variables"]["after"].as_str().unwrap_or("0");
        let at: usize = after.parse().unwrap();
        let list = if body["query"].as_str().unwrap().contains("teams(") {
            let has = json!({ "pageInfo": { "hasNextPage": false, "endCursor": null },
                "nodes": [{ "id": "R_1" }] });
            json!({ "teams": { "pageInfo": { "hasNextPage": false, "endCursor": null },
                "nodes": [{ "slug": "makers", "name": "Makers", "repositories": has }] } })
        } else {
            let next = (at + 1).to_string();
            json!({ "repositories": { "pageInfo": { "hasNextPage": at < 2, "endCursor": next },
                "nodes": [{
                    "id": format!("R_{at}"), "name": format!("repository-{at}"),
                    "description": null, "url": format!("https://github.com/DEFRA/{at}"),
                    "isArchived": false, "isTemplate": false, "isPrivate": false,
                    "createdAt": "2023-09-27T09:12:01Z", "primaryLanguage": null,
                }] } })
        };
        ResponseTemplate::new(200).set_body_json(json!({ "data": { "organization": list } }))
    }
}

async fn github(
    fault: impl Fn(usize) -> Option<ResponseTemplate> + Send + Sync + 'static,
) -> (MockServer, SourceSettings, Arc<AtomicUsize>) {
    let (server, asked) = (MockServer::start().await, Arc::new(AtomicUsize::new(0)));
    let answers = Github { asked: asked.clone(), fault: Arc::new(fault) };
    Mock::given(path("/graphql")).respond_with(answers).mount(&server).await;
    let auth = Auth::Token(Secret::new("hunter2".to_owned()));
    let settings = portolan_github::Settings {
        api_url: server.uri(),
        first_wait: Duration::from_millis(1),
        attempts: 2,
        ..portolan_github::Settings::new("DEFRA", auth)
    };
    let client = Client::new(settings, Arc::new(Standing)).unwrap();
    (server, from(Source::Github(client)), asked)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_in_part_changes_nothing_and_a_whole_one_all() {
    let partial = json!({
        "data": { "organization": { "teams": null } },
        "errors": [{ "type": "FORBIDDEN", "message": "Resource not accessible" }],
    });
    // The first reading is whole (4 answers); the second is refused in the middle.
    let (_server, source, _) =
        github(move |nth| (nth == 7).then(|| ResponseTemplate::new(200).set_body_json(&partial)))
            .await;
    let bed = Bed::with(|settings| settings.repositories = source).await;
    let mut job = ended(&bed, 1).await;
    // Workers take identities too, in any order.
    job["id"] = Value::from("(the job's)");
    insta::assert_json_snapshot!("sync", job);
    let all = bed.json("/repositories").await;
    assert_eq!(ids(&all["repositories"]), ["repository-0", "repository-1", "repository-2"]);
    assert_eq!(all["repositories"][1]["teams"], json!(["makers"]));
    bed.pass(301);
    let job = ended(&bed, 2).await;
    assert_eq!(job["state"], "failed");
    let told = "GitHub answered only in part when asked to list the organisation's teams: \
                Resource not accessible";
    assert_eq!(job["error"], told);
    assert_eq!(bed.json("/repositories").await, all);
    assert!(!bed.get("/jobs").await.text().contains("hunter2"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rate_limit_puts_the_job_off_and_holds_no_worker() {
    let (_server, source, asked) = github(|nth| {
        (nth == 1).then(|| {
            ResponseTemplate::new(403)
                .insert_header("retry-after", "1800")
                .set_body_json(json!({ "message": "You have exceeded a secondary rate limit." }))
        })
    })
    .await;
    let bed = Bed::with(|settings| settings.repositories = source).await;
    let job = ended(&bed, 1).await;
    assert_eq!(
        (&job["state"], &job["runAt"]),
        (&json!("queued"), &json!("2026-11-20T18:30:00.000Z"))
    );
    assert!(job["error"].as_str().unwrap().contains("2026-11-20T18:30:00.000Z"), "{job}");
    // The next turn does not go past it.
    bed.pass(301);
    assert_eq!(ended(&bed, 1).await["state"], "queued");
    assert_eq!(asked.load(Ordering::SeqCst), 2);
    bed.pass(1500);
    bed.work().await;
    assert_eq!(bed.json("/jobs?kind=sync-repositories").await["jobs"][0]["state"], "done");
    assert_eq!(bed.json("/repositories").await["repositories"].as_array().unwrap().len(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_replicas_one_asks() {
    let (_server, source, asked) = github(|_| None).await;
    let bed = Bed::postgres_with(|settings| settings.repositories = source.clone()).await;
    let other = bed.replica_with(|settings| settings.repositories = source).await;
    let workers = [bed.app.start_workers(), other.start_workers()];
    tokio::time::sleep(Duration::from_secs(2)).await;
    for workers in workers {
        workers.stop().await;
    }
    assert_eq!(bed.json("/jobs?kind=sync-repositories").await["total"], 1);
    assert_eq!(bed.json("/repositories").await["repositories"].as_array().unwrap().len(), 3);
    assert_eq!(asked.load(Ordering::SeqCst), 4);
}
