//! A signed text: [DSSE](https://github.com/secure-systems-lab/dsse/blob/master/envelope.md).
//!
//! The envelope's payload is a **statement**, which names the text by its digest; the text lies
//! beside it, in a field of its own. So what is signed is always short: KMS signs with Ed25519 what
//! has [4096 bytes at most](https://docs.aws.amazon.com/kms/latest/APIReference/API_Sign.html), and
//! a manifest has more. Nothing is made canonical, and nothing of the text is read before a
//! signature is found good and the digest is found right.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use portolan_model::Digest;
use serde::{Deserialize, Serialize};

use crate::keys::{PublicKey, SignError, Signer};

/// Signatures of one envelope at most.
const MOST_SIGNATURES: usize = 16;

/// A text with its type and signatures, as it is stored.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Envelope {
    /// The media type of the text.
    #[serde(rename = "payloadType")]
    pub payload_type: String,
    /// The statement, in base64.
    payload: String,
    /// The text that it names, in base64.
    content: String,
    /// None where nobody signed.
    pub signatures: Vec<Signature>,
}

/// What is signed.
#[derive(Debug, Serialize, Deserialize)]
struct Statement {
    digest: Digest,
    size: u64,
}

/// One signature of an envelope.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Signature {
    /// Which key it is said to be of: a hint, which proves nothing.
    #[serde(default)]
    pub keyid: String,
    /// The signature, in base64.
    pub sig: String,
}

/// Why an envelope cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum EnvelopeError {
    /// It is not JSON, or not of this shape.
    #[error("it is no envelope")]
    Json(#[from] serde_json::Error),
    /// It holds something else.
    #[error("it holds `{0}`, which is not a manifest that this version reads: update Portolan")]
    Type(String),
    /// Its text is not base64.
    #[error("its text is not base64")]
    Base64,
    /// Its text is not the one that was signed.
    #[error("its text is not the one that its statement names: it was changed")]
    Changed,
    /// No signature is good.
    #[error("no signature of it is by a key that its scope is configured with ({0} signatures)")]
    Unsigned(usize),
}

impl Envelope {
    /// Closes `content`, signed where there is a signer.
    pub async fn close(
        payload_type: &str,
        content: &[u8],
        signer: Option<&Signer>,
    ) -> Result<Self, SignError> {
        let (digest, size) = (Digest::of(content), content.len());
        let payload = format!(r#"{{"digest":"{digest}","size":{size}}}"#);
        let mut signatures = Vec::new();
        if let Some(signer) = signer {
            let signature = signer.sign(&authenticated(payload_type, payload.as_bytes())).await?;
            signatures.push(Signature {
                keyid: signer.public().id(),
                sig: BASE64_STANDARD.encode(signature),
            });
        }
        let (payload, content) = (BASE64_STANDARD.encode(payload), BASE64_STANDARD.encode(content));
        Ok(Self { payload_type: payload_type.to_owned(), payload, content, signatures })
    }

    /// The envelope that `bytes` are.
    pub fn read(bytes: &[u8]) -> Result<Self, EnvelopeError> {
        Ok(serde_json::from_slice(bytes)?)
    }

    /// Its text, which must be of `payload_type`, and signed by one of `keys` where there are any.
    /// Answers the id of the key too.
    pub fn open(
        &self,
        payload_type: &str,
        keys: &[PublicKey],
    ) -> Result<(Vec<u8>, Option<String>), EnvelopeError> {
        if self.payload_type != payload_type {
            return Err(EnvelopeError::Type(self.payload_type.chars().take(100).collect()));
        }
        let payload = BASE64_STANDARD.decode(&self.payload).map_err(|_| EnvelopeError::Base64)?;
        let by = if keys.is_empty() { None } else { Some(self.signer(&payload, keys)?) };
        let statement: Statement = serde_json::from_slice(&payload)?;
        let content = BASE64_STANDARD.decode(&self.content).map_err(|_| EnvelopeError::Base64)?;
        if content.len() as u64 != statement.size || Digest::of(&content) != statement.digest {
            return Err(EnvelopeError::Changed);
        }
        Ok((content, by))
    }

    /// The id of the first of `keys` that signed `payload`.
    fn signer(&self, payload: &[u8], keys: &[PublicKey]) -> Result<String, EnvelopeError> {
        let signed = authenticated(&self.payload_type, payload);
        for signature in self.signatures.iter().take(MOST_SIGNATURES) {
            let Ok(bytes) = BASE64_STANDARD.decode(&signature.sig) else { continue };
            if let Some(key) = keys.iter().find(|key| key.verifies(&signed, &bytes)) {
                return Ok(key.id());
            }
        }
        Err(EnvelopeError::Unsigned(self.signatures.len()))
    }
}

/// What is signed: [PAE](https://github.com/secure-systems-lab/dsse/blob/master/protocol.md).
fn authenticated(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let mut text = format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), payload.len());
    text.reserve_exact(payload.len());
    let mut bytes = text.into_bytes();
    bytes.extend_from_slice(payload);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    const TYPE: &str = "application/vnd.example+json";

    fn signer(byte: u8) -> Signer {
        Signer::from_text(&BASE64_STANDARD.encode([byte; 32])).unwrap()
    }

    async fn closed(signer: Option<&Signer>) -> Envelope {
        Envelope::close(TYPE, b"{}", signer).await.unwrap()
    }

    #[test]
    fn the_signed_text_is_that_of_the_specification() {
        let text = authenticated("http://example.com/HelloWorld", b"hello world");
        assert_eq!(text, b"DSSEv1 29 http://example.com/HelloWorld 11 hello world");
    }

    #[tokio::test]
    async fn only_a_known_key_opens_where_there_are_keys() {
        let (ours, theirs) = (signer(1), signer(2));
        let keys = [ours.public().clone()];
        let good = closed(Some(&ours)).await;
        let (text, by) = good.open(TYPE, &keys).unwrap();
        assert_eq!((text.as_slice(), by), (&b"{}"[..], Some(ours.public().id())));
        assert!(closed(Some(&theirs)).await.open(TYPE, &keys).is_err());
        assert!(closed(None).await.open(TYPE, &keys).is_err());
        assert!(closed(None).await.open(TYPE, &[]).is_ok());
    }

    #[tokio::test]
    async fn a_changed_text_type_or_signature_is_refused() {
        let ours = signer(1);
        let keys = [ours.public().clone()];
        let mut text = closed(Some(&ours)).await;
        text.content = BASE64_STANDARD.encode(b"{ }");
        assert!(matches!(text.open(TYPE, &keys), Err(EnvelopeError::Changed)));
        let mut statement = closed(Some(&ours)).await;
        statement.payload = closed(None).await.payload.replace('e', "f");
        assert!(statement.open(TYPE, &keys).is_err());
        let kind = closed(Some(&ours)).await;
        assert!(matches!(kind.open("other", &keys), Err(EnvelopeError::Type(_))));
        let mut signature = closed(Some(&ours)).await;
        signature.signatures[0].sig = "AAAA".to_owned();
        assert!(signature.open(TYPE, &keys).is_err());
        // A signature says whose it is, and is not believed.
        let mut claimed = closed(Some(&signer(2))).await;
        claimed.signatures[0].keyid = ours.public().id();
        assert!(claimed.open(TYPE, &keys).is_err());
        assert!(Envelope::read(b"[]").is_err());
    }
}
