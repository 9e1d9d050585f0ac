//! What a plan is wanted for, as an address or a form says it.

use std::collections::BTreeSet;

use portolan_model::ReleaseId;
use portolan_release::{Back, OnFailure, Options, Plan, Reason, Scope};

use crate::App;
use crate::ui::error::PageError;
use crate::ui::link::Link;

/// Services that are named in one wish at most.
const MOST_SERVICES: usize = 1000;
/// The longest that an order waits for whoever holds the environment, in seconds: a day.
const MOST_WAIT: u32 = 86_400;

/// What is to be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    /// A release.
    Release(ReleaseId),
    /// A release that was there before.
    Again(ReleaseId),
    /// What the last success before the newest one brought there.
    Previous,
}

/// What a plan is wanted for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wish {
    pub(super) project: String,
    pub(super) environment: String,
    what: What,
    /// Only these services; all where there is none.
    pub(super) services: BTreeSet<String>,
    pub(super) on_failure: OnFailure,
    pub(super) wait_seconds: u32,
}

impl Wish {
    /// What `pairs` of names and values say.
    pub(super) fn of(pairs: &[(String, String)]) -> Result<Self, PageError> {
        let value = |name: &str| {
            let found = pairs.iter().find(|(given, _)| given == name);
            found.map_or("", |(_, value)| value.as_str())
        };
        let release = || value("release").parse::<ReleaseId>();
        let bad = |why: &str| PageError::bad(why);
        let what = match (value("back"), value("release")) {
            ("previous", "") => What::Previous,
            ("release", _) => What::Again(release().map_err(|it| bad(&it.to_string()))?),
            ("", _) => What::Release(release().map_err(|it| bad(&it.to_string()))?),
            _ => return Err(bad("`back` is `previous`, or `release` with the release")),
        };
        let services = pairs.iter().filter(|(name, value)| name == "service" && !value.is_empty());
        let services: BTreeSet<String> = services.map(|(_, value)| value.clone()).collect();
        if services.len() > MOST_SERVICES {
            return Err(bad("these are more services than one plan is about"));
        }
        let wait_seconds = match value("wait") {
            "" => 0,
            text => text
                .parse::<u32>()
                .ok()
                .filter(|it| *it <= MOST_WAIT)
                .ok_or_else(|| bad("`wait` is a number of seconds, a day at most"))?,
        };
        let on_failure = match value("on-failure") {
            "leave" => OnFailure::Leave,
            "" | "rollback" => OnFailure::Rollback,
            _ => return Err(bad("`on-failure` is `rollback` or `leave`")),
        };
        let (project, environment) = (value("project").to_owned(), value("env").to_owned());
        Ok(Self { project, environment, what, services, on_failure, wait_seconds })
    }

    /// The plan for it, as the world is now, and how it is to be applied.
    pub(super) async fn plan(&self, app: &App) -> Result<(Plan, Options), PageError> {
        let services = Some(self.services.clone()).filter(|services| !services.is_empty());
        let scope = Scope { services };
        let place = (self.project.as_str(), self.environment.as_str());
        // Neither of these makes a release, which would be somebody's.
        let nobody = "";
        let (plan, options) = match self.what {
            What::Release(release) => {
                let plan = app.releases.plan(place.0, place.1, release, &scope).await?;
                (plan, Options { scope, ..Options::default() })
            }
            What::Again(release) => {
                app.releases.rollback(place, &Back::Release(release), &scope, nobody).await?
            }
            What::Previous => app.releases.rollback(place, &Back::Previous, &scope, nobody).await?,
        };
        let (on_failure, wait_seconds) = (self.on_failure, self.wait_seconds);
        Ok((plan, Options { on_failure, wait_seconds, ..options }))
    }

    /// The same for all services.
    pub(super) fn of_all(&self) -> Self {
        Self { services: BTreeSet::new(), ..self.clone() }
    }

    /// The address of the plan.
    pub(super) fn link(&self) -> Link {
        let link = Link::plans(&self.project, &self.environment);
        let link = match self.what {
            What::Release(release) => link.with("release", release.to_string()),
            What::Again(release) => {
                link.with("release", release.to_string()).with("back", "release")
            }
            What::Previous => link.with("back", "previous"),
        };
        self.services.iter().fold(link, |link, service| link.with("service", service))
    }

    /// The names and values by which a form says the same of the plan that was made for it: the
    /// release is told, whatever it was found by.
    pub(super) fn fields(&self, plan: &Plan, reason: Reason) -> Vec<(&'static str, String)> {
        let back = if reason == Reason::Rollback { "release" } else { "" };
        vec![
            ("project", self.project.clone()),
            ("env", self.environment.clone()),
            ("release", plan.release.to_string()),
            ("back", back.to_owned()),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish(pairs: &[(&str, &str)]) -> Result<Wish, String> {
        let pairs: Vec<_> =
            pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        Wish::of(&pairs).map_err(|error| error.to_string())
    }

    const ID: &str = "018f0000-0000-7000-8000-000000000000";

    #[test]
    fn an_address_says_what_the_form_does() {
        let asked = [
            ("project", "shop"),
            ("env", "prod"),
            ("release", ID),
            ("service", "b"),
            ("service", "a"),
        ];
        let wish = wish(&asked).unwrap();
        assert_eq!(wish.services.len(), 2);
        assert_eq!(
            wish.link().to_string(),
            format!("/ui/plan?project=shop&env=prod&release={ID}&service=a&service=b")
        );
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for bad in [
            &[("release", "x")][..],
            &[],
            &[("back", "previous"), ("release", ID)],
            &[("back", "yesterday")],
            &[("back", "release")],
            &[("release", ID), ("wait", "86401")],
            &[("release", ID), ("wait", "-1")],
            &[("release", ID), ("on-failure", "explode")],
        ] {
            assert!(wish(bad).is_err(), "{bad:?}");
        }
        assert!(wish(&[("back", "previous")]).is_ok());
        assert_eq!(wish(&[("release", ID), ("wait", "600")]).unwrap().wait_seconds, 600);
    }
}
