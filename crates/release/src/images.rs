//! Where images are: what can be asked of registries, and done there.

pub mod ecr;
pub mod logins;
pub mod oci;

use std::collections::BTreeMap;
use std::fmt;

use portolan_model::{Digest, Platform, Tag, Target as Pointed};

use crate::project::Spot;
use crate::target::Asked;

/// An image that is asked about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// The repository.
    pub spot: Spot,
    /// The image.
    pub digest: Digest,
    /// Tags of the repository of which is asked where they point.
    pub tags: Vec<Tag>,
}

/// What there is of an image in a repository.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct There {
    /// Whether it is there.
    pub present: bool,
    /// What it is built for; empty where it is not there, or does not say.
    pub platforms: Vec<Platform>,
    /// Where the tags point that were asked for. One that points nowhere is left out.
    pub tags: BTreeMap<Tag, Digest>,
    /// Whether tags never move there.
    pub fixed_tags: bool,
}

/// An image that something points to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// The image.
    pub digest: Digest,
    /// Other tags that point to it, as far as that is known.
    pub tags: Vec<Tag>,
}

/// Registries, as one environment reaches them.
pub trait Images: Send + Sync + fmt::Debug {
    /// The name by which whoever runs services reaches the repository: `host/repository`.
    fn place(&self, spot: &Spot) -> String;

    /// What `target` leads to in a repository; none where there is nothing.
    fn resolve<'a>(&'a self, spot: &'a Spot, target: &'a Pointed) -> Asked<'a, Option<Resolved>>;

    /// What each of `targets` leads to in a repository, in their order; none where there is nothing.
    fn find<'a>(&'a self, spot: &'a Spot, targets: &'a [Pointed])
    -> Asked<'a, Vec<Option<Digest>>>;

    /// The tags that point to an image, as far as the registry tells.
    fn tags<'a>(&'a self, spot: &'a Spot, digest: &'a Digest) -> Asked<'a, Vec<Tag>>;

    /// What there is of these images, in their order.
    fn look<'a>(&'a self, wanted: &'a [Wanted]) -> Asked<'a, Vec<There>>;

    /// Copies an image, with all it needs. One that is there already is no error.
    fn copy<'a>(&'a self, digest: &'a Digest, from: &'a Spot, to: &'a Spot) -> Asked<'a, ()>;

    /// Points `tag` to an image of the repository, and proves that it does.
    fn point<'a>(&'a self, spot: &'a Spot, digest: &'a Digest, tag: &'a Tag) -> Asked<'a, ()>;
}
