//! How two environments differ, each at a moment.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use portolan_model::{Digest, Timestamp, Version};
use portolan_store::{Origin, StoreError};
use serde::Serialize;

use crate::Tracker;
use crate::running::{Cell, RunningFilter};

/// An environment at a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Its name.
    pub environment: String,
    /// The moment.
    pub at: Timestamp,
}

/// How a service stands in the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Relation {
    /// The same images run in both.
    Same,
    /// Different images run.
    Differ,
    /// It runs in the first alone.
    OnlyA,
    /// It runs in the second alone.
    OnlyB,
}

/// Which of two versions is the higher.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Direction {
    /// The first environment has the higher version.
    Ahead,
    /// The first environment has the lower version.
    Behind,
    /// Both versions are of one precedence.
    Level,
}

/// What runs of a service in one of the two.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Side {
    /// The version that runs.
    pub version: String,
    /// The images that run, in byte order.
    pub digests: Vec<Digest>,
    /// The commit that the image was built from, by its label.
    pub revision: Option<String>,
    /// Where its source is, by its label.
    pub source_url: Option<String>,
    /// Tasks that run.
    pub tasks: u64,
    /// Since when the first of the tasks that run does so.
    pub since: Option<Timestamp>,
    /// What the API names the newest deployment by.
    pub deployment: String,
    /// Who asked for it.
    pub user: Option<String>,
}

/// A service that runs in one of the two or in both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The service.
    pub service: String,
    /// How it stands.
    pub relation: Relation,
    /// Which version is higher; none where either is no version, or there is but one.
    pub direction: Option<Direction>,
    /// What runs in the first.
    pub a: Option<Side>,
    /// What runs in the second.
    pub b: Option<Side>,
}

impl Side {
    fn of(cell: &Cell, origins: &HashMap<Digest, Origin>) -> Self {
        let digests: BTreeSet<Digest> = cell.images.iter().filter_map(|it| it.digest).collect();
        let main = cell.images.iter().find(|image| image.version == cell.version());
        let origin = main.and_then(|image| origins.get(&image.digest?)).cloned();
        let origin = origin.unwrap_or_default();
        Self {
            version: cell.version().to_owned(),
            digests: digests.into_iter().collect(),
            revision: origin.revision,
            source_url: origin.source_url,
            tasks: cell.images.iter().map(|image| image.tasks).sum(),
            since: cell.images.iter().map(|image| image.since).min(),
            deployment: cell.newest.id().to_owned(),
            user: cell.newest.user().map(str::to_owned),
        }
    }

    fn is_same(&self, other: &Self) -> bool {
        if self.digests.is_empty() || other.digests.is_empty() {
            return self.version == other.version;
        }
        self.digests == other.digests
    }
}

/// Which of two versions is the higher.
fn direction(a: &Side, b: &Side) -> Option<Direction> {
    let (a, b): (Version, Version) = (a.version.parse().ok()?, b.version.parse().ok()?);
    Some(match a.cmp_precedence(&b) {
        Ordering::Greater => Direction::Ahead,
        Ordering::Less => Direction::Behind,
        Ordering::Equal => Direction::Level,
    })
}

/// How what runs differs, by service.
fn compare(a: &[Cell], b: &[Cell], origins: &HashMap<Digest, Origin>) -> Vec<Difference> {
    let mut sides: BTreeMap<&str, (Option<Side>, Option<Side>)> = BTreeMap::new();
    for cell in a.iter().filter(|cell| cell.runs()) {
        sides.entry(&cell.service).or_default().0 = Some(Side::of(cell, origins));
    }
    for cell in b.iter().filter(|cell| cell.runs()) {
        sides.entry(&cell.service).or_default().1 = Some(Side::of(cell, origins));
    }
    let difference = |(service, (a, b)): (&str, (Option<Side>, Option<Side>))| {
        let (relation, direction) = match (&a, &b) {
            (Some(a), Some(b)) if a.is_same(b) => (Relation::Same, direction(a, b)),
            (Some(a), Some(b)) => (Relation::Differ, direction(a, b)),
            (_, None) => (Relation::OnlyA, None),
            (None, _) => (Relation::OnlyB, None),
        };
        Difference { service: service.to_owned(), relation, direction, a, b }
    };
    sides.into_iter().map(difference).collect()
}

impl Tracker {
    /// How `a` differs from `b`, by service.
    pub async fn diff(&self, a: &Place, b: &Place) -> Result<Vec<Difference>, StoreError> {
        let cells = async |place: &Place| {
            let filter = RunningFilter {
                environments: vec![place.environment.clone()],
                ..RunningFilter::default()
            };
            Ok::<_, StoreError>(self.running(place.at, &filter).await?.cells)
        };
        let (a, b) = (cells(a).await?, cells(b).await?);
        let digests: BTreeSet<Digest> =
            a.iter().chain(&b).flat_map(|cell| &cell.images).filter_map(|it| it.digest).collect();
        let digests: Vec<_> = digests.into_iter().collect();
        let origins = self.store().origins(&digests).await?.into_iter().collect();
        Ok(compare(&a, &b, &origins))
    }
}
