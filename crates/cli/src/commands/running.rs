//! `portolan running`: what runs where.

use portolan_model::Timestamp;
use serde::Serialize;

use super::tracked;
use crate::api::track::{Deployment, Narrow};
use crate::args::track::Running;
use crate::error::Outcome;
use crate::human::age;
use crate::run::Context;
use crate::system::now;
use crate::table::Columns;

/// What ran at a moment.
#[derive(Debug, Serialize)]
struct Ran {
    at: Timestamp,
    running: Vec<Deployment>,
}

/// Shows what runs where.
pub(crate) async fn run(context: &Context, arguments: Running) -> Outcome {
    let session = tracked(context)?;
    let at = arguments.moment.at;
    let narrow = Narrow { environments: &arguments.environments, at };
    let running = session.api().await?.running(arguments.service.as_deref(), narrow).await?;
    if running.is_empty() {
        let what = arguments.service.as_deref().unwrap_or("anything that is known");
        context.printer.note(&format!("nowhere does {what} run then or there"));
    }
    context.printer.answer(&Ran { at: at.unwrap_or_else(now), running }, table)
}

fn table(ran: &Ran) -> String {
    let headings = ["SERVICE", "ENVIRONMENT", "VERSION", "STATUS", "TASKS", "SINCE", "BY"];
    let mut columns = Columns::new(headings);
    for one in &ran.running {
        let since = one.running_since.unwrap_or(one.deployed_at);
        let status = match (one.unstable, one.recorded_only) {
            (true, _) => format!("{} unstable", one.status),
            (false, true) => "recorded only".to_owned(),
            (false, false) => one.status.clone(),
        };
        columns.row([
            one.service.clone(),
            one.environment.clone(),
            one.version.clone(),
            status,
            format!("{}/{}", one.running_count, one.instance_count),
            age(since, ran.at),
            one.user.clone(),
        ]);
    }
    columns.finish(&[4])
}
