//! The files of the example, as they are in `examples/harbour`.

/// A file of an image: its text, and its path there.
pub(super) type File = (&'static str, &'static str);

/// A version of a service of the example.
#[derive(Debug, Clone, Copy)]
pub(super) struct Version {
    /// The service.
    pub(super) service: &'static str,
    /// The tag.
    pub(super) tag: &'static str,
    /// What is in its image besides the program.
    pub(super) files: &'static [File],
}

/// What a service of the example is called and needs, in its image.
pub(super) const SERVICE_FILE: &str = "/app/service.toml";
/// The database of the operating system's packages.
pub(super) const DPKG: &str = "/var/lib/dpkg/status";
/// The lock file of `pilot`'s packages.
pub(super) const LOCK: &str = "/app/package-lock.json";

macro_rules! example {
    ($path:literal) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/harbour/", $path))
    };
}

const OS_RELEASE: File = (example!("base/os-release"), "/etc/os-release");
const DPKG_1: File = (example!("base/status-1"), DPKG);
const DPKG_2: File = (example!("base/status-2"), DPKG);
const TIDES: [File; 2] = [
    (example!("tides/service.toml"), SERVICE_FILE),
    (example!("tides/requirements.txt"), "/app/requirements.txt"),
];

/// The first version of both.
pub(super) const FIRST: [Version; 2] = [tides("1.0.0"), PILOT_1];
/// The second: only `pilot` is another.
pub(super) const SECOND: [Version; 2] = [tides("2.0.0"), PILOT_2];
/// The second, put right.
pub(super) const FIXED: [Version; 2] = [tides("2.0.1"), PILOT_2_1];

const fn tides(tag: &'static str) -> Version {
    const FILES: [File; 4] = [OS_RELEASE, DPKG_1, TIDES[0], TIDES[1]];
    Version { service: "tides", tag, files: &FILES }
}

const PILOT_1: Version = Version {
    service: "pilot",
    tag: "1.0.0",
    files: &[
        OS_RELEASE,
        DPKG_1,
        (example!("pilot/service-1.0.0.toml"), SERVICE_FILE),
        (example!("pilot/package-lock-1.0.0.json"), LOCK),
    ],
};

const PILOT_2: Version = Version {
    service: "pilot",
    tag: "2.0.0",
    files: &[
        OS_RELEASE,
        DPKG_2,
        (example!("pilot/service-2.0.0.toml"), SERVICE_FILE),
        (example!("pilot/package-lock-2.0.0.json"), LOCK),
    ],
};

const PILOT_2_1: Version = Version {
    service: "pilot",
    tag: "2.0.1",
    files: &[
        OS_RELEASE,
        DPKG_2,
        (example!("pilot/service-2.0.1.toml"), SERVICE_FILE),
        (example!("pilot/package-lock-2.0.1.json"), LOCK),
    ],
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::demo::served::Service;

    #[test]
    fn every_version_says_what_it_is() {
        for version in FIRST.into_iter().chain(SECOND).chain(FIXED) {
            let (text, _) = version.files.iter().find(|(_, path)| *path == SERVICE_FILE).unwrap();
            let told = Service::read(text).unwrap();
            assert_eq!(told.name, version.service);
            if version.service == "pilot" {
                assert_eq!(told.version, version.tag);
            }
            let needs = version.tag == "2.0.0" && version.service == "pilot";
            assert_eq!(!told.needs.is_empty(), needs, "{told:?}");
        }
    }
}
