//! Tags that point to what is deployed.

use futures::FutureExt as _;
use portolan_model::{Digest, Tag};
use serde_json::json;

use super::step::{Rolling, name};
use super::stop::Stop;
use crate::plan::ImagePlan;

impl Rolling {
    /// Moves the tags that services take their images by, or the others.
    pub(super) async fn move_tags(&self, first: bool) -> Result<(), Stop> {
        let mut moves = Vec::new();
        for image in &self.plan.images {
            for moved in image.tags.iter().filter(|moved| moved.first == first) {
                moves.push(self.point("tag", image, &moved.tag, image.digest).boxed());
            }
        }
        self.all(moves).await.map(|_| ())
    }

    async fn point(
        &self,
        verb: &str,
        image: &ImagePlan,
        tag: &Tag,
        to: Digest,
    ) -> Result<(), Stop> {
        let point = self.patiently(|| self.images.point(&image.spot, &to, tag));
        self.step(&name(verb, &[&image.image, tag.as_str()]), &json!({"to": to}), point).await
    }

    /// Moves tags back that were moved, or may have been, to where they pointed before.
    pub(super) async fn move_tags_back(&self) -> Result<(), Stop> {
        let steps = self.keeper.steps().await?;
        let is_begun = |step: &str| steps.iter().any(|known| known.name == step);
        let mut moves = Vec::new();
        for image in &self.plan.images {
            for it in &image.tags {
                let was_moved = is_begun(&name("tag", &[&image.image, it.tag.as_str()]));
                if let Some(from) = it.from.filter(|_| was_moved) {
                    moves.push(self.point("untag", image, &it.tag, from).boxed());
                }
            }
        }
        self.all(moves).await.map(|_| ())
    }
}
