//! A scan that needs no server: into a store that is gone when this is dropped.

use std::sync::Arc;

use portolan_catalogue::{CatalogueError, ScanError};
use portolan_model::{Digest, RepositoryName};
use portolan_oci::{Location, VerifyError};
use portolan_server::{App, Settings};
use portolan_store::{Store, StoreOptions};
use tempfile::TempDir;

use crate::api::Api;
use crate::error::{Failure, Outcome};
use crate::exit::Code;
use crate::registries;
use crate::session::Session;
use crate::system::{SystemClock, SystemIds};

/// An image that was scanned, and who can be asked about it.
#[derive(Debug)]
pub(crate) struct Scratch {
    /// The API over the store.
    pub(crate) api: Api,
    /// The image.
    pub(crate) digest: Digest,
    /// Dropped last: the store's file is in it.
    _directory: TempDir,
}

/// Scans the image at `location`, in another registry or in a layout.
pub(crate) async fn scan(session: &Session<'_>, location: &Location) -> Outcome<Scratch> {
    let place = session.open(location).await?;
    let target = match location.target() {
        Some(target) => target,
        None => place.default_target().await.map_err(|error| registries::failure(&error))?,
    };
    let directory = tempfile::tempdir().map_err(|error| {
        Failure::new(Code::Configuration, "could not make a directory to scan into")
            .because(&error)
            .hint("is the disk full? TMPDIR names another place")
    })?;
    let app = app(session, &directory).await?;
    let scanned = app.catalogue.scan_image(&place, &name(location)?, &target).await;
    let scanned = scanned.map_err(|error| failure(&error, location))?;
    Ok(Scratch { api: Api::embedded(app), digest: scanned.digest, _directory: directory })
}

async fn app(session: &Session<'_>, directory: &TempDir) -> Outcome<App> {
    let failed = |error: &(dyn std::error::Error + 'static)| {
        Failure::of(Code::Configuration, error).hint("TMPDIR names another place")
    };
    let file = directory.path().join("scan.db");
    let options = StoreOptions::new(format!("sqlite:{}", file.display()));
    let store = Store::open(&options, Arc::new(SystemClock), Arc::new(SystemIds)).await;
    let store = store.map_err(|error| failed(&error))?;
    let settings = Settings {
        limits: session.config.limits.clone(),
        scan: session.config.scan.clone(),
        ..Settings::new(directory.path().join("blobs"))
    };
    App::open(store, settings).await.map_err(|error| failed(&error))
}

/// The repository that the image is filed under; a layout has no name of its own.
fn name(location: &Location) -> Outcome<RepositoryName> {
    match location {
        Location::Registry(reference) => Ok(reference.repository.clone()),
        Location::Layout { .. } => "layout".parse().map_err(|error| Failure::bug(&error)),
    }
}

fn failure(error: &CatalogueError, location: &Location) -> Failure {
    let code = match error {
        CatalogueError::NotFound { .. } => {
            return Failure::new(Code::NotFound, format!("there is no image {location}"));
        }
        CatalogueError::Store(_) => Code::Configuration,
        error if is_verification(error) => Code::Verification,
        _ => Code::OtherSide,
    };
    Failure::new(code, format!("could not scan {location}")).because(error)
}

/// Whether bytes are not what they were said to be.
fn is_verification(error: &CatalogueError) -> bool {
    match error {
        CatalogueError::ManifestDigest { .. }
        | CatalogueError::ConfigDigest { .. }
        | CatalogueError::Layer {
            source: ScanError::Size { .. } | ScanError::Digest { .. } | ScanError::DiffId { .. },
            ..
        } => true,
        CatalogueError::Child { source, .. } => is_verification(source),
        error => VerifyError::in_chain(error).is_some(),
    }
}
