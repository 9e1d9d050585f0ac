//! Which engine is there.

use std::path::PathBuf;
use std::sync::Arc;

use crate::call::{Call, Program, last_lines};
use crate::check;
use crate::engine::{Engine, Found};
use crate::error::EngineError;
use crate::settings::{Kind, Settings};

impl Engine {
    /// The engine that `settings` name, else podman, else docker: the first that is there and can
    /// be used. No engine is [`EngineError::NotFound`], a normal answer; one that is there and
    /// cannot be used, [`EngineError::Unusable`].
    pub async fn detect(settings: Settings) -> Result<Self, EngineError> {
        check::name("the name of an installation", &settings.instance)?;
        let candidates = match &settings.program {
            Some(program) => vec![program.clone()],
            None => vec![PathBuf::from("podman"), PathBuf::from("docker")],
        };
        let mut unusable = None;
        for path in &candidates {
            let program = Program { path: path.clone(), environment: settings.environment.clone() };
            match known(&program, &settings).await {
                Ok(Some((kind, found))) => {
                    let version = &found.version;
                    tracing::debug!(program = program.shown(), %kind, version, "engine found");
                    return Ok(Self::new(Arc::new(program), settings, kind, found));
                }
                Ok(None) => {}
                Err(error) => {
                    unusable.get_or_insert(error);
                }
            }
        }
        Err(unusable.unwrap_or_else(|| EngineError::NotFound {
            looked_for: candidates.iter().map(|path| path.display().to_string()).collect(),
        }))
    }
}

/// What `program` is, and what it says of itself; none when there is no such program.
async fn known(
    program: &Program,
    settings: &Settings,
) -> Result<Option<(Kind, Found)>, EngineError> {
    let unusable = |message: String| EngineError::Unusable { program: program.shown(), message };
    let call = |arguments: &[&str]| {
        Call::new("ask for the version", settings.patience, arguments.iter().copied())
    };
    let (status, said, message) = match program.finish(&call(&["--version"])).await {
        Ok(done) => done,
        Err(EngineError::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    if !status.success() {
        return Err(unusable(last_lines(&message)));
    }
    let said = String::from_utf8_lossy(&said).to_lowercase();
    // `podman version 4.3.1`, `Docker version 20.10.24, build 297e128`.
    let kind = if said.starts_with("podman") {
        Kind::Podman
    } else if said.starts_with("docker") {
        Kind::Docker
    } else {
        return Err(unusable("it is neither podman nor docker".to_owned()));
    };
    // This asks what does the work: docker's daemon, podman's storage and its rights.
    let question = match kind {
        Kind::Podman => ["info", "--format={{.Version.Version}} {{.Host.Hostname}}"],
        Kind::Docker => ["version", "--format={{.Server.Version}}"],
    };
    let said = match program.run(call(&question)).await {
        Ok(said) => String::from_utf8_lossy(&said).trim().to_owned(),
        Err(EngineError::Failed { message, .. }) => return Err(unusable(message)),
        Err(error) => return Err(error),
    };
    let (version, host) = said.split_once(' ').unwrap_or((&said, ""));
    let least = match kind {
        Kind::Podman => (4, 0),
        Kind::Docker => (20, 10),
    };
    if numbers(version).is_none_or(|numbers| numbers < least) {
        let (major, minor) = least;
        let shown = last_lines(version.as_bytes());
        let message =
            format!("its version is `{shown}`; {kind} {major}.{minor} or newer is needed");
        return Err(unusable(message));
    }
    let host = match kind {
        Kind::Podman => host.trim().to_owned(),
        // Its `info` does not say why it fails where the daemon is not reached, and so is not the
        // question above.
        Kind::Docker => {
            let said = program.run(call(&["info", "--format={{.Name}}"])).await?;
            String::from_utf8_lossy(&said).trim().to_owned()
        }
    };
    Ok(Some((kind, Found { version: version.to_owned(), host })))
}

/// The first two numbers of a version.
fn numbers(version: &str) -> Option<(u32, u32)> {
    let mut parts = version.split(|character: char| !character.is_ascii_digit());
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_by_number() {
        assert_eq!(numbers("4.3.1"), Some((4, 3)));
        assert_eq!(numbers("20.10.24+dfsg1"), Some((20, 10)));
        assert_eq!(numbers("5.0-dev"), Some((5, 0)));
        assert_eq!(numbers("v4.3"), None);
        assert_eq!(numbers(""), None);
    }
}
