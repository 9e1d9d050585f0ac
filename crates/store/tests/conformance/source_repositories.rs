//! Repositories of source code and their teams, and whose turn it is to read them anew.

use portolan_store::{Page, SourceChange, SourceFilter, SourceRepository, SourceTeam, Store};

use crate::bed::{Bed, at, change};

crate::on_both_engines!(
    a_new_list_takes_the_place_of_the_old,
    repositories_are_found_by_team_and_name,
    a_large_organisation_is_kept_whole,
    one_process_takes_each_turn,
);

fn repository(name: &str, teams: &[&str]) -> SourceRepository {
    SourceRepository {
        name: name.into(),
        description: Some(format!("what {name} is for")),
        primary_language: None,
        url: Some(format!("https://github.com/o/{name}")),
        is_archived: false,
        is_template: false,
        is_private: true,
        created_at: Some(at(1_700_000_000_000)),
        teams: teams.iter().map(ToString::to_string).collect(),
    }
}

fn team(slug: &str) -> SourceTeam {
    SourceTeam { slug: slug.into(), name: slug.to_uppercase() }
}

async fn replace(
    store: &Store,
    repositories: &[SourceRepository],
    teams: &[SourceTeam],
) -> (u64, u64, u64) {
    let (repositories, teams) = (repositories.to_vec(), teams.to_vec());
    let SourceChange { added, changed, removed } =
        change!(store, |tx| tx.replace_source_repositories(&repositories, &teams).await);
    (added, changed, removed)
}

async fn all(store: &Store) -> Vec<SourceRepository> {
    store.source_repositories(&SourceFilter::default(), Page::ALL).await.unwrap().items
}

async fn a_new_list_takes_the_place_of_the_old(bed: Bed) {
    let store = &bed.store;
    assert!(all(store).await.is_empty());
    let bare = SourceRepository {
        description: None,
        primary_language: Some("Rust".into()),
        url: None,
        is_archived: true,
        is_template: true,
        is_private: false,
        created_at: None,
        ..repository("bare", &[])
    };
    // In byte order, as the portal's clients have it.
    let first = [repository("Shop", &["a", "b"]), bare, repository("shop-api", &["b"])];
    assert_eq!(replace(store, &first, &[team("a"), team("b")]).await, (3, 0, 0));
    assert_eq!(all(store).await, first);
    assert_eq!(replace(store, &first, &[team("a"), team("b")]).await, (0, 0, 0));
    // One goes, one comes, one is of another team, which has another name.
    let renamed = SourceTeam { slug: "a".into(), name: "The A team".into() };
    let second = [repository("Shop", &["a", "c"]), repository("new", &[]), first[2].clone()];
    let teams = [renamed, team("b"), team("c")];
    assert_eq!(replace(store, &second, &teams).await, (1, 1, 1));
    assert_eq!(all(store).await, second);
    assert_eq!(store.source_teams().await.unwrap(), teams);
    // Teams go with their links.
    let third = [repository("Shop", &[]), repository("new", &[]), repository("shop-api", &[])];
    assert_eq!(replace(store, &third, &[]).await, (0, 2, 0));
    assert!(store.source_teams().await.unwrap().is_empty());
    assert_eq!(replace(store, &[], &[]).await, (0, 0, 3));
    assert!(all(store).await.is_empty());
}

async fn repositories_are_found_by_team_and_name(bed: Bed) {
    let store = &bed.store;
    let list = [repository("a", &["x", "y"]), repository("b", &["y"]), repository("c", &[])];
    replace(store, &list, &[team("x"), team("y")]).await;
    let names = |filter: SourceFilter, page: Page| async move {
        let found = store.source_repositories(&filter, page).await.unwrap();
        let names: Vec<String> = found.items.into_iter().map(|r| r.name).collect();
        (names.concat(), found.total)
    };
    let of = |team: &str| SourceFilter { team: Some(team.into()), ..SourceFilter::default() };
    let any_of = |only: &[&str]| SourceFilter {
        only: Some(only.iter().map(ToString::to_string).collect()),
        ..SourceFilter::default()
    };
    assert_eq!(names(of("y"), Page::ALL).await, ("ab".into(), 2));
    assert_eq!(names(of("Y"), Page::ALL).await, (String::new(), 0));
    assert_eq!(names(of("' OR 1 = 1"), Page::ALL).await, (String::new(), 0));
    assert_eq!(names(any_of(&["c", "b", "z"]), Page::ALL).await, ("bc".into(), 2));
    assert_eq!(names(any_of(&[]), Page::ALL).await, (String::new(), 0));
    let except = SourceFilter { except: vec!["a".into(), "z".into()], ..of("y") };
    assert_eq!(names(except, Page::ALL).await, ("b".into(), 1));
    let part = Page { offset: 1, limit: 1 };
    assert_eq!(names(SourceFilter::default(), part).await, ("b".into(), 3));
    // Of a repository of one team that was asked for, all teams are told.
    let found = store.source_repositories(&of("x"), Page::ALL).await.unwrap();
    assert_eq!(found.items[0].teams, ["x", "y"]);
    assert_eq!(store.source_repository("b").await.unwrap(), Some(list[1].clone()));
    assert_eq!(store.source_repository("B").await.unwrap(), None);
}

async fn a_large_organisation_is_kept_whole(bed: Bed) {
    let teams: Vec<SourceTeam> = (0..130).map(|n| team(&format!("team-{n:03}"))).collect();
    let list: Vec<SourceRepository> = (0..777)
        .map(|n| {
            let of = [n % 130, (n * 7 + 1) % 130].map(|t| teams[t].slug.clone());
            let mut of = Vec::from(of);
            of.sort();
            of.dedup();
            SourceRepository { teams: of, ..repository(&format!("repository-{n:04}"), &[]) }
        })
        .collect();
    assert_eq!(replace(&bed.store, &list, &teams).await, (777, 0, 0));
    assert_eq!(all(&bed.store).await, list);
    assert_eq!(replace(&bed.store, &list, &teams).await, (0, 0, 0));
}

async fn one_process_takes_each_turn(bed: Bed) {
    let other = bed.another().await;
    let take = |store: Store, now: i64, next: i64| async move {
        change!(store, |tx| tx.take_turn("sync", at(now), at(next)).await)
    };
    assert_eq!(bed.store.next_turn("sync").await.unwrap(), None);
    let taken = futures::join!(take(bed.store.clone(), 10, 110), take(other.clone(), 10, 110));
    assert!(taken.0 != taken.1, "{taken:?}");
    assert_eq!(other.next_turn("sync").await.unwrap(), Some(at(110)));
    assert!(!take(other.clone(), 109, 209).await, "not due yet");
    assert!(take(other.clone(), 110, 210).await);
    assert!(take(bed.store.clone(), 120, 150).await, "the interval was made shorter");
    assert_eq!(bed.store.next_turn("sync").await.unwrap(), Some(at(150)));
    assert_eq!(bed.store.next_turn("another").await.unwrap(), None);
}
