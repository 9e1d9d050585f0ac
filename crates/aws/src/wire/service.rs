//! Which services are spoken with, and where they are.
//!
//! Source: [endpoints and quotas](https://docs.aws.amazon.com/general/latest/gr/aws-service-information.html).

use aws_config::SdkConfig;
use aws_types::service_config::ServiceConfigKey;

const JSON_1_0: &str = "application/x-amz-json-1.0";
const JSON_1_1: &str = "application/x-amz-json-1.1";

/// A service that speaks one of AWS's JSON protocols.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Service {
    /// The SDK's name of it, as in the profile's `services` and in `AWS_ENDPOINT_URL_<ID>`.
    pub(super) id: &'static str,
    /// The first label of its host.
    host: &'static str,
    /// The same, where it is another in FIPS and dual-stack endpoints.
    short: &'static str,
    /// Its name in signatures.
    pub(super) signing: &'static str,
    /// What `X-Amz-Target` begins with.
    pub(super) target: &'static str,
    /// The protocol.
    pub(super) content_type: &'static str,
}

/// Amazon ECS.
pub(crate) const ECS: Service = Service {
    id: "ECS",
    host: "ecs",
    short: "ecs",
    signing: "ecs",
    target: "AmazonEC2ContainerServiceV20141113",
    content_type: JSON_1_1,
};
/// Amazon ECR.
pub(crate) const ECR: Service = Service {
    id: "ECR",
    host: "api.ecr",
    short: "ecr",
    signing: "ecr",
    target: "AmazonEC2ContainerRegistry_V20150921",
    content_type: JSON_1_1,
};
/// Amazon `DynamoDB`.
pub(crate) const DYNAMODB: Service = Service {
    id: "DynamoDB",
    host: "dynamodb",
    short: "dynamodb",
    signing: "dynamodb",
    target: "DynamoDB_20120810",
    content_type: JSON_1_0,
};
/// Amazon `CloudWatch` Logs.
pub(crate) const LOGS: Service = Service {
    id: "CloudWatch Logs",
    host: "logs",
    short: "logs",
    signing: "logs",
    target: "Logs_20140328",
    content_type: JSON_1_1,
};
/// Amazon `EventBridge`.
pub(crate) const EVENTS: Service = Service {
    id: "EventBridge",
    host: "events",
    short: "events",
    signing: "events",
    target: "AWSEvents",
    content_type: JSON_1_1,
};
/// AWS KMS.
pub(crate) const KMS: Service = Service {
    id: "KMS",
    host: "kms",
    short: "kms",
    signing: "kms",
    target: "TrentService",
    content_type: JSON_1_1,
};
/// The tagging API of AWS Resource Groups.
pub(crate) const TAGGING: Service = Service {
    id: "Resource Groups Tagging API",
    host: "tagging",
    short: "tagging",
    signing: "tagging",
    target: "ResourceGroupsTaggingAPI_20170126",
    content_type: JSON_1_1,
};

impl Service {
    /// Where it is: where `config` says, or at the region's own endpoint.
    pub(super) fn endpoint(&self, config: &SdkConfig, region: &str) -> String {
        let set = config.endpoint_url().map(ToOwned::to_owned);
        let endpoint = if config.get_origin("endpoint_url").is_client_config() {
            set
        } else {
            self.own_endpoint(config).or(set)
        };
        let fips = config.use_fips().unwrap_or_default();
        let dual = config.use_dual_stack().unwrap_or_default();
        endpoint.unwrap_or_else(|| self.regional(region, fips, dual))
    }

    /// The endpoint that environment or profile give for this service alone.
    fn own_endpoint(&self, config: &SdkConfig) -> Option<String> {
        let key = ServiceConfigKey::builder()
            .service_id(self.id)
            .env("AWS_ENDPOINT_URL")
            .profile("endpoint_url")
            .build();
        config.service_config()?.load_config(key.ok()?)
    }

    fn regional(&self, region: &str, fips: bool, dual: bool) -> String {
        let (one, two) = match region.split('-').next() {
            Some("cn") => ("amazonaws.com.cn", "api.amazonwebservices.com.cn"),
            Some("eusc") => ("amazonaws.eu", "api.amazonwebservices.eu"),
            _ => ("amazonaws.com", "api.aws"),
        };
        let host = if fips || dual { self.short } else { self.host };
        let (fips, suffix) = (if fips { "-fips" } else { "" }, if dual { two } else { one });
        format!("https://{host}{fips}.{region}.{suffix}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_is_at_its_regions_endpoint() {
        for (service, region, fips, dual, url) in [
            (ECS, "eu-west-1", false, false, "https://ecs.eu-west-1.amazonaws.com"),
            (ECR, "eu-west-1", false, false, "https://api.ecr.eu-west-1.amazonaws.com"),
            (ECR, "us-gov-west-1", true, false, "https://ecr-fips.us-gov-west-1.amazonaws.com"),
            (ECR, "eu-west-1", false, true, "https://ecr.eu-west-1.api.aws"),
            (ECS, "cn-north-1", false, false, "https://ecs.cn-north-1.amazonaws.com.cn"),
            (LOGS, "eu-west-2", true, true, "https://logs-fips.eu-west-2.api.aws"),
        ] {
            assert_eq!(service.regional(region, fips, dual), url);
        }
    }
}
