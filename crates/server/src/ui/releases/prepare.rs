//! `POST /ui/releases`: prepares a release, as the form of the board says.

use axum::Extension;
use axum::extract::State;
use axum::response::Redirect;
use portolan_model::Tag;
use portolan_release::{Note, Source};

use crate::App;
use crate::api::{self, MOST_DESCRIPTION};
use crate::door::Holder;
use crate::ui::error::PageError;
use crate::ui::form::Form;
use crate::ui::link::Link;

/// `POST /ui/releases`: it leads to the release.
pub(in crate::ui) async fn prepare(
    State(app): State<App>,
    holder: Option<Extension<Holder>>,
    form: Form,
) -> Result<Redirect, PageError> {
    let by = api::by(holder.as_deref(), form.given("by"))?;
    let description = form.one("description").to_owned();
    if description.len() > MOST_DESCRIPTION {
        let limit = format!("a description has {MOST_DESCRIPTION} bytes at most");
        return Err(PageError::bad(limit));
    }
    let source = source(form.one("from"), form.one("what"))?;
    let note = Note { description, by, ci_url: None };
    let release = app.releases.prepare(form.one("project"), &source, note).await?;
    Ok(Redirect::to(&Link::release(release.id).to_string()))
}

/// What a release is prepared from, as a form says it.
fn source(from: &str, what: &str) -> Result<Source, PageError> {
    if what.is_empty() {
        return Err(PageError::bad("say from which tag, commit or environment"));
    }
    match from {
        "tag" => Ok(Source::Tag { tag: what.parse::<Tag>()? }),
        "commit" => Ok(Source::Commit { commit: what.to_owned() }),
        "environment" => Ok(Source::Environment { environment: what.to_owned(), at: None }),
        _ => Err(PageError::bad("a release is prepared from a tag, a commit or an environment")),
    }
}
