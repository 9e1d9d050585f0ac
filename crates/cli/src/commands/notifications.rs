//! `portolan notifications …`

use tracing_subscriber::filter::LevelFilter;

use crate::api::notifications::Notification;
use crate::args::LogFormat;
use crate::args::notifications::{List, Notifications, Test};
use crate::error::{Failure, Outcome};
use crate::exit::Code;
use crate::human::age;
use crate::logging;
use crate::run::Context;
use crate::session::Session;
use crate::system::now;
use crate::table::Columns;

/// Runs a command about notifications.
pub(crate) async fn run(context: &Context, command: Notifications) -> Outcome {
    logging::start(&context.environment, &context.global, LevelFilter::ERROR, LogFormat::Text)?;
    let session = Session::start(context)?;
    match command {
        Notifications::List(arguments) => list(&session, arguments).await,
        Notifications::Test(arguments) => test(&session, arguments).await,
    }
}

async fn list(session: &Session<'_>, arguments: List) -> Outcome {
    let api = session.api().await?;
    let (rule, state) = (arguments.rule.as_deref(), arguments.state.as_deref());
    let found = api.notifications(rule, state, arguments.limit).await?;
    let printer = &session.context.printer;
    if found.is_empty() {
        printer.note("nobody was told of anything: [notifications.NAME] says who is, and of what");
    }
    printer.answer(&found, |found| table(found))
}

fn table(found: &[Notification]) -> String {
    let now = now();
    let mut columns = Columns::new(["WHEN", "RULE", "EVENT", "STATE", "TRIES", "SUMMARY", "ERROR"]);
    for it in found {
        columns.row([
            format!("{} ago", age(it.created_at, now)),
            it.rule.clone(),
            it.event.clone(),
            it.state.clone(),
            it.attempts.to_string(),
            it.summary.clone(),
            it.error.clone().unwrap_or_else(|| "-".to_owned()),
        ]);
    }
    columns.finish(&[4])
}

async fn test(session: &Session<'_>, arguments: Test) -> Outcome {
    // A rule can be tried out before there is anything to remember.
    let told = session.api_anew().await?.test_notification(&arguments.rule).await?;
    if told.state != "sent" {
        let why = told.error.unwrap_or_else(|| "nobody knows why".to_owned());
        let message = format!("the rule {} could not tell anybody: {why}", told.rule);
        return Err(Failure::new(Code::OtherSide, message)
            .hint("`url`, `secret` and `private` of the rule are in the server's configuration"));
    }
    let text = |told: &Notification| {
        let status = told.status.unwrap_or_default();
        format!("{} was received: the receiver answered {status}\n", told.id)
    };
    session.context.printer.answer(&told, text)
}
