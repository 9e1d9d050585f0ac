//! Where the assets of builds are kept, as the configuration says it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use portolan_assets::keys::PublicKey;
use portolan_assets::watch::Watch;
use portolan_assets::{AssetsError, Scope};
use portolan_bucket::{Bucket, BucketSettings, BucketUrl};
use portolan_model::Clock;

/// Where the assets of builds are kept, and which of them are believed.
#[derive(Debug, Clone)]
pub struct AssetSettings {
    /// The bucket.
    pub url: BucketUrl,
    /// How it is reached.
    pub bucket: BucketSettings,
    /// Scopes whose bytes the sets of other scopes may name.
    pub reads: Vec<Scope>,
    /// Who must have signed, for each scope that asks for it.
    pub keys: BTreeMap<Scope, Vec<PublicKey>>,
    /// Between two looks through the whole bucket; none for never.
    pub sweep: Option<Duration>,
}

impl AssetSettings {
    /// The bucket, to be read.
    pub(crate) async fn watch(&self, clock: Arc<dyn Clock>) -> Result<Watch, AssetsError> {
        let bucket = Bucket::open(&self.url, &self.bucket).await?;
        Ok(Watch { bucket, reads: self.reads.clone(), keys: self.keys.clone(), clock })
    }
}
