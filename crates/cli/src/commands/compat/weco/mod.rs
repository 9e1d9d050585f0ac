//! weco-deploy 5.7.4, by name: its commands, questions, tables and exit codes.
//!
//! What it does is in `portolan_release::weco`; here are its words. It needs neither a server nor
//! a store of Portolan's.

mod ask;
mod deploy;
mod end;
mod git;
mod prepare;
mod publish;
mod screen;
mod show;
mod wait;

use std::ffi::OsString;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser as _;
use portolan_aws::AwsSettings;
use portolan_release::weco::{self as release, WecoProject};

use crate::args::compat::weco::{Command, Weco};
use crate::env::{self, Environment};
use crate::exit::Code;
use crate::printer::{self, Output, Printer};
use crate::system::{SystemClock, SystemIds};

use ask::Asker;
use end::{Done, End};
use screen::{Colour, Screen};

/// The version whose ways these are.
const LIKE: &str = "5.7.4";

/// What a command works with.
struct Work<'a> {
    weco: release::Weco,
    screen: Screen,
    asker: Asker,
    environment: &'a Environment,
    verbose: bool,
    /// Whether somebody said that nothing shall be asked.
    confirmed: bool,
    /// Whether nothing is changed.
    dry: bool,
}

/// Runs weco-deploy with `arguments`.
pub(crate) fn main(arguments: &[OsString], environment: &Environment) -> ExitCode {
    let name = OsString::from("weco-deploy");
    let no_colour = environment.get(env::NO_COLOR).is_some();
    let told = match Weco::try_parse_from(std::iter::once(&name).chain(arguments)) {
        Ok(told) => told,
        Err(error) => return crate::run::help_or_usage(&error, no_colour).into(),
    };
    let screen = || Screen::new(Printer::new(Output::Text, false, no_colour), no_colour);
    let shown = if told.version {
        let ours = env!("CARGO_PKG_VERSION");
        screen().plain(&format!("weco-deploy, version {LIKE}\nportolan {ours}"))
    } else {
        // TLS needs a provider before anything opens a connection; it cannot be installed twice.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        in_runtime(run(told, screen(), environment))
    };
    match shown {
        Ok(()) => ExitCode::SUCCESS,
        Err(end) => ended(&screen(), end),
    }
}

fn ended(screen: &Screen, end: End) -> ExitCode {
    match end {
        End::Failed(why) => {
            // There is no other place to say that this place is gone.
            drop(screen.line(Colour::BrightRed, &format!("Failed: {why}")));
            ExitCode::from(1)
        }
        End::Said => ExitCode::from(1),
        End::Aborted(why) => {
            screen.note("Aborted!");
            if let Some(why) = why {
                screen.note(why);
            }
            ExitCode::from(1)
        }
        End::Usage(why) => {
            printer::last_words(&format!("Error: {why}\nTry 'weco-deploy --help' for help.\n"));
            Code::Usage.into()
        }
        End::Child(code) => ExitCode::from(code),
        End::Interrupted => Code::Interrupted.into(),
    }
}

fn in_runtime(work: impl Future<Output = Done>) -> Done {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| End::Failed(format!("threads could not be started: {error}")))?;
    let done = runtime.block_on(async {
        tokio::select! {
            done = work => done,
            _ = tokio::signal::ctrl_c() => Err(End::Interrupted),
        }
    });
    runtime.shutdown_background();
    done
}

async fn run(told: Weco, screen: Screen, environment: &Environment) -> Done {
    let Some(command) = told.command else {
        return Err(End::Usage("Missing command.".to_owned()));
    };
    let mut asker = Asker::new(told.confirm);
    let path = &told.project_file;
    let text = std::fs::read_to_string(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => End::Usage(format!(
            "Couldn't find project metadata file '{}': --project-file names another, from {}",
            path.display(),
            environment.directory.display()
        )),
        _ => End::Failed(format!("{} could not be read: {error}", path.display())),
    })?;
    let file = release::read_file(&text)?;
    for warning in &file.warnings {
        screen.note(&format!("warning: {}: {warning}", path.display()));
    }
    let ids: Vec<String> = file.projects.iter().map(|it| it.project.id.clone()).collect();
    let wanted = match (told.project_id, ids.as_slice()) {
        (Some(id), _) => id,
        (None, [one]) => one.clone(),
        (None, several) => asker.choice("Enter the project ID", several)?,
    };
    let found = file.projects.into_iter().find(|it| it.project.id == wanted);
    let Some(project) = found else {
        let (path, has) = (path.display(), ids.join(", "));
        return Err(End::Failed(format!("No matching project {wanted} in {path}: it has {has}")));
    };
    let settings =
        AwsSettings { region: told.region_name, role_arn: told.role_arn, ..AwsSettings::default() };
    if told.verbose {
        loaded(&screen, &path.display().to_string(), &project, &settings)?;
    }
    let (clock, ids) = (Arc::new(SystemClock), Arc::new(SystemIds));
    let mut work = Work {
        weco: release::Weco::open(project, &settings, clock, ids).await,
        screen,
        asker,
        environment,
        verbose: told.verbose,
        confirmed: told.confirm,
        dry: told.dry_run,
    };
    match command {
        Command::Prepare(told) => work.prepare(told).await,
        Command::Deploy(told) => work.deploy(told).await,
        Command::ReleaseDeploy(told) => work.release_deploy(told).await,
        Command::ConfirmDeploy(told) => work.confirm_deploy(told).await,
        Command::Update(told) => work.update(told).await,
        Command::Publish(told) => work.publish(&told, &settings).await,
        Command::ShowRelease(told) => work.show_release(told).await,
        Command::ShowDeployments(told) => work.show_deployments(told).await,
        Command::ShowImages(told) => work.show_images(told).await,
    }
}

/// What was read, for those who want to know.
fn loaded(screen: &Screen, path: &str, it: &WecoProject, settings: &AwsSettings) -> Done {
    let all = |names: &mut dyn Iterator<Item = &String>| {
        names.map(String::as_str).collect::<Vec<_>>().join(", ")
    };
    let project = &it.project;
    screen.line(Colour::Cyan, &format!("Loaded {path}:"))?;
    screen.plain(&format!("project:      {} ({})", project.id, project.title))?;
    screen.plain(&format!("environments: {}", all(&mut project.environments.keys())))?;
    screen.plain(&format!("images:       {}", all(&mut it.images.iter())))?;
    screen.plain(&format!("services:     {}", all(&mut project.services.keys())))?;
    screen.plain("")?;
    let role = settings.role_arn.as_ref().unwrap_or(&it.role_arn);
    let region = settings.region.as_ref().unwrap_or(&it.region);
    let of_table = settings.region.as_ref().unwrap_or(&it.table_region);
    screen.line(Colour::Cyan, &format!("Using role ARN:   {role}"))?;
    screen.line(Colour::Cyan, &format!("IN region:        {region}"))?;
    screen.line(Colour::Cyan, &format!("Table in region:  {of_table}"))?;
    screen.plain("")
}
