//! Building the example's images and pushing them, as `portolan image append` does it.

use std::path::{Path, PathBuf};

use portolan_model::{Digest, Tag, Target};
use portolan_oci::append::{Source, Spec};
use portolan_oci::{Client, Location, Place, append};

use super::contents::{SERVICE_FILE, Version};
use super::home::{Home, make, platform};
use super::program::{LIBRARIES, PROGRAM, files};
use crate::config::Config;
use crate::error::{Failure, Outcome};
use crate::exit::Code;
use crate::registries;
use crate::run::Context;

/// The image that all others are made on: the program that they run.
const BASE: &str = "harbour/base";
/// The label that says which service an image is.
const SERVICE: &str = "org.opencontainers.image.title";

/// Builds and pushes.
pub(super) struct Yard {
    client: Client,
    registry: String,
    folder: PathBuf,
    base: Option<(Place, Target)>,
}

/// An image that was pushed.
#[derive(Debug, Clone)]
pub(super) struct Built {
    /// `harbour/pilot:1.0.0`
    pub(super) name: String,
    pub(super) digest: Digest,
}

fn failed(doing: &str, path: &Path) -> impl FnOnce(std::io::Error) -> Failure {
    let message = format!("could not {doing} {}", path.display());
    move |error| Failure::new(Code::Configuration, message).because(&error)
}

impl Yard {
    /// For the registry of `config`.
    pub(super) fn new(context: &Context, config: &Config, home: &Home) -> Outcome<Self> {
        let registry = config.listen.to_string();
        let mut reached = config.clone();
        reached.registry.insecure.push(registry.clone());
        let client = registries::client(&reached, &context.environment, None)?;
        let folder = home.path().join("build");
        make(&folder)?;
        Ok(Self { client, registry, folder, base: None })
    }

    async fn place(&self, repository: &str) -> Outcome<Place> {
        let name = format!("{}/{repository}", self.registry);
        let reference = name.parse().map_err(|error| Failure::bug(&error))?;
        let place = Place::create(&Location::Registry(reference), &self.client).await;
        place.map_err(|error| registries::failure(&error))
    }

    /// Builds the image that all others are made on: this very program, where `runs` says that it is
    /// to run.
    pub(super) async fn base(&mut self, runs: bool) -> Outcome<Digest> {
        let folder = self.folder.join("program");
        let mut spec = Spec {
            platform: Some(platform()),
            env: vec![("LD_LIBRARY_PATH".to_owned(), LIBRARIES.to_owned())],
            exposed_ports: vec!["8080".to_owned()],
            work_dir: self.folder.clone(),
            ..Spec::default()
        };
        if runs {
            spec.files = files(&folder)?;
            let words = [PROGRAM, "example-service", SERVICE_FILE];
            spec.entrypoint = Some(words.map(str::to_owned).to_vec());
        }
        let place = self.place(BASE).await?;
        let tag: Tag = "1".parse().map_err(|error| Failure::bug(&error))?;
        let made = append(None, &spec, &place, Some(&tag)).await.map_err(|error| unmade(&error))?;
        // Hundreds of megabytes where it was built with names for debuggers.
        if runs {
            std::fs::remove_dir_all(&folder).map_err(failed("remove", &folder))?;
        }
        self.base = Some((place, Target::Digest(made.digest)));
        Ok(made.digest)
    }

    /// Builds a version of a service on the base, and pushes it.
    pub(super) async fn version(&self, version: &Version) -> Outcome<Built> {
        let mut sources = Vec::new();
        let folder = self.folder.join(format!("{}-{}", version.service, version.tag));
        std::fs::create_dir_all(&folder).map_err(failed("make", &folder))?;
        for (number, (text, path)) in version.files.iter().enumerate() {
            let from = folder.join(number.to_string());
            std::fs::write(&from, text).map_err(failed("write", &from))?;
            sources.push(Source { from, to: (*path).to_owned() });
        }
        let spec = Spec {
            files: sources,
            labels: [(SERVICE.to_owned(), version.service.to_owned())].into(),
            work_dir: self.folder.clone(),
            ..Spec::default()
        };
        let repository = format!("harbour/{}", version.service);
        let place = self.place(&repository).await?;
        let tag: Tag = version.tag.parse().map_err(|error| Failure::bug(&error))?;
        let base = self.base.as_ref().map(|(place, target)| (place, target));
        let made = append(base, &spec, &place, Some(&tag)).await.map_err(|error| unmade(&error))?;
        let name = format!("{repository}:{tag}");
        Ok(Built { name, digest: made.digest })
    }
}

fn unmade(error: &portolan_oci::append::AppendError) -> Failure {
    Failure::of(Code::OtherSide, error)
}
