//! What an organisation has.

use portolan_model::Timestamp;

/// Repositories and teams of an organisation, all of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inventory {
    /// Repositories, by name.
    pub repositories: Vec<Repository>,
    /// Teams, by slug.
    pub teams: Vec<Team>,
}

/// A repository of source code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repository {
    /// Its name, without the organisation's.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// The language of most of it.
    pub primary_language: Option<String>,
    /// Its page; https or http.
    pub url: Option<String>,
    /// Whether nothing changes there any more.
    pub is_archived: bool,
    /// Whether others are made from it.
    pub is_template: bool,
    /// Whether not everybody may see it.
    pub is_private: bool,
    /// When it was made.
    pub created_at: Option<Timestamp>,
    /// Slugs of the teams that have it, each once, in order.
    pub teams: Vec<String>,
}

/// A team.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Team {
    /// Its name in URLs, as in `platform-team`.
    pub slug: String,
    /// Its name for people.
    pub name: String,
}

/// Bytes of a name, a slug or a URL at most.
const MOST_NAME: usize = 2048;
/// Characters of a description that are kept.
const MOST_TEXT: usize = 2000;

/// Whether `text` can name something: PostgreSQL keeps no NUL, and no screen wants the others.
pub(crate) fn is_name(text: &str) -> bool {
    !text.is_empty() && text.len() <= MOST_NAME && !text.chars().any(char::is_control)
}

/// Whether `text` is the URL of a page.
pub(crate) fn is_page(text: &str) -> bool {
    is_name(text) && url::Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "https" | "http"))
}

/// `text` as it is kept, none where nothing is left of it.
pub(crate) fn cleaned(text: Option<String>) -> Option<String> {
    let text = text?;
    let kept: String = text.chars().filter(|c| !c.is_control()).take(MOST_TEXT).collect();
    (!kept.is_empty()).then_some(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_names_something_is_checked() {
        assert!(is_name("shop-frontend.v2") && is_name("é"));
        assert!(!is_name("") && !is_name("a\0b") && !is_name(&"x".repeat(3000)));
        assert!(is_page("https://github.com/o/r"));
        assert!(!is_page("javascript:alert(1)") && !is_page("o/r") && !is_page(""));
    }

    #[test]
    fn a_description_is_kept_without_what_no_store_takes() {
        assert_eq!(cleaned(Some("a\0b\nc".into())).as_deref(), Some("abc"));
        assert_eq!(cleaned(Some("\0".into())), None);
        assert_eq!(cleaned(Some("é".repeat(5000))).unwrap().chars().count(), MOST_TEXT);
        assert_eq!(cleaned(None), None);
    }
}
