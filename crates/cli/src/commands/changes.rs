//! `portolan release changes`, and telling a server of commits.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use portolan_model::CommitId;

use super::releasing::release;
use crate::api::Api;
use crate::api::changes::{Changes, FileChange, ImageChange, Span};
use crate::api::releases::Release;
use crate::args::release::Changes as Arguments;
use crate::error::Outcome;
use crate::git;
use crate::human::at_most;
use crate::run::Context;
use crate::session::Session;
use crate::table::printable;

/// Commits that are shown of a plan.
pub(super) const SOME: usize = 10;

/// Shows what a release changes.
pub(super) async fn run(session: &Session<'_>, arguments: &Arguments) -> Outcome {
    let api = session.api().await?;
    let id = release(&api, &arguments.release, &arguments.project).await?.id;
    let most = arguments.limit.to_string();
    let mut query = vec![("most", most.as_str())];
    query.extend(arguments.environment.as_deref().map(|it| ("environment", it)));
    query.extend(arguments.against.as_deref().map(|it| ("against", it)));
    let changes = api.changes(&id, &query).await?;
    session.context.printer.answer(&changes, |changes| described(changes, arguments.limit))
}

fn described(changes: &Changes, most: usize) -> String {
    let against = match (&changes.against, &changes.environment) {
        (Some(release), _) => format!("release {release}"),
        (None, Some(environment)) => format!("what runs in {environment}"),
        (None, None) => "nothing: it is the first".to_owned(),
    };
    let mut text = format!("release {} against {against}\n", changes.release);
    for image in &changes.images {
        let _ = write!(text, "\n{}\n", heading(image));
        if let Some(span) = &image.commits {
            text.push_str(&commits(span, most));
        }
        if let Some(files) = &image.files {
            let total = files.added + files.changed + files.removed;
            if total > 0 {
                let _ = writeln!(
                    text,
                    "  files: {} added, {} changed, {} removed",
                    files.added, files.changed, files.removed
                );
            }
            for file in &files.first {
                let _ = writeln!(text, "  {} {}", mark(file), printable(&file.path));
            }
            let left = total.saturating_sub(files.first.len() as u64);
            if left > 0 {
                let _ = writeln!(text, "  … and {left} more");
            }
            if !files.whole {
                text.push_str("  there are more files than were looked at\n");
            }
        }
    }
    text
}

fn mark(file: &FileChange) -> char {
    match (&file.before, &file.after) {
        (None, _) => '+',
        (_, None) => '-',
        _ => '~',
    }
}

/// What becomes of an image, in one line.
fn heading(image: &ImageChange) -> String {
    let short = |digest: &str| -> String {
        digest.trim_start_matches("sha256:").chars().take(12).collect()
    };
    let before: Vec<String> = image.before.iter().map(|it| short(&it.digest)).collect();
    let after = image.after.as_ref().map(|it| short(&it.digest));
    let told = match (before.as_slice(), after) {
        ([], Some(after)) => format!("new, {after}"),
        (_, None) => format!("gone, it was {}", before.join(" and ")),
        ([only], Some(after)) if *only == after => format!("the same, {after}"),
        (_, Some(after)) => format!("{} -> {after}", before.join(" and ")),
    };
    format!("{}: {told}", printable(&image.image))
}

/// The commits of a span, one in a line.
pub(super) fn commits(span: &Span, most: usize) -> String {
    let mut text = String::new();
    for (sign, total, listed) in
        [('+', span.gained_total, &span.gained), ('-', span.lost_total, &span.lost)]
    {
        for commit in listed.iter().take(most) {
            let id: String = commit.id.chars().take(8).collect();
            let line = format!("  {sign} {id} {} ({})", commit.subject, commit.author);
            let _ = writeln!(text, "{}", printable(&at_most(&line, 120)));
        }
        let left = total.saturating_sub(listed.len().min(most) as u64);
        if left > 0 {
            let _ = writeln!(text, "  {sign} and {left} more commits");
        }
    }
    if !span.whole {
        text.push_str("  not all commits between are known\n");
    }
    text
}

/// Tells of the commits that lead to a release, as far as this folder's checkout knows them. That
/// they cannot be told takes nothing from the release.
pub(super) async fn tell(context: &Context, api: &Api, release: &Release) {
    let revisions = release.images.iter().filter_map(|it| it.revision.as_deref());
    let revisions: BTreeSet<CommitId> = revisions.filter_map(|it| it.parse().ok()).collect();
    for revision in revisions {
        let told = async {
            if api.knows_commit(&revision).await? {
                return Ok(());
            }
            let wanted = revision.clone();
            let commits = tokio::task::spawn_blocking(move || git::history(&wanted)).await;
            match commits.unwrap_or_default() {
                commits if commits.is_empty() => Ok(()),
                commits => api.tell_commits(&commits).await,
            }
        };
        if let Err(failure) = told.await {
            let why = failure.text(str::to_owned);
            context.printer.note(&format!("commits could not be told: {}", why.trim()));
            return;
        }
    }
}
