//! Killed between any two steps, a set is whole or not found.

use std::cell::Cell;
use std::fs;

use futures::FutureExt as _;
use portolan_assets::legacy::Checked;
use portolan_model::failpoint;

use crate::bed::{self, Bed, FILTER, git};

thread_local! {
    /// How many points are still passed before the end.
    static LEFT: Cell<Option<usize>> = const { Cell::new(None) };
}

fn hook(name: &str) {
    if !name.starts_with("legacy.") {
        return;
    }
    let left = LEFT.get();
    LEFT.set(left.map(|left| left.saturating_sub(1)));
    assert_ne!(left, Some(0), "killed at {name}");
}

/// Runs `work` until it has passed `passed` points; whether it came to its end.
async fn killed_after(passed: usize, work: impl Future<Output = ()>) -> bool {
    failpoint::install(hook);
    LEFT.set(Some(passed));
    let ended = std::panic::AssertUnwindSafe(work).catch_unwind().await;
    LEFT.set(None);
    ended.is_ok()
}

const NAMES: [&str; 3] = ["a.zip", "b.zip", "c.zip"];

/// Whether the set of the commit that is checked out has all of its objects.
fn is_whole(bed: &Bed) -> bool {
    let head = git(&bed.repository(), &["rev-parse", "HEAD"]);
    let set = bed.dir.path().join("store/artifacts").join(head);
    NAMES.iter().all(|name| fs::read_to_string(set.join(name)).is_ok_and(|text| text == *name))
}

async fn built() -> Bed {
    let mut bed = bed::make().await;
    bed.with_filter(FILTER);
    bed.check().await.unwrap();
    for name in NAMES {
        fs::write(bed.package(name), name).unwrap();
    }
    bed
}

#[tokio::test]
async fn an_upload() {
    let mut whole = 0;
    for passed in 0.. {
        let bed = built().await;
        let upload = Box::pin(async {
            bed.upload().await.unwrap();
        });
        let ended = killed_after(passed, upload).await;
        // Both what the commit has and what the cache has.
        match bed.check().await.unwrap() {
            Checked::Nothing => assert!(!ended, "{passed}"),
            Checked::Found => assert!(is_whole(&bed), "{passed}"),
            Checked::Cached => panic!("the cache is finished after the commit: {passed}"),
        }
        bed.commit(&[("README", "other\n")]);
        if bed.check().await.unwrap() == Checked::Cached {
            assert!(is_whole(&bed), "{passed}");
            whole += 1;
        }
        if ended {
            assert!(passed >= 8 && whole == 1, "{passed} points, whole {whole}");
            return;
        }
        // Whoever comes next makes it whole.
        git(&bed.repository(), &["checkout", "-q", "HEAD~1"]);
        bed.check().await.unwrap();
        bed.upload().await.unwrap();
        assert_eq!(bed.check().await.unwrap(), Checked::Found, "{passed}");
        assert!(is_whole(&bed));
    }
}

#[tokio::test]
async fn an_upload_over_a_set_that_is_there() {
    for passed in 0.. {
        let bed = built().await;
        bed.upload().await.unwrap();
        fs::write(bed.package("b.zip"), "other").unwrap();
        let upload = Box::pin(async {
            bed.upload().await.unwrap();
        });
        let ended = killed_after(passed, upload).await;
        let found = bed.check().await.unwrap();
        if ended {
            assert_eq!(found, Checked::Found);
            return;
        }
        // Neither the old one with a new object nor the other way round.
        let head = git(&bed.repository(), &["rev-parse", "HEAD"]);
        let set = bed.dir.path().join("store/artifacts").join(head);
        let b = fs::read_to_string(set.join("b.zip")).unwrap();
        assert!(found == Checked::Nothing || b == "other", "{passed}: {found:?} with {b}");
    }
}

#[tokio::test]
async fn a_copy_from_the_cache() {
    for passed in 0.. {
        let bed = built().await;
        bed.upload().await.unwrap();
        bed.commit(&[("README", "other\n")]);
        let check = Box::pin(async {
            bed.check().await.unwrap();
        });
        let ended = killed_after(passed, check).await;
        assert_eq!(bed.package(".found").exists(), ended, "{passed}");
        // Without the code there is no cache that could heal it.
        let mut without = bed;
        without.inputs.filter = None;
        let found = without.check().await.unwrap();
        assert_eq!(found == Checked::Found, ended, "{passed}");
        if ended {
            assert!(is_whole(&without) && passed >= 5, "{passed}");
            return;
        }
    }
}
