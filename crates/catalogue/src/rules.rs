//! Which files' contents are kept: the `[scan]` part of the configuration.

use portolan_model::Digest;
use regex::{RegexSet, RegexSetBuilder};
use serde::{Deserialize, Serialize};

/// Raised whenever the scanner tells more, or something else, of the same layer: layers that an
/// older scanner read are read again.
pub const SCANNER_VERSION: u32 = 1;

/// The most rules, and the most bytes of one pattern.
const RULES: usize = 1000;
const PATTERN_BYTES: usize = 1000;
/// What the compiled patterns may take, in bytes.
const COMPILED_BYTES: usize = 4 << 20;

/// Keep the files whose path matches `pattern`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// A regular expression, searched for anywhere in the normalised path (which has no leading
    /// `/`): anchor it with `^` and `$` where that matters.
    pub pattern: String,
    /// Not those whose path matches this one too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unless: Option<String>,
}

/// Rules, compiled. A file is kept when any of them asks for it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(try_from = "Vec<Rule>", into = "Vec<Rule>")]
pub struct Rules {
    list: Vec<Rule>,
    patterns: RegexSet,
    /// One for each rule; where a rule has none, one that never matches.
    exceptions: RegexSet,
}

/// Why rules cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RulesError {
    /// More than can be meant.
    #[error("there are {0} rules in [scan], at most {RULES} are read")]
    TooMany(usize),
    /// A pattern is too long.
    #[error("a pattern in [scan] has {0} bytes, at most {PATTERN_BYTES} are read")]
    TooLong(usize),
    /// A pattern is no regular expression, or one that takes too much memory.
    #[error("a pattern in [scan] cannot be used")]
    Pattern(#[from] regex::Error),
}

fn compile<'a>(patterns: impl Iterator<Item = &'a str>) -> Result<RegexSet, regex::Error> {
    RegexSetBuilder::new(patterns).size_limit(COMPILED_BYTES).dfa_size_limit(COMPILED_BYTES).build()
}

impl Rules {
    /// Compiles `list`.
    pub fn new(list: Vec<Rule>) -> Result<Self, RulesError> {
        const NEVER: &str = r"[^\s\S]";
        if list.len() > RULES {
            return Err(RulesError::TooMany(list.len()));
        }
        let texts = list.iter().flat_map(|rule| [Some(&rule.pattern), rule.unless.as_ref()]);
        if let Some(long) = texts.flatten().find(|text| text.len() > PATTERN_BYTES) {
            return Err(RulesError::TooLong(long.len()));
        }
        let patterns = compile(list.iter().map(|rule| rule.pattern.as_str()))?;
        let exceptions = compile(list.iter().map(|rule| rule.unless.as_deref().unwrap_or(NEVER)))?;
        Ok(Self { list, patterns, exceptions })
    }

    /// Whether the content of the file at the normalised `path` is to be kept.
    pub fn ask_for(&self, path: &str) -> bool {
        if !self.patterns.is_match(path) {
            return false;
        }
        let exceptions = self.exceptions.matches(path);
        self.patterns.matches(path).iter().any(|rule| !exceptions.matched(rule))
    }

    /// What tells one scan of a layer from another: the digest of the scanner's version and of the
    /// rules. A layer is read once for each key.
    pub fn key(&self) -> Digest {
        let mut hasher = portolan_model::Hasher::new();
        hasher.update(&SCANNER_VERSION.to_be_bytes());
        for rule in &self.list {
            for text in [Some(rule.pattern.as_str()), rule.unless.as_deref()] {
                // A length before each text, and a mark for none, so that no two lists are alike.
                let length = text.map_or(u64::MAX, |text| text.len() as u64);
                hasher.update(&length.to_be_bytes());
                hasher.update(text.unwrap_or_default().as_bytes());
            }
        }
        hasher.finish()
    }
}

impl PartialEq for Rules {
    fn eq(&self, other: &Self) -> bool {
        self.list == other.list
    }
}

impl TryFrom<Vec<Rule>> for Rules {
    type Error = RulesError;

    fn try_from(list: Vec<Rule>) -> Result<Self, RulesError> {
        Self::new(list)
    }
}

impl From<Rules> for Vec<Rule> {
    fn from(rules: Rules) -> Self {
        rules.list
    }
}

/// The patterns of the portal that Portolan replaces, which pass over what is under `usr`.
const PORTAL: [&str; 3] =
    [r".+/.+\.deps\.json$", r"home/node.*/package-lock\.json$", r".*/pom\.xml$"];

