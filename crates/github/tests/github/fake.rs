//! A server that answers as GitHub does, for an organisation of any size, and fails when told to.

use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use portolan_github::{Auth, Client, GithubError, Inventory, Settings, Source, Step};
use portolan_model::{Clock, Secret, Timestamp};
use serde_json::{Value, json};
use wiremock::matchers::{header, method, path};
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

/// 2026-11-20T18:00:00Z.
pub(crate) const NOW: i64 = 1_795_197_600_000;

#[derive(Debug)]
pub(crate) struct Hands(pub(crate) AtomicI64);

impl Hands {
    pub(crate) fn at_now() -> Arc<Self> {
        Arc::new(Self(AtomicI64::new(NOW)))
    }

    pub(crate) fn pass(&self, seconds: i64) {
        self.0.fetch_add(seconds * 1000, Ordering::SeqCst);
    }
}

impl Clock for Hands {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }
}

/// What the server answers to its n-th question (from 0) in place of the truth.
pub(crate) type Fault = Box<dyn Fn(usize, &Value) -> Option<ResponseTemplate> + Send + Sync>;

/// An organisation, as GitHub lists it.
pub(crate) struct Organisation {
    /// Names of repositories.
    pub(crate) repositories: Vec<String>,
    /// Slugs of teams, and which repositories they have.
    pub(crate) teams: Vec<(String, Vec<usize>)>,
    pub(crate) fault: Mutex<Option<Fault>>,
    pub(crate) asked: AtomicUsize,
}

/// `count` repositories, the even ones of which the first team has, and `teams` teams.
pub(crate) fn organisation(count: usize, teams: usize) -> Arc<Organisation> {
    let of_team = |team: usize| match team {
        0 => (0..count).step_by(2).collect(),
        // Every other team has one, but for the last, which has none.
        _ if team + 1 == teams => Vec::new(),
        _ => vec![team % count],
    };
    Arc::new(Organisation {
        repositories: (0..count).map(|n| format!("repository-{n:04}")).collect(),
        teams: (0..teams).map(|n| (format!("team-{n:03}"), of_team(n))).collect(),
        fault: Mutex::new(None),
        asked: AtomicUsize::new(0),
    })
}

impl Organisation {
    pub(crate) fn fail(
        &self,
        fault: impl Fn(usize, &Value) -> Option<ResponseTemplate> + Send + Sync + 'static,
    ) {
        *self.fault.lock().unwrap() = Some(Box::new(fault));
    }

    fn repository(&self, index: usize) -> Value {
        json!({
            "id": format!("R_{index:05}"),
            "name": self.repositories[index],
            "description": if index.is_multiple_of(3) { Value::Null } else { json!("what it is for") },
            "url": format!("https://github.com/DEFRA/{}", self.repositories[index]),
            "isArchived": index % 50 == 7,
            "isTemplate": index % 50 == 8,
            "isPrivate": index % 2 == 1,
            "createdAt": "2023-09-27T09:12:01Z",
            "primaryLanguage":
                if index.is_multiple_of(5) { Value::Null } else { json!({ "name": "JavaScript" }) },
        })
    }

    fn team_repositories(&self, team: usize, variables: &Value, size: &str) -> Value {
        let nodes = self.teams[team].1.iter();
        let nodes = nodes.map(|index| json!({ "id": format!("R_{index:05}") }));
        page(&nodes.collect::<Vec<_>>(), variables, size)
    }

    fn data(&self, body: &Value) -> Value {
        let (query, variables) = (body["query"].as_str().unwrap(), &body["variables"]);
        if variables["organisation"] != "DEFRA" {
            return json!({ "organization": null });
        }
        let content = if query.contains("team(slug") {
            let slug = variables["team"].as_str().unwrap();
            let team = self.teams.iter().position(|(name, _)| name == slug);
            let team = team.map(
                |team| json!({ "repositories": self.team_repositories(team, variables, "size") }),
            );
            json!({ "team": team })
        } else if query.contains("teams(first") {
            let first = json!({ "nested": variables["nested"] });
            let teams = self.teams.iter().enumerate().map(|(index, (slug, _))| {
                json!({
                    "slug": slug,
                    "name": slug.to_uppercase(),
                    "repositories": self.team_repositories(index, &first, "nested"),
                })
            });
            json!({ "teams": page(&teams.collect::<Vec<_>>(), variables, "size") })
        } else {
            let all = (0..self.repositories.len()).map(|index| self.repository(index));
            json!({ "repositories": page(&all.collect::<Vec<_>>(), variables, "size") })
        };
        json!({ "organization": content })
    }
}

/// One page of a list.
fn page(nodes: &[Value], variables: &Value, size: &str) -> Value {
    let start: usize = variables["after"].as_str().map_or(0, |cursor| cursor[2..].parse().unwrap());
    let size = usize::try_from(variables[size].as_u64().unwrap()).unwrap();
    assert!((1..=100).contains(&size), "GitHub takes no more");
    let end = (start + size).min(nodes.len());
    let info = json!({ "hasNextPage": end < nodes.len(), "endCursor": format!("Y3{end}") });
    json!({ "pageInfo": info, "nodes": nodes[start..end] })
}

pub(crate) struct Answers(pub(crate) Arc<Organisation>);

impl Respond for Answers {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        let nth = self.0.asked.fetch_add(1, Ordering::SeqCst);
        let fault = self.0.fault.lock().unwrap();
        if let Some(answer) = fault.as_ref().and_then(|fault| fault(nth, &body)) {
            return answer;
        }
        ok(&json!({ "data": self.0.data(&body) }))
    }
}

/// An answer with the headers that GitHub sends.
pub(crate) fn ok(body: &Value) -> ResponseTemplate {
    ResponseTemplate::new(200)
        .insert_header("x-ratelimit-limit", "5000")
        .insert_header("x-ratelimit-remaining", "4990")
        .insert_header("x-ratelimit-reset", &*(NOW / 1000 + 3600).to_string())
        .set_body_json(body)
}

/// A server of `organisation` for whoever has `token`.
pub(crate) async fn server(organisation: &Arc<Organisation>, token: &str) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .and(path("/graphql"))
        .and(header("authorization", format!("Bearer {token}").as_str()))
        .respond_with(Answers(organisation.clone()))
        .mount(&server)
        .await;
    Mock::given(path("/graphql"))
        .respond_with(
            ResponseTemplate::new(401).set_body_json(json!({ "message": "Bad credentials" })),
        )
        .with_priority(9)
        .mount(&server)
        .await;
    server
}

pub(crate) fn settings(server: &MockServer, auth: Auth) -> Settings {
    Settings {
        api_url: server.uri(),
        first_wait: Duration::from_millis(5),
        longest_wait: Duration::from_secs(2),
        timeout: Duration::from_secs(5),
        ..Settings::new("DEFRA", auth)
    }
}

pub(crate) fn token(text: &str) -> Auth {
    Auth::Token(Secret::new(text.to_owned()))
}

pub(crate) fn client(server: &MockServer, clock: &Arc<Hands>) -> Client {
    Client::new(settings(server, token("t1")), clock.clone()).unwrap()
}

/// Reads all that `client` is told.
pub(crate) async fn read(client: &Client) -> Result<Inventory, GithubError> {
    let source = Source::Github(client.clone());
    let mut reading = source.read();
    loop {
        match reading.step().await? {
            Step::More(next) => reading = next,
            Step::All(inventory) => return Ok(inventory),
        }
    }
}
