//! `POST /ui/back`: what ran in an environment at a moment becomes a release, whose plan is shown.

use axum::Extension;
use axum::extract::State;
use axum::response::Redirect;
use portolan_model::Timestamp;
use portolan_release::{Back, Scope};

use crate::App;
use crate::api;
use crate::door::Holder;
use crate::ui::error::PageError;
use crate::ui::form::Form;
use crate::ui::link::Link;

/// `POST /ui/back`.
pub(in crate::ui) async fn back(
    State(app): State<App>,
    holder: Option<Extension<Holder>>,
    form: Form,
) -> Result<Redirect, PageError> {
    let (project, environment) = (form.one("project"), form.one("env"));
    if environment.is_empty() {
        return Err(PageError::bad("the form does not say which environment is meant"));
    }
    api::may_deploy(holder.as_deref(), environment)?;
    let by = api::by(holder.as_deref(), form.given("by"))?;
    let at = Timestamp::spoken(form.one("at"), app.store.now());
    let at = at.map_err(|error| PageError::bad(error.to_string()))?;
    let back = Back::Moment(at);
    let (plan, _) =
        app.releases.rollback((project, environment), &back, &Scope::default(), &by).await?;
    let to = Link::plan(project, environment, plan.release).with("back", "release");
    Ok(Redirect::to(&to.to_string()))
}
