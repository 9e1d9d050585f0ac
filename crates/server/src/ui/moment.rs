//! The moment that a page shows: now, or any before it.
//!
//! `?at=` holds it, so that a link shows a colleague the same. Two plain forms lead to others: a
//! slider over the last 30 days, whose `?back=` is answered by a redirect to the moment that it
//! means, and a field for a day and a time.

use askama::Template;
use askama::filters::HtmlSafe;
use axum::response::{IntoResponse, Redirect, Response};
use portolan_model::Timestamp;

use super::error::PageError;
use super::link::Link;
use super::show::When;

/// How far the slider goes back, in hours.
const HOURS: i64 = 30 * 24;
const HOUR: i64 = 60 * 60 * 1000;

/// The moment of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Moment {
    /// The moment that is shown.
    pub(super) at: Timestamp,
    /// The present.
    pub(super) now: Timestamp,
    /// Whether the page was asked for a moment of the past.
    pub(super) past: bool,
}

/// What leads from a page to the same page at other moments.
#[derive(Debug, Clone, Template)]
#[template(path = "parts/time.html")]
pub(super) struct TimeControl {
    when: Option<When>,
    field: String,
    back: i64,
    path: Link,
    kept: Vec<(&'static str, String)>,
    now: Link,
}

impl HtmlSafe for TimeControl {}

impl Moment {
    /// The moment that `?at=` names. An empty one is now; so is one that is still to come.
    pub(super) fn asked(at: &str, now: Timestamp) -> Result<Self, PageError> {
        if at.is_empty() || at == "now" {
            return Ok(Self { at: now, now, past: false });
        }
        let at = parse(at, now)?;
        Ok(Self { at: at.min(now), now, past: at < now })
    }

    /// The moment as a parameter: empty for now.
    pub(super) fn parameter(&self) -> String {
        if self.past { self.at.to_string() } else { String::new() }
    }

    /// The same address at this moment.
    pub(super) fn on(&self, link: Link) -> Link {
        link.with("at", self.parameter())
    }

    /// `at` as an age seen from the moment of the page.
    pub(super) fn when(&self, at: Timestamp) -> When {
        When::new(at, self.at)
    }

    /// What leads from the page at `path`, with the parameters `kept`, to other moments.
    pub(super) fn control(&self, path: Link, kept: Vec<(&'static str, String)>) -> TimeControl {
        let kept: Vec<_> = kept.into_iter().filter(|(_, value)| !value.is_empty()).collect();
        let hours = self.now.millis_since(self.at).saturating_add(HOUR / 2) / HOUR;
        let seconds: String =
            self.at.to_string().chars().take("2026-11-20T18:00:00".len()).collect();
        let now = kept.iter().fold(path.clone(), |link, (name, value)| link.with(name, value));
        TimeControl {
            when: self.past.then(|| When::new(self.at, self.now)),
            field: seconds,
            back: -hours.clamp(0, HOURS),
            path,
            kept,
            now,
        }
    }
}

/// A moment as people, links and the field of a form write it. The field says no zone: UTC.
fn parse(text: &str, now: Timestamp) -> Result<Timestamp, PageError> {
    let spoken = Timestamp::spoken(text, now);
    let zoned = || Timestamp::spoken(&format!("{}Z", text.trim()), now).ok();
    spoken.or_else(|error| zoned().ok_or_else(|| PageError::bad(error.to_string())))
}

/// Where the slider leads: `back` hours before `now` (0 or less), at the page `here`. None where it
/// was not used.
pub(super) fn slid(back: Option<i64>, now: Timestamp, here: Link) -> Option<Response> {
    let back = back?.clamp(-HOURS, 0);
    let minute = now.plus_millis(back.saturating_mul(HOUR)).millis() / 60_000 * 60_000;
    let here =
        if back == 0 { here } else { here.with("at", Timestamp::from_millis(minute).to_string()) };
    Some(Redirect::to(&here.to_string()).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-11-20T18:00:30Z".parse().unwrap()
    }

    fn at(text: &str) -> String {
        Moment::asked(text, now()).map_or_else(|error| error.to_string(), |it| it.parameter())
    }

    #[test]
    fn moments_are_read_as_people_write_them() {
        for text in ["2026-11-01T09:00Z", "2026-11-01T09:00", "2026-11-01T09:00:00.000Z"] {
            assert_eq!(at(text), "2026-11-01T09:00:00.000Z", "{text}");
        }
        assert_eq!(at("2026-11-01T09:00:01"), "2026-11-01T09:00:01.000Z");
        assert_eq!(at("2026-11-01T10:00:00 01:00"), "2026-11-01T09:00:00.000Z");
        assert_eq!(at("-2h"), "2026-11-20T16:00:30.000Z");
        assert_eq!(at("2026-11-01"), "2026-11-01T00:00:00.000Z");
        assert_eq!(at(""), "");
        assert_eq!(at("now"), "");
        assert_eq!(at("2030-01-01"), "", "what is to come is now");
        for text in ["garbage", "2026-13-01", "20261101T", "ééééé", "-1", "2026-11-01T25:00"] {
            assert!(at(text).contains("is not a moment"), "{text}");
        }
    }

    #[test]
    fn the_slider_leads_to_a_minute() {
        let led = |back| {
            let answer = slid(Some(back), now(), Link::to("/ui/").with("q", "a"))?;
            Some(answer.headers()["location"].to_str().unwrap().to_owned())
        };
        assert_eq!(led(0).unwrap(), "/ui/?q=a");
        assert_eq!(led(-24).unwrap(), "/ui/?q=a&at=2026-11-19T18:00:00.000Z");
        assert_eq!(led(i64::MIN).unwrap(), "/ui/?q=a&at=2026-10-21T18:00:00.000Z");
        assert_eq!(led(5).unwrap(), "/ui/?q=a");
        assert!(slid(None, now(), Link::to("/ui/")).is_none());
    }
}
