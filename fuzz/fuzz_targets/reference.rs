//! A name of an image of any text: what is read is written the same.

#![no_main]

use libfuzzer_sys::fuzz_target;
use portolan_model::{Digest, Platform, Reference, Tag, Target, Timestamp, Version};

fuzz_target!(|text: &str| {
    if let Ok(reference) = text.parse::<Reference>() {
        assert_eq!(reference.to_string(), text);
        assert!(reference.repository.as_str().len() <= 255);
        assert!(
            !reference.repository.as_str().split('/').any(|part| part.is_empty() || part == "..")
        );
    }
    if let Ok(tag) = text.parse::<Tag>() {
        assert!(!tag.as_str().contains(['/', '\\']) && tag.as_str().len() <= 128);
    }
    if let Ok(digest) = text.parse::<Digest>() {
        assert_eq!(digest.to_string(), text);
    }
    if let Ok(version) = text.parse::<Version>() {
        assert_eq!(version.to_string(), text);
    }
    let _ = text.parse::<Target>();
    let _ = text.parse::<Platform>();
    let _ = text.parse::<Timestamp>();
});
