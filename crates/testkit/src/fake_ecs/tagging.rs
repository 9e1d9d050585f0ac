//! The tagging API: services by their tags.

use serde_json::{Value, json};

use super::answers::{no, text, texts};
use super::state::{Refusal, Service, State};

impl State {
    pub(super) fn get_resources(&self, body: &Value) -> Result<Value, Refusal> {
        let kinds = texts(body, "ResourceTypeFilters");
        let filters = body["TagFilters"].as_array().cloned().unwrap_or_default();
        if filters.iter().any(|filter| texts(filter, "Values").len() > 20) {
            return no("InvalidParameterException", "a filter takes 20 values at most");
        }
        let matches = |tags: &Value| {
            filters.iter().all(|filter| {
                let values = texts(filter, "Values");
                tags.as_array().into_iter().flatten().any(|tag| {
                    tag["key"] == filter["Key"]
                        && (values.is_empty() || values.iter().any(|value| tag["value"] == *value))
                })
            })
        };
        let mut found = Vec::new();
        for service in self.clusters.values().flat_map(|cluster| cluster.services.values()) {
            let (arn, tags) = match service {
                Service::Set(told) => (text(told, "serviceArn"), &told["tags"]),
                Service::Live(live) => (live.arn.as_str(), &live.tags),
            };
            if matches(tags) && (kinds.is_empty() || kinds.iter().any(|it| it == "ecs:service")) {
                let pair = |tag: &Value| json!({ "Key": tag["key"], "Value": tag["value"] });
                let tags: Vec<_> = tags.as_array().into_iter().flatten().map(pair).collect();
                found.push(json!({ "ResourceARN": arn, "Tags": tags }));
            }
        }
        let from = text(body, "PaginationToken").parse().unwrap_or(0);
        let asked = body["ResourcesPerPage"].as_u64().unwrap_or(50);
        let most = usize::try_from(asked).unwrap_or(50).min(self.page.unwrap_or(usize::MAX));
        let total = found.len();
        let page: Vec<_> = found.into_iter().skip(from).take(most).collect();
        let next = from + page.len();
        let token = if next < total { next.to_string() } else { String::new() };
        Ok(json!({ "ResourceTagMappingList": page, "PaginationToken": token }))
    }
}
