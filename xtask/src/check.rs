//! `cargo xtask test` and `cargo xtask ci`: the one way to know that the work is sound.

use portolan_testkit::postgres::{self, Cluster};
use portolan_testkit::{moto, weco};

use crate::run::{cargo, run, succeeds};
use crate::steps::Steps;
use crate::{packages, python, rules, stray};

/// Everything, or only the tests when `quick`; only those that match `filters` if there are any.
pub(crate) fn test(quick: bool, filters: &[String]) -> bool {
    let mut steps = Steps::default();
    check(&mut steps, quick, filters);
    steps.summary()
}

/// Everything, and the licences and sources of what we depend on.
pub(crate) fn ci() -> bool {
    let mut steps = Steps::default();
    check(&mut steps, false, &[]);
    if succeeds(&mut cargo(&["deny", "--version"])) {
        steps.run("licences, bans and sources", || {
            run(&mut cargo(&["deny", "check", "bans", "licenses", "sources"]))
        });
    } else {
        println!("\ncargo-deny is not installed; `cargo install cargo-deny` adds that check");
    }
    steps.summary()
}

fn check(steps: &mut Steps, quick: bool, filters: &[String]) {
    steps.run("Debian packages", || packages::install(packages::TEST));
    steps.run("Python packages", || {
        python::moto()?;
        python::weco().map(drop)
    });
    if !steps.all_well() {
        return;
    }
    if !quick {
        steps.run("rules of the house", rules::check);
        steps.run("format", || run(&mut cargo(&["fmt", "--all", "--check"])));
        steps.run("lints", || {
            let clippy = ["clippy", "--workspace", "--all-targets", "--locked", "--"];
            run(cargo(&clippy).args(["-D", "warnings"]))
        });
    }
    steps.run("tests", || tests(filters));
    if !quick {
        steps.run("examples in the documentation", || {
            run(&mut cargo(&["test", "--workspace", "--doc", "--locked"]))
        });
        steps.run("documentation", || {
            let doc = ["doc", "--workspace", "--no-deps", "--locked", "--document-private-items"];
            run(cargo(&doc).env("RUSTDOCFLAGS", "-D warnings"))
        });
    }
}

/// Runs the tests with the peers that they share, and sees that they leave nothing behind.
fn tests(filters: &[String]) -> anyhow::Result<()> {
    let cluster = Cluster::start()?;
    let mark = std::process::id().to_string();
    let nextest = succeeds(&mut cargo(&["nextest", "--version"]));
    let mut command = if nextest {
        let mut command = cargo(&["nextest", "run", "--workspace", "--locked", "--no-fail-fast"]);
        command.args(filters);
        command
    } else {
        // Without nextest: every target but the documentation, whose examples have their own step.
        let mut command = cargo(&["test", "--workspace", "--locked", "--no-fail-fast"]);
        command.args(["--lib", "--bins", "--tests", "--"]).args(filters);
        command
    };
    command.env(postgres::VARIABLE, cluster.url()).env(stray::VARIABLE, &mark);
    command.env(moto::VARIABLE, python::moto()?);
    command.env(weco::VARIABLE, python::weco()?);
    let result = run(&mut command);
    result.and(stray::check(&mark))
}
