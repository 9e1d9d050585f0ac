//! The way back to a moment, on pages that show one.

use askama::Template;
use askama::filters::HtmlSafe;
use http::HeaderMap;
use portolan_release::Project;

use super::words;
use crate::App;
use crate::ui::error::PageError;
use crate::ui::link::Link;
use crate::ui::moment::Moment;
use crate::ui::show::Visible;
use crate::ui::who::Who;

/// Projects that are offered at most.
const MOST: usize = 20;

/// The forms that lead back to the moment of a page.
#[derive(Debug, Template)]
#[template(path = "parts/backs.html")]
pub(in crate::ui) struct Backs {
    at: String,
    forms: Vec<BackForm>,
    who: Who,
}

impl HtmlSafe for Backs {}

#[derive(Debug)]
struct BackForm {
    project: String,
    title: Visible,
    environments: Vec<String>,
}

impl Backs {
    /// The way back of an environment, where that is one of a project and the page is about the past.
    pub(in crate::ui) async fn of_environment(
        app: &App,
        environment: &str,
        moment: &Moment,
        headers: &HeaderMap,
        path: &Link,
    ) -> Result<Option<Self>, PageError> {
        let has = |project: &&Project| project.environments.contains_key(environment);
        let only = |_: &Project| vec![environment.to_owned()];
        Self::of(app, has, only, (moment, headers, path)).await
    }

    /// The way back of the projects that have a service called `name`.
    pub(in crate::ui) async fn of_service(
        app: &App,
        name: &str,
        moment: &Moment,
        headers: &HeaderMap,
        path: &Link,
    ) -> Result<Option<Self>, PageError> {
        let is_it = |(id, service): (&String, &portolan_release::project::Service)| {
            id == name || service.places.values().any(|it| it.name.as_deref() == Some(name))
        };
        let has = |project: &&Project| project.services.iter().any(is_it);
        let places = &app.tracker.rules().places;
        let all = |project: &Project| {
            words::in_order(project, places).into_iter().map(|(name, _)| name.clone()).collect()
        };
        Self::of(app, has, all, (moment, headers, path)).await
    }

    async fn of(
        app: &App,
        has: impl Fn(&&Project) -> bool,
        environments: impl Fn(&Project) -> Vec<String>,
        (moment, headers, path): (&Moment, &HeaderMap, &Link),
    ) -> Result<Option<Self>, PageError> {
        if !moment.past || !app.releases.projects().values().any(|project| has(&project)) {
            return Ok(None);
        }
        let who = Who::of(app, headers, &moment.on(path.clone())).await?;
        let form = |project: &Project| {
            let mut environments = environments(project);
            environments.retain(|it| who.may_deploy(it));
            let title = words::title(&project.title, &project.id);
            BackForm { project: project.id.clone(), title, environments }
        };
        let forms = app.releases.projects().values().filter(has).map(form);
        let forms: Vec<BackForm> =
            forms.filter(|form| !form.environments.is_empty()).take(MOST).collect();
        Ok(Some(Self { at: moment.parameter(), forms, who }))
    }
}
