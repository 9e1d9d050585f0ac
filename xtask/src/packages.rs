//! The Debian packages that tests and benchmarks need.

use std::process::Command;

use anyhow::{Context, ensure};
use portolan_testkit::process;

use crate::run;

/// A package and why it is wanted.
pub(crate) type Package = (&'static str, &'static str);

/// What the tests need.
pub(crate) const TEST: &[Package] = &[
    ("ca-certificates", "the certificates of public registries"),
    ("zstd", "layers compressed by somebody else"),
    ("util-linux", "setpriv, which binds peers to the life of the tests"),
    ("openssl", "signatures that are not made by us"),
    ("python3-venv", "the virtual environment of moto, which stands in for AWS"),
    ("postgresql-15", "the grown store"),
    ("docker-registry", "a registry that is not ours"),
    ("apache2-utils", "htpasswd, for a registry with a login"),
    ("skopeo", "a real client of our registry"),
    ("buildah", "a real client that builds and pushes"),
    ("podman", "a real client that pulls and runs"),
    ("docker.io", "the other engine of containers"),
    ("runc", "the runtime of podman"),
    ("uidmap", "what buildah and podman need beside it"),
    ("busybox-static", "the content of small images"),
    ("chromium", "the pages, as a browser sees them"),
    ("chromium-driver", "WebDriver for it"),
    ("fonts-dejavu-core", "letters on its screenshots"),
];

/// Keeps services from being started by the installation: the way that Debian's policy gives.
const INSTALL: &str = r#"
set -e
if [ ! -e /usr/sbin/policy-rc.d ]; then
    printf '#!/bin/sh\nexit 101\n' > /usr/sbin/policy-rc.d
    chmod 755 /usr/sbin/policy-rc.d
    trap 'rm -f /usr/sbin/policy-rc.d' EXIT
fi
export DEBIAN_FRONTEND=noninteractive
install() { apt-get install --yes --quiet --no-install-recommends "$@"; }
install "$@" || { apt-get update --quiet && install "$@"; }
"#;

/// Installs those of `wanted` that are missing, saying which and why.
pub(crate) fn install(wanted: &[Package]) -> anyhow::Result<()> {
    let missing: Vec<_> = wanted.iter().filter(|(name, _)| !is_installed(name)).collect();
    if missing.is_empty() {
        println!("{} Debian packages are there", wanted.len());
        return Ok(());
    }
    println!("installing from Debian:");
    for (name, why) in &missing {
        println!("  {name}: {why}");
    }
    let names: Vec<_> = missing.iter().map(|(name, _)| *name).collect();
    process::find("apt-get", "apt").with_context(|| {
        format!("this is not Debian; install by hand what these hold: {}", names.join(" "))
    })?;
    let root = process::output(Command::new("id").arg("-u"))?.trim() == "0";
    let mut command = Command::new(if root { "env" } else { "sudo" });
    command.args(["sh", "-c", INSTALL, "install"]).args(&names);
    run::run(command.stdin(std::process::Stdio::null()))?;
    let still: Vec<_> = names.iter().filter(|name| !is_installed(name)).collect();
    ensure!(still.is_empty(), "apt-get did not install {still:?}");
    Ok(())
}

fn is_installed(package: &str) -> bool {
    process::output(Command::new("dpkg-query").args(["-W", "-f", "${db:Status-Status}", package]))
        .is_ok_and(|status| status == "installed")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_installed_is_known() {
        assert!(is_installed("dpkg"));
        assert!(!is_installed("no-such-package-at-all"));
    }
}
