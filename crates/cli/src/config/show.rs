//! Each value of the configuration and where it came from, with nothing secret in it.

use serde::Serialize;
use toml::Value;
use url::Url;

use super::layers::{Layers, Setting};

/// One value as it is shown.
#[derive(Debug, Serialize)]
pub(crate) struct Shown {
    /// The key, as in `store.url`.
    pub(crate) key: String,
    /// The value, as it is written in TOML; passwords are `***`.
    pub(crate) value: String,
    /// Where it came from.
    pub(crate) origin: String,
    /// The variable that sets it.
    pub(crate) variable: String,
}

/// Every value, in the order of sections and names.
pub(crate) fn shown(layers: &Layers) -> Vec<Shown> {
    layers.settings.iter().map(one).collect()
}

fn one(setting: &Setting) -> Shown {
    let value = match &setting.value {
        Value::String(text) if is_secret(setting) && !text.is_empty() => {
            Value::String("***".to_owned())
        }
        Value::String(text) => Value::String(without_password(text)),
        other => other.clone(),
    };
    Shown {
        key: setting.key.path(),
        value: value.to_string(),
        origin: setting.origin.to_string(),
        variable: setting.key.variable(),
    }
}

/// Whether the value of a key is a secret as a whole.
fn is_secret(setting: &Setting) -> bool {
    let (section, name) = (setting.key.section.as_str(), setting.key.name.as_str());
    // Who has the URL of a webhook may write there.
    let is_webhook = section.starts_with("notifications.") && name == "url";
    is_webhook || matches!(name, "token" | "secret") || name.ends_with("_base64")
}

/// `text`, where it is a URL, with its password as `***`, also one in the query.
pub(crate) fn without_password(text: &str) -> String {
    let Ok(mut url) = Url::parse(text) else { return text.to_owned() };
    if url.password().is_some() && url.set_password(Some("***")).is_err() {
        return "***".to_owned();
    }
    let secret = |name: &str| name.to_lowercase().contains("password");
    if url.query_pairs().any(|(name, _)| secret(&name)) {
        let pairs: Vec<_> = url
            .query_pairs()
            .map(|(name, value)| {
                let value = if secret(&name) { "***".into() } else { value };
                (name.into_owned(), value.into_owned())
            })
            .collect();
        url.query_pairs_mut().clear().extend_pairs(pairs);
    }
    if url.as_str().contains("***") { url.to_string() } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_stars() {
        for (url, shown) in [
            ("postgres://u:hunter2@h/d", "postgres://u:***@h/d"),
            ("postgres://u@h/d?password=hunter2&a=b", "postgres://u@h/d?password=***&a=b"),
            ("sqlite:.portolan/portolan.db", "sqlite:.portolan/portolan.db"),
            ("127.0.0.1:5094", "127.0.0.1:5094"),
            ("", ""),
        ] {
            assert_eq!(without_password(url), shown);
        }
    }
}
