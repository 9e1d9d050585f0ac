//! Names of projects, images, services and environments.

/// Whether `text` can be the name of a project, an image, a service or an environment: 1 to 100
/// letters, digits, `.`, `_` and `-`, the first of them a letter or a digit.
pub fn is_name(text: &str) -> bool {
    (1..=100).contains(&text.len())
        && text.starts_with(|first: char| first.is_ascii_alphanumeric())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}
