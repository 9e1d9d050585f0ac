//! Commands that are run to their end.

use std::time::{Duration, Instant};

use portolan_engine::{Ending, EngineError, Filter};

use crate::bed::{Bed, Home, on_both_engines};

on_both_engines!(
    a_command_is_run_to_its_end_and_leaves_its_last_words,
    a_command_that_takes_too_long_is_stopped,
    a_run_that_was_cut_off_is_found_and_in_the_way_of_a_second,
);

async fn a_command_is_run_to_its_end_and_leaves_its_last_words(home: Home) {
    let bed = Bed::new(home).await;
    let patience = Duration::from_secs(30);
    let good = bed.shell("migrate", "echo one; echo two; sleep 0.5; echo three >&2");
    let finished = bed.engine.run_once(&good, patience, 2).await.unwrap();
    assert_eq!(finished.ending, Ending::Exited(0));
    assert_eq!(finished.log, b"two\nthree\n");
    assert_eq!(finished.container.digest(), bed.image.digest);
    let bad = bed.shell("migrate", "echo column exists >&2; exit 7");
    let finished = bed.engine.run_once(&bad, patience, 10).await.unwrap();
    assert_eq!((finished.ending, &*finished.log), (Ending::Exited(7), &b"column exists\n"[..]));
    assert!(bed.engine.list(&Filter::default()).await.unwrap().is_empty());
}

async fn a_command_that_takes_too_long_is_stopped(home: Home) {
    let bed = Bed::new(home).await;
    let slow = bed.shell("migrate", "trap '' TERM; echo begun; while :; do sleep 0.1; done");
    let begin = Instant::now();
    let finished = bed.engine.run_once(&slow, Duration::from_secs(2), 10).await.unwrap();
    assert!(begin.elapsed() < Duration::from_secs(20), "{:?}", begin.elapsed());
    assert_eq!((finished.ending, &*finished.log), (Ending::TimedOut, &b"begun\n"[..]));
    assert!(bed.engine.list(&Filter::default()).await.unwrap().is_empty());
}

async fn a_run_that_was_cut_off_is_found_and_in_the_way_of_a_second(home: Home) {
    let bed = Bed::new(home).await;
    let slow = bed.shell("migrate", "sleep 600");
    let (engine, spec) = (bed.engine.clone(), slow.clone());
    let run =
        tokio::spawn(
            async move { engine.run_once(&spec, Duration::from_mins(10), 10).await.map(drop) },
        );
    let deadline = Instant::now() + Duration::from_secs(20);
    while bed.engine.list(&Filter::default()).await.unwrap().is_empty() {
        assert!(Instant::now() < deadline, "it does not start");
    }
    run.abort();
    assert!(run.await.unwrap_err().is_cancelled());
    let found = bed.engine.list(&Filter::default()).await.unwrap();
    assert_eq!(found.len(), 1);
    let error = bed.engine.run_once(&slow, Duration::from_secs(1), 10).await.unwrap_err();
    assert!(matches!(error, EngineError::NameTaken { .. }), "{error}");
    bed.engine.remove(&found[0].id).await.unwrap();
}
