//! Tokens that let their holders in, and what each may do.
//!
//! A token is 256 random bits, so its bare SHA-256 digest tells nothing of it, and is all that is
//! kept.

use std::fmt;
use std::str::FromStr;

use portolan_model::{Digest, Timestamp, TokenId};

use crate::page::{Page, Paged};
use crate::row::{Row, sql};
use crate::{Store, StoreError, Tx};

/// The longest name of an environment in a scope, in bytes.
const MAX_ENVIRONMENT: usize = 100;

/// What the holder of a token may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// See everything. Every token may.
    Read,
    /// Change the built-in registry.
    Push,
    /// Tell what happened, and ask for deployments.
    Events,
    /// Start and steer releases.
    Release,
    /// Deploy to the environment of this name.
    Deploy(String),
    /// Everything.
    Admin,
}

/// A text that is no scope.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a scope: write read, push, events, release, deploy:ENVIRONMENT or admin")]
pub struct ScopeError(String);

impl Scope {
    /// Whether whoever has this scope may do what `needed` is for.
    pub fn allows(&self, needed: &Self) -> bool {
        *self == Self::Admin || *needed == Self::Read || self == needed
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Read => "read",
            Self::Push => "push",
            Self::Events => "events",
            Self::Release => "release",
            Self::Deploy(environment) => return write!(f, "deploy:{environment}"),
            Self::Admin => "admin",
        })
    }
}

impl FromStr for Scope {
    type Err = ScopeError;

    fn from_str(text: &str) -> Result<Self, ScopeError> {
        let fits = |name: &&str| {
            let plain = name.chars().all(|c| !c.is_whitespace() && !c.is_control());
            plain && (1..=MAX_ENVIRONMENT).contains(&name.len())
        };
        Ok(match text {
            "read" => Self::Read,
            "push" => Self::Push,
            "events" => Self::Events,
            "release" => Self::Release,
            "admin" => Self::Admin,
            _ => match text.strip_prefix("deploy:").filter(fits) {
                Some(environment) => Self::Deploy(environment.to_owned()),
                None => return Err(ScopeError(text.chars().take(60).collect())),
            },
        })
    }
}

/// A token, without what would let somebody in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Its identity.
    pub id: TokenId,
    /// Its name: of one token at a time that is not revoked.
    pub name: String,
    /// What its holder may do.
    pub scopes: Vec<Scope>,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when on it lets nobody in; none for never.
    pub expires_at: Option<Timestamp>,
    /// When it was last seen, to the minute.
    pub last_used_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

impl Token {
    /// Whether it lets its holder in at `now`.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| now < end)
    }

    /// Whether its holder may do what `needed` is for.
    pub fn allows(&self, needed: &Scope) -> bool {
        self.scopes.iter().any(|scope| scope.allows(needed))
    }

    fn read(row: &Row) -> Result<Self, StoreError> {
        let scopes = row.text("scopes")?;
        let scopes = scopes.split_whitespace().map(str::parse).collect::<Result<_, _>>();
        Ok(Self {
            id: row.parsed("id")?,
            name: row.text("name")?,
            scopes: scopes.map_err(|error: ScopeError| crate::row::corrupt("scopes", &error))?,
            created_at: row.time("created_at")?,
            expires_at: row.opt_time("expires_at")?,
            last_used_at: row.opt_time("last_used_at")?,
            revoked_at: row.opt_time("revoked_at")?,
        })
    }
}

/// A token that is not revoked, with what it is recognised by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptToken {
    /// The digest of the token's text.
    pub digest: Digest,
    /// What is known of it.
    pub token: Token,
}

/// A token to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewToken {
    /// Its identity.
    pub id: TokenId,
    /// Its name.
    pub name: String,
    /// The digest of its text.
    pub digest: Digest,
    /// What its holder may do.
    pub scopes: Vec<Scope>,
    /// When it is made.
    pub created_at: Timestamp,
    /// From when on it lets nobody in; none for never.
    pub expires_at: Option<Timestamp>,
}

