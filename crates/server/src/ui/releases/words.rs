//! Releases in words.

use std::collections::BTreeMap;

use portolan_model::ReleaseId;
use portolan_release::project::Environment;
use portolan_release::{Options, Project, Source};
use portolan_store::{Release, Standing};
use portolan_tracker::Places;

use crate::ui::show::{Visible, tail};

/// Commits that are told of one release at most.
const COMMITS: usize = 4;

/// What a release was prepared from.
pub(super) fn source(release: &Release) -> Visible {
    let told = match serde_json::from_value::<Source>(release.source.clone()) {
        Ok(Source::Tag { tag }) => format!("from the tag {tag}"),
        Ok(Source::Commit { commit }) => format!("from the commit {commit}"),
        Ok(Source::Environment { environment, at: None }) => {
            format!("of what ran in {environment}")
        }
        Ok(Source::Environment { environment, at: Some(at) }) => {
            format!("of what ran in {environment} at {at}")
        }
        Ok(Source::Release { release, changes }) => {
            let changes: Vec<String> =
                changes.iter().map(|(image, what)| format!("{image}={what}")).collect();
            let with = if changes.is_empty() { String::new() } else { " with ".to_owned() };
            format!("from the release {}{with}{}", tail(release), changes.join(", "))
        }
        // Another version of this program recorded it.
        Err(_) => String::new(),
    };
    Visible::cut(&told, 200)
}

/// The beginnings of the commits that its images were built from, each once, and whether there are
/// more.
pub(super) fn commits(release: &Release) -> (Vec<Visible>, bool) {
    let mut found: Vec<&str> = Vec::new();
    for revision in release.images.iter().filter_map(|image| image.revision.as_deref()) {
        if !found.contains(&revision) {
            found.push(revision);
        }
    }
    let more = found.len() > COMMITS;
    (found.into_iter().take(COMMITS).map(commit).collect(), more)
}

/// The beginning of a commit's name.
pub(super) fn commit(revision: &str) -> Visible {
    let is_hex = revision.bytes().all(|byte| byte.is_ascii_hexdigit());
    Visible::cut(if is_hex { revision.get(..7).unwrap_or(revision) } else { revision }, 20)
}

/// How a rollout is applied.
pub(super) fn options(standing: &Standing) -> Options {
    serde_json::from_value(standing.options.clone()).unwrap_or_default()
}

/// The beginning of why something failed: what is told of tasks after it stands elsewhere.
pub(super) fn in_short(reason: &str) -> &str {
    reason.split_once("; task ").map_or(reason, |(short, _)| short)
}

/// The services that a rollout was about, where it was not about all.
pub(super) fn part(options: &Options) -> Option<Visible> {
    let services = options.scope.services.as_ref()?;
    let names: Vec<&str> = services.iter().map(String::as_str).collect();
    Some(Visible::cut(&format!("only {}", names.join(", ")), 120))
}

/// What is called for people as is told, else by its name.
pub(super) fn title(told: &str, name: &str) -> Visible {
    Visible::cut(if told.is_empty() { name } else { told }, 80)
}

/// The environments of a project in the order of promotion: as their sections tell it, then as each
/// waits for others.
pub(super) fn in_order<'p>(
    project: &'p Project,
    places: &Places,
) -> Vec<(&'p String, &'p Environment)> {
    let mut all: Vec<_> = project.environments.iter().collect();
    all.sort_by_key(|(name, _)| (places.rank(name), project.before(name).len(), (*name).clone()));
    all
}

/// The newest rollouts of each release to each environment, newest first.
pub(super) type Standings<'s> = BTreeMap<(ReleaseId, &'s str), Vec<&'s Standing>>;

/// `standings` by release and environment.
pub(super) fn by_place(standings: &[Standing]) -> Standings<'_> {
    let mut placed = Standings::new();
    for standing in standings {
        placed.entry((standing.release, &*standing.environment)).or_default().push(standing);
    }
    placed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_waits_for_others_comes_after_them() {
        let mut project = Project::default();
        let waits =
            [("prod", ["stage"].as_slice()), ("stage", &["test"]), ("test", &[]), ("a", &[])];
        for (name, after) in waits {
            let after = after.iter().map(|&name| name.to_owned()).collect();
            let place = Environment { after, ..Environment::default() };
            project.environments.insert(name.to_owned(), place);
        }
        let order = in_order(&project, &Places::default());
        let names: Vec<&str> = order.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["a", "test", "stage", "prod"]);
    }
}
