//! A manifest, and a configuration, of any bytes: no panic, and nothing over the limits is believed.

#![no_main]

use libfuzzer_sys::fuzz_target;
use portolan_model::{Limits, media};
use portolan_oci::{ImageConfig, Manifest};

fuzz_target!(|bytes: &[u8]| {
    let limits = Limits { index_manifests: 10, image_layers: 10, ..Limits::default() };
    for content_type in [None, Some(media::OCI_MANIFEST), Some(media::DOCKER_LIST)] {
        if let Ok(manifest) = Manifest::parse(bytes, content_type, &limits) {
            assert!(media::MANIFESTS.contains(&manifest.media_type()));
            assert!(manifest.children().len() <= 10 && manifest.blobs().count() <= 11);
            assert!(manifest.descriptors().all(|one| i64::try_from(one.size).is_ok()));
        }
    }
    let _ = ImageConfig::parse(bytes, &limits);
});
