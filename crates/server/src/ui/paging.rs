//! Long lists, page by page.

use askama::Template;
use askama::filters::HtmlSafe;
use portolan_store::Page;

use super::link::Link;
use super::show::{count, counted};

/// Items of one page.
pub(super) const SIZE: u64 = 50;

/// The pages of a list. Pages count from 1.
#[derive(Debug, Clone, Template)]
#[template(path = "parts/pages.html")]
pub(super) struct Pages {
    shown: String,
    previous: Option<Link>,
    next: Option<Link>,
    single: bool,
}

impl HtmlSafe for Pages {}

/// The part of a list that page `number` shows.
pub(super) fn part(number: u64) -> Page {
    part_of(number, SIZE)
}

/// The part of a list that page `number` shows where pages have `size` items.
pub(super) fn part_of(number: u64, size: u64) -> Page {
    Page { offset: number.saturating_sub(1).saturating_mul(size).min(i64::MAX as u64), limit: size }
}

/// The items that page `number` shows where pages have `size` of them.
pub(super) fn slice<T>(items: &[T], number: u64, size: u64) -> &[T] {
    let page = part_of(number, size);
    let index = |number: u64| usize::try_from(number).unwrap_or(usize::MAX).min(items.len());
    items.get(index(page.offset)..index(page.offset.saturating_add(size))).unwrap_or_default()
}

impl Pages {
    /// The links from page `number` of a list of `total` things called `words` (one, more), to its
    /// neighbours; `here` is the list's address without the page.
    pub(super) fn new(number: u64, total: u64, words: (&str, &str), here: &Link) -> Self {
        Self::of(number, SIZE, total, words, here)
    }

    /// The same where pages have `size` items.
    pub(super) fn of(number: u64, size: u64, total: u64, words: (&str, &str), here: &Link) -> Self {
        let page = part_of(number, size);
        let to = |number: u64| here.clone().with("page", number.to_string());
        let last = total.div_ceil(size);
        let whole = counted(total, words.0, words.1);
        let shown = if total > size && page.offset < total {
            let end = page.offset.saturating_add(size).min(total);
            format!("{} to {} of {whole}", count(page.offset + 1), count(end))
        } else {
            whole
        };
        Self {
            shown,
            previous: (number > 1).then(|| to((number - 1).clamp(1, last.max(1)))),
            next: (number < last).then(|| to(number + 1)),
            single: total <= size && number <= 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pages(number: u64, total: u64) -> (String, Option<String>, Option<String>) {
        let pages = Pages::new(number, total, ("tag", "tags"), &Link::to("/x").with("q", "a"));
        let text = |link: Option<Link>| link.map(|link| link.to_string());
        (pages.shown, text(pages.previous), text(pages.next))
    }

    #[test]
    fn neighbours_of_each_page() {
        assert_eq!(pages(1, 3), ("3 tags".into(), None, None));
        assert_eq!(pages(1, 120).2, Some("/x?q=a&page=2".into()));
        assert_eq!(pages(1, 120).0, "1 to 50 of 120 tags");
        let (shown, previous, next) = pages(3, 120);
        assert_eq!(shown, "101 to 120 of 120 tags");
        assert_eq!((previous, next), (Some("/x?q=a&page=2".into()), None));
    }

    #[test]
    fn a_part_of_what_is_here() {
        let items = [1, 2, 3, 4, 5];
        assert_eq!(slice(&items, 1, 2), [1, 2]);
        assert_eq!(slice(&items, 3, 2), [5]);
        assert_eq!(slice(&items, 4, 2), [0; 0]);
        assert_eq!(slice(&items, u64::MAX, 2), [0; 0]);
        assert_eq!(slice(&items, 0, 9), items);
    }

    #[test]
    fn a_page_past_the_end_leads_back() {
        assert_eq!(pages(9, 120).1, Some("/x?q=a&page=3".into()));
        assert_eq!(pages(u64::MAX, 1).1, Some("/x?q=a&page=1".into()));
        assert_eq!(part(u64::MAX).offset, i64::MAX as u64);
        assert_eq!(part(0).offset, 0);
    }
}
