//! `portolan token …`

use portolan_model::Timestamp;
use serde::Serialize;
use tracing_subscriber::filter::LevelFilter;

use crate::api::tokens::Token as Known;
use crate::args::LogFormat;
use crate::args::token::{Create, List, Revoke, Token};
use crate::error::Outcome;
use crate::human::age;
use crate::logging;
use crate::run::Context;
use crate::session::Session;
use crate::system::now;
use crate::table::Columns;

/// Runs a command about tokens.
pub(crate) async fn run(context: &Context, command: Token) -> Outcome {
    logging::start(&context.environment, &context.global, LevelFilter::ERROR, LogFormat::Text)?;
    let session = Session::start(context)?;
    match command {
        Token::Create(arguments) => create(&session, arguments).await,
        Token::List(arguments) => list(&session, &arguments).await,
        Token::Revoke(arguments) => revoke(&session, arguments).await,
    }
}

/// A token that was just made: the one place where a secret is printed.
#[derive(Debug, Serialize)]
struct Printed<'a> {
    #[serde(flatten)]
    known: &'a Known,
    token: &'a str,
}

async fn create(session: &Session<'_>, arguments: Create) -> Outcome {
    // The first token is made before the server is started on another address than loopback.
    let api = session.api_anew().await?;
    let expires_at = arguments.expires.map(|age| {
        let millis = i64::try_from(age.as_millis()).unwrap_or(i64::MAX);
        now().plus_millis(millis)
    });
    let made = api.create_token(&arguments.name, &arguments.scopes, expires_at).await?;
    let printer = &session.context.printer;
    let end = made.known.expires_at.map_or_else(String::new, |end| format!(", until {end}"));
    let scopes = made.known.scopes.join(" ");
    printer.note(&format!(
        "made the token {} ({scopes}{end}); keep it now, it is not shown again",
        made.known.name
    ));
    let told = Printed { known: &made.known, token: made.token.expose() };
    printer.answer(&told, |told| format!("{}\n", told.token))
}

async fn list(session: &Session<'_>, arguments: &List) -> Outcome {
    let mut tokens = session.api().await?.tokens().await?;
    tokens.retain(|token| arguments.all || token.revoked_at.is_none());
    let printer = &session.context.printer;
    if tokens.is_empty() {
        printer.note("there are no tokens: everybody on this machine may do everything");
    }
    printer.answer(&tokens, |tokens| table(tokens))
}

fn table(tokens: &[Known]) -> String {
    let now = now();
    let ago = |at: Option<Timestamp>| at.map_or("-".into(), |at| format!("{} ago", age(at, now)));
    let mut columns =
        Columns::new(["NAME", "SCOPES", "STATE", "CREATED", "EXPIRES", "LAST USED", "ID"]);
    for token in tokens {
        let day = |at: Timestamp| at.to_string().chars().take(10).collect::<String>();
        columns.row([
            token.name.clone(),
            token.scopes.join(" "),
            token.state.clone(),
            ago(Some(token.created_at)),
            token.expires_at.map_or("never".into(), day),
            ago(token.last_used_at),
            token.id.clone(),
        ]);
    }
    columns.finish(&[])
}

async fn revoke(session: &Session<'_>, arguments: Revoke) -> Outcome {
    let revoked = session.api().await?.revoke_token(&arguments.token).await?;
    let text = |token: &Known| format!("{} lets nobody in any more\n", token.name);
    session.context.printer.answer(&revoked, text)
}
