//! The envelope that EventBridge puts around a detail, as far as it is told.
//!
//! Source: [the structure of events](https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-events-structure.html).

use portolan_model::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::field::{Moment, Name, told};
use super::{Object, arn};
use crate::observation::Origin;

#[derive(Debug, Deserialize)]
pub(super) struct Envelope<'a, D> {
    pub(super) id: Option<Name>,
    account: Option<Name>,
    region: Option<Name>,
    pub(super) time: Option<Moment>,
    #[serde(borrow)]
    pub(super) resources: Option<&'a RawValue>,
    detail: Object<D>,
}

impl<D> Envelope<'_, D> {
    /// What it is about.
    pub(super) fn detail(&mut self) -> &mut D {
        &mut self.detail.0
    }

    /// The same, when all else was asked.
    pub(super) fn into_detail(self) -> D {
        self.detail.0
    }

    /// When it happened; where nothing says so, when it was received.
    pub(super) fn at(&self, received: Timestamp) -> Timestamp {
        self.time.map_or(received, |time| time.0)
    }

    /// Where it happened; what the envelope does not tell, the ARNs of what it is about may.
    pub(super) fn origin<'t>(
        &mut self,
        cluster: Option<&str>,
        arns: impl IntoIterator<Item = Option<&'t str>>,
    ) -> Origin {
        let mut origin = Origin {
            account: told(self.account.take()).unwrap_or_default(),
            region: told(self.region.take()).unwrap_or_default(),
            cluster: cluster.map(arn::cluster).unwrap_or_default(),
        };
        for text in arns {
            arn::complete(&mut origin, text);
        }
        origin
    }
}
