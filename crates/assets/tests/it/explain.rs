//! Why a build is needed.

use portolan_assets::inputs::{Inputs, Listing};
use portolan_assets::{Assets, Difference, Explained};
use portolan_model::CommitId;

use crate::bed::{Bed, upload};
use crate::inputs::read;
use crate::repository::Repository;

async fn explained(assets: &Assets, inputs: &Inputs, commits: &[CommitId]) -> Option<Explained> {
    let listing = Listing::unpack(inputs.listing.as_ref().unwrap(), &inputs.hash).unwrap();
    assets.explain(&listing, commits).await.unwrap()
}

#[tokio::test]
async fn the_nearest_set_is_the_measure() {
    for bed in Bed::both().await {
        let assets = bed.main();
        let repository = Repository::new("sha1");
        let git = repository.opened();
        repository.write("src/a", "1");
        repository.write("src/b", "1");
        let first = repository.commit();
        let built = read(&git, first.as_str(), &["src"]).unwrap();
        assert!(explained(&assets, &built, &[]).await.is_none());
        upload(&assets, &first, bed.built(&[("x", "1")]), Some(&built)).await.unwrap();
        repository.write("src/a", "2");
        repository.commit();
        repository.write("src/c", "1");
        std::fs::remove_file(repository.at("src/b")).unwrap();
        let third = repository.commit();
        let commits = git.ancestors(&third, 100).unwrap();
        assert_eq!(commits.len(), 2);
        let now = read(&git, third.as_str(), &["src"]).unwrap();
        let explained = explained(&assets, &now, &commits).await.unwrap();
        assert_eq!(explained.found.manifest.commit, first);
        let files: Vec<_> =
            explained.files.unwrap().into_iter().map(|it| (it.name, it.difference)).collect();
        let expected = [
            ("src/a", Difference::Content),
            ("src/b", Difference::Removed),
            ("src/c", Difference::Added),
        ];
        assert_eq!(files, expected.map(|(name, difference)| (name.to_owned(), difference)));
        assert!(explained.keys.is_empty());
    }
}
