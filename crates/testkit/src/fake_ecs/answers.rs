//! Which action does what, and what all have in common: names, pages, refusals.

use serde_json::{Value, json};

use super::state::{Cluster, Refusal, State};
use super::wire::{Answer, Call};

/// A refusal.
pub(super) fn no<T>(kind: &str, message: impl Into<String>) -> Result<T, Refusal> {
    Err((kind.to_owned(), message.into()))
}

/// The refusal of what a client must not ask.
pub(super) fn invalid<T>(message: impl Into<String>) -> Result<T, Refusal> {
    no("InvalidParameterException", message)
}

/// The text in the field `name`.
pub(super) fn text<'a>(body: &'a Value, name: &str) -> &'a str {
    body[name].as_str().unwrap_or_default()
}

/// The texts in the field `name`.
pub(super) fn texts(body: &Value, name: &str) -> Vec<String> {
    let texts = body[name].as_array().into_iter().flatten().filter_map(Value::as_str);
    texts.map(ToOwned::to_owned).collect()
}

/// The last part of a name that may be an ARN.
pub(super) fn last(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

impl State {
    /// The answer to `call`.
    pub(super) fn answer(&mut self, call: &Call) -> Answer {
        self.catch_up();
        self.hear(call);
        let noted = self.note(&call.action).and_then(|()| self.is_fresh(&call.key));
        if matches!(call.action.as_str(), "AssumeRole" | "GetCallerIdentity") {
            return self.sts(call, noted);
        }
        let answer = noted.and_then(|()| self.act(&call.action, &call.body));
        let (status, told) = match answer {
            Ok(told) => (200, told),
            Err((kind, message)) => (400, json!({ "__type": kind, "message": message })),
        };
        Answer { status, kind: "application/x-amz-json-1.1", text: told.to_string() }
    }

    /// What `action` with `body` answers.
    pub(super) fn act(&mut self, action: &str, body: &Value) -> Result<Value, Refusal> {
        match action {
            "ListClusters" => {
                let arns = self.clusters.keys().map(|name| self.arn(&format!("cluster/{name}")));
                self.paged("clusterArns", arns.collect(), body, 100)
            }
            "CreateCluster" => {
                let name = text(body, "clusterName").to_owned();
                let arn = self.arn(&format!("cluster/{name}"));
                self.clusters.entry(name.clone()).or_default();
                Ok(
                    json!({ "cluster": { "clusterArn": arn, "clusterName": name, "status": "ACTIVE" } }),
                )
            }
            "ListServices" => self.list_services(body),
            "DescribeServices" => self.describe_services(body),
            "CreateService" => self.create_service(body),
            "UpdateService" => self.update_service(body),
            "ListTasks" => self.list_tasks(body),
            "DescribeTasks" => self.describe_tasks(body),
            "RunTask" => self.run_task(body),
            "StopTask" => self.stop_task(body),
            "RegisterTaskDefinition" => self.register(body),
            "DescribeTaskDefinition" => self.describe_definition(body),
            "DeregisterTaskDefinition" => self.deregister(body),
            "GetAuthorizationToken" => Ok(self.authorization()),
            "CreateRepository" => self.create_repository(body),
            "DescribeRepositories" => self.describe_repositories(body),
            "BatchGetImage" => self.batch_get_image(body),
            "PutImage" => self.put_image(body),
            "DescribeImages" => self.describe_images(body),
            "BatchDeleteImage" => self.batch_delete_image(body),
            "GetLogEvents" => self.get_log_events(body),
            "GetResources" => self.get_resources(body),
            "ListTargetsByRule" => self.list_targets(body),
            "PutTargets" => self.put_targets(body),
            "CreateTable" => self.create_table(body),
            "DescribeTable" => self.describe_table(body),
            "GetItem" => self.get_item(body),
            "PutItem" => self.put_item(body),
            "UpdateItem" => self.update_item(body),
            "Query" => self.query(body),
            other => no("UnknownOperationException", format!("{other} is not known here")),
        }
    }

    /// The name of the cluster that is asked about, by name or ARN.
    pub(super) fn cluster_name(&self, body: &Value) -> Result<String, Refusal> {
        let asked = body["cluster"].as_str().unwrap_or("default");
        let is_asked =
            |name: &&String| *name == asked || self.arn(&format!("cluster/{name}")) == asked;
        match self.clusters.keys().find(is_asked) {
            Some(name) => Ok(name.clone()),
            None => no("ClusterNotFoundException", "Cluster not found."),
        }
    }

    pub(super) fn cluster_mut(&mut self, name: &str) -> &mut Cluster {
        self.clusters.entry(name.to_owned()).or_default()
    }

    /// A page of `arns`, of `usual` where no number is asked for. The token is the place of the next
    /// page's first.
    pub(super) fn paged(
        &self,
        field: &str,
        arns: Vec<String>,
        body: &Value,
        usual: usize,
    ) -> Result<Value, Refusal> {
        let from = match body["nextToken"].as_str() {
            None => 0,
            Some(token) => match token.parse::<usize>() {
                Ok(from) => from,
                Err(_) => return invalid("Invalid token."),
            },
        };
        let asked = body["maxResults"].as_u64().and_then(|most| usize::try_from(most).ok());
        if asked.is_some_and(|most| !(1..=100).contains(&most)) {
            return invalid("maxResults must be between 1 and 100");
        }
        let most = asked.unwrap_or(usual).min(self.page.unwrap_or(usize::MAX));
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

/// What `find` knows of the names in `field`, of which there may be `most`.
pub(super) fn described(
    field: &str,
    most: usize,
    body: &Value,
    find: impl Fn(&str) -> Result<Value, String>,
) -> Result<Value, Refusal> {
    let asked = texts(body, field);
    if asked.is_empty() || asked.len() > most {
        return invalid(format!("{field} takes 1 to {most} items"));
    }
    let (mut found, mut failures) = (Vec::new(), Vec::new());
    for asked in asked {
        match find(&asked) {
            Ok(it) => found.push(it),
            Err(arn) => failures.push(json!({ "arn": arn, "reason": "MISSING" })),
        }
    }
    Ok(json!({ field: found, "failures": failures }))
}
