//! The way forward: images, definitions, waves, pointers.

use std::sync::PoisonError;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use portolan_store::RolloutState;
use serde_json::json;

use super::step::{Rolling, name};
use super::stop::Stop;
use crate::images::Wanted;
use crate::many::many;
use crate::plan::{Action, ImagePlan, ServicePlan, images_of};
use crate::target::{Define, TargetError};

impl Rolling {
    /// Does all that the plan says; what should be known of it besides: what could not be done of what
    /// nobody depends on, and what the place is like.
    pub(super) async fn forward(&self) -> Result<Option<String>, Stop> {
        self.keeper.stands(RolloutState::Running, None).await?;
        self.copy_images().await?;
        self.move_tags(true).await?;
        self.define().await?;
        for wave in self.plan.waves().values() {
            self.wave(wave).await?;
        }
        // What people look at moves when all is done. That it cannot be moved undoes nothing.
        let left = match self.move_tags(false).await {
            Ok(()) => None,
            Err(Stop::Failed(why)) => Some(why),
            Err(stop) => return Err(stop),
        };
        let notes: Vec<String> = self.target.note().into_iter().chain(left).collect();
        Ok((!notes.is_empty()).then(|| notes.join("; ")))
    }

    async fn copy_images(&self) -> Result<(), Stop> {
        let copied: Vec<&ImagePlan> =
            self.plan.images.iter().filter(|image| image.copy_from.is_some()).collect();
        if copied.is_empty() {
            return Ok(());
        }
        let mut copying = Vec::new();
        for image in &copied {
            copying.push(self.copy_image(image).boxed());
        }
        self.all(copying).await?;
        let wanted: Vec<Wanted> = copied
            .iter()
            .map(|it| Wanted { spot: it.spot.clone(), digest: it.digest, tags: Vec::new() })
            .collect();
        let there = self.patiently(|| self.images.look(&wanted));
        self.step("verify:images", &json!({}), async {
            let there = there.await?;
            let missing = copied.iter().zip(&there).find(|(_, there)| !there.present);
            match missing {
                Some((image, _)) => {
                    let doing = format!("find image {} in {}", image.image, image.spot);
                    Err(TargetError::new(doing, false, "it is not there after it was copied"))
                }
                None => Ok(()),
            }
        })
        .await
    }

    async fn copy_image(&self, image: &ImagePlan) -> Result<(), Stop> {
        let Some(from) = &image.copy_from else { return Ok(()) };
        let intent = json!({"digest": image.digest, "from": from, "to": image.spot});
        let copy = self.patiently(|| self.images.copy(&image.digest, from, &image.spot));
        self.step(&name("copy", &[&image.image]), &intent, copy).await
    }

    async fn define(&self) -> Result<(), Stop> {
        let defined: Vec<&ServicePlan> =
            self.plan.changed().filter(|service| service.action == Action::Define).collect();
        let mut definitions = Vec::new();
        for service in defined {
            definitions.push(self.define_one(service).boxed());
        }
        self.all(definitions).await.map(|_| ())
    }

    async fn define_one(&self, service: &ServicePlan) -> Result<(), Stop> {
        let define = define_of(service);
        let intent = json!({"from": define.from, "images": define.images});
        let made = self.patiently(|| self.target.define(&define));
        let made: String = self.step(&name("define", &[&service.service]), &intent, made).await?;
        let mut known = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(service.service.clone(), made);
        Ok(())
    }

    /// What all of `futures` come to, some at once. All of them end, whatever one of them comes to.
    pub(super) async fn all<T>(
        &self,
        futures: Vec<BoxFuture<'_, Result<T, Stop>>>,
    ) -> Result<Vec<T>, Stop> {
        many(futures, self.settings.at_once).await.into_iter().collect()
    }
}

fn define_of(service: &ServicePlan) -> Define {
    Define {
        service: service.service.clone(),
        id: service.id.clone(),
        from: service.definition.clone(),
        images: images_of(service),
    }
}
