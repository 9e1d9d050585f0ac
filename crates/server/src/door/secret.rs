//! The text of a new token.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use portolan_model::{Digest, Entropy, Secret};

/// What a token begins with, so that whoever finds one knows what it is.
const PREFIX: &str = "portolan_";

/// A new token, and the digest by which it is known.
pub(crate) fn mint(entropy: &dyn Entropy) -> Result<(Secret<String>, Digest), String> {
    let text = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(entropy.secret()?));
    let digest = Digest::of(text.as_bytes());
    Ok((Secret::new(text), digest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Known;

    impl Entropy for Known {
        fn secret(&self) -> Result<[u8; 32], String> {
            Ok([0xff; 32])
        }
    }

    #[test]
    fn a_token_says_what_it_is_and_is_not_shown() {
        let (secret, digest) = mint(&Known).unwrap();
        assert_eq!(secret.expose(), "portolan___________________________________________8");
        assert_eq!(digest, Digest::of(secret.expose().as_bytes()));
        assert_eq!(format!("{secret:?}"), "***");
    }
}
