//! Lists of deployments, as they were at a moment.

use portolan_model::Timestamp;
use portolan_store::{Deployment, DeploymentFilter, DeploymentRequest, Page, Paged, StoreError};

use crate::Tracker;
use crate::status::REQUEST_MILLIS;
use crate::view::{Assembly, DeploymentView, Wanted};

/// Deployments that are looked through at most for one answer.
const MOST: u64 = 10_000;
/// Deployments that are put together at a time where all must be, to see which are wanted.
const PART: usize = 500;

/// A deployment that was seen, or a request that has not become one.
enum Found {
    Seen(Box<Deployment>),
    Asked(Box<DeploymentRequest>),
}

impl Found {
    fn at(&self) -> Timestamp {
        match self {
            Self::Seen(deployment) => deployment.created_at(),
            Self::Asked(request) => request.at,
        }
    }
}

impl Tracker {
    /// Deployments and requests as they were at `at`, newest first. Of more than ten thousand the
    /// newest are looked at.
    pub async fn deployments(
        &self,
        wanted: &Wanted,
        at: Timestamp,
        page: Page,
    ) -> Result<Paged<DeploymentView>, StoreError> {
        let judged = wanted.status.is_some() || wanted.user.is_some();
        let end = if judged { MOST } else { page.offset.saturating_add(page.limit).min(MOST) };
        let (found, total) = self.found(wanted, at, end).await?;
        let (skip, take) = (index(page.offset), index(page.limit));
        if !judged {
            let shown = found.into_iter().skip(skip).take(take).collect();
            return Ok(Paged { items: self.views(shown, at).await?, total });
        }
        let mut fitting = Vec::new();
        let mut found = found.into_iter();
        loop {
            let part: Vec<_> = found.by_ref().take(PART).collect();
            if part.is_empty() {
                break;
            }
            let views = self.views(part, at).await?;
            fitting.extend(views.into_iter().filter(|view| fits(view, wanted)));
        }
        let total = fitting.len() as u64;
        Ok(Paged { items: fitting.into_iter().skip(skip).take(take).collect(), total })
    }

    /// The newest deployment that the API names `id`, or the request of that identity.
    pub async fn deployment(
        &self,
        id: &str,
        at: Timestamp,
    ) -> Result<Option<DeploymentView>, StoreError> {
        let seen = self.store().deployments_named(id).await?;
        let newest = seen.into_iter().find(|it| it.created_at() <= at);
        let found = match newest {
            Some(newest) => Found::Seen(Box::new(newest)),
            None => match self.store().deployment_request(id).await? {
                Some(request) if request.at <= at => {
                    if let Some(view) = self.answer_to(&request, at).await? {
                        return Ok(Some(view));
                    }
                    Found::Asked(Box::new(request))
                }
                _ => return Ok(None),
            },
        };
        Ok(self.views(vec![found], at).await?.pop())
    }

    /// The newest deployment that is what `request` asked for, though nothing linked the two.
    async fn answer_to(
        &self,
        request: &DeploymentRequest,
        at: Timestamp,
    ) -> Result<Option<DeploymentView>, StoreError> {
        let filter = DeploymentFilter {
            environments: vec![request.environment.clone()],
            services: Some(vec![request.service.clone()]),
            from: Some(request.at),
            to: Some(request.at.plus_millis(REQUEST_MILLIS).min(at)),
        };
        let near = self.store().deployments(&filter, Page::first(MOST)).await?.items;
        let views = self.seen(near, at).await?;
        let is_it = |view: &DeploymentView| {
            view.request.as_ref().is_some_and(|found| found.id == request.id)
        };
        Ok(views.into_iter().find(is_it))
    }

    /// What was known of each of these deployments at `at`, in the same order.
    pub(crate) async fn seen(
        &self,
        deployments: Vec<Deployment>,
        at: Timestamp,
    ) -> Result<Vec<DeploymentView>, StoreError> {
        let found = deployments.into_iter().map(|it| Found::Seen(Box::new(it))).collect();
        self.views(found, at).await
    }

    /// The first `end` of what is wanted by what the store can tell, and how many there are in all.
    async fn found(
        &self,
        wanted: &Wanted,
        at: Timestamp,
        end: u64,
    ) -> Result<(Vec<Found>, u64), StoreError> {
        let mut filter = wanted.filter.clone();
        filter.to = Some(filter.to.map_or(at, |to| to.min(at)));
        let seen = self.store().deployments(&filter, Page::first(end)).await?;
        let asked = self.store().requests_unanswered(&filter, REQUEST_MILLIS, Page::first(MOST));
        let asked = asked.await?;
        let total = seen.total + asked.len() as u64;
        let mut found: Vec<Found> = seen
            .items
            .into_iter()
            .map(|it| Found::Seen(Box::new(it)))
            .chain(asked.into_iter().map(|it| Found::Asked(Box::new(it))))
            .collect();
        // Both are sorted, and the sort keeps the order of equals.
        found.sort_by_key(|found| std::cmp::Reverse(found.at()));
        found.truncate(index(end));
        Ok((found, total))
    }

    /// What is known of each, in the same order.
    async fn views(
        &self,
        found: Vec<Found>,
        at: Timestamp,
    ) -> Result<Vec<DeploymentView>, StoreError> {
        let assembly = Assembly::new(self.store(), at);
        let seen: Vec<Deployment> = found
            .iter()
            .filter_map(|found| match found {
                Found::Seen(deployment) => Some((**deployment).clone()),
                Found::Asked(_) => None,
            })
            .collect();
        let keys: Vec<_> =
            seen.iter().map(|it| (it.fact.environment.clone(), it.fact.key.clone())).collect();
        let mut around = self.store().neighbours_of(&keys).await?;
        around.retain(|it| it.created_at() <= at);
        around.extend(seen.iter().cloned());
        let mut seen = assembly.views(seen, &around).await?.into_iter();
        let view = |found| match found {
            Found::Seen(_) => seen.next(),
            Found::Asked(request) => Some(assembly.unanswered(*request)),
        };
        Ok(found.into_iter().filter_map(view).collect())
    }
}

fn index(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

fn fits(view: &DeploymentView, wanted: &Wanted) -> bool {
    let user = |user: &String| {
        let id = view.request.as_ref().and_then(|request| request.user_id.as_ref());
        id == Some(user) || view.user() == Some(user)
    };
    wanted.status.is_none_or(|status| view.verdict.status == status)
        && wanted.user.as_ref().is_none_or(user)
}
