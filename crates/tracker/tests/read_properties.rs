//! What holds for any event in any wrappers, and for any bytes.
#![expect(clippy::unwrap_used, reason = "the helpers of tests fail as tests do")]

use portolan_model::Timestamp;
use portolan_tracker::Kind;
use portolan_tracker::envelope::{MAX_NESTING, open};
use portolan_tracker::read::{image_reference, read};
use proptest::prelude::*;
use serde_json::json;

const RECEIVED: Timestamp = Timestamp::from_millis(1);

/// All recorded events that are not about S3.
fn recorded() -> Vec<String> {
    let folder = format!("{}/tests/fixtures", env!("CARGO_MANIFEST_DIR"));
    let mut events: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with("ec"))
        .collect();
    events.sort();
    events.iter().map(|path| std::fs::read_to_string(path).unwrap().trim().to_owned()).collect()
}

/// How an event may be wrapped, and how many levels of nesting it costs.
#[derive(Debug, Clone, Copy)]
enum Wrapper {
    Array,
    Sns,
    Sqs,
    SnsInLambda,
    Events,
}

impl Wrapper {
    fn levels(self) -> usize {
        if matches!(self, Self::SnsInLambda) { 2 } else { 1 }
    }

    /// The body with the event in it, beside `others`.
    fn around(self, body: &str, others: usize) -> String {
        let sns = || json!({ "Type": "Notification", "MessageId": "m", "Message": body });
        let each = |item: &str| vec![item; others + 1].join(" , ");
        match self {
            Self::Array => format!(" [{}]\n", each(body)),
            Self::Events => format!("{{\"events\": [{}]}}", each(body)),
            Self::Sns => sns().to_string(),
            Self::Sqs => {
                let record = json!({ "messageId": "q", "body": body, "eventSource": "aws:sqs" });
                json!({ "Records": vec![record; others + 1] }).to_string()
            }
            Self::SnsInLambda => {
                let record = json!({ "EventSource": "aws:sns", "Sns": sns() });
                json!({ "Records": vec![record; others + 1] }).to_string()
            }
        }
    }

    fn copies(self, others: usize) -> usize {
        if matches!(self, Self::Sns) { 1 } else { others + 1 }
    }
}

fn wrappers() -> impl Strategy<Value = Vec<(Wrapper, usize)>> {
    let one = prop_oneof![
        Just(Wrapper::Array),
        Just(Wrapper::Sns),
        Just(Wrapper::Sqs),
        Just(Wrapper::SnsInLambda),
        Just(Wrapper::Events),
    ];
    prop::collection::vec((one, 0_usize..3), 0..=MAX_NESTING)
}

proptest! {
    #[test]
    fn what_is_inside_keeps_its_bytes(event in prop::sample::select(recorded()), wrappers in wrappers()) {
        let plain = open(&event).unwrap().remove(0);
        prop_assert_eq!(&plain.body, &event);
        let mut body = event;
        let (mut levels, mut copies) = (0, 1);
        for (wrapper, others) in wrappers {
            if levels + wrapper.levels() > MAX_NESTING {
                break;
            }
            levels += wrapper.levels();
            copies *= wrapper.copies(others);
            body = wrapper.around(&body, others);
        }
        let inner = open(&body).unwrap();
        prop_assert_eq!(inner.len(), copies);
        for inner in inner {
            prop_assert_eq!((inner.kind, &inner.body, inner.at), (plain.kind, &plain.body, plain.at));
            prop_assert!(plain.id.is_none() || inner.id == plain.id);
        }
    }

    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,200}", kind in prop::sample::select(&Kind::ALL[..])) {
        let _ = open(&text);
        if let Err(problem) = read(kind, &text, RECEIVED) {
            prop_assert!(problem.to_string().chars().count() <= 400);
        }
        let _ = image_reference(&text);
    }

    #[test]
    fn a_damaged_event_is_read_or_refused(
        event in prop::sample::select(recorded()),
        cuts in prop::collection::vec((any::<prop::sample::Index>(), "[\\[\\]{}\",:0-9a-z\\\\ -]{0,6}"), 1..4),
    ) {
        let mut text = event;
        for (cut, put) in cuts {
            let mut from = cut.index(text.len());
            while !text.is_char_boundary(from) {
                from -= 1;
            }
            let to = (from + put.len()).min(text.len());
            if text.is_char_boundary(to) {
                text.replace_range(from..to, &put);
            }
        }
        for inner in open(&text).unwrap_or_default() {
            prop_assert!(text.contains(&inner.body) || inner.kind == Kind::Other);
            let _ = read(inner.kind, &inner.body, RECEIVED);
        }
    }

    #[test]
    fn image_names_are_read_as_the_model_reads_them(text in "[a-z0-9.:/@_-]{0,60}") {
        if let Ok(reference) = text.parse::<portolan_model::Reference>() {
            let name = image_reference(&text);
            prop_assert_eq!(name.registry, reference.registry);
            prop_assert_eq!(name.repository, Some(reference.repository));
            prop_assert_eq!(name.tag, reference.tag);
            prop_assert_eq!(name.digest, reference.digest);
        }
    }
}
