//! `portolan deploy`, `release-deploy`, `rollback` and `confirm`.

mod aftermath;
mod follow;
mod show;

use std::io::{BufRead as _, IsTerminal as _};
use std::time::Duration;

use serde_json::{Value, json};

use super::release::prepare;
use super::releasing::{by, project, release};
use super::tracked;
use crate::api::Api;
use crate::api::releases::{Planned, Rollout};
use crate::args::deploy::{Confirm, Deploy, How, OnFailure, ReleaseDeploy, Rollback, To};
use crate::args::release::OfProject;
use crate::error::{Failure, Outcome};
use crate::exit::Code;
use crate::printer;
use crate::progress::Progress;
use crate::run::Context;
use crate::session::Session;

/// What is wanted, in the words of the API.
struct Wanted<'a> {
    how: &'a How,
    project: String,
    by: String,
    ci_url: Option<String>,
    /// `{"release": …}`, or `{"rollback": …}`.
    what: Value,
}

/// Brings a release to an environment.
pub(crate) async fn deploy(context: &Context, arguments: Deploy) -> Outcome {
    let session = tracked(context)?;
    arm(context)?;
    let api = session.api().await?;
    let release = release(&api, &arguments.release, &arguments.project).await?;
    check_project(&arguments.project, &release.project)?;
    let wanted = Wanted {
        how: &arguments.how,
        project: release.project,
        by: by(&session, &arguments.who),
        ci_url: arguments.ci_url.clone(),
        what: json!({ "release": release.id }),
    };
    bring(&session, &api, wanted).await.map(|_| ())
}

/// Prepares a release and brings it to an environment.
pub(crate) async fn release_deploy(context: &Context, arguments: ReleaseDeploy) -> Outcome {
    let session = tracked(context)?;
    arm(context)?;
    let api = session.api_anew().await?;
    let ReleaseDeploy { from, note, how, project, who } = &arguments;
    let made = prepare(&session, &api, (project, from, note, who)).await?;
    context.printer.note(&format!("prepared release {}", made.id));
    let wanted = Wanted {
        how,
        project: made.project,
        by: by(&session, who),
        ci_url: note.ci_url.clone(),
        what: json!({ "release": made.id }),
    };
    bring(&session, &api, wanted).await.map(|_| ())
}

/// Brings back what was in an environment before.
pub(crate) async fn rollback(context: &Context, arguments: Rollback) -> Outcome {
    let session = tracked(context)?;
    arm(context)?;
    let api = session.api().await?;
    let project = project(&api, &arguments.project).await?;
    let name = &arguments.how.environment;
    let left = project.environments.iter().find(|it| it.name == *name);
    let left = left.and_then(|it| it.release.clone());
    let back = match arguments.to {
        None => json!({}),
        Some(To::Release(release)) => json!({ "release": release }),
        Some(To::Moment(at)) => json!({ "at": at }),
    };
    let by = by(&session, &arguments.who);
    let wanted = Wanted {
        how: &arguments.how,
        project: project.name,
        by: by.clone(),
        ci_url: arguments.ci_url.clone(),
        what: json!({ "rollback": back }),
    };
    let done = bring(&session, &api, wanted).await?;
    if let (true, Some(done), Some(left)) = (arguments.quarantine, done, left)
        && left != done.release
    {
        let reason = format!("{name} was rolled back from it to {}", done.release);
        api.quarantine(&left, &json!({ "reason": reason, "by": by })).await?;
        context.printer.note(&format!("release {left} is in quarantine: it is not deployed again"));
    }
    Ok(())
}

/// Follows a rollout, and agrees to it where that was asked for.
pub(crate) async fn confirm(context: &Context, arguments: Confirm) -> Outcome {
    let session = tracked(context)?;
    arm(context)?;
    let api = session.api().await?;
    let id = if arguments.rollout == "last" {
        let newest = api.rollouts(&[("size", "1")]).await?.pop();
        newest.ok_or_else(|| Failure::new(Code::NotFound, "there is no rollout"))?.id
    } else {
        arguments.rollout.clone()
    };
    let rollout = if arguments.approve {
        api.approve(&id, &json!({ "by": by(&session, &arguments.who) })).await?
    } else {
        api.rollout(&id).await?
    };
    follow::to_the_end(&session, &api, rollout, &arguments.following).await.map(|_| ())
}

