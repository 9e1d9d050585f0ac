//! Following a rollout to its end: each step on standard error, the end on standard output.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::{aftermath, show};
use crate::api::Api;
use crate::api::releases::Rollout;
use crate::args::deploy::Following;
use crate::error::{Failure, Outcome};
use crate::exit::Code;
use crate::printer::Printer;
use crate::progress::Progress;
use crate::session::Session;
use crate::table::printable;

/// How often it is asked how far a rollout is.
const LOOK: Duration = Duration::from_millis(300);
/// How long a command that does the work itself waits for what keeps it from going on.
const PATIENCE: Duration = Duration::from_secs(10);

/// Follows a rollout to its end and answers it; none where it is not waited for. Where no server does
/// it, this process does.
pub(super) async fn to_the_end(
    session: &Session<'_>,
    api: &Api,
    rollout: Rollout,
    following: &Following,
) -> Outcome<Option<Rollout>> {
    let printer = &session.context.printer;
    if following.no_wait && matches!(api, Api::Remote { .. }) {
        printer.answer(&rollout, show::rollout)?;
        return Ok(None);
    }
    if following.no_wait {
        printer.note("it is followed all the same: without --server this command does the work");
    }
    let id = rollout.id.clone();
    let work = async {
        loop {
            // What is to be tried again later is done then.
            if let Err(failure) = api.settle().await {
                return failure;
            }
            tokio::time::sleep(LOOK).await;
        }
    };
    let watched = watch(session, api, rollout);
    let limit = async {
        match following.timeout {
            Some(limit) => tokio::time::sleep(limit).await,
            None => std::future::pending().await,
        }
    };
    let ended = tokio::select! {
        ended = watched => ended?,
        failure = work => return Err(failure),
        () = limit => {
            let what = format!("rollout {id} has not come to its end in time; it goes on");
            let hint = format!("`portolan confirm {id}` follows it further");
            return Err(Failure::new(Code::TimedOut, what).hint(hint));
        }
    };
    api.settle().await?;
    printer.answer(&ended, show::rollout)?;
    let why = ended.reason.clone().unwrap_or_else(|| "it does not say why".to_owned());
    let (code, what) = match ended.state.as_str() {
        "succeeded" => return Ok(Some(ended)),
        "refused" => (Code::Conflict, "nothing was done"),
        "rolled-back" => (Code::OtherSide, "it failed and was undone"),
        _ => (Code::OtherSide, "it failed"),
    };
    if ended.state != "refused" {
        for line in aftermath::now(&ended) {
            printer.note(&line);
        }
    }
    Err(Failure::new(code, format!("{what}: {}", printable(&why))).hint(aftermath::hint(&ended)))
}

/// Since when a rollout does not go on.
#[derive(Debug, Default)]
struct Standstill {
    since: Option<Instant>,
    /// Steps that were done by then.
    done: usize,
    told: Option<String>,
}

impl Standstill {
    /// What there is to be told, and for how long it stands still now.
    fn look(&mut self, rollout: &Rollout) -> (Option<String>, Duration) {
        let done = rollout.steps.iter().filter(|step| step.state == "done").count();
        if done != self.done {
            *self = Self { done, ..Self::default() };
        }
        let Some(why) = &rollout.waits else { return (None, Duration::ZERO) };
        let since = *self.since.get_or_insert_with(Instant::now);
        let is_news = self.told.as_ref() != Some(why);
        let news = is_news.then(|| why.clone());
        self.told.clone_from(&rollout.waits);
        (news, since.elapsed())
    }
}

async fn watch(session: &Session<'_>, api: &Api, first: Rollout) -> Outcome<Rollout> {
    let printer = &session.context.printer;
    let progress = Progress::start(printer, &first.state);
    let begun = Instant::now();
    let mut told: HashMap<String, String> = HashMap::new();
    let mut standstill = Standstill::default();
    let mut has_waited = false;
    let mut missed = 0;
    loop {
        let rollout = match api.rollout(&first.id).await {
            Ok(rollout) => {
                missed = 0;
                rollout
            }
            // The server may be on its way back: what it did goes on then.
            Err(failure) if missed < 20 && failure.code == Code::OtherSide => {
                missed += 1;
                tokio::time::sleep(LOOK * 5).await;
                continue;
            }
            Err(failure) => return Err(failure),
        };
        progress.say(format!("{} ({} s)", rollout.state, begun.elapsed().as_secs()));
        let (news, stands) = standstill.look(&rollout);
        if let Some(why) = news {
            progress.above(printer, &printable(&format!("waits  {why}")));
        }
        if matches!(api, Api::Embedded { .. }) && stands >= PATIENCE {
            return Err(stuck(printer, &rollout));
        }
        for step in &rollout.steps {
            let known = told.insert(step.name.clone(), step.state.clone());
            if known.as_ref() != Some(&step.state) && step.state != "begun" {
                progress.above(printer, &show::step(step));
            }
        }
        if rollout.is_over() {
            return Ok(rollout);
        }
        if rollout.state == "waiting" && !std::mem::replace(&mut has_waited, true) {
            progress.above(
                printer,
                &format!(
                    "rollout {0} waits for a second person: `portolan confirm {0} --approve`",
                    rollout.id
                ),
            );
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// That a rollout does not go on, which nobody but this command works on.
fn stuck(printer: &Printer, rollout: &Rollout) -> Failure {
    let Rollout { id, environment, .. } = rollout;
    for line in aftermath::now(rollout) {
        printer.note(&line);
    }
    let why = rollout.waits.as_deref().map(printable).unwrap_or_default();
    let what = format!("rollout {id} is not at its end, and does not go on: {why}");
    Failure::new(Code::OtherSide, what).hint(format!(
        "once that is mended, `portolan confirm {id}` brings it to its end; whoever deploys to \
         {environment} first undoes it"
    ))
}
