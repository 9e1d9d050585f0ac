//! The order in which commits are told.

use std::collections::{BTreeMap, BinaryHeap};

use portolan_model::Timestamp;

use super::Commit;

/// The first `most` of `commits`, newest first, but none before one that came after it: commits of a
/// rebase have one second, and clocks differ. `parents` has pairs of a commit and one before it;
/// this is what `git log --date-order` does.
pub(super) fn newest_first(
    commits: Vec<Commit>,
    parents: &[(String, String)],
    most: usize,
) -> Vec<Commit> {
    let mut commits: BTreeMap<String, Commit> =
        commits.into_iter().map(|it| (it.id.as_str().to_owned(), it)).collect();
    let mut before: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    // How many that came after a commit are not told yet.
    let mut waits_for: BTreeMap<&str, usize> = BTreeMap::new();
    for (child, parent) in parents {
        if commits.contains_key(child) && commits.contains_key(parent) {
            before.entry(child).or_default().push(parent);
            *waits_for.entry(parent).or_default() += 1;
        }
    }
    let of = |id: &str, commits: &BTreeMap<String, Commit>| -> Option<(Timestamp, String)> {
        commits.get(id).map(|it| (it.committed_at, id.to_owned()))
    };
    let mut next: BinaryHeap<(Timestamp, String)> = commits
        .keys()
        .filter(|id| !waits_for.contains_key(id.as_str()))
        .filter_map(|id| of(id, &commits))
        .collect();
    let mut told = Vec::with_capacity(commits.len().min(most));
    while told.len() < most
        && let Some((_, id)) = next.pop()
    {
        for parent in before.get(id.as_str()).into_iter().flatten() {
            if let Some(left) = waits_for.get_mut(parent) {
                *left -= 1;
                if *left == 0 {
                    next.extend(of(parent, &commits));
                }
            }
        }
        told.extend(commits.remove(&id));
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commit(number: u32, second: i64) -> Commit {
        Commit {
            id: format!("{number:040x}").parse().unwrap(),
            parents: Vec::new(),
            subject: number.to_string(),
            author: String::new(),
            committed_at: Timestamp::from_millis(second * 1000),
        }
    }

    fn told(commits: &[(u32, i64)], parents: &[(u32, u32)], most: usize) -> Vec<String> {
        let commits = commits.iter().map(|(number, second)| commit(*number, *second)).collect();
        let name = |number: u32| format!("{number:040x}");
        let parents: Vec<_> =
            parents.iter().map(|(child, parent)| (name(*child), name(*parent))).collect();
        newest_first(commits, &parents, most).into_iter().map(|it| it.subject).collect()
    }

    #[test]
    fn what_came_after_is_told_before_whatever_clocks_and_names_say() {
        // A rebase: one second, and names that say nothing.
        let rebased = [(5, 1), (3, 1), (9, 1)];
        assert_eq!(told(&rebased, &[(3, 9), (9, 5), (5, 1)], 9), ["3", "9", "5"]);
        assert_eq!(told(&rebased, &[(3, 9), (9, 5)], 2), ["3", "9"]);
        // A clock that is slow.
        assert_eq!(told(&[(1, 90), (2, 10)], &[(2, 1)], 9), ["2", "1"]);
        // Two sides of a merge stand by their moments.
        let merged = [(1, 1), (2, 2), (3, 3), (4, 4), (5, 5)];
        let parents = [(5, 4), (5, 3), (4, 2), (3, 1), (2, 1)];
        assert_eq!(told(&merged, &parents, 9), ["5", "4", "3", "2", "1"]);
        assert_eq!(told(&[(1, 1), (2, 2)], &[], 9), ["2", "1"], "nothing is known of their way");
    }
}
