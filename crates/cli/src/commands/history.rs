//! `portolan history`: what became of a service.

use super::tracked;
use crate::api::track::{Chapter, History, Narrow};
use crate::args::track::History as Arguments;
use crate::error::Outcome;
use crate::human::{age, at_most};
use crate::run::Context;
use crate::table::Columns;

/// How much of a reason a table shows, in characters.
const REASON: usize = 80;

/// Shows what became of a service.
pub(crate) async fn run(context: &Context, arguments: Arguments) -> Outcome {
    let session = tracked(context)?;
    let narrow = Narrow { environments: &arguments.environments, at: arguments.moment.at };
    let api = session.api().await?;
    let history = api.history(&arguments.service, arguments.limit, narrow).await?;
    context.printer.answer(&history, table)?;
    let shown = history.chapters.len() as u64;
    if shown < history.total && !context.printer.is_json() {
        context.printer.note(&format!("{shown} of {}; --limit shows more", history.total));
    }
    Ok(())
}

fn table(history: &History) -> String {
    let headings = ["DEPLOYED", "ENVIRONMENT", "VERSION", "BEFORE", "OUTCOME", "RAN", "BY", "WHY"];
    let mut columns = Columns::new(headings);
    for chapter in &history.chapters {
        let one = &chapter.deployment;
        // Without the milliseconds, which nobody deploys by.
        let deployed = one.deployed_at.to_string();
        let deployed = deployed.split_once('.').map_or(deployed.as_str(), |(whole, _)| whole);
        columns.row([
            format!("{deployed}Z"),
            one.environment.clone(),
            one.version.clone(),
            one.previous_version.clone().unwrap_or_else(|| "-".to_owned()),
            one.status.clone(),
            ran(chapter, history),
            one.user.clone(),
            at_most(one.reasons.first().map_or("", String::as_str), REASON),
        ]);
    }
    columns.finish(&[])
}

/// For how long it ran.
fn ran(chapter: &Chapter, history: &History) -> String {
    match (chapter.from, chapter.until) {
        (None, _) => "-".to_owned(),
        (Some(from), Some(until)) => age(from, until),
        (Some(from), None) => format!("{}, still", age(from, history.at)),
    }
}
