//! `check` and `upload` by name, beside the original on the same S3.
//!
//! Where `PORTOLAN_S3_ASSET_MANAGER` names a directory with the original (`check.py`, `upload.py`,
//! `s3.py`, and a virtual environment `venv` with what they import), each case is run by it too, and
//! everything that can be seen is compared: exit codes, state files, keys, content, metadata, media
//! types. Without it, exit codes and hashes are held against those that it was seen to have.

mod cases;
mod place;

use std::time::Instant;

use portolan_testkit::code_hashes::{NOTHING, VECTORS};

use cases::CASES;
use place::{Place, Tool};

#[test]
fn every_case_ends_as_the_original_but_for_the_traps() {
    let place = Place::new();
    let mut wrong = Vec::new();
    for case in CASES {
        let exact = place.run(case, Tool::Exact);
        let ours = place.run(case, Tool::Ours);
        if exact.codes != case.codes {
            wrong.push(format!("{}, exact: {:?}\n{}", case.name, exact.codes, exact.said));
        }
        if ours.codes != case.ours.unwrap_or(case.codes) {
            wrong.push(format!("{}: {:?}\n{}", case.name, ours.codes, ours.said));
        }
        if case.ours.is_none() && ours.seen != exact.seen {
            wrong.push(format!("{}:\n{}\nexact:\n{}", case.name, ours.seen, exact.seen));
        }
        if let Some(original) = place.original(case) {
            if original.codes != case.codes {
                wrong.push(format!("{}: the original {:?}", case.name, original.codes));
            }
            if exact.seen != original.seen {
                let (name, ours, theirs) = (case.name, &exact.seen, &original.seen);
                wrong.push(format!("{name}, exact:\n{ours}\nthe original:\n{theirs}"));
            }
            let trap = case.ours.map_or_else(String::new, |ours| format!(", ours {ours:?} (trap)"));
            println!("{}: the original {:?}{trap}", case.name, original.codes);
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n---\n"));
}

#[test]
fn every_filter_has_the_hash_of_the_original() {
    let place = Place::new();
    let mut wrong = Vec::new();
    for vector in VECTORS {
        let found = place.hash(vector, Tool::Exact);
        if found.as_deref() != Some(vector.hash) {
            wrong.push(format!("{}, exact: {found:?}", vector.name));
        }
        let found = place.hash(vector, Tool::Ours);
        // Where a pattern matches nothing there is none.
        let good = found.as_deref().is_none_or(|hash| hash == vector.hash && hash != NOTHING);
        if !good {
            wrong.push(format!("{}: {found:?}", vector.name));
        }
        if let Some(found) = place.original_hash(vector) {
            println!("{}: the original {found}", vector.name);
            if found != vector.hash {
                wrong.push(format!("{}: the original {found}", vector.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn what_is_done_is_told_on_standard_error_alone() {
    let place = Place::new();
    let case = &CASES[0];
    let started = Instant::now();
    let ended = place.run(case, Tool::Ours);
    assert!(
        ended.said.contains("Commit: ") && ended.said.contains("have to be built"),
        "{}",
        ended.said
    );
    assert!(!ended.said.contains('\u{1b}'), "no colours where nobody looks: {}", ended.said);
    assert!(started.elapsed().as_secs() < 60);
}
