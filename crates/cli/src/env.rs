//! The environment: read once, here, and every variable that is not a configuration key named.
//!
//! Configuration keys have variables too (`PORTOLAN_STORE_URL` is `url` of `[store]`); they follow
//! from the keys of `config/default.toml` and are not listed again.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The URL of the server to speak to, as `--server`.
pub(crate) const SERVER: &str = "PORTOLAN_SERVER";
/// The configuration file, as `--config`.
pub(crate) const CONFIG: &str = "PORTOLAN_CONFIG";
/// The token to send to the server.
pub(crate) const TOKEN: &str = "PORTOLAN_TOKEN";
/// What is logged to standard error, as in `info,portolan_server=debug`.
pub(crate) const LOG: &str = "PORTOLAN_LOG";
/// The form of the log, as `up --log-format`.
pub(crate) const LOG_FORMAT: &str = "PORTOLAN_LOG_FORMAT";
/// `NAME[:N]`: kill this process at the N-th passing of a failpoint. Debug builds only.
#[cfg(debug_assertions)]
pub(crate) const FAILPOINT: &str = "PORTOLAN_FAILPOINT";
/// Set to anything: no colours.
pub(crate) const NO_COLOR: &str = "NO_COLOR";
/// `exact`: `compat check` and `compat upload` refuse nothing that the tool itself does.
pub(crate) const COMPAT: &str = "PORTOLAN_COMPAT";
/// The variables that are no configuration keys, for the long help and the manual page.
pub(crate) const TABLE: &str = "\
Variables:
  PORTOLAN_SERVER           as --server
  PORTOLAN_TOKEN            the token to send to the server
  PORTOLAN_CONFIG           as --config
  PORTOLAN_<SECTION>_<KEY>  a key of the configuration, as in PORTOLAN_STORE_URL
  PORTOLAN_ENVIRONMENTS     the names of the environments, with commas
  PORTOLAN_LOG              what is logged, as in info,portolan_server=debug
  PORTOLAN_LOG_FORMAT       as up --log-format
  PORTOLAN_COMPAT           exact: compat check and upload do all as the tool itself
  NO_COLOR                  set to anything: no colours
  REGISTRY_AUTH_FILE        the file of logins to registries, as podman has it
  DOCKER_CONFIG             the directory of Docker's logins
  AWS_…                     as AWS's own command line has them";

/// Where podman and skopeo are told to keep credentials.
const REGISTRY_AUTH_FILE: &str = "REGISTRY_AUTH_FILE";
/// The directory of Docker's `config.json`.
const DOCKER_CONFIG: &str = "DOCKER_CONFIG";
/// The directory of what lives as long as a login.
const XDG_RUNTIME_DIR: &str = "XDG_RUNTIME_DIR";
/// The user's configuration directory.
const XDG_CONFIG_HOME: &str = "XDG_CONFIG_HOME";
/// The user's home directory.
const HOME: &str = "HOME";
/// Where programs are found.
const PATH: &str = "PATH";

/// The environment as it was when the command started. Values that are not UTF-8 are left out.
#[derive(Debug, Clone, Default)]
pub(crate) struct Environment {
    variables: BTreeMap<String, String>,
    /// The working directory.
    pub(crate) directory: PathBuf,
}

impl Environment {
    /// This process's environment.
    pub(crate) fn read() -> Self {
        let variables = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        // Relative paths still work where the directory was removed under us.
        let directory = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("."));
        Self { variables, directory }
    }

    /// The value of `name`, unless it is empty.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// The value of `name`, be it empty: for what another tool tells apart.
    pub(crate) fn told(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str)
    }

    /// Every variable and its value.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&str, &str)> {
        self.variables.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// `$XDG_CONFIG_HOME`, else `~/.config`.
    pub(crate) fn configuration_home(&self) -> Option<PathBuf> {
        let told = self.get(XDG_CONFIG_HOME).map(PathBuf::from);
        told.or_else(|| self.get(HOME).map(|home| Path::new(home).join(".config")))
    }

    /// Where clients keep credentials for registries, the first to be asked first, as in
    /// [containers-auth.json(5)](https://github.com/containers/image/blob/main/docs/containers-auth.json.5.md).
    /// A file that was named by a variable is the only one.
    pub(crate) fn auth_files(&self) -> Vec<PathBuf> {
        if let Some(file) = self.get(REGISTRY_AUTH_FILE) {
            return vec![PathBuf::from(file)];
        }
        let containers = Path::new("containers/auth.json");
        let runtime = self.get(XDG_RUNTIME_DIR).map(|dir| Path::new(dir).join(containers));
        let configured = self.configuration_home().map(|dir| dir.join(containers));
        let docker = self.get(DOCKER_CONFIG).map(PathBuf::from);
        let docker = docker.or_else(|| self.get(HOME).map(|home| Path::new(home).join(".docker")));
        [runtime, configured, docker.map(|dir| dir.join("config.json"))]
            .into_iter()
            .flatten()
            .collect()
    }

    /// Where the program `name` is, where it can be found.
    pub(crate) fn program(&self, name: &str) -> Option<PathBuf> {
        let path = self.get(PATH)?;
        std::env::split_paths(path).map(|dir| dir.join(name)).find(|file| file.is_file())
    }

    /// The same without what configures Portolan: for what has a configuration of its own.
    pub(crate) fn without_configuration(&self) -> Self {
        let mut left = self.clone();
        left.variables.retain(|name, _| !name.starts_with("PORTOLAN_"));
        left
    }

    #[cfg(test)]
    pub(crate) fn of(directory: &Path, variables: &[(&str, &str)]) -> Self {
        let variables =
            variables.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        Self { variables, directory: directory.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_named_auth_file_is_the_only_one() {
        let at = Path::new("/");
        let all = [("HOME", "/h"), ("XDG_RUNTIME_DIR", "/run/1")];
        let files = Environment::of(at, &all).auth_files();
        let expected = [
            "/run/1/containers/auth.json",
            "/h/.config/containers/auth.json",
            "/h/.docker/config.json",
        ];
        assert_eq!(files, expected.map(PathBuf::from));
        let named = [("HOME", "/h"), ("REGISTRY_AUTH_FILE", "/a.json")];
        assert_eq!(Environment::of(at, &named).auth_files(), [PathBuf::from("/a.json")]);
    }

    #[test]
    fn an_empty_variable_is_none() {
        let environment = Environment::of(Path::new("/"), &[("NO_COLOR", ""), ("HOME", "/h")]);
        assert_eq!(environment.get(NO_COLOR), None);
        assert_eq!(environment.configuration_home(), Some(PathBuf::from("/h/.config")));
    }
}
