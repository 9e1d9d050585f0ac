//! Agreeing to a rollout, and taking one back that was not begun.

use axum::Extension;
use axum::extract::State;
use axum::response::Redirect;
use http::StatusCode;
use portolan_release::OrderError;
use portolan_store::Rollout;

use super::find;
use crate::App;
use crate::api;
use crate::door::Holder;
use crate::ui::ask::At;
use crate::ui::error::PageError;
use crate::ui::form::Form;
use crate::ui::link::Link;
use crate::workers::jobs::rollout::enqueue;

/// The longest that somebody says of why they take a rollout back, in bytes.
const MOST_REASON: usize = 4096;

/// The rollout `id`, and who acts on it, where they may.
async fn acted_on(
    app: &App,
    holder: Option<&Holder>,
    id: &str,
    form: &Form,
) -> Result<(Rollout, String), PageError> {
    let (rollout, _) = find(app, id).await?;
    api::may_deploy(holder, &rollout.environment)?;
    let by = api::by(holder, form.given("by"))?;
    Ok((rollout, by))
}

/// `POST /ui/rollout/{id}/approve`: the word of a second person.
pub(in crate::ui) async fn approve(
    State(app): State<App>,
    holder: Option<Extension<Holder>>,
    At(id): At,
    form: Form,
) -> Result<Redirect, PageError> {
    let (rollout, by) = acted_on(&app, holder.as_deref(), &id, &form).await?;
    match app.releases.approve(rollout.id, &by).await {
        Ok(()) => enqueue(&app, rollout.id).await?,
        // Whoever asks twice, as the first answer was lost, is led to the same page.
        Err(OrderError::NotApproved(_)) if rollout.approved_by.as_ref() == Some(&by) => {}
        Err(error) => return Err(error.into()),
    }
    Ok(Redirect::to(&Link::rollout(rollout.id).to_string()))
}

/// `POST /ui/rollout/{id}/refuse`: takes a rollout back that was not begun.
pub(in crate::ui) async fn refuse(
    State(app): State<App>,
    holder: Option<Extension<Holder>>,
    At(id): At,
    form: Form,
) -> Result<Redirect, PageError> {
    let (rollout, by) = acted_on(&app, holder.as_deref(), &id, &form).await?;
    let told = form.one("reason");
    if told.len() > MOST_REASON {
        return Err(PageError::bad(format!("a reason has {MOST_REASON} bytes at most")));
    }
    let reason = if told.is_empty() {
        format!("taken back by {by}")
    } else {
        format!("taken back by {by}: {told}")
    };
    if !app.releases.refuse(rollout.id, &reason).await? {
        let what = format!("rollout {} was begun already, or has ended", rollout.id);
        return Err(PageError::Refused { status: StatusCode::CONFLICT, what });
    }
    Ok(Redirect::to(&Link::rollout(rollout.id).to_string()))
}
