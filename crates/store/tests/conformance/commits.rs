//! Commits, and what lies between two of them.

use portolan_model::CommitId;
use portolan_store::{Commit, CommitSpan, Store};

use crate::bed::{Bed, at, change};

crate::on_both_engines!(
    what_lies_between_two_commits_is_told_newest_first,
    a_way_over_unknown_commits_is_not_whole,
    a_commit_is_found_by_the_beginning_of_its_name,
    commits_that_are_told_twice_are_there_once,
);

fn id(number: u32) -> CommitId {
    format!("{number:040x}").parse().unwrap()
}

fn commit(number: u32, parents: &[u32]) -> Commit {
    Commit {
        id: id(number),
        parents: parents.iter().map(|it| id(*it)).collect(),
        subject: format!("Commit {number}"),
        author: "ann".to_owned(),
        committed_at: at(i64::from(number)),
    }
}

async fn told(store: &Store, commits: &[(u32, &[u32])]) {
    let commits: Vec<Commit> = commits.iter().map(|(it, parents)| commit(*it, parents)).collect();
    change!(store, |tx| tx.add_commits(&commits).await);
}

async fn between(store: &Store, from: u32, to: u32) -> Option<CommitSpan> {
    store.commits_between(&id(from), &id(to), 3).await.unwrap()
}

fn numbers(commits: &[Commit]) -> Vec<i64> {
    commits.iter().map(|it| it.committed_at.millis() - at(0).millis()).collect()
}

async fn what_lies_between_two_commits_is_told_newest_first(bed: Bed) {
    // 1 - 2 - 3 - 6 - 7, and 4 - 5 from 2 merged by 6.
    let way: [(u32, &[u32]); 7] =
        [(1, &[]), (2, &[1]), (3, &[2]), (4, &[2]), (5, &[4]), (6, &[3, 5]), (7, &[6])];
    told(&bed.store, &way).await;
    let span = between(&bed.store, 3, 7).await.unwrap();
    assert_eq!((numbers(&span.gained), span.gained_total), (vec![7, 6, 5], 4), "4 is the fourth");
    assert_eq!((span.lost_total, span.whole), (0, true));
    let back = between(&bed.store, 7, 3).await.unwrap();
    assert_eq!((back.gained_total, numbers(&back.lost)), (0, vec![7, 6, 5]));
    let aside = between(&bed.store, 3, 5).await.unwrap();
    assert_eq!((numbers(&aside.gained), numbers(&aside.lost)), (vec![5, 4], vec![3]));
    let same = between(&bed.store, 7, 7).await.unwrap();
    assert_eq!((same.gained_total, same.lost_total, same.whole), (0, 0, true));
    assert_eq!(between(&bed.store, 3, 99).await, None);
    assert_eq!(between(&bed.store, 99, 3).await, None);
}

async fn a_way_over_unknown_commits_is_not_whole(bed: Bed) {
    // Nobody told of 3.
    told(&bed.store, &[(1, &[]), (2, &[1]), (4, &[3]), (5, &[4])]).await;
    let span = between(&bed.store, 2, 5).await.unwrap();
    assert_eq!((numbers(&span.gained), span.whole), (vec![5, 4], false));
    // What is before both is no matter of theirs.
    let span = between(&bed.store, 4, 5).await.unwrap();
    assert_eq!((numbers(&span.gained), span.lost_total, span.whole), (vec![5], 0, true));
    told(&bed.store, &[(3, &[2])]).await;
    let span = between(&bed.store, 2, 5).await.unwrap();
    assert_eq!((numbers(&span.gained), span.whole), (vec![5, 4, 3], true));
}

async fn a_commit_is_found_by_the_beginning_of_its_name(bed: Bed) {
    let one: CommitId = "abcdef0123456789abcdef0123456789abcdef01".parse().unwrap();
    let other: CommitId = "abcdee0123456789abcdef0123456789abcdef01".parse().unwrap();
    let both = [one.clone(), other].map(|id| Commit { id, ..commit(1, &[]) });
    change!(bed.store, |tx| tx.add_commits(&both).await);
    let found =
        |beginning: &'static str| async { bed.store.commit_named(beginning).await.unwrap() };
    assert_eq!(found("ABCDEF0").await.map(|it| it.id), Some(one.clone()));
    assert_eq!(found("abcdef0123456789abcdef0123456789abcdef01").await.map(|it| it.id), Some(one));
    for none in ["abcde", "abcdf", "abc", "", "abcdefg", "%bcdef0"] {
        assert_eq!(found(none).await, None, "{none}");
    }
}

async fn commits_that_are_told_twice_are_there_once(bed: Bed) {
    told(&bed.store, &[(1, &[]), (2, &[1])]).await;
    let other = [Commit { subject: "Something else".to_owned(), ..commit(2, &[1]) }];
    change!(bed.store, |tx| tx.add_commits(&other).await);
    let kept = bed.store.commit(&id(2)).await.unwrap().unwrap();
    assert_eq!(kept, Commit { parents: Vec::new(), ..commit(2, &[1]) });
    let many: Vec<Commit> = (3..700).map(|it| commit(it, &[it - 1])).collect();
    change!(bed.store, |tx| tx.add_commits(&many).await);
    let span = between(&bed.store, 1, 699).await.unwrap();
    assert_eq!((span.gained_total, numbers(&span.gained)), (698, vec![699, 698, 697]));
}
