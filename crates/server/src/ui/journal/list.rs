//! `/ui/journal`: the entries, newest first.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;
use portolan_store::{JournalFilter, JournalState, Page};
use portolan_tracker::Kind;
use serde::Deserialize;

use super::row::EntryLine;
use crate::App;
use crate::ui::ask::{Asked, given};
use crate::ui::error::PageError;
use crate::ui::frame::{Frame, Section, page};
use crate::ui::host::PushTo;
use crate::ui::link::Link;
use crate::ui::paging::{self, Pages};
use crate::ui::show::count;

/// Kinds of the built-in registry's entries, beside those that come from outside.
const OWN: [&str; 3] = ["image-pushed", "tag-deleted", "image-deleted"];

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::ui) struct JournalQuery {
    kind: String,
    #[serde(deserialize_with = "given")]
    state: Option<JournalState>,
    #[serde(deserialize_with = "given")]
    page: Option<u64>,
}

#[derive(Template)]
#[template(path = "journal.html")]
struct JournalView {
    frame: Frame,
    state: Option<JournalState>,
    kinds: Vec<(&'static str, bool)>,
    tabs: Vec<(&'static str, String, Link, bool)>,
    rows: Vec<EntryLine>,
    pages: Pages,
    filtered: bool,
    push_to: PushTo,
}

fn here(kind: &str, state: Option<JournalState>) -> Link {
    Link::to("/ui/journal").with("kind", kind).with("state", state.map_or("", JournalState::name))
}

/// `GET /ui/journal`.
pub(in crate::ui) async fn list(
    State(App { store, .. }): State<App>,
    Asked(query): Asked<JournalQuery>,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let kind = Some(query.kind.clone()).filter(|kind| !kind.is_empty());
    let number = query.page.unwrap_or(1);
    let filter = JournalFilter { kind: kind.clone(), state: query.state };
    let found = store.journal(&filter, paging::part(number)).await?;
    let states = [JournalState::Pending, JournalState::Applied, JournalState::Dead];
    let mut tabs = Vec::new();
    for state in [None, Some(states[0]), Some(states[1]), Some(states[2])] {
        let filter = JournalFilter { kind: kind.clone(), state };
        let many = store.journal(&filter, Page::first(0)).await?.total;
        let word = state.map_or("all", JournalState::name);
        tabs.push((word, count(many), here(&query.kind, state), state == query.state));
    }
    let now = store.now();
    let kinds = OWN.into_iter().chain(Kind::ALL.map(Kind::name));
    page(&JournalView {
        frame: Frame::live(Section::Journal, "Journal"),
        kinds: kinds.map(|name| (name, name == query.kind)).collect(),
        tabs,
        rows: found.items.iter().map(|entry| EntryLine::new(entry, now)).collect(),
        pages: Pages::new(
            number,
            found.total,
            ("entry", "entries"),
            &here(&query.kind, query.state),
        ),
        filtered: query.state.is_some() || kind.is_some(),
        state: query.state,
        push_to: PushTo::of(&headers),
    })
}