/// What says which packages an image has, wherever it is.
const EVERYWHERE: [&str; 5] = [
    concat!(
        r"(^|/)(package\.json|package-lock\.json|npm-shrinkwrap\.json|yarn\.lock|pnpm-lock\.yaml|",
        r"Cargo\.lock|Gemfile\.lock|poetry\.lock|Pipfile\.lock|uv\.lock|composer\.lock|",
        r"packages\.lock\.json|go\.mod|go\.sum|requirements\.txt|pom\.xml|pom\.properties)$",
    ),
    r"\.deps\.json$",
    r"\.dist-info/METADATA$|\.egg-info(/PKG-INFO)?$",
    r"^(etc|usr/lib)/os-release$",
    concat!(r"^var/lib/dpkg/(status|status\.d/[^/]+)$|", r"^(usr/)?lib/apk/db/installed$",),
];

impl Default for Rules {
    fn default() -> Self {
        let unless = Some(String::from("^/?usr/.*"));
        let portal = PORTAL.map(|pattern| Rule { pattern: pattern.into(), unless: unless.clone() });
        let everywhere = EVERYWHERE.map(|pattern| Rule { pattern: pattern.into(), unless: None });
        let list: Vec<_> = portal.into_iter().chain(everywhere).collect();
        let compiled = Self::new(list);
        debug_assert!(compiled.is_ok(), "the default rules are wrong: {compiled:?}");
        compiled.unwrap_or(Self {
            list: Vec::new(),
            patterns: RegexSet::empty(),
            exceptions: RegexSet::empty(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(pattern: &str, unless: Option<&str>) -> Rule {
        Rule { pattern: pattern.into(), unless: unless.map(Into::into) }
    }

    #[test]
    fn the_default_rules_ask_for_what_tells_of_packages() {
        let rules = Rules::default();
        for path in [
            "app/Orders.deps.json",
            "home/node/app/package-lock.json",
            "src/pom.xml",
            "package.json",
            "usr/lib/node_modules/npm/package.json",
            "go.sum",
            "usr/lib/python3/dist-packages/six-1.16.dist-info/METADATA",
            "usr/lib/python3/dist-packages/six.egg-info",
            "etc/os-release",
            "usr/lib/os-release",
            "var/lib/dpkg/status",
            "var/lib/dpkg/status.d/base",
            "lib/apk/db/installed",
            "usr/lib/apk/db/installed",
        ] {
            assert!(rules.ask_for(path), "{path}");
        }
        for path in [
            "home/node/index.js",
            "a/package.json/b",
            "mypackage.json",
            "srv/etc/os-release",
            "var/lib/dpkg/status-old",
            "var/lib/rpm/Packages",
            "",
        ] {
            assert!(!rules.ask_for(path), "{path}");
        }
    }

    #[test]
    fn the_portal_s_rules_alone_pass_over_usr() {
        let unless = Some("^/?usr/.*");
        let rules = Rules::new(PORTAL.iter().map(|pattern| rule(pattern, unless)).collect());
        let rules = rules.unwrap();
        assert!(rules.ask_for("app/x.deps.json"));
        assert!(!rules.ask_for("usr/share/dotnet/x.deps.json"));
        assert!(rules.ask_for("opt/usr/x.deps.json"));
        assert!(!rules.ask_for("x.deps.json"));
    }

    #[test]
    fn an_exception_is_of_its_own_rule() {
        let rules = Rules::new(vec![rule("a", Some("b")), rule("c", None)]).unwrap();
        assert!(rules.ask_for("a"));
        assert!(!rules.ask_for("ab"));
        assert!(rules.ask_for("abc"));
    }

    #[test]
    fn the_key_changes_with_every_part() {
        let keys = [
            vec![],
            vec![rule("a", None)],
            vec![rule("a", Some(""))],
            vec![rule("ab", None)],
            vec![rule("a", Some("b"))],
            vec![rule("a", None), rule("b", None)],
        ]
        .map(|list| Rules::new(list).unwrap().key());
        for (index, key) in keys.iter().enumerate() {
            assert!(!keys[..index].contains(key), "{index}");
        }
    }

    #[test]
    fn what_costs_too_much_is_refused() {
        assert!(Rules::new(vec![rule("(", None)]).is_err());
        assert!(Rules::new(vec![rule("(a{1000}){1000}", None)]).is_err());
        assert!(Rules::new(vec![rule(&"a".repeat(1001), None)]).is_err());
        assert!(Rules::new(vec![rule("a", None); 1001]).is_err());
    }

    #[test]
    fn read_from_configuration() {
        let json = r#"[{"pattern": "a$", "unless": "^b"}]"#;
        let rules: Rules = serde_json::from_str(json).unwrap();
        assert!(rules.ask_for("ca") && !rules.ask_for("ba"));
        assert_eq!(
            serde_json::from_str::<Rules>(&serde_json::to_string(&rules).unwrap()).unwrap(),
            rules
        );
        assert!(serde_json::from_str::<Rules>(r#"[{"pattern": "a", "unles": "b"}]"#).is_err());
    }
}
