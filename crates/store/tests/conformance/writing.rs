//! Changes: all or nothing, durable when answered, many at once.

use portolan_store::StoreError;

use crate::bed::{Bed, at, change};

crate::on_both_engines!(
    a_change_that_fails_leaves_nothing,
    changes_of_many_at_once_are_all_kept,
    tables_are_made_once,
    a_second_process_sees_and_wakes_the_first,
);

async fn a_change_that_fails_leaves_nothing(bed: Bed) {
    let failed: Result<(), _> = bed
        .store
        .write(|tx| {
            Box::pin(async move {
                tx.ensure_repository(&"kept/not".parse().unwrap(), at(1)).await?;
                Err(StoreError::Closed)
            })
        })
        .await;
    assert!(failed.is_err());
    assert!(!bed.store.has_repository(&"kept/not".parse().unwrap()).await.unwrap());
    change!(bed.store, |tx| tx.ensure_repository(&"kept".parse().unwrap(), at(1)).await);
    assert!(bed.store.has_repository(&"kept".parse().unwrap()).await.unwrap());
}

async fn changes_of_many_at_once_are_all_kept(bed: Bed) {
    let mut tasks = Vec::new();
    for n in 0..300 {
        let store = bed.store.clone();
        tasks.push(tokio::spawn(async move {
            store
                .write(move |tx| {
                    Box::pin(async move {
                        tx.ensure_repository(&format!("r{n}").parse().unwrap(), at(1)).await?;
                        // Every third is taken back, among others that are committed with it.
                        if n % 3 == 0 { Err(StoreError::Closed) } else { Ok(n) }
                    })
                })
                .await
        }));
    }
    for (n, task) in tasks.into_iter().enumerate() {
        let answer = task.await.unwrap();
        let there = bed.store.has_repository(&format!("r{n}").parse().unwrap()).await.unwrap();
        assert_eq!((answer.is_ok(), there), (n % 3 != 0, n % 3 != 0), "r{n}");
    }
}

async fn tables_are_made_once(bed: Bed) {
    bed.another().await.ping().await.unwrap();
}

async fn a_second_process_sees_and_wakes_the_first(bed: Bed) {
    let other = bed.another().await;
    let mut wakes = bed.store.job_wakes();
    change!(other, |tx| tx.ensure_repository(&"r".parse().unwrap(), at(1)).await);
    assert!(bed.store.has_repository(&"r".parse().unwrap()).await.unwrap());
    if bed.store.engine() == portolan_store::Engine::Postgres {
        wakes.mark_unchanged();
        // The listener may still be connecting: it then wakes everybody, which is what is wanted.
        other.wake_jobs().await;
        tokio::time::timeout(std::time::Duration::from_secs(10), wakes.changed())
            .await
            .expect("the other process's notification")
            .unwrap();
    }
}
