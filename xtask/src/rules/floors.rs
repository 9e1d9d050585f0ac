//! Who may know whom: a crate's floor tells what it may depend on.

use super::workspace::Package;

/// The floors, lowest first. A crate knows the floors below its own, and nobody on it.
const FLOORS: &[&[&str]] = &[
    &["portolan-model"],
    &[
        "portolan-store",
        "portolan-oci",
        "portolan-aws",
        "portolan-github",
        "portolan-engine",
        "portolan-bucket",
    ],
    &[
        "portolan-assets",
        "portolan-registry",
        "portolan-catalogue",
        "portolan-tracker",
        "portolan-release",
    ],
    &["portolan-server"],
    &["portolan"],
];

/// The arrows on a floor: who brings a release somewhere asks what runs there; a bucket of S3 is reached
/// as all of AWS is.
const BESIDE: [(&str, &str); 2] =
    [("portolan-release", "portolan-tracker"), ("portolan-bucket", "portolan-aws")];

/// Beside the floors: knows the lowest one, and others know it in their tests only.
const TESTKIT: &str = "portolan-testkit";
/// Beside the floors: knows testkit and the words it speaks; nobody knows it.
const XTASK: &str = "xtask";

/// Every arrow between `packages` that is not allowed, and every package without a place.
pub(crate) fn check(packages: &[Package]) -> Vec<String> {
    let ours = |name: &str| packages.iter().any(|package| package.name == name);
    let mut broken = Vec::new();
    for package in packages {
        if floor(&package.name).is_none() && !matches!(&*package.name, TESTKIT | XTASK) {
            broken.push(format!("{} has no floor: give it one in xtask's rules", package.name));
        }
        for dependency in package.dependencies.iter().filter(|each| ours(&each.name)) {
            if !is_allowed(&package.name, &dependency.name, dependency.dev) {
                broken.push(format!("{} may not know {}", package.name, dependency.name));
            }
        }
    }
    broken
}

fn floor(name: &str) -> Option<usize> {
    FLOORS.iter().position(|floor| floor.contains(&name))
}

fn is_allowed(from: &str, to: &str, dev: bool) -> bool {
    match (from, to) {
        (XTASK, TESTKIT) => true,
        (_, XTASK) => false,
        (XTASK | TESTKIT, _) => floor(to) == Some(0),
        (_, TESTKIT) => dev && floor(from).is_some(),
        arrow if BESIDE.contains(&arrow) => true,
        _ => floor(to) < floor(from),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrows_go_down_only() {
        for (from, to, dev, allowed) in [
            ("portolan-store", "portolan-model", false, true),
            ("portolan-server", "portolan-oci", false, true),
            ("portolan", "portolan-server", false, true),
            ("portolan-store", "portolan-oci", false, false),
            ("portolan-store", "portolan-oci", true, false),
            ("portolan-registry", "portolan-catalogue", false, false),
            ("portolan-release", "portolan-tracker", false, true),
            ("portolan-tracker", "portolan-release", false, false),
            ("portolan-bucket", "portolan-aws", false, true),
            ("portolan-aws", "portolan-bucket", false, false),
            ("portolan-registry", "portolan-server", false, false),
            ("portolan-model", "portolan-store", true, false),
            ("portolan-store", "portolan-testkit", true, true),
            ("portolan-store", "portolan-testkit", false, false),
            ("portolan-testkit", "portolan-model", false, true),
            ("portolan-testkit", "portolan-oci", false, false),
            ("xtask", "portolan-testkit", false, true),
            ("xtask", "portolan-model", false, true),
            ("xtask", "portolan-store", false, false),
            ("portolan", "xtask", true, false),
        ] {
            assert_eq!(is_allowed(from, to, dev), allowed, "{from} -> {to}, dev: {dev}");
        }
    }

    #[test]
    fn a_crate_without_a_floor_is_noticed() {
        let package = Package {
            name: "portolan-attic".to_owned(),
            dependencies: Vec::new(),
            manifest: String::new(),
            sources: Vec::new(),
        };
        assert_eq!(check(&[package]).len(), 1);
    }
}
