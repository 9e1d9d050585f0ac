//! Task definitions: [described](https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeTaskDefinition.html)
//! and [registered](https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RegisterTaskDefinition.html).

use serde_json::{Value, json};

use super::{Ecs, Tag, TaskDefinition};
use crate::AwsError;
use crate::wire::read;

impl Ecs {
    /// The task definition `name`: an ARN, `family:revision`, or a family for its newest one.
    pub async fn describe_task_definition(&self, name: &str) -> Result<TaskDefinition, AwsError> {
        let doing = || format!("describe the task definition {name}");
        let asked = json!({ "taskDefinition": name, "include": ["TAGS"] });
        definition(self.ecs.call("DescribeTaskDefinition", &asked, doing).await?, doing)
    }

    /// Registers `definition` as a new revision of its family, and answers it as it is registered:
    /// with its ARN.
    pub async fn register_task_definition(
        &self,
        definition: &TaskDefinition,
    ) -> Result<TaskDefinition, AwsError> {
        let family = definition.family().unwrap_or("that has no family");
        let doing = || format!("register a task definition of the family {family}");
        let asked = definition.to_register();
        let registered =
            self::definition(self.ecs.call("RegisterTaskDefinition", &asked, doing).await?, doing)?;
        if registered.arn().is_none() {
            let what = "without a taskDefinitionArn".into();
            return Err(AwsError::Answer { doing: doing(), what });
        }
        Ok(registered)
    }
}

fn definition(mut answer: Value, doing: impl Fn() -> String) -> Result<TaskDefinition, AwsError> {
    let Value::Object(fields) = answer["taskDefinition"].take() else {
        return Err(AwsError::Answer { doing: doing(), what: "without a taskDefinition".into() });
    };
    let tags = answer["tags"].take();
    let tags: Vec<Tag> = if tags.is_null() { Vec::new() } else { read(tags, doing)? };
    Ok(TaskDefinition::new(fields, tags))
}
