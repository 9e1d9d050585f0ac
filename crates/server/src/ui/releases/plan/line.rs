//! What a plan does to one service, and to one image.

use portolan_model::{Digest, RepositoryName};
use portolan_release::plan::{Action, ContainerPlan, ImagePlan, ServicePlan};
use portolan_release::project::Moment;

use super::Labels;
use crate::ui::link::Link;
use crate::ui::show::{Chip, Copy, DigestLink, Shape, Visible};

/// What a plan does to a service.
#[derive(Debug)]
pub(super) struct ServiceLine {
    pub(super) name: String,
    pub(super) service: Visible,
    pub(super) link: Option<Link>,
    pub(super) chosen: bool,
    pub(super) chip: Chip,
    pub(super) definition: Option<Visible>,
    pub(super) containers: Vec<ContainerLine>,
    /// When each runs, what it is called, and its command.
    pub(super) hooks: Vec<(&'static str, Visible, Visible)>,
}

/// What a plan does to a container.
#[derive(Debug)]
pub(super) struct ContainerLine {
    pub(super) container: Visible,
    pub(super) image: Visible,
    pub(super) runs: Vec<(DigestShown, Option<(String, Link)>)>,
    pub(super) will: DigestShown,
    pub(super) tag: Option<Visible>,
    pub(super) same: bool,
}

/// A digest, with a link where the catalogue shows the image.
#[derive(Debug)]
pub(super) struct DigestShown {
    pub(super) link: Option<DigestLink>,
    pub(super) digest: Digest,
    pub(super) copy: Copy,
}

impl DigestShown {
    fn new(digest: Digest, repository: Option<&RepositoryName>, labels: &Labels) -> Self {
        let repository = repository.filter(|_| labels.known.contains(&digest));
        Self {
            link: repository.map(|it| DigestLink::new(digest, Link::image(it, &digest))),
            digest,
            copy: Copy(digest),
        }
    }
}

fn repository(named: &str) -> Option<RepositoryName> {
    named.parse::<portolan_model::Reference>().ok().map(|it| it.repository)
}

impl ContainerLine {
    fn new(plan: &ContainerPlan, labels: &Labels) -> Self {
        let (was, will) = (repository(&plan.named), repository(&plan.will_name));
        let runs = plan.runs.iter().map(|digest| {
            let release = labels.releases.get(digest).cloned();
            (DigestShown::new(*digest, was.as_ref(), labels), release)
        });
        Self {
            container: Visible::cut(&plan.container, 80),
            image: Visible::cut(&plan.image, 80),
            runs: runs.collect(),
            will: DigestShown::new(plan.digest, will.as_ref(), labels),
            tag: labels.tags.get(&plan.digest).cloned(),
            same: plan.runs.iter().eq([&plan.digest]),
        }
    }
}

impl ServiceLine {
    pub(super) fn new(plan: &ServicePlan, labels: &Labels, chosen: bool) -> Self {
        let chip = match plan.action {
            Action::Keep => Chip::new(Shape::Off, "stays as it is"),
            Action::Restart => Chip::new(Shape::Run, "started anew"),
            Action::Define => Chip::new(Shape::Run, "new definition"),
        };
        let hook = |hook: &portolan_release::project::Hook| {
            let when = match hook.moment {
                Moment::Before => "before",
                Moment::After => "after",
            };
            (when, Visible::cut(&hook.name, 80), Visible::cut(&hook.command.join(" "), 300))
        };
        let known = labels.services.contains(&plan.service);
        let definition = plan.definition.as_deref();
        Self {
            name: plan.service.clone(),
            service: Visible::cut(&plan.service, 120),
            link: known.then(|| Link::service(&plan.service)),
            chosen,
            chip,
            definition: definition
                .filter(|_| plan.action == Action::Define)
                .map(|it| Visible::cut(it.rsplit('/').next().unwrap_or(it), 120)),
            containers: plan.containers.iter().map(|it| ContainerLine::new(it, labels)).collect(),
            hooks: plan.hooks.iter().map(hook).collect(),
        }
    }
}

/// What a plan does to an image.
#[derive(Debug)]
pub(super) struct ImageLine {
    pub(super) image: Visible,
    pub(super) digest: DigestShown,
    pub(super) spot: Visible,
    pub(super) copy_from: Option<Visible>,
    pub(super) tags: Vec<(Visible, Option<String>, bool)>,
}

impl ImageLine {
    pub(super) fn new(plan: &ImagePlan, labels: &Labels) -> Self {
        let tags = plan.tags.iter().map(|it| {
            let from = it.from.map(|from| from.short());
            (Visible::cut(it.tag.as_str(), 80), from, it.first)
        });
        Self {
            image: Visible::cut(&plan.image, 100),
            digest: DigestShown::new(plan.digest, Some(&plan.spot.repository), labels),
            spot: Visible::cut(&plan.spot.to_string(), 300),
            copy_from: plan.copy_from.as_ref().map(|it| Visible::cut(&it.to_string(), 300)),
            tags: tags.collect(),
        }
    }
}
