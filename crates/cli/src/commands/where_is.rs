//! `portolan where`: where an image, a commit, a file or a label runs.

use portolan_model::Digest;

use super::tracked;
use crate::api::track::{Narrow, Whereabouts};
use crate::args::track::Where;
use crate::error::{Failure, Outcome};
use crate::exit::Code;
use crate::human::{age, count, size};
use crate::run::Context;
use crate::table::Columns;

/// The shortest text that is taken for a commit.
const COMMIT: usize = 7;

/// Shows where something runs.
pub(crate) async fn run(context: &Context, arguments: Where) -> Outcome {
    let session = tracked(context)?;
    let (kind, fact) = fact(&arguments)?;
    let narrow = Narrow { environments: &arguments.environments, at: arguments.moment.at };
    let found = session.api().await?.whereabouts(kind, fact, narrow).await?;
    if found.found.is_empty() && found.assets.is_empty() {
        let images = count(found.images, "image");
        let guessed = arguments.what.is_some();
        let hint = if guessed { "; --help tells the flags that say what is meant" } else { "" };
        context.printer.note(&format!("no task runs the {kind} {fact} ({images} known){hint}"));
    }
    context.printer.answer(&found, table)
}

/// What is looked for, by its kind.
fn fact(arguments: &Where) -> Outcome<(&'static str, &str)> {
    let given = [
        ("digest", &arguments.digest),
        ("image", &arguments.image),
        ("commit", &arguments.commit),
        ("path", &arguments.path),
        ("label", &arguments.label),
    ];
    let flag = given.into_iter().find_map(|(kind, text)| Some((kind, text.as_deref()?)));
    let guessed = || arguments.what.as_deref().map(|text| (guess(text), text));
    flag.or_else(guessed).ok_or_else(|| Failure::new(Code::Usage, "say what is looked for"))
}

/// The kind of what is written so.
fn guess(text: &str) -> &'static str {
    let last = text.rsplit('/').next().unwrap_or(text);
    if text.parse::<Digest>().is_ok() {
        "digest"
    } else if text.len() >= COMMIT && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        "commit"
    } else if text.starts_with('/') || (last.contains('.') && !last.contains([':', '@'])) {
        "path"
    } else {
        "image"
    }
}

fn table(whereabouts: &Whereabouts) -> String {
    let headings = ["SERVICE", "ENVIRONMENT", "VERSION", "TASKS", "SINCE", "BY", "DIGEST"];
    let mut columns = Columns::new(headings);
    for found in &whereabouts.found {
        columns.row([
            found.service.clone(),
            found.environment.clone(),
            found.version.clone(),
            found.task_count.to_string(),
            age(found.since, whereabouts.at),
            found.user.clone(),
            found.digest.to_string().chars().take("sha256:".len() + 12).collect(),
        ]);
    }
    let tasks = columns.finish(&[3]);
    if whereabouts.assets.is_empty() {
        return tasks;
    }
    let headings = ["ASSETS OF", "COMMIT", "STATE", "FILES", "SIZE", "AGE", "KEPT AT"];
    let mut columns = Columns::new(headings);
    for set in &whereabouts.assets {
        let whose = match (set.project.as_str(), set.scope.as_str()) {
            ("", _) => "-".to_owned(),
            (project, scope) => format!("{project} ({scope})"),
        };
        columns.row([
            whose,
            set.commit.chars().take(12).collect(),
            set.state.clone(),
            set.files.to_string(),
            size(set.bytes),
            age(set.made_at, whereabouts.at),
            format!("{}/{}", set.bucket, set.key),
        ]);
    }
    let assets = columns.finish(&[3, 4]);
    if whereabouts.found.is_empty() { assets } else { format!("{tasks}\n{assets}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_looked_for_is_told_from_how_it_is_written() {
        let digest = Digest::of(b"x").to_string();
        for (text, kind) in [
            (digest.as_str(), "digest"),
            ("0123abc", "commit"),
            ("0123ab", "image"),
            ("shop", "image"),
            ("shop/orders-api", "image"),
            ("shop/orders-api:1.0.0", "image"),
            ("127.0.0.1:5000/shop:1.0", "image"),
            ("/etc/passwd", "path"),
            ("app/package.json", "path"),
            ("log4j-core-2.17.1.jar", "path"),
        ] {
            assert_eq!(guess(text), kind, "{text}");
        }
    }
}
