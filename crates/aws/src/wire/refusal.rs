//! What a service says when it does not do what it was asked.

use aws_smithy_types::error::metadata::{ErrorMetadata, ProvideErrorMetadata};
use serde_json::Value;

/// An error in AWS's JSON protocols.
#[derive(Debug, thiserror::Error)]
#[error("{metadata}")]
pub(super) struct Refusal {
    metadata: ErrorMetadata,
}

impl Refusal {
    /// What `body` says, of the kind that a header says or else the body does.
    pub(super) fn read(kind: Option<&str>, body: &[u8]) -> Self {
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let text = |names: [&str; 2]| names.iter().find_map(|name| body[*name].as_str());
        let mut metadata = ErrorMetadata::builder();
        if let Some(kind) = kind.or_else(|| text(["__type", "code"])) {
            metadata = metadata.code(bare(kind));
        }
        if let Some(message) = text(["message", "Message"]) {
            metadata = metadata.message(message);
        }
        Self { metadata: metadata.build() }
    }
}

/// The name alone, of `namespace#Name:http://…`.
fn bare(kind: &str) -> &str {
    let kind = kind.split(':').next().unwrap_or(kind);
    kind.rsplit('#').next().unwrap_or(kind)
}

impl ProvideErrorMetadata for Refusal {
    fn meta(&self) -> &ErrorMetadata {
        &self.metadata
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_known_by_its_bare_name() {
        for (kind, body) in [
            (None, r#"{"__type":"com.amazonaws.ecs#ThrottlingException","message":"slow"}"#),
            (None, r#"{"code":"ThrottlingException","Message":"slow"}"#),
            (Some("ThrottlingException:http://internal.amazon.com/x/"), r#"{"message":"slow"}"#),
        ] {
            let refusal = Refusal::read(kind, body.as_bytes());
            assert_eq!(
                (refusal.code(), refusal.message()),
                (Some("ThrottlingException"), Some("slow"))
            );
        }
        assert_eq!(Refusal::read(None, b"<html>").code(), None);
    }
}
