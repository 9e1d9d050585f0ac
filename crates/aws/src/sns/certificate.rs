//! The certificate that SNS signs with, and what its key says about a signature.
//!
//! Whether the certificate is SNS's own follows from where it was read: over HTTPS from a host of
//! SNS. It is therefore not followed to a root once more.

use std::sync::Arc;

use aws_lc_rs::signature::{
    RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY, RSA_PKCS1_2048_8192_SHA256, RsaParameters,
    UnparsedPublicKey,
};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{
    AlgorithmIdentifier, CertificateDer, InvalidSignature, SignatureVerificationAlgorithm, alg_id,
};
use webpki::{EndEntityCert, Error};

/// A certificate of X.509 with an RSA key.
#[derive(Debug, Clone)]
pub struct Certificate {
    der: Arc<CertificateDer<'static>>,
}

/// How a message was hashed before it was signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hash {
    /// `SignatureVersion` 1.
    Sha1,
    /// `SignatureVersion` 2.
    Sha256,
}

impl Certificate {
    /// The first certificate in the text `pem`; else why there is none.
    pub(super) fn parse(pem: &[u8]) -> Result<Self, String> {
        let der = CertificateDer::from_pem_slice(pem).map_err(|error| error.to_string())?;
        EndEntityCert::try_from(&der).map_err(|error| error.to_string())?;
        Ok(Self { der: Arc::new(der) })
    }

    /// Whether `signature` is the one of `text` by this certificate's key.
    pub(super) fn signed(&self, hash: Hash, text: &[u8], signature: &[u8]) -> bool {
        let verified = EndEntityCert::try_from(&*self.der)
            .and_then(|certificate| certificate.verify_signature(&Rsa(hash), text, signature));
        match verified {
            Ok(()) => true,
            Err(Error::InvalidSignatureForPublicKey) => false,
            Err(error) => {
                tracing::warn!(%error, "a certificate of SNS cannot be used");
                false
            }
        }
    }
}

/// RSASSA-PKCS1-v1_5 with keys of 2048 bits at least.
#[derive(Debug)]
struct Rsa(Hash);

impl Rsa {
    fn parameters(&self) -> &'static RsaParameters {
        match self.0 {
            Hash::Sha1 => &RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY,
            Hash::Sha256 => &RSA_PKCS1_2048_8192_SHA256,
        }
    }
}

impl SignatureVerificationAlgorithm for Rsa {
    fn verify_signature(
        &self,
        public_key: &[u8],
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), InvalidSignature> {
        let key = UnparsedPublicKey::new(self.parameters(), public_key);
        key.verify(message, signature).map_err(|_| InvalidSignature)
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        alg_id::RSA_ENCRYPTION
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        // Only certificates' own signatures are found by it, and none is verified here.
        alg_id::RSA_PKCS1_SHA256
    }
}
