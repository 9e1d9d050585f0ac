//! Which topics of SNS are heard over HTTPS.

use portolan_aws::sns::SnsVerifier;

/// Which topics of SNS are heard over HTTPS, and what tells that a message is SNS's.
#[derive(Debug, Clone)]
pub struct SnsSettings {
    /// Checks signatures, and confirms subscriptions.
    pub verifier: SnsVerifier,
    /// ARNs of the topics. A `*` at the end is any text.
    pub topics: Vec<String>,
}

impl SnsSettings {
    /// Whether messages of `topic` are heard.
    pub(crate) fn hears(&self, topic: &str) -> bool {
        self.topics.iter().any(|heard| match heard.strip_suffix('*') {
            Some(start) => topic.starts_with(start),
            None => topic == heard,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use portolan_aws::sns::{Fetch, SnsVerifier};

    use super::*;

    /// Reads nothing.
    #[derive(Debug)]
    struct Nobody;

    impl Fetch for Nobody {
        fn get(&self, _: url::Url) -> futures::future::BoxFuture<'_, Result<Vec<u8>, String>> {
            Box::pin(std::future::ready(Err("nobody is asked".to_owned())))
        }
    }

    #[test]
    fn topics_are_heard_by_name_or_by_how_they_begin() {
        let topics = ["arn:aws:sns:r:1:pushes", "arn:aws:sns:r:2:*"].map(str::to_owned).to_vec();
        let sns = SnsSettings { verifier: SnsVerifier::new(Arc::new(Nobody)), topics };
        assert!(sns.hears("arn:aws:sns:r:1:pushes") && sns.hears("arn:aws:sns:r:2:any"));
        assert!(!sns.hears("arn:aws:sns:r:1:pushes2") && !sns.hears("arn:aws:sns:r:3:pushes"));
    }
}
