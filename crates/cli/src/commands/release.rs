//! `portolan release …`

use serde::Serialize;
use serde_json::{Value, json};

use super::changes;
use super::releasing::{by, project, release, source};
use super::tracked;
use crate::api::Api;
use crate::api::releases::{Release as Known, Rollout};
use crate::args::release::{
    List, Note, OfProject, Prepare, PreparedFrom, Quarantine, Release, Show, Who,
};
use crate::error::Outcome;
use crate::human::{age, at_most};
use crate::progress::Progress;
use crate::run::Context;
use crate::session::Session;
use crate::system::now;
use crate::table::{Columns, printable};

/// Runs a command about releases.
pub(crate) async fn run(context: &Context, command: Release) -> Outcome {
    let session = tracked(context)?;
    match command {
        Release::Prepare(arguments) => {
            let Prepare { project, from, note, who } = arguments;
            let api = session.api_anew().await?;
            let made = prepare(&session, &api, (&project, &from, &note, &who)).await?;
            context.printer.answer(&made, described)
        }
        Release::List(arguments) => list(&session, arguments).await,
        Release::Show(arguments) => show(&session, arguments).await,
        Release::Changes(arguments) => changes::run(&session, &arguments).await,
        Release::Quarantine(arguments) => quarantine(&session, arguments).await,
    }
}

/// Prepares a release.
pub(super) async fn prepare(
    session: &Session<'_>,
    api: &Api,
    (named, from, note, who): (&OfProject, &PreparedFrom, &Note, &Who),
) -> Outcome<Known> {
    let project = project(api, named).await?.name;
    let progress = Progress::start(&session.context.printer, "looking for images");
    let wish = json!({
        "project": project,
        "from": source(from),
        "description": note.description,
        "ciUrl": note.ci_url,
        "by": by(session, who),
    });
    let made = api.prepare(&wish).await;
    drop(progress);
    let made = made?;
    changes::tell(session.context, api, &made).await;
    Ok(made)
}

async fn list(session: &Session<'_>, arguments: List) -> Outcome {
    let api = session.api().await?;
    let project = project(&api, &arguments.project).await?.name;
    let releases = api.releases(&project, arguments.limit).await?;
    let printer = &session.context.printer;
    if releases.is_empty() {
        printer.note(&format!("project {project} has no release"));
    }
    printer.answer(&releases, |releases| table(releases))
}

fn table(releases: &[Known]) -> String {
    let now = now();
    let mut columns = Columns::new(["RELEASE", "CREATED", "BY", "FROM", "DESCRIPTION"]);
    for release in releases {
        let quarantine = release.quarantine.as_ref().map(|it| format!("QUARANTINE: {}", it.reason));
        columns.row([
            release.id.clone(),
            format!("{} ago", age(release.created_at, now)),
            release.created_by.clone(),
            told(&release.source),
            at_most(&quarantine.unwrap_or_else(|| release.description.clone()), 60),
        ]);
    }
    columns.finish(&[])
}

/// What a release was prepared from, in words.
fn told(source: &Value) -> String {
    let text = |name: &str| source[name].as_str().unwrap_or_default();
    match text("from") {
        "tag" => format!("tag {}", text("tag")),
        "commit" => format!("commit {}", at_most(text("commit"), 12)),
        "environment" => format!("{} {}", text("environment"), text("at")).trim().to_owned(),
        "release" => format!("release {}", text("release")),
        "table" => "weco-deploy".to_owned(),
        other => other.to_owned(),
    }
}

/// A release and its newest rollouts.
#[derive(Debug, Serialize)]
struct Shown {
    #[serde(flatten)]
    release: Known,
    rollouts: Vec<Rollout>,
}

async fn show(session: &Session<'_>, arguments: Show) -> Outcome {
    let api = session.api().await?;
    let release = release(&api, &arguments.release, &arguments.project).await?;
    let rollouts = api.rollouts(&[("release", release.id.as_str()), ("size", "20")]).await?;
    session.context.printer.answer(&Shown { release, rollouts }, |shown| {
        let mut text = described(&shown.release);
        if !shown.rollouts.is_empty() {
            let now = now();
            let mut columns = Columns::new(["ROLLOUT", "ENVIRONMENT", "STATE", "ORDERED", "BY"]);
            for rollout in &shown.rollouts {
                columns.row([
                    rollout.id.clone(),
                    rollout.environment.clone(),
                    rollout.state.clone(),
                    format!("{} ago", age(rollout.created_at, now)),
                    rollout.created_by.clone(),
                ]);
            }
            text.push('\n');
            text.push_str(&columns.finish(&[]));
        }
        text
    })
}

/// A release for eyes.
pub(super) fn described(release: &Known) -> String {
    let mut lines = vec![
        format!("release {} of {}, by {}", release.id, release.project, release.created_by),
        format!("from {}", told(&release.source)),
    ];
    lines.extend(Some(release.description.clone()).filter(|text| !text.is_empty()));
    lines.extend(release.ci_url.clone());
    if let Some(quarantine) = &release.quarantine {
        lines.push(format!("in quarantine by {}: {}", quarantine.created_by, quarantine.reason));
    }
    for (image, why) in release.source["lost"].as_object().into_iter().flatten() {
        let why = why.as_str().unwrap_or("it was not found");
        lines.push(format!("image {image} is lost: {why}"));
    }
    let mut columns = Columns::new(["IMAGE", "DIGEST", "COMMIT", "REPOSITORY"]);
    for image in &release.images {
        let registry = image.registry.as_ref().map(|it| format!("{it}/")).unwrap_or_default();
        columns.row([
            image.image.clone(),
            at_most(&image.digest, 20),
            image.revision.as_deref().map_or("-".into(), |it| at_most(it, 12)),
            format!("{registry}{}", image.repository),
        ]);
    }
    let lines: Vec<String> = lines.iter().map(|line| printable(line)).collect();
    format!("{}\n\n{}", lines.join("\n"), columns.finish(&[]))
}

async fn quarantine(session: &Session<'_>, arguments: Quarantine) -> Outcome {
    let api = session.api().await?;
    let id = release(&api, &arguments.release, &arguments.project).await?.id;
    let told = match &arguments.reason {
        Some(reason) => {
            let wish = json!({ "reason": reason, "by": by(session, &arguments.who) });
            api.quarantine(&id, &wish).await?
        }
        None => api.lift(&id).await?,
    };
    session.context.printer.answer(&told, described)
}
