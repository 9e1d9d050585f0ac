//! Registries in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use futures::FutureExt as _;
use portolan_model::{Digest, Reference, Tag, Target};
use portolan_release::Images;
use portolan_release::images::{Resolved, There, Wanted};
use portolan_release::project::Spot;
use portolan_release::target::{Asked, TargetError};

#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) images: BTreeMap<Spot, BTreeSet<Digest>>,
    pub(crate) tags: BTreeMap<(Spot, Tag), Digest>,
    pub(crate) copies: Vec<(Spot, Digest)>,
    /// Tags that cannot be moved.
    pub(crate) stuck: BTreeSet<Tag>,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Shelf(pub(crate) Arc<Mutex<State>>);

pub(crate) fn spot(repository: &str) -> Spot {
    Spot { registry: Some("r.example".to_owned()), repository: repository.parse().unwrap() }
}

impl Shelf {
    pub(crate) fn put(&self, spot: &Spot, digest: Digest, tags: &[&str]) {
        let mut state = self.0.lock().unwrap();
        state.images.entry(spot.clone()).or_default().insert(digest);
        for tag in tags {
            state.tags.insert((spot.clone(), tag.parse().unwrap()), digest);
        }
    }

    pub(crate) fn resolve_now(&self, reference: &Reference) -> Option<Digest> {
        let registry = reference.registry.clone();
        let spot = Spot { registry, repository: reference.repository.clone() };
        self.at(&spot, &reference.target())
    }

    pub(crate) fn tag(&self, spot: &Spot, tag: &str) -> Option<Digest> {
        self.at(spot, &Target::Tag(tag.parse().unwrap()))
    }

    fn at(&self, spot: &Spot, target: &Target) -> Option<Digest> {
        let state = self.0.lock().unwrap();
        match target {
            Target::Tag(tag) => state.tags.get(&(spot.clone(), tag.clone())).copied(),
            Target::Digest(digest) => {
                state.images.get(spot).is_some_and(|it| it.contains(digest)).then_some(*digest)
            }
        }
    }
}

fn ready<T: Send + 'static>(value: T) -> Asked<'static, T> {
    std::future::ready(Ok(value)).boxed()
}

impl Images for Shelf {
    fn place(&self, spot: &Spot) -> String {
        spot.to_string()
    }

    fn resolve<'a>(&'a self, spot: &'a Spot, target: &'a Target) -> Asked<'a, Option<Resolved>> {
        let found = self.at(spot, target);
        let state = self.0.lock().unwrap();
        let resolved = found.map(|digest| Resolved {
            digest,
            tags: state
                .tags
                .iter()
                .filter(|((at, _), to)| at == spot && **to == digest)
                .map(|((_, tag), _)| tag.clone())
                .collect(),
        });
        ready(resolved)
    }

    fn find<'a>(&'a self, spot: &'a Spot, targets: &'a [Target]) -> Asked<'a, Vec<Option<Digest>>> {
        ready(targets.iter().map(|target| self.at(spot, target)).collect())
    }

    fn tags<'a>(&'a self, spot: &'a Spot, digest: &'a Digest) -> Asked<'a, Vec<Tag>> {
        let state = self.0.lock().unwrap();
        let tags = state.tags.iter().filter(|((at, _), to)| at == spot && *to == digest);
        ready(tags.map(|((_, tag), _)| tag.clone()).collect())
    }

    fn look<'a>(&'a self, wanted: &'a [Wanted]) -> Asked<'a, Vec<There>> {
        let there = wanted.iter().map(|it| There {
            present: self.at(&it.spot, &Target::Digest(it.digest)).is_some(),
            tags: it
                .tags
                .iter()
                .filter_map(|tag| {
                    Some((tag.clone(), self.at(&it.spot, &Target::Tag(tag.clone()))?))
                })
                .collect(),
            ..There::default()
        });
        ready(there.collect())
    }

    fn copy<'a>(&'a self, digest: &'a Digest, _: &'a Spot, to: &'a Spot) -> Asked<'a, ()> {
        let mut state = self.0.lock().unwrap();
        state.images.entry(to.clone()).or_default().insert(*digest);
        state.copies.push((to.clone(), *digest));
        ready(())
    }

    fn point<'a>(&'a self, spot: &'a Spot, digest: &'a Digest, tag: &'a Tag) -> Asked<'a, ()> {
        let mut state = self.0.lock().unwrap();
        if state.stuck.contains(tag) {
            let error = TargetError::new(format!("move the tag {tag}"), false, "denied");
            return std::future::ready(Err(error)).boxed();
        }
        state.tags.insert((spot.clone(), tag.clone()), *digest);
        ready(())
    }
}
