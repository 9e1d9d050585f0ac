//! Keys of KMS that sign with Ed25519:
//! [Sign](https://docs.aws.amazon.com/kms/latest/APIReference/API_Sign.html) and
//! [`GetPublicKey`](https://docs.aws.amazon.com/kms/latest/APIReference/API_GetPublicKey.html).

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;
use serde_json::json;

use crate::wire::{KMS, Wire};
use crate::{Aws, AwsError};

/// KMS in one region.
#[derive(Debug, Clone)]
pub struct Kms {
    kms: Wire,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Key {
    public_key: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Signed {
    signature: String,
}

impl Kms {
    /// KMS of the region that is reached.
    pub fn of(aws: &Aws) -> Self {
        Self { kms: Wire::new(&aws.config, KMS) }
    }

    /// The public half of the key `id` (an id, an ARN, an alias), as SPKI in DER.
    pub async fn public_key(&self, id: &str) -> Result<Vec<u8>, AwsError> {
        let doing = || format!("read the public half of the key {id} in KMS");
        let key: Key = self.kms.read("GetPublicKey", &json!({ "KeyId": id }), doing).await?;
        decoded(&key.public_key, doing)
    }

    /// The signature of the key `id` over `text`, which has 4096 bytes at most.
    pub async fn sign(&self, id: &str, text: &[u8]) -> Result<Vec<u8>, AwsError> {
        let doing = || format!("sign with the key {id} in KMS");
        let asked = json!({
            "KeyId": id,
            "Message": BASE64_STANDARD.encode(text),
            "MessageType": "RAW",
            "SigningAlgorithm": "ED25519_SHA_512",
        });
        let signed: Signed = self.kms.read("Sign", &asked, doing).await?;
        decoded(&signed.signature, doing)
    }
}

fn decoded(text: &str, doing: impl Fn() -> String) -> Result<Vec<u8>, AwsError> {
    let what = "bytes that are not base64";
    let answer = |_| AwsError::Answer { doing: doing(), what: what.into() };
    BASE64_STANDARD.decode(text).map_err(answer)
}
