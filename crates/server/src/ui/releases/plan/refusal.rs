//! Why a plan cannot be applied, and what to do.

use portolan_release::{Plan, Refusal};

use crate::ui::link::Link;
use crate::ui::show::{Visible, tail};

/// A refusal.
#[derive(Debug)]
pub(super) struct RefusalView {
    pub(super) what: Visible,
    pub(super) hint: String,
    /// Where that is done.
    pub(super) link: Option<(&'static str, Link)>,
}

impl RefusalView {
    pub(super) fn new(refusal: &Refusal, plan: &Plan) -> Self {
        let hint = match refusal {
            Refusal::ImageMissing { .. } => {
                "Push the image there again, or prepare a release of images that are there."
            }
            Refusal::Platform { .. } => {
                "Build the image for that platform too, or say another `platform` for the \
                 environment."
            }
            Refusal::ServiceMissing { .. } => {
                "Create it, or give it the ECS tags deployment:service and deployment:env."
            }
            Refusal::ServiceSeveral { .. } => {
                "Name the one that is meant under `environments` of the service."
            }
            Refusal::Controller { .. } => {
                "Leave it out by planning the others only, or have it changed by ECS itself."
            }
            Refusal::Nothing => "Say under `services` of the image which services run it.",
            Refusal::Held { .. } => "Wait until it has ended, or order this with a time to wait.",
            Refusal::Frozen { .. } => "Whoever may deploy here can let it change again, by",
            Refusal::Quarantined { .. } => {
                "Its page has what lifts the quarantine, where that is over."
            }
            Refusal::NotBefore { .. } => "Bring it there first.",
            // These say it themselves.
            Refusal::ImageLost { .. }
            | Refusal::FixedTag { .. }
            | Refusal::Container { .. }
            | Refusal::NotByTag { .. } => "",
        };
        let hint = match refusal {
            Refusal::Frozen { .. } => {
                format!("{hint} DELETE /environments/{}/freeze.", plan.environment)
            }
            _ => hint.to_owned(),
        };
        let link = match refusal {
            Refusal::Held { rollout, .. } => Some(("That rollout", Link::rollout(*rollout))),
            Refusal::NotBefore { environment } => {
                Some(("The plan for there", Link::plan(&plan.project, environment, plan.release)))
            }
            Refusal::Quarantined { .. } => Some(("The release", Link::release(plan.release))),
            _ => None,
        };
        let what = match refusal {
            Refusal::Held { rollout, owner, .. } => {
                format!("rollout {} is changing the environment ({owner})", tail(rollout))
            }
            refusal => refusal.to_string(),
        };
        Self { what: Visible::cut(&what, 1000), hint, link }
    }
}
