//! STS: [who asks](https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html).

use crate::{Aws, AwsError};

/// Whom AWS takes the caller for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The account.
    pub account: String,
    /// The ARN of the user, or of the role that was taken on.
    pub arn: String,
}

impl Aws {
    /// Whom AWS takes the caller for: the role, where the settings name one.
    pub async fn caller(&self) -> Result<Caller, AwsError> {
        let doing = || "ask AWS for the caller's identity".to_owned();
        let client = aws_sdk_sts::Client::new(&self.config);
        let told = client.get_caller_identity().send().await;
        let told = told.map_err(|error| AwsError::call(doing(), &error))?;
        let what = "without an account and an ARN";
        let caller = told.account.zip(told.arn).map(|(account, arn)| Caller { account, arn });
        caller.ok_or_else(|| AwsError::Answer { doing: doing(), what: what.into() })
    }
}
