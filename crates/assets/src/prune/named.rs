//! Which blobs sets are made of, in little memory.

use std::collections::HashSet;
use std::hash::{BuildHasher as _, RandomState};

use portolan_model::Digest;

use crate::name::Scope;

/// The blobs that some set names. Eight bytes stand for one: a bucket may have millions. Two blobs have
/// the same ones hardly ever; then one stays that nothing names, until the next time.
#[derive(Debug, Default)]
pub(super) struct Named {
    state: RandomState,
    hashes: HashSet<u64>,
}

impl Named {
    pub(super) fn insert(&mut self, scope: &Scope, digest: &Digest) {
        self.hashes.insert(self.state.hash_one((scope, digest)));
    }

    /// Whether a set names it. True of all that were inserted, and of no other but by chance.
    pub(super) fn contains(&self, scope: &Scope, digest: &Digest) -> bool {
        self.hashes.contains(&self.state.hash_one((scope, digest)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blob_is_one_of_its_scope() {
        let (main, other): (Scope, Scope) = ("main".parse().unwrap(), "other".parse().unwrap());
        let mut named = Named::default();
        for number in 0..1000_u32 {
            named.insert(&main, &Digest::of(&number.to_le_bytes()));
        }
        for number in 0..1000_u32 {
            let digest = Digest::of(&number.to_le_bytes());
            assert!(named.contains(&main, &digest) && !named.contains(&other, &digest));
            assert!(!named.contains(&main, &Digest::of(digest.as_bytes())));
        }
    }
}
