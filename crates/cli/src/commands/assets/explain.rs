//! `portolan assets explain`: what goes into the hash, and what differs from the last set.

use std::collections::BTreeMap;

use portolan_assets::inputs::Listing;
use portolan_assets::{Change, Difference, Explained};
use portolan_model::{CommitId, Digest};
use serde::Serialize;

use super::desk::{self, Access, Desk};
use super::set::Set;
use crate::args::assets::Explain;
use crate::error::{Failure, Outcome};
use crate::exit::Code;
use crate::human::count;
use crate::run::Context;
use crate::table::printable;

/// Commits that are looked at for a set.
const MOST_COMMITS: usize = 100;

/// What goes in, and what differs.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    commit: CommitId,
    inputs: Digest,
    keys: BTreeMap<String, String>,
    patterns: Vec<String>,
    file_count: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    files: Option<Vec<File>>,
    /// The set that it is held against.
    against: Option<Set>,
    changed_files: Option<Vec<Change>>,
    changed_keys: Vec<Change>,
}

/// One file that goes in.
#[derive(Debug, Serialize)]
struct File {
    path: String,
    mode: &'static str,
    object: String,
}

pub(super) async fn run(context: &Context, arguments: Explain) -> Outcome {
    let desk = Desk::open(context, &arguments.place, Access::Read)?;
    let git = desk::repository(context, &arguments.which.repo);
    let commit = desk::commit(&git, &arguments.which.commit)?;
    let inputs = desk::inputs(&desk, &git, &commit, &arguments.inputs, true)?;
    let Some((inputs, packed)) = inputs.and_then(|mut inputs| {
        let packed = inputs.listing.take()?;
        Some((inputs, packed))
    }) else {
        return Err(Failure::new(Code::Usage, "without inputs there is nothing to explain"));
    };
    let listing = Listing::unpack(&packed, &inputs.hash).map_err(|error| Failure::bug(&error))?;
    let mut commits =
        git.ancestors(&commit, MOST_COMMITS).map_err(|error| desk::git_failure(&error))?;
    if arguments.inputs.working_tree {
        commits.insert(0, commit.clone());
    }
    let assets = desk.assets(None).await?;
    let explained = assets.explain(&listing, &commits).await;
    let explained = explained.map_err(|error| super::failure(&error))?;
    let (against, changed_files, changed_keys) = match explained {
        Some(Explained { found, files, keys }) => (Some(Set::short(&found)), files, keys),
        None => (None, None, Vec::new()),
    };
    let file = |record: &portolan_assets::git::Record| File {
        path: String::from_utf8_lossy(&record.path).into_owned(),
        mode: record.mode.digits(),
        object: record.object_name(),
    };
    let answer = Answer {
        commit,
        inputs: inputs.hash,
        keys: inputs.keys,
        patterns: inputs.patterns,
        file_count: inputs.count,
        files: arguments.files.then(|| listing.files.iter().map(file).collect()),
        against,
        changed_files,
        changed_keys,
    };
    context.printer.answer(&answer, text)
}

fn text(answer: &Answer) -> String {
    let mut lines = vec![format!(
        "inputs {} of {}: {}, {}",
        answer.inputs.hex(),
        answer.commit.short(),
        count(answer.file_count, "file"),
        count(answer.keys.len() as u64, "key"),
    )];
    for (name, value) in &answer.keys {
        lines.push(format!("key {name}={value}"));
    }
    for file in answer.files.iter().flatten() {
        lines.push(format!("{} {} {}", file.mode, file.object, file.path));
    }
    let Some(set) = &answer.against else {
        lines.push(format!("none of the {MOST_COMMITS} commits before it has a set with inputs"));
        return joined(&lines);
    };
    let (commit, scope) = (set.commit.short(), &set.scope);
    let changes = answer.changed_files.iter().flatten().count() + answer.changed_keys.len();
    lines.push(match changes {
        0 => format!("the same as those of {commit} ({scope})"),
        _ => format!("against those of {commit} ({scope}):"),
    });
    for Change { name, difference } in &answer.changed_keys {
        lines.push(format!("  key {name}: {}", word(*difference)));
    }
    for Change { name, difference } in answer.changed_files.iter().flatten() {
        lines.push(format!("  {name}: {}", word(*difference)));
    }
    if answer.changed_files.is_none() {
        lines.push("that set does not say which files its build was made of".to_owned());
    }
    joined(&lines)
}

fn joined(lines: &[String]) -> String {
    let mut text = String::new();
    for line in lines {
        text.push_str(&printable(line));
        text.push('\n');
    }
    text
}

fn word(difference: Difference) -> &'static str {
    match difference {
        Difference::Added => "new",
        Difference::Removed => "gone",
        Difference::Content => "changed",
        Difference::Mode => "another mode",
    }
}
