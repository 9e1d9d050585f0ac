//! `portolan doctor`: is everything there that Portolan needs, and what to do where it is not.

mod disk;
mod outside;
mod port;
mod projects;

use serde::Serialize;

use crate::args::Doctor;
use crate::config::{Config, Flags, Found, Layers, shown};
use crate::error::{Failure, Outcome};
use crate::exit::Code;
use crate::run::Context;
use crate::table::Columns;
use crate::{embedded, human};

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    /// As it should be.
    Ok,
    /// It works, but somebody may want to know.
    Note,
    /// Portolan will not work like that.
    Wrong,
}

/// What one check found.
#[derive(Debug, Serialize)]
struct Check {
    /// What was looked at.
    name: &'static str,
    /// How it ended.
    state: State,
    /// What was found.
    finding: String,
    /// What to do about it.
    advice: Option<String>,
}

impl Check {
    fn ok(name: &'static str, finding: impl Into<String>) -> Self {
        Self { name, state: State::Ok, finding: finding.into(), advice: None }
    }

    fn note(name: &'static str, finding: impl Into<String>, advice: impl Into<String>) -> Self {
        let advice = Some(advice.into());
        Self { name, state: State::Note, finding: finding.into(), advice }
    }

    fn wrong(name: &'static str, finding: impl Into<String>, advice: Option<String>) -> Self {
        Self { name, state: State::Wrong, finding: finding.into(), advice }
    }

    /// What a failure tells.
    fn failed(name: &'static str, failure: Failure) -> Self {
        let (finding, advice) = failure.in_one_line();
        Self::wrong(name, finding, advice)
    }
}

/// Checks, or shows the configuration.
pub(crate) async fn run(context: &Context, arguments: Doctor) -> Outcome {
    let flags = Flags { listen: None, data: arguments.data };
    let named = context.global.config.as_deref();
    if arguments.print_config {
        return print_config(context, &Layers::read(named, &context.environment, &flags)?);
    }
    let checks = match Config::load(named, &context.environment, &flags) {
        Ok(config) => check(context, &config).await,
        // Nothing else can be told without one.
        Err(error) => vec![Check::failed("configuration", error.into())],
    };
    context.printer.answer(&checks, |checks| table(checks))?;
    let wrong = checks.iter().filter(|check| check.state == State::Wrong).count();
    match u64::try_from(wrong) {
        Ok(0) => Ok(()),
        Ok(1) => Err(Failure::new(Code::Configuration, "one thing is wrong")),
        _ => Err(Failure::new(Code::Configuration, format!("{wrong} things are wrong"))),
    }
}

async fn check(context: &Context, config: &Config) -> Vec<Check> {
    let environment = &context.environment;
    let file = match &config.layers.file {
        Found::Project(path) | Found::User(path) => path.display().to_string(),
        Found::None => "no file; defaults, variables and flags alone".to_owned(),
    };
    let mut checks = vec![Check::ok("configuration", file)];
    checks.push(store(config).await);
    checks.push(disk::check(&config.blobs));
    checks.push(port::check(config.listen, has_token(config).await).await);
    checks.push(outside::logins(config, environment).await);
    checks.push(outside::registry(config, environment).await);
    checks.extend(projects::check(config, environment).await);
    checks.push(outside::tools(environment));
    checks
}

async fn store(config: &Config) -> Check {
    const NAME: &str = "store";
    if let Some(file) = &config.store_file
        && !file.exists()
    {
        let finding = format!("{} is not there yet", file.display());
        return Check::note(NAME, finding, "`portolan up` makes it");
    }
    let store = match embedded::store(config).await {
        Ok(store) => store,
        Err(failure) => return Check::failed(NAME, failure),
    };
    let answered = store.ping().await;
    store.close().await;
    let url = crate::config::without_password(&config.store_url);
    match answered {
        Ok(()) => Check::ok(NAME, format!("{url} answers, its tables are up to date")),
        Err(error) => Check::failed(NAME, Failure::of(Code::Configuration, &error)),
    }
}

/// Whether the store has a token that lets somebody in. What is wrong with a store is told by its own
/// check.
async fn has_token(config: &Config) -> bool {
    if config.store_file.as_ref().is_some_and(|file| !file.exists()) {
        return false;
    }
    let Ok(store) = embedded::store(config).await else { return false };
    let (kept, now) = (store.kept_tokens().await, store.now());
    store.close().await;
    kept.is_ok_and(|kept| kept.iter().any(|kept| kept.token.is_live(now)))
}

fn table(checks: &[Check]) -> String {
    let mut columns = Columns::new(["STATE", "WHAT", "FINDING"]);
    for check in checks {
        let state = match check.state {
            State::Ok => "ok",
            State::Note => "note",
            State::Wrong => "WRONG",
        };
        columns.row([state.into(), check.name.into(), check.finding.clone()]);
        if let Some(advice) = &check.advice {
            columns.row([String::new(), String::new(), format!("-> {advice}")]);
        }
    }
    columns.finish(&[])
}

fn print_config(context: &Context, layers: &Layers) -> Outcome {
    context.printer.answer(&shown(layers), |rows| {
        let mut columns = Columns::new(["KEY", "VALUE", "FROM"]);
        for row in rows {
            columns.row([row.key.clone(), human::at_most(&row.value, 80), row.origin.clone()]);
        }
        columns.finish(&[])
    })
}
