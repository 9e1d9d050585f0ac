//! What each action answers.

use serde_json::{Value, json};

use super::{Cluster, State};

/// What is wrong with a call: ECS's name for it, and a sentence.
type Refusal = (&'static str, String);

impl State {
    /// Status and body for `action` asked with `body`.
    pub(super) fn answer(&mut self, action: &str, body: &Value) -> (u16, Value) {
        self.calls.push(action.to_owned());
        if self.throttled > 0 {
            self.throttled -= 1;
            return refused(("ThrottlingException", "Rate exceeded".to_owned()));
        }
        let answer = match action {
            "ListClusters" => {
                let arns = self.clusters.keys().map(|name| self.arn_of(name)).collect();
                self.paged("clusterArns", arns, body)
            }
            "ListServices" => self.cluster(body).and_then(|cluster| {
                self.paged("serviceArns", cluster.services.keys().cloned().collect(), body)
            }),
            "ListTasks" => self.cluster(body).and_then(|cluster| {
                let desired = body["desiredStatus"].as_str().unwrap_or("RUNNING");
                let wanted = |task: &Value| task["desiredStatus"] == desired;
                let tasks = cluster.tasks.iter().filter(|(_, task)| wanted(task));
                self.paged("taskArns", tasks.map(|(arn, _)| arn.clone()).collect(), body)
            }),
            "DescribeServices" => self.cluster(body).and_then(|cluster| {
                let find = |asked: &str| {
                    let mut services = cluster.services.iter();
                    let named = |(arn, service): &(&String, &Value)| {
                        *arn == asked || service["serviceName"] == asked
                    };
                    services.find(named).map(|(_, service)| service.clone())
                };
                described("services", 10, body, find)
            }),
            "DescribeTasks" => self.cluster(body).and_then(|cluster| {
                described("tasks", 100, body, |arn| cluster.tasks.get(arn).cloned())
            }),
            other => Err(("InvalidAction", format!("{other} is not known here"))),
        };
        answer.map_or_else(refused, |answer| (200, answer))
    }

    fn arn_of(&self, cluster: &str) -> String {
        format!("arn:aws:ecs:{}:{}:cluster/{cluster}", self.region, self.account)
    }

    /// The cluster that is asked about, by name or ARN.
    fn cluster(&self, body: &Value) -> Result<&Cluster, Refusal> {
        let asked = body["cluster"].as_str().unwrap_or("default");
        let mut clusters = self.clusters.iter();
        let found = clusters.find(|(name, _)| *name == asked || self.arn_of(name) == asked);
        found
            .map(|(_, cluster)| cluster)
            .ok_or_else(|| ("ClusterNotFoundException", "Cluster not found.".to_owned()))
    }

    /// A page of `arns`, in which the token is the place of the next page's first.
    fn paged(&self, field: &str, arns: Vec<String>, body: &Value) -> Result<Value, Refusal> {
        let invalid = |what: &str| ("InvalidParameterException", what.to_owned());
        let from = match body["nextToken"].as_str() {
            None => 0,
            Some(token) => token.parse::<usize>().map_err(|_| invalid("Invalid token."))?,
        };
        let asked = body["maxResults"].as_u64().map_or(100, |most| most.clamp(1, 100));
        let most = usize::try_from(asked).unwrap_or(100).min(self.page.unwrap_or(usize::MAX));
        let total = arns.len();
        let page: Vec<_> = arns.into_iter().skip(from).take(most).collect();
        let next = from + page.len();
        let mut answer = json!({ field: page });
        if next < total {
            answer["nextToken"] = json!(next.to_string());
        }
        Ok(answer)
    }
}

fn described(
    field: &str,
    most: usize,
    body: &Value,
    find: impl Fn(&str) -> Option<Value>,
) -> Result<Value, Refusal> {
    let asked: Vec<_> =
        body[field].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    if asked.is_empty() || asked.len() > most {
        return Err(("InvalidParameterException", format!("{field} takes 1 to {most} items")));
    }
    let (mut found, mut failures) = (Vec::new(), Vec::new());
    for asked in asked {
        match find(asked) {
            Some(it) => found.push(it),
            None => failures.push(json!({ "arn": asked, "reason": "MISSING" })),
        }
    }
    Ok(json!({ field: found, "failures": failures }))
}

fn refused((kind, message): Refusal) -> (u16, Value) {
    (400, json!({ "__type": kind, "message": message }))
}
