//! One call to a service of AWS in its JSON protocol, with the JSON that was sent and answered left
//! as it is.
//!
//! The SDK's generated clients read an answer into structs, and what a struct does not know is lost:
//! a task definition that is read and registered again would lose every field that is newer than
//! the SDK. So what goes over the wire here is JSON, and the SDK's runtime, which the generated
//! clients are made of too, does the rest: credentials and their renewal, signature, clock skew,
//! timeouts, repetitions with backoff and jitter, connections. It also costs no crate of a client
//! for each service.
//!
//! Source: [AWS JSON 1.0 and 1.1](https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html).

mod refusal;
mod service;

use std::borrow::Cow;

use aws_config::SdkConfig;
use aws_runtime::auth::sigv4::{SCHEME_ID, SigV4AuthScheme};
use aws_runtime::auth::{SigV4OperationSigningConfig, SigningOptions};
use aws_runtime::retries::classifiers::AwsErrorCodeClassifier;
use aws_runtime::service_clock_skew::ServiceClockSkewInterceptor;
use aws_smithy_runtime::client::orchestrator::operation::Operation;
use aws_smithy_runtime::client::retries::classifiers::{
    HttpStatusCodeClassifier, TransientErrorClassifier,
};
use aws_smithy_runtime_api::client::auth::AuthSchemeOptionResolverParams;
use aws_smithy_runtime_api::client::auth::static_resolver::StaticAuthSchemeOptionResolver;
use aws_smithy_runtime_api::client::identity::SharedIdentityResolver;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse, OrchestratorError};
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponentsBuilder;
use aws_smithy_runtime_api::client::runtime_plugin::StaticRuntimePlugin;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::config_bag::Layer;
use aws_types::SigningName;
use aws_types::region::SigningRegion;
use serde::de::DeserializeOwned;
use serde_json::Value;

use refusal::Refusal;
pub(crate) use service::{DYNAMODB, ECR, ECS, EVENTS, KMS, LOGS, Service, TAGGING};

use crate::AwsError;

/// What is asked of a service: an action and what it takes.
#[derive(Debug)]
struct Call {
    target: String,
    body: String,
}

/// A service of AWS in one region.
#[derive(Debug, Clone)]
pub(crate) struct Wire {
    service: Service,
    /// None where no region is known.
    operation: Option<Operation<Call, Value, Refusal>>,
}

impl Wire {
    /// `service` as `config` reaches it. Nothing is asked yet.
    pub(crate) fn new(config: &SdkConfig, service: Service) -> Self {
        let operation = config.region().map(|region| operation(config, service, region.as_ref()));
        Self { service, operation }
    }

    /// What the service answers to `action` with `body`; `doing` says what that is for, as in
    /// "list the clusters of ECS".
    pub(crate) async fn call(
        &self,
        action: &str,
        body: &Value,
        doing: impl Fn() -> String,
    ) -> Result<Value, AwsError> {
        let Some(operation) = &self.operation else {
            return Err(AwsError::Call {
                doing: doing(),
                code: None,
                said: "no region is configured".to_owned(),
            });
        };
        let target = format!("{}.{action}", self.service.target);
        let answer = operation.invoke(Call { target, body: body.to_string() }).await;
        answer.map_err(|error: SdkError<Refusal, HttpResponse>| AwsError::call(doing(), &error))
    }

    /// The same, read as `T`.
    pub(crate) async fn read<T: DeserializeOwned>(
        &self,
        action: &str,
        body: &Value,
        doing: impl Fn() -> String,
    ) -> Result<T, AwsError> {
        let answer = self.call(action, body, &doing).await?;
        read(answer, doing)
    }
}

/// A part of an answer, read as `T`. What is null or an empty text is as if it were not there.
pub(crate) fn read<T: DeserializeOwned>(
    mut answer: Value,
    doing: impl Fn() -> String,
) -> Result<T, AwsError> {
    without_nothing(&mut answer);
    serde_json::from_value(answer).map_err(|error| {
        let what = format!("in a shape that AWS does not document ({error})").into();
        AwsError::Answer { doing: doing(), what }
    })
}

fn without_nothing(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.retain(|_, member| !member.is_null() && member.as_str() != Some(""));
            members.values_mut().for_each(without_nothing);
        }
        Value::Array(items) => items.iter_mut().for_each(without_nothing),
        _ => {}
    }
}

fn operation(
    config: &SdkConfig,
    service: Service,
    region: &str,
) -> Operation<Call, Value, Refusal> {
    let mut layer = Layer::new("portolan");
    layer.store_put(AuthSchemeOptionResolverParams::new(()));
    layer.store_put(SigV4OperationSigningConfig {
        region: Some(SigningRegion::from(aws_types::region::Region::new(region.to_owned()))),
        region_set: None,
        name: Some(SigningName::from_static(service.signing)),
        signing_options: SigningOptions::default(),
    });
    let mut parts = RuntimeComponentsBuilder::new("portolan")
        .with_auth_scheme(SigV4AuthScheme::new())
        .with_auth_scheme_option_resolver(Some(StaticAuthSchemeOptionResolver::new(vec![
            SCHEME_ID,
        ])))
        .with_http_client(config.http_client())
        .with_interceptor(ServiceClockSkewInterceptor::new());
    if let Some(provider) = config.credentials_provider() {
        parts.set_identity_resolver(SCHEME_ID, SharedIdentityResolver::new(provider));
    }
    if let Some(cache) = config.identity_cache() {
        parts.set_identity_cache(Some(cache));
    }
    let plugin =
        StaticRuntimePlugin::new().with_config(layer.freeze()).with_runtime_components(parts);
    let mut builder = Operation::builder()
        .service_name(service.id)
        .operation_name("Call")
        .endpoint_url(&service.endpoint(config, region))
        .retry_classifier(AwsErrorCodeClassifier::<Refusal>::new())
        .retry_classifier(TransientErrorClassifier::<Refusal>::new())
        .retry_classifier(HttpStatusCodeClassifier::default())
        .with_connection_poisoning()
        .runtime_plugin(plugin);
    if let Some(retries) = config.retry_config() {
        builder = builder.standard_retry(retries);
    }
    if let Some(timeouts) = config.timeout_config() {
        builder = builder.timeout_config(timeouts.clone());
    }
    builder
        .serializer(move |call: Call| {
            let mut request = HttpRequest::new(SdkBody::from(call.body));
            request.set_method("POST")?;
            request.set_uri("/")?;
            let headers = request.headers_mut();
            headers.insert("content-type", service.content_type);
            headers.insert("user-agent", concat!("portolan/", env!("CARGO_PKG_VERSION")));
            headers.insert("x-amz-target", Cow::Owned(call.target));
            Ok(request)
        })
        .deserializer(|response: &HttpResponse| {
            let body = response.body().bytes().unwrap_or_default();
            if !response.status().is_success() {
                let kind = response.headers().get("x-amzn-errortype");
                return Err(OrchestratorError::operation(Refusal::read(kind, body)));
            }
            // Actions that have nothing to say answer with nothing.
            let text = if body.is_empty() { b"{}" } else { body };
            serde_json::from_slice(text).map_err(OrchestratorError::other)
        })
        .build()
}
