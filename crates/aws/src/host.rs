//! The names of ECR's registries.

use std::fmt;

/// An ECR registry, as its host tells: whose it is and where.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct EcrHost {
    /// The account, 12 digits.
    pub account: String,
    /// The region, as in `eu-west-1`.
    pub region: String,
}

impl EcrHost {
    /// The registry that `host` names, where it is one of ECR's:
    /// `<account>.dkr.ecr[-fips].<region>.amazonaws.com[.cn]`, or the dual-stack name
    /// `<account>.dkr-ecr[-fips].<region>.on.aws`.
    pub fn parse(host: &str) -> Option<Self> {
        let (account, rest) = host.split_once('.')?;
        let region = if let Some(rest) = strip(rest, &["dkr.ecr.", "dkr.ecr-fips."]) {
            rest.strip_suffix(".amazonaws.com").or_else(|| rest.strip_suffix(".amazonaws.com.cn"))
        } else {
            strip(rest, &["dkr-ecr.", "dkr-ecr-fips."])?.strip_suffix(".on.aws")
        }?;
        let is_account = account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit());
        // A dot would let another name pass for a region: `evil.example.amazonaws.com`.
        let is_region = region.contains('-')
            && region.len() <= 40
            && region.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        (is_account && is_region)
            .then(|| Self { account: account.to_owned(), region: region.to_owned() })
    }
}

fn strip<'a>(text: &'a str, prefixes: &[&str]) -> Option<&'a str> {
    prefixes.iter().find_map(|prefix| text.strip_prefix(prefix))
}

impl fmt::Display for EcrHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the ECR registry of {} in {}", self.account, self.region)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ecr_is_known_by_its_name() {
        for (host, region) in [
            ("123456789012.dkr.ecr.eu-west-1.amazonaws.com", "eu-west-1"),
            ("123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn", "cn-north-1"),
            ("123456789012.dkr.ecr-fips.us-gov-west-1.amazonaws.com", "us-gov-west-1"),
            ("123456789012.dkr-ecr.eu-west-1.on.aws", "eu-west-1"),
        ] {
            let found = EcrHost::parse(host).unwrap();
            assert_eq!((found.account.as_str(), found.region.as_str()), ("123456789012", region));
        }
    }

    #[test]
    fn what_only_looks_like_it_is_given_no_password() {
        for host in [
            "123456789012.dkr.ecr.eu-west-1.amazonaws.com.evil.example",
            "123456789012.dkr.ecr.evil.example.amazonaws.com",
            "12345.dkr.ecr.eu-west-1.amazonaws.com",
            "12345678901a.dkr.ecr.eu-west-1.amazonaws.com",
            "dkr.ecr.eu-west-1.amazonaws.com",
            "public.ecr.aws",
            "123456789012.dkr.ecr..amazonaws.com",
            "123456789012.dkr.ecr.eu-west-1.amazonaws.com:443",
            "",
        ] {
            assert_eq!(EcrHost::parse(host), None, "{host}");
        }
    }
}
