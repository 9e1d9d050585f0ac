//! What commands about releases share: which project, which release, who.

use crate::api::Api;
use crate::api::releases::{Project, Release};
use crate::args::release::{OfProject, PreparedFrom, Who};
use crate::error::{Failure, Outcome};
use crate::exit::Code;
use crate::session::Session;

use serde_json::{Value, json};

/// The newest release, as it is told on the command line.
const LATEST: &str = "latest";

/// The project that is meant: the one that was named, else the only one.
pub(super) async fn project(api: &Api, named: &OfProject) -> Outcome<Project> {
    let mut projects = api.projects().await?;
    let all: Vec<String> = projects.iter().map(|it| it.name.clone()).collect();
    let Some(name) = &named.project else {
        return match (projects.pop(), projects.is_empty()) {
            (Some(only), true) => Ok(only),
            (None, _) => Err(Failure::new(Code::Configuration, "there is no project")
                .hint("describe one under [projects]: `portolan config default` shows how")),
            (Some(_), false) => {
                let what = format!("there are several projects: {}", all.join(", "));
                Err(Failure::new(Code::Usage, what).hint("name one: --project PROJECT"))
            }
        };
    };
    projects.into_iter().find(|it| it.name == *name).ok_or_else(|| {
        let what = format!("there is no project `{name}`; there is {}", all.join(", "));
        Failure::new(Code::NotFound, what)
    })
}

/// The release that is meant: the one of this identity, or the newest of the project.
pub(super) async fn release(api: &Api, told: &str, named: &OfProject) -> Outcome<Release> {
    if told != LATEST {
        return api.release(told).await;
    }
    let project = project(api, named).await?.name;
    api.releases(&project, 1).await?.pop().ok_or_else(|| {
        Failure::new(Code::NotFound, format!("project {project} has no release"))
            .hint("`portolan release prepare` makes one")
    })
}

/// Who does it.
pub(super) fn by(session: &Session<'_>, who: &Who) -> String {
    let environment = &session.context.environment;
    let user = || environment.get("USER").or_else(|| environment.get("LOGNAME"));
    let told = who.by.as_deref().or_else(user);
    told.unwrap_or("somebody on the command line").to_owned()
}

/// What a release is prepared from, as the API reads it.
pub(super) fn source(from: &PreparedFrom) -> Value {
    let PreparedFrom { tag, commit, from_env, at, from_release, .. } = from;
    let mut source = json!({});
    let mut put = |name: &str, value: Value| {
        if !value.is_null() {
            source[name] = value;
        }
    };
    put("tag", json!(tag));
    put("commit", json!(commit));
    put("environment", json!(from_env));
    put("at", json!(at));
    put("release", json!(from_release));
    if from_release.is_some() {
        put("changes", json!(from.changes()));
    }
    source
}
