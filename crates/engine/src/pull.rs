//! Bringing an image to this machine.

use std::io::Write;
use std::os::unix::fs::PermissionsExt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use portolan_model::{Reference, Secret};
use serde_json::json;
use tempfile::TempDir;

use crate::arguments::image_name;
use crate::call::Call;
use crate::engine::Engine;
use crate::error::EngineError;
use crate::settings::Kind;
use crate::spec::check_image;

/// How a registry lets images be pulled.
#[derive(Debug, Clone, Default)]
pub struct Access {
    /// It speaks plain http. Docker takes that from 127.0.0.1 alone, unless its daemon is
    /// configured otherwise.
    pub plain_http: bool,
    /// Who asks; none: whoever the engine is logged in as.
    pub credentials: Option<Credentials>,
}

/// A user's name and password at one registry. No other is ever told them.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// The registry's host, as in a reference.
    pub registry: String,
    /// The name.
    pub username: String,
    /// The password.
    pub password: Secret<String>,
}

impl Engine {
    /// Whether the image, named by its digest, is on this machine.
    pub async fn has(&self, image: &Reference) -> Result<bool, EngineError> {
        check_image(image)?;
        let name = image_name(image);
        let arguments = ["image", "inspect", "--format={{.Id}}", "--", &name];
        match self.program.run(self.call(format!("look for the image {name}"), &arguments)).await {
            Ok(_) => Ok(true),
            Err(EngineError::Failed { message, .. }) if is_missing(&message) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Brings the image, named by its digest, to this machine; one that is here is not asked for
    /// again. Credentials go by a file that only the owner can read, and that is gone afterwards.
    pub async fn pull(&self, image: &Reference, access: &Access) -> Result<(), EngineError> {
        if self.has(image).await? {
            return Ok(());
        }
        let name = image_name(image);
        let login = access.credentials.as_ref();
        let login = login.filter(|login| image.registry.as_ref() == Some(&login.registry));
        let file = login.map(|credentials| self.auth_file(credentials)).transpose()?;
        let mut arguments = Vec::new();
        if let (Kind::Docker, Some(folder)) = (self.kind(), &file) {
            arguments.push(format!("--config={}", folder.path().display()));
        }
        arguments.extend(["pull".to_owned(), "--quiet".to_owned()]);
        if self.kind() == Kind::Podman {
            if access.plain_http {
                arguments.push("--tls-verify=false".to_owned());
            }
            if let Some(folder) = &file {
                let path = folder.path().join("config.json");
                arguments.push(format!("--authfile={}", path.display()));
            }
        }
        arguments.extend(["--".to_owned(), name.clone()]);
        let patience = self.settings.pull_patience;
        self.program.run(Call::new(format!("pull the image {name}"), patience, arguments)).await?;
        Ok(())
    }

    /// Removes the image, named by its digest, from this machine. Whether it is gone now: an image
    /// that any container has, ended or not, stays.
    pub async fn remove_image(&self, image: &Reference) -> Result<bool, EngineError> {
        check_image(image)?;
        let name = image_name(image);
        let call = self.call(format!("remove the image {name}"), &["image", "rm", "--", &name]);
        match self.program.run(call).await {
            Ok(_) => Ok(true),
            Err(EngineError::Failed { message, .. }) if is_missing(&message) => Ok(true),
            Err(EngineError::Failed { message, .. }) if is_in_use(&message) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// A folder with `config.json`, which both engines read.
    fn auth_file(&self, credentials: &Credentials) -> Result<TempDir, EngineError> {
        let pair = format!("{}:{}", credentials.username, credentials.password.expose());
        let text = json!({ "auths": { &credentials.registry: { "auth": STANDARD.encode(pair) } } })
            .to_string();
        let write = || {
            let owner = std::fs::Permissions::from_mode(0o700);
            let folder = tempfile::Builder::new()
                .prefix("pull-")
                .permissions(owner)
                .tempdir_in(&self.settings.scratch)?;
            let mut options = std::fs::File::options();
            std::os::unix::fs::OpenOptionsExt::mode(options.write(true).create_new(true), 0o600)
                .open(folder.path().join("config.json"))?
                .write_all(text.as_bytes())?;
            Ok(folder)
        };
        write().map_err(|source| EngineError::Scratch {
            folder: self.settings.scratch.clone(),
            source,
        })
    }
}

fn is_in_use(message: &str) -> bool {
    // podman: "image used by ID: image is in use by a container"; docker: "unable to remove …
    // container ID is using its referenced image ID".
    message.contains("in use by a container") || message.contains("is using its referenced image")
}

fn is_missing(message: &str) -> bool {
    let message = message.to_lowercase();
    ["no such image", "image not known", "failed to find image"]
        .iter()
        .any(|text| message.contains(text))
}
