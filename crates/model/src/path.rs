//! Paths inside an image, which are hostile until normalised.

/// `path` as Portolan keeps it: separated by `/`, with no leading `/` or `./`, no empty, `.` or
/// `..` part. `..` goes up lexically and stops at the root, as it does for a kernel whose root the
/// image is. The root itself is the empty text.
///
/// ```
/// assert_eq!(portolan_model::path::normalise("./a//b/../c/"), "a/c");
/// assert_eq!(portolan_model::path::normalise("/../../etc/passwd"), "etc/passwd");
/// ```
pub fn normalise(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                kept.pop();
            }
            part => kept.push(part),
        }
    }
    kept.join("/")
}

/// The part after the last `/`.
pub fn base_name(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_leaves_the_root() {
        for (given, kept) in [
            ("", ""),
            ("/", ""),
            (".", ""),
            ("../..", ""),
            ("a/../../b", "b"),
            ("./usr/../home", "home"),
            ("a/./b//c", "a/b/c"),
            ("...", "..."),
            ("a\\..\\b", "a\\..\\b"),
        ] {
            assert_eq!(normalise(given), kept, "{given}");
            assert_eq!(normalise(kept), kept);
        }
    }
}
