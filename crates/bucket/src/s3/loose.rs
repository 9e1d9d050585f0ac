//! Answers that are S3's but for the name of their root, of which the SDK then reads nothing: some
//! stores, and emulators, call it by another name.

use aws_sdk_s3::error::SdkError;

/// The text of an answer that is well, which the SDK took for an error.
pub(super) fn answer<E>(error: &SdkError<E>) -> Option<&str> {
    let answer = error.raw_response().filter(|answer| answer.status().is_success())?;
    std::str::from_utf8(answer.body().bytes()?).ok()
}

/// What stands in the first element `name` of `text`.
pub(super) fn element<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(&format!("<{name}>"))?;
    rest.split_once(&format!("</{name}>")).map(|(inside, _)| inside)
}

/// What stands in each element `name` of `text`.
pub(super) fn elements<'a>(text: &'a str, name: &str) -> impl Iterator<Item = &'a str> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    let mut rest = text;
    std::iter::from_fn(move || {
        let (inside, after) = rest.split_once(&open)?.1.split_once(&close)?;
        rest = after;
        Some(inside)
    })
}

/// A word that stands for itself: without references to characters, none that may be sent back as
/// it is written.
pub(super) fn plain(text: &str) -> Option<String> {
    let plain = !text.is_empty() && text.len() <= 4096 && !text.contains(['&', '<', '>']);
    plain.then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_found_whatever_the_root_is_called() {
        let text = "<Any><Part><Size>1</Size></Part><Part><Size>2</Size></Part><Part><Size>3</Any>";
        assert_eq!(element(text, "Size"), Some("1"));
        let sizes: Vec<_> = elements(text, "Part").filter_map(|it| element(it, "Size")).collect();
        assert_eq!(sizes, ["1", "2"], "the third one does not end");
        assert_eq!(element("<Size>", "Size"), None);
        assert_eq!(plain("7-a_.~").as_deref(), Some("7-a_.~"));
        for wrong in ["", "a&amp;b", "<a", "a>", &"a".repeat(4097)] {
            assert_eq!(plain(wrong), None, "{wrong}");
        }
    }
}
