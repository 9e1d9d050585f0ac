//! `portolan events …`

mod ingest;
mod pieces;

use serde::{Deserialize, Serialize};
use tracing_subscriber::filter::LevelFilter;

use crate::api::events::{Event, Events as Journal};
use crate::args::LogFormat;
use crate::args::events::{Events, List, Replay, Show};
use crate::commands::waiting;
use crate::error::{Failure, Outcome};
use crate::exit::Code;
use crate::human::{age, at_most, count};
use crate::logging;
use crate::progress::Progress;
use crate::run::Context;
use crate::session::Session;
use crate::system::now;
use crate::table::{Columns, printable};

/// How much of a reason a table shows, in characters.
const REASON: usize = 80;

/// Runs a command about the journal.
pub(crate) async fn run(context: &Context, command: Events) -> Outcome {
    logging::start(&context.environment, &context.global, LevelFilter::ERROR, LogFormat::Text)?;
    let session = Session::start(context)?;
    match command {
        Events::Ingest(arguments) => ingest::run(&session, arguments).await,
        Events::List(arguments) => list(&session, arguments).await,
        Events::Show(arguments) => show(&session, arguments).await,
        Events::Replay(arguments) => replay(&session, arguments).await,
        Events::Rebuild => rebuild(&session).await,
    }
}

async fn list(session: &Session<'_>, arguments: List) -> Outcome {
    let state = if arguments.dead { Some("dead") } else { arguments.state.as_deref() };
    let api = session.api().await?;
    let journal = api.events(state, arguments.kind.as_deref(), arguments.limit).await?;
    let printer = &session.context.printer;
    if journal.events.is_empty() {
        printer.note("there is no such event");
    }
    printer.answer(&journal, table)?;
    let shown = journal.events.len() as u64;
    if shown > 0 && shown < journal.total && !printer.is_json() {
        printer.note(&format!("{shown} of {}; --limit shows more", journal.total));
    }
    Ok(())
}

fn table(journal: &Journal) -> String {
    let now = now();
    let mut columns = Columns::new(["ID", "RECORDED", "KIND", "SOURCE", "STATE", "REASON"]);
    for event in &journal.events {
        columns.row([
            event.id.clone(),
            format!("{} ago", age(event.recorded_at, now)),
            event.kind.clone(),
            at_most(&event.source, 40),
            event.state.clone(),
            at_most(event.reason.as_deref().unwrap_or_default(), REASON),
        ]);
    }
    columns.finish(&[])
}

/// From how much everything was made anew.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Rebuilt {
    events: u64,
}

async fn rebuild(session: &Session<'_>) -> Outcome {
    let (api, printer) = (session.api().await?, &session.context.printer);
    let progress = Progress::start(printer, "making it anew from the journal");
    let job = api.rebuild().await?;
    api.settle().await?;
    let done = waiting::until_done(&api, job, "the rebuild").await?;
    drop(progress);
    let told = done.progress.map(serde_json::from_value).transpose();
    let told: Option<Rebuilt> = told.map_err(|error| {
        Failure::new(Code::OtherSide, "the server tells in other words what it made")
            .because(&error)
    })?;
    let text = |it: &Rebuilt| format!("made anew from {}\n", count(it.events, "event"));
    printer.answer(&told.unwrap_or_default(), text)
}

async fn show(session: &Session<'_>, arguments: Show) -> Outcome {
    let event = session.api().await?.event(&arguments.id).await?;
    session.context.printer.answer(&event, whole)
}

fn whole(event: &Event) -> String {
    let payload = event.payload.as_ref();
    let payload = payload.and_then(|payload| serde_json::to_string_pretty(payload).ok());
    let reason = event.reason.as_ref().map(|reason| format!("reason    {}\n", printable(reason)));
    format!(
        "kind      {}\nsource    {}\noccurred  {}\nrecorded  {}\nstate     {}\n{}\n{}\n",
        printable(&event.kind),
        printable(&event.source),
        event.occurred_at,
        event.recorded_at,
        printable(&event.state),
        reason.unwrap_or_default(),
        payload.unwrap_or_default(),
    )
}

/// How many events are acted on once more.
#[derive(Debug, Serialize)]
struct Replayed {
    replayed: u64,
}

async fn replay(session: &Session<'_>, arguments: Replay) -> Outcome {
    let api = session.api().await?;
    let mut replayed = 0;
    if arguments.dead {
        replayed = api.replay_dead(arguments.kind.as_deref()).await?;
    }
    for id in &arguments.ids {
        replayed += api.replay(id).await?;
    }
    api.settle().await?;
    let text = |done: &Replayed| format!("replayed {}\n", count(done.replayed, "event"));
    session.context.printer.answer(&Replayed { replayed }, text)
}
