//! Keys of Ed25519 ([RFC 8032](https://www.rfc-editor.org/rfc/rfc8032)): who may have written what
//! is believed.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use portolan_aws::{AwsError, Kms};
use portolan_model::{Digest, Secret};

/// What a public key of Ed25519 begins with in [SPKI](https://www.rfc-editor.org/rfc/rfc8410).
const SPKI: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
/// What a secret key begins with in PKCS #8, where its public half is left out.
const PKCS8: [u8; 16] = [
    0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
];
/// Bytes of a key's file at most.
const MOST_BYTES: usize = 64 * 1024;

/// The half of a key that everybody may know.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey([u8; 32]);

/// Why a text is no key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// It is no public key.
    #[error(
        "it is no public key of Ed25519: write the base64 of its 32 bytes, or what `openssl pkey \
         -pubout` prints"
    )]
    Public,
    /// It is no secret key.
    #[error(
        "it is no secret key of Ed25519: it must be PKCS #8 in PEM (`portolan assets keygen` or \
         `openssl genpkey -algorithm ed25519` makes one), or the base64 of 32 bytes"
    )]
    Secret,
}

/// Why nothing was signed.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// AWS says no.
    #[error(transparent)]
    Kms(#[from] AwsError),
    /// The key in KMS is of another kind.
    #[error(
        "the key {id} in KMS cannot sign this: {error}; make one with the spec ECC_NIST_EDWARDS25519"
    )]
    Kind {
        /// The key.
        id: String,
        /// What is wrong with it.
        error: KeyError,
    },
    /// What KMS answers is not by its key.
    #[error("KMS answered a signature that is not by the key {0}")]
    Bad(String),
}

impl PublicKey {
    /// What names it in envelopes: the digest of its 32 bytes.
    pub fn id(&self) -> String {
        Digest::of(&self.0).to_string()
    }

    /// Whether `signature` is by this key, over `text`.
    pub fn verifies(&self, text: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, self.0).verify(text, signature).is_ok()
    }

    /// The key whose SPKI is `der`.
    pub fn from_spki(der: &[u8]) -> Result<Self, KeyError> {
        let raw = der.strip_prefix(&SPKI).ok_or(KeyError::Public)?;
        raw.try_into().map(Self).map_err(|_| KeyError::Public)
    }
}

impl FromStr for PublicKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let bytes = decoded(text, "PUBLIC KEY").ok_or(KeyError::Public)?;
        match <[u8; 32]>::try_from(bytes.as_slice()) {
            Ok(raw) => Ok(Self(raw)),
            Err(_) => Self::from_spki(&bytes),
        }
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&BASE64_STANDARD.encode(self.0))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Who signs manifests.
#[derive(Debug)]
pub struct Signer {
    public: PublicKey,
    with: With,
}

enum With {
    Key(Box<Ed25519KeyPair>),
    Kms(Box<Kms>, String),
}

impl Signer {
    /// With the secret key that `text` is.
    pub fn from_text(text: &str) -> Result<Self, KeyError> {
        let bytes = Secret::new(decoded(text, "PRIVATE KEY").ok_or(KeyError::Secret)?);
        let pair = match bytes.expose().len() {
            32 => Ed25519KeyPair::from_seed_unchecked(bytes.expose()),
            _ => Ed25519KeyPair::from_pkcs8_maybe_unchecked(bytes.expose()),
        };
        let pair = pair.map_err(|_| KeyError::Secret)?;
        let public = pair.public_key().as_ref().try_into().map_err(|_| KeyError::Secret)?;
        Ok(Self { public: PublicKey(public), with: With::Key(Box::new(pair)) })
    }

    /// With the key `id` of KMS: an id, an ARN or an alias. Asks for its public half.
    pub async fn from_kms(kms: Kms, id: &str) -> Result<Self, SignError> {
        let public = PublicKey::from_spki(&kms.public_key(id).await?);
        let public = public.map_err(|error| SignError::Kind { id: id.to_owned(), error })?;
        Ok(Self { public, with: With::Kms(Box::new(kms), id.to_owned()) })
    }

    /// The public half.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// The signature over `text`.
    pub(crate) async fn sign(&self, text: &[u8]) -> Result<Vec<u8>, SignError> {
        match &self.with {
            With::Key(pair) => Ok(pair.sign(text).as_ref().to_vec()),
            With::Kms(kms, id) => {
                let signature = kms.sign(id, text).await?;
                let good = self.public.verifies(text, &signature);
                if good { Ok(signature) } else { Err(SignError::Bad(id.clone())) }
            }
        }
    }
}

impl fmt::Debug for With {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(_) => f.write_str("***"),
            Self::Kms(_, id) => f.write_str(id),
        }
    }
}

/// A new key made of 32 random bytes: the file of its secret half (PKCS #8 in PEM), and its public
/// half.
pub fn made_of(seed: &Secret<[u8; 32]>) -> Result<(Secret<String>, PublicKey), KeyError> {
    let der = [PKCS8.as_slice(), seed.expose().as_slice()].concat();
    let pem = format!(
        "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
        BASE64_STANDARD.encode(der)
    );
    let public = Signer::from_text(&pem)?.public;
    Ok((Secret::new(pem), public))
}

/// The bytes of a text that is base64, alone or in PEM with this label.
fn decoded(text: &str, label: &str) -> Option<Vec<u8>> {
    let text = text.trim();
    if text.len() > MOST_BYTES {
        return None;
    }
    let body = match text.strip_prefix("-----BEGIN ") {
        Some(rest) => {
            let rest = rest.strip_prefix(label)?.strip_prefix("-----")?;
            rest.split_once("-----END ")?.0
        }
        None => text,
    };
    let body: String = body.split_whitespace().collect();
    BASE64_STANDARD.decode(body).ok().filter(|bytes| !bytes.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    // The first test vector of RFC 8032, 7.1.
    const SEED: &str = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
    const PUBLIC: &str = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
    const SIGNATURE: &str = "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b";

    #[tokio::test]
    async fn signatures_are_those_of_the_rfc() {
        let seed: [u8; 32] = hex::decode(SEED).unwrap().try_into().unwrap();
        let (pem, public) = made_of(&Secret::new(seed)).unwrap();
        assert_eq!(hex::encode(public.0), PUBLIC);
        for text in [pem.expose().clone(), BASE64_STANDARD.encode(seed)] {
            let signer = Signer::from_text(&text).unwrap();
            let signature = signer.sign(b"").await.unwrap();
            assert_eq!(hex::encode(&signature), SIGNATURE);
            assert!(public.verifies(b"", &signature) && !public.verifies(b"x", &signature));
            assert!(!format!("{signer:?}").contains(&BASE64_STANDARD.encode(seed)));
        }
    }

    #[test]
    fn public_keys_are_read_in_all_their_forms() {
        let raw = hex::decode(PUBLIC).unwrap();
        let spki = BASE64_STANDARD.encode([&SPKI[..], &raw].concat());
        let pem = format!("-----BEGIN PUBLIC KEY-----\n{spki}\n-----END PUBLIC KEY-----\n");
        for text in [BASE64_STANDARD.encode(&raw), spki, pem] {
            assert_eq!(hex::encode(text.parse::<PublicKey>().unwrap().0), PUBLIC, "{text}");
        }
        for wrong in ["", "x", "AAAA", "-----BEGIN PUBLIC KEY-----", "-----BEGIN RSA"] {
            assert!(wrong.parse::<PublicKey>().is_err(), "{wrong}");
            assert!(Signer::from_text(wrong).is_err(), "{wrong}");
        }
    }
}
