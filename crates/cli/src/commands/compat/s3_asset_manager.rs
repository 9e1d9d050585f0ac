//! s3-asset-manager, by the names of its two programs: `check` and `upload`.
//!
//! What they do is in `portolan_assets::legacy`. They are told everything by variables, and write
//! to standard error alone. Arguments are not looked at, as those of the original are not.

use std::io::IsTerminal as _;
use std::process::ExitCode;

use portolan_assets::legacy::{self, Git, Inputs, LegacyError, Told, Tone};
use portolan_bucket::BucketSettings;

use crate::env::{self, Environment};
use crate::error::Failure;
use crate::exit::Code;
use crate::printer;

/// Which of the two.
#[derive(Debug, Clone, Copy)]
pub(super) enum Program {
    Check,
    Upload,
}

/// Runs one of them.
pub(super) fn main(program: Program, environment: &Environment) -> ExitCode {
    let lines = Lines {
        colour: environment.get(env::NO_COLOR).is_none() && std::io::stderr().is_terminal(),
    };
    // TLS needs a provider before anything opens a connection; it cannot be installed twice.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    // One thread: most runs ask one question and are gone.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => {
            let failure = Failure::new(Code::Negative, "could not start").because(&error);
            printer::last_words(&failure.text(str::to_owned));
            return ExitCode::from(1);
        }
    };
    let inputs = inputs(environment);
    let ended = runtime.block_on(async {
        tokio::select! {
            ended = run(program, &inputs, &lines) => Some(ended),
            _ = tokio::signal::ctrl_c() => None,
        }
    });
    runtime.shutdown_background();
    match ended {
        Some(Ok(())) => ExitCode::SUCCESS,
        Some(Err(error)) => {
            let hint = error.hint().map(ToOwned::to_owned);
            let failure = Failure::of(Code::Negative, &error).maybe_hint(hint);
            printer::last_words(&failure.text(|label| lines.paint("31", label)));
            ExitCode::from(error.code())
        }
        None => Code::Interrupted.into(),
    }
}

async fn run(program: Program, inputs: &Inputs, lines: &Lines) -> Result<(), LegacyError> {
    match program {
        Program::Check => legacy::check(inputs, lines).await.map(drop),
        Program::Upload => legacy::upload(inputs, lines).await.map(drop),
    }
}

/// The variables of both programs.
fn inputs(environment: &Environment) -> Inputs {
    let told = |name| environment.told(name).map(ToOwned::to_owned);
    Inputs {
        bucket: told("PACKAGE_ASSETS_BUCKET"),
        repository: told("GIT_REPO_PATH"),
        packages: told("PACKAGE_DIRECTORY"),
        filter: told("CODE_HASH_FIND_FILTER"),
        role: told("AWS_ROLE"),
        exact: environment.get(env::COMPAT) == Some("exact"),
        settings: BucketSettings::default(),
        git: Git {
            program: "git".into(),
            git_dir: told("GIT_DIR"),
            home: told("HOME"),
            directory: environment.directory.clone(),
        },
    }
}

/// Where lines go: to standard error, in the original's colours where a person looks at it.
struct Lines {
    colour: bool,
}

impl Lines {
    fn paint(&self, colour: &str, text: &str) -> String {
        if self.colour { format!("\x1b[{colour}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

impl Told for Lines {
    fn tell(&self, tone: Tone, line: &str) {
        let line = crate::table::printable(line);
        let colour = match tone {
            Tone::Plain => "33",
            Tone::Item => "36",
            Tone::Good => "32",
        };
        printer::last_words(&format!("{}\n", self.paint(colour, &line)));
    }
}
