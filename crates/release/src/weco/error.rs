//! Why weco-deploy's work cannot be done. Each of these is said in one line.

use portolan_aws::AwsError;

use crate::target::TargetError;

/// Why it cannot be done.
#[derive(Debug, thiserror::Error)]
pub enum WecoError {
    /// No release yet.
    #[error("There are no releases yet: `prepare` makes one")]
    NoReleases,
    /// No such release.
    #[error(
        "There is no release {id} in the table {table}: `show-deployments` tells of those there are"
    )]
    NoRelease {
        /// The release.
        id: String,
        /// Where it was looked for.
        table: String,
    },
    /// Others add deployments to the release all the time.
    #[error("The release {id} in the table {table} changes faster than a deployment can be added")]
    Busy {
        /// The release.
        id: String,
        /// The table.
        table: String,
    },
    /// The project has no such environment.
    #[error("Unknown environment. Got '{asked}', expected {}", .has.iter().map(|it| format!("'{it}'")).collect::<Vec<_>>().join(", "))]
    Environment {
        /// What was asked for.
        asked: String,
        /// What there is.
        has: Vec<String>,
    },
    /// No image has the label.
    #[error("No images to deploy, cannot create release.")]
    Nothing,
    /// An image without a tag for its commit.
    #[error("No matching ref tags found for {repository}:{label}! `publish` gives one")]
    NoRef {
        /// Its repository.
        repository: String,
        /// The tag by which it was found.
        label: String,
    },
    /// Images that are to be updated, and that the project does not have.
    #[error("No images found for {}: the project has {}", .asked.join(", "), .has.join(", "))]
    UnknownImages {
        /// What was asked for.
        asked: Vec<String>,
        /// What the project has.
        has: Vec<String>,
    },
    /// Images that are to be updated to a label that they do not have.
    #[error("No images found for {} with the label {label}: nothing is changed", .images.join(", "))]
    Unlabelled {
        /// Which.
        images: Vec<String>,
        /// The label.
        label: String,
    },
    /// Images of a release that are no longer there.
    #[error("Nothing was changed: {} of this release cannot be found in ECR ({})", if .0.len() == 1 { "an image" } else { "images" }, .0.join(", "))]
    Gone(
        /// Which, and why.
        Vec<String>,
    ),
    /// Tasks of two services cannot be told apart.
    #[error("Multiple matching services found for {service}/{environment}! Nothing was changed; take the tags off all but one of {}", .found.join(", "))]
    Several {
        /// The service.
        service: String,
        /// The environment.
        environment: String,
        /// Their ARNs.
        found: Vec<String>,
    },
    /// A service that ECS itself does not roll out.
    #[error("Nothing was changed: {service} is rolled out by {controller}, and not by ECS")]
    Controller {
        /// The service's ARN.
        service: String,
        /// What rolls it out.
        controller: String,
    },
    /// Somebody else deploys to the environment.
    #[error(
        "{holder} is deploying release {release} to {environment} since {since}: nothing was changed; try again in a minute"
    )]
    Held {
        /// The environment.
        environment: String,
        /// Who.
        holder: String,
        /// What they deploy.
        release: String,
        /// When they began.
        since: String,
    },
    /// The right to deploy went to somebody else in the middle.
    #[error(
        "The deployment to {environment} took so long to make its changes that another was let in: deploy again once that one has ended"
    )]
    Overtaken {
        /// The environment.
        environment: String,
    },
    /// A tag that cannot be moved.
    #[error("The tag {tag} of {repository} cannot be moved: its tags are immutable; {undone}")]
    Immutable {
        /// The repository.
        repository: String,
        /// The tag.
        tag: String,
        /// What became of the tags that had moved.
        undone: String,
    },
    /// A tag that was not moved.
    #[error("{said}; {undone}")]
    Tagging {
        /// What AWS said.
        said: String,
        /// What became of the tags that had moved.
        undone: String,
    },
    /// A name in the table that is no tag.
    #[error("The image {image} of the release is at `{name}`, which names no tag")]
    BadTag {
        /// The image.
        image: String,
        /// What the release says.
        name: String,
    },
    /// A table that is not usable in time.
    #[error("The table {0} was made, and is not usable yet: try again in a minute")]
    TableNotReady(String),
    /// An item that is not a release.
    #[error("The item {id} of the table {table} is no release: {what}")]
    Item {
        /// The item.
        id: String,
        /// The table.
        table: String,
        /// What is wrong with it.
        what: &'static str,
    },
    /// AWS did not do what it was asked.
    #[error(transparent)]
    Aws(#[from] AwsError),
    /// A service could not be changed or looked at.
    #[error("{}: {}", .0, .0.source)]
    Target(#[from] TargetError),
}