impl Tx {
    /// Adds a token, unless one that is not revoked has its name; whether it did.
    pub async fn add_token(&mut self, new: NewToken) -> Result<bool, StoreError> {
        let scopes: Vec<String> = new.scopes.iter().map(ToString::to_string).collect();
        let insert = sql("INSERT INTO token (id, name, digest, scopes, created_at, expires_at) \
             VALUES ($1, $2, $3, $4, $5, $6) \
             ON CONFLICT (name) WHERE revoked_at IS NULL DO NOTHING")
        .bind(new.id.to_string())
        .bind(new.name)
        .bind(new.digest)
        .bind(scopes.join(" "))
        .bind(new.created_at)
        .bind(new.expires_at);
        Ok(self.run(insert).await? == 1)
    }

    /// Revokes a token; whether it was not revoked before.
    pub async fn revoke_token(&mut self, id: TokenId, at: Timestamp) -> Result<bool, StoreError> {
        let update = sql("UPDATE token SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL")
            .bind(id.to_string())
            .bind(at);
        Ok(self.run(update).await? == 1)
    }

    /// Remembers that a token was seen at `at`.
    pub async fn token_was_used(&mut self, id: TokenId, at: Timestamp) -> Result<(), StoreError> {
        let update = sql("UPDATE token SET last_used_at = $2 \
             WHERE id = $1 AND (last_used_at IS NULL OR last_used_at < $2)")
        .bind(id.to_string())
        .bind(at);
        self.run(update).await.map(|_| ())
    }
}

impl Store {
    /// All tokens, also those that are revoked, the newest first.
    pub async fn tokens(&self, page: Page) -> Result<Paged<Token>, StoreError> {
        let count = self.first(sql("SELECT COUNT(*) AS total FROM token")).await?;
        let total = count.map_or(Ok(0), |row| row.count("total"))?;
        let select =
            sql("SELECT * FROM token ORDER BY created_at DESC, id DESC LIMIT $1 OFFSET $2")
                .bind(page.limit)
                .bind(page.offset);
        let items = self.all(select).await?.iter().map(Token::read).collect::<Result<_, _>>()?;
        Ok(Paged { items, total })
    }

    /// A token by its identity.
    pub async fn token(&self, id: TokenId) -> Result<Option<Token>, StoreError> {
        let select = sql("SELECT * FROM token WHERE id = $1").bind(id.to_string());
        self.first(select).await?.as_ref().map(Token::read).transpose()
    }

    /// The tokens that are not revoked, in no order.
    pub async fn kept_tokens(&self) -> Result<Vec<KeptToken>, StoreError> {
        let rows = self.all(sql("SELECT * FROM token WHERE revoked_at IS NULL")).await?;
        let read =
            |row| Ok(KeptToken { digest: Row::digest(row, "digest")?, token: Token::read(row)? });
        rows.iter().map(read).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_read_as_they_are_written() {
        for text in ["read", "push", "events", "release", "deploy:production", "admin"] {
            assert_eq!(text.parse::<Scope>().unwrap().to_string(), text);
        }
        let long = format!("deploy:{}", "x".repeat(101));
        for text in ["", "Admin", "deploy", "deploy:", "deploy:a b", "deploy:a\n", "*", &long] {
            assert!(text.parse::<Scope>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_scope_allows_what_it_says_and_reading() {
        let scope = |text: &str| text.parse::<Scope>().unwrap();
        assert!(scope("push").allows(&scope("push")) && scope("push").allows(&scope("read")));
        assert!(!scope("push").allows(&scope("events")) && !scope("read").allows(&scope("push")));
        assert!(!scope("deploy:a").allows(&scope("deploy:b")));
        assert!(
            scope("admin").allows(&scope("deploy:b")) && scope("admin").allows(&scope("admin"))
        );
        assert!(!scope("release").allows(&scope("admin")));
    }
}
