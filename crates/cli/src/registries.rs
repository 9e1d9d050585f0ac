//! The client of registries, and what it means when one fails.

use std::sync::Arc;

use portolan_model::Secret;
use portolan_oci::layout::LayoutError;
use portolan_oci::registry::Fault;
use portolan_oci::{Client, PlaceError, Registry, Settings};

use crate::config::Config;
use crate::env::Environment;
use crate::error::{Failure, Outcome};
use crate::exit::Code;
use crate::logins::Logins;

/// A client of every registry that this configuration and this user's logins reach; `own` is the host
/// of Portolan's own, with the token for it.
pub(crate) fn client(
    config: &Config,
    environment: &Environment,
    own: Option<(String, Secret<String>)>,
) -> Outcome<Client> {
    let settings = Settings {
        limits: config.limits.clone(),
        insecure: config.registry.insecure.clone(),
        egress_allowed: config.registry.allowed_hosts.clone(),
        ..Settings::default()
    };
    let logins = Logins::new(environment, &config.registry).with_own(own);
    Client::new(settings, Arc::new(logins))
        .map_err(|error| Failure::of(Code::Configuration, &error))
}

/// The registry at `host`.
pub(crate) fn registry(
    config: &Config,
    environment: &Environment,
    host: &str,
) -> Outcome<Registry> {
    let registry = client(config, environment, None)?.registry(host);
    registry.map_err(|error| Failure::of(Code::Configuration, &error))
}

/// What it means that a layout failed: it is a directory of ours, so there is no other side.
fn layout_code(error: &LayoutError) -> Code {
    match error {
        LayoutError::Verify { .. } => Code::Verification,
        LayoutError::NotFound { .. } => Code::NotFound,
        LayoutError::NotLayout { path } if !path.exists() => Code::NotFound,
        LayoutError::Several { .. } => Code::Usage,
        LayoutError::Io { source, .. } if source.kind() == std::io::ErrorKind::NotFound => {
            Code::NotFound
        }
        _ => Code::Configuration,
    }
}

/// What it means that a place failed.
pub(crate) fn failure(error: &PlaceError) -> Failure {
    let code = match error {
        _ if error.is_not_found() => Code::NotFound,
        PlaceError::Registry(error) => match &*error.fault {
            Fault::Timeout { .. } => Code::TimedOut,
            Fault::Verify(_) => Code::Verification,
            Fault::Credentials(_) | Fault::Egress(_) => Code::Configuration,
            _ => Code::OtherSide,
        },
        PlaceError::Setup(_) | PlaceError::NoRegistry(_) => Code::Configuration,
        PlaceError::Layout(error) => layout_code(error),
        PlaceError::Config { .. } => Code::OtherSide,
    };
    let hint = error.hint();
    Failure::of(code, error).maybe_hint(hint)
}
