//! `portolan assets list`: which sets there are, or which files one has.

use portolan_assets::Listed;
use serde::Serialize;

use super::desk::{self, Access, Desk};
use super::set::{File, Set};
use crate::args::assets::List;
use crate::error::Outcome;
use crate::human::{age, size};
use crate::run::Context;
use crate::system::now;
use crate::table::Columns;

/// A page of sets.
#[derive(Debug, Serialize)]
struct Answer {
    sets: Vec<Set>,
    refused: Vec<Refused>,
    total: usize,
}

/// A set that is not believed.
#[derive(Debug, Serialize)]
struct Refused {
    scope: String,
    commit: String,
    why: String,
}

pub(super) async fn run(context: &Context, arguments: List) -> Outcome {
    let desk = Desk::open(context, &arguments.place, Access::Read)?;
    let assets = desk.assets(None).await?;
    if let Some(commit) = &arguments.commit {
        let git = desk::repository(context, &arguments.repo);
        let commit = desk::commit(&git, commit)?;
        let found = assets.find(&commit).await.map_err(|error| super::failure(&error))?;
        return context.printer.answer(&Set::of(&found), |set| files(&set.files));
    }
    let (skip, most) = (arguments.skip as usize, arguments.limit as usize);
    let listed = assets.list(skip, most).await.map_err(|error| super::failure(&error))?;
    let answer = answer(listed.0, listed.1);
    let shown = answer.sets.len() + answer.refused.len();
    if answer.total == 0 {
        context.printer.note("there are no sets yet: `portolan assets upload` stores one");
    } else if skip + shown < answer.total {
        context.printer.note(&format!("{shown} of {}; --skip shows more", answer.total));
    }
    for refused in &answer.refused {
        let Refused { scope, commit, why } = refused;
        context.printer.note(&format!("refused {commit} in the scope {scope}: {why}"));
    }
    context.printer.answer(&answer, |answer| table(&answer.sets))
}

fn answer(listed: Vec<Listed>, total: usize) -> Answer {
    let mut answer = Answer { sets: Vec::new(), refused: Vec::new(), total };
    for it in listed {
        match it.found {
            Some(Ok(found)) => answer.sets.push(Set::short(&found)),
            Some(Err(error)) => {
                let why = std::error::Error::source(&error).map(ToString::to_string);
                answer.refused.push(Refused {
                    scope: it.scope.to_string(),
                    commit: it.commit.to_string(),
                    why: why.unwrap_or_else(|| error.to_string()),
                });
            }
            None => {}
        }
    }
    answer
}

fn table(sets: &[Set]) -> String {
    let now = now();
    let mut columns = Columns::new(["COMMIT", "SCOPE", "FILES", "SIZE", "WRITTEN", "BUILT", "BY"]);
    for set in sets {
        let by = set.who.actor.as_ref().or(set.who.job.as_ref());
        columns.row([
            set.commit.to_string(),
            set.scope.to_string(),
            set.file_count.to_string(),
            size(set.bytes),
            format!("{} ago", age(set.created_at, now)),
            set.served_from.as_ref().map_or("here".into(), |from| {
                format!("{}/{}", from.scope, set.built_commit.short())
            }),
            by.cloned().unwrap_or_else(|| "-".to_owned()),
        ]);
    }
    columns.finish(&[2, 3])
}

fn files(files: &[File]) -> String {
    let mut columns = Columns::new(["PATH", "SIZE", "SHA256 (BASE64)"]);
    for file in files {
        let name = match &file.target {
            Some(target) => format!("{} -> {target}", file.path),
            None => file.path.clone(),
        };
        let digest = file.sha256_base64.clone().unwrap_or_else(|| "-".to_owned());
        columns.row([name, size(file.size), digest]);
    }
    columns.finish(&[1])
}
