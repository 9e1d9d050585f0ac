//! A body of any text as a way in may receive it: it is opened and read, or refused in few words.

#![no_main]

use libfuzzer_sys::fuzz_target;
use portolan_model::Timestamp;
use portolan_tracker::Kind;
use portolan_tracker::envelope::{MAX_EVENTS, open};
use portolan_tracker::read::{image_reference, read};

fuzz_target!(|text: &str| {
    let received = Timestamp::from_millis(0);
    match open(text) {
        Ok(events) => {
            assert!(events.len() <= MAX_EVENTS);
            for event in events {
                // What one wrapper gives, the next one gives too.
                if event.kind != Kind::Other {
                    assert_eq!(
                        open(&event.body).map(|again| again[0].body.clone()),
                        Ok(event.body.clone())
                    );
                }
                check(event.kind, &event.body, received);
            }
        }
        Err(problem) => assert!(problem.to_string().chars().count() <= 400),
    }
    for kind in Kind::ALL {
        check(kind, text, received);
    }
    let _ = image_reference(text);
});

fn check(kind: Kind, body: &str, received: Timestamp) {
    if let Err(problem) = read(kind, body, received) {
        assert!(problem.to_string().chars().count() <= 400, "{problem}");
    }
}
