//! `/ui/journal/{id}`: one entry with what was said; and acting on it once more.

use askama::Template;
use axum::extract::State;
use axum::response::{Redirect, Response};
use portolan_model::EventId;
use portolan_store::JournalState;

use super::row::EntryLine;
use crate::App;
use crate::ui::ask::At;
use crate::ui::error::PageError;
use crate::ui::frame::{Frame, Section, page};
use crate::ui::show::Visible;

/// Letters of what was said that are shown at most.
const SHOWN: usize = 200_000;

#[derive(Template)]
#[template(path = "entry.html")]
struct EntryView {
    frame: Frame,
    id: EventId,
    line: EntryLine,
    state: JournalState,
    payload: Visible,
    cut: bool,
}

fn missing(id: &str) -> PageError {
    PageError::NotFound {
        what: format!("the entry `{}` of the journal", id.chars().take(60).collect::<String>()),
        hint: "The journal has the entries that are kept.",
    }
}

/// `GET /ui/journal/{id}`.
pub(in crate::ui) async fn one(
    State(App { store, .. }): State<App>,
    At(name): At,
) -> Result<Response, PageError> {
    let id: EventId = name.parse().map_err(|_| missing(&name))?;
    let entry = store.journal_entry(id).await?.ok_or_else(|| missing(&name))?;
    let json: Result<serde_json::Value, _> = serde_json::from_str(&entry.payload);
    let whole = json.ok().and_then(|json| serde_json::to_string_pretty(&json).ok());
    let whole = whole.unwrap_or_else(|| entry.payload.clone());
    let end = whole.char_indices().nth(SHOWN).map_or(whole.len(), |(end, _)| end);
    page(&EntryView {
        frame: Frame::live(Section::Journal, format!("{} - journal", entry.kind)),
        id,
        line: EntryLine::new(&entry, store.now()),
        state: entry.state,
        payload: Visible::lines(whole.get(..end).unwrap_or_default()),
        cut: end < whole.len(),
    })
}

/// `POST /ui/journal/{id}/replay`: what `POST /events/{id}/replay` does, for a form; it leads back
/// to the entry.
pub(in crate::ui) async fn replay(
    State(App { store, .. }): State<App>,
    At(name): At,
) -> Result<Redirect, PageError> {
    let id: EventId = name.parse().map_err(|_| missing(&name))?;
    let replay = store.write(move |tx| Box::pin(async move { tx.replay_event(id).await }));
    if !replay.await? {
        return Err(missing(&name));
    }
    store.wake_journal().await;
    Ok(Redirect::to(&format!("/ui/journal/{id}")))
}