/// In process it is this command that is killed at a failpoint.
fn arm(context: &Context) -> Outcome {
    #[cfg(debug_assertions)]
    crate::failpoint::install(&context.environment)?;
    #[cfg(not(debug_assertions))]
    let _ = context;
    Ok(())
}

fn check_project(named: &OfProject, of: &str) -> Outcome {
    match &named.project {
        Some(name) if name != of => Err(Failure::new(
            Code::Usage,
            format!("the release is one of project {of}, not {name}"),
        )),
        _ => Ok(()),
    }
}

/// Plans, shows, asks, orders and follows; none where nothing was ordered, or its end not awaited.
async fn bring(session: &Session<'_>, api: &Api, wanted: Wanted<'_>) -> Outcome<Option<Rollout>> {
    let printer = &session.context.printer;
    let Wanted { how, project, by, ci_url, what } = wanted;
    let services = Some(&how.services).filter(|services| !services.is_empty());
    let mut wish = json!({
        "project": project, "environment": how.environment, "services": services, "by": by,
    });
    if let (Some(wish), Some(what)) = (wish.as_object_mut(), what.as_object()) {
        wish.extend(what.clone());
    }
    let progress = Progress::start(printer, "looking at what runs");
    let planned = api.plan(&wish).await;
    drop(progress);
    let planned = planned?;
    if how.plan {
        printer.answer(&planned, show::plan)?;
        return refused(&planned, how).map(|()| None);
    }
    refused(&planned, how).inspect_err(|_| printer.note(&show::plan(&planned)))?;
    agree(how, &planned)?;
    let mut options = planned.options.clone();
    options.on_failure = match how.on_failure {
        OnFailure::Rollback => portolan_release::OnFailure::Rollback,
        OnFailure::Leave => portolan_release::OnFailure::Leave,
    };
    let seconds = |age: Duration| u32::try_from(age.as_secs()).unwrap_or(u32::MAX);
    (options.seconds, options.wait_seconds) = (seconds(how.wave_time), seconds(how.queue));
    let order = json!({
        "project": project,
        "environment": how.environment,
        "release": planned.plan.release,
        "plan": planned.plan,
        "options": options,
        "ciUrl": ci_url,
        "by": by,
    });
    let rollout = api.order(&order).await?;
    follow::to_the_end(session, api, rollout, &how.following).await
}

/// Why the plan cannot be applied. That somebody else is at it is no reason where that is waited for.
fn refused(planned: &Planned, how: &How) -> Outcome {
    let waits = !how.queue.is_zero();
    let is_held = |it: &&portolan_release::Refusal| {
        waits && matches!(it, portolan_release::Refusal::Held { .. })
    };
    let reasons: Vec<String> =
        planned.plan.refusals.iter().filter(|it| !is_held(it)).map(ToString::to_string).collect();
    if reasons.is_empty() {
        return Ok(());
    }
    Err(Failure::new(Code::Conflict, format!("it cannot be applied: {}", reasons.join("; "))))
}

/// Asks whether to go on, where nobody said so yet.
fn agree(how: &How, planned: &Planned) -> Outcome {
    if how.yes {
        return Ok(());
    }
    if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
        let what = "nobody is there to be asked whether to go on";
        return Err(Failure::new(Code::Usage, what).hint("say --yes, or --plan to look only"));
    }
    printer::ask(&format!("{}\nGo on with {}? [y/N] ", show::plan(planned), how.environment));
    let mut answer = String::new();
    let read = std::io::stdin().lock().read_line(&mut answer);
    read.map_err(|error| Failure::new(Code::Usage, "could not read the answer").because(&error))?;
    if matches!(answer.trim().to_lowercase().as_str(), "y" | "yes") {
        return Ok(());
    }
    Err(Failure::new(Code::Negative, "nothing was done"))
}
