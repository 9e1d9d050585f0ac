//! Types of values: which is which, and how a variable's text becomes one.

use toml::Value;

/// What a value is, as a person says it.
pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::String(_) => "a text",
        Value::Integer(_) => "a whole number",
        Value::Float(_) => "a number with a fraction",
        Value::Boolean(_) => "true or false",
        Value::Datetime(_) => "a date",
        Value::Array(_) => "a list",
        Value::Table(_) => "a table",
    }
}

/// Whether `value` has the type of `default`. Nothing here is below zero.
pub(super) fn fits(value: &Value, default: &Value) -> bool {
    match (value, default) {
        (Value::Integer(number), Value::Integer(_)) => *number >= 0,
        (Value::Array(items), Value::Array(defaults)) => match defaults.first() {
            Some(default) => items.iter().all(|item| fits(item, default)),
            None => items.iter().all(Value::is_str),
        },
        _ => value.same_type(default),
    }
}

/// What a value of the type of `default` is called.
pub(super) fn wanted(default: &Value) -> &'static str {
    match default {
        Value::Integer(_) => "a whole number that is not negative",
        Value::Array(items) if items.first().is_none_or(Value::is_str) => "a list of texts",
        Value::Array(_) => "a list of tables",
        other => kind(other),
    }
}

/// The value that a variable's `text` stands for, where its key has the type of `default`. None
/// where the text is none.
pub(super) fn parse(text: &str, default: &Value) -> Option<Value> {
    match default {
        Value::String(_) => Some(Value::String(text.to_owned())),
        Value::Integer(_) => text.trim().parse().ok().map(Value::Integer),
        Value::Boolean(_) => text.trim().parse().ok().map(Value::Boolean),
        Value::Array(_) if text.trim_start().starts_with('[') => written(text),
        Value::Table(_) => written(text),
        Value::Array(_) => {
            let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
            Some(Value::Array(items.map(|item| Value::String(item.to_owned())).collect()))
        }
        _ => None,
    }
}

/// The value that `text` is in TOML.
fn written(text: &str) -> Option<Value> {
    format!("value = {text}").parse::<toml::Table>().ok()?.remove("value")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_s_list_has_commas_or_brackets() {
        let default = Value::Array(Vec::new());
        let expected: Value = Value::Array(vec!["a:1".into(), "b".into()]);
        assert_eq!(parse("a:1, b,", &default), Some(expected.clone()));
        assert_eq!(parse(r#"["a:1", "b"]"#, &default), Some(expected));
        assert_eq!(parse("[", &default), None);
    }

    #[test]
    fn types_are_told_apart() {
        let number = Value::Integer(1);
        assert!(fits(&Value::Integer(0), &number) && !fits(&Value::Integer(-1), &number));
        assert!(!fits(&Value::String("1".into()), &number));
        let texts = Value::Array(Vec::new());
        assert!(!fits(&Value::Array(vec![number.clone()]), &texts));
        assert_eq!(parse("one", &number), None);
        assert_eq!(parse("true", &Value::Boolean(false)), Some(Value::Boolean(true)));
    }
}
