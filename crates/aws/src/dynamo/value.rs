//! `DynamoDB`'s [typed values](https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_AttributeValue.html)
//! and plain ones.

use serde_json::{Map, Number, Value, json};

use super::Item;

/// How deep a value may be; `DynamoDB` itself allows 32.
const DEEPEST: usize = 40;

/// `value` with its types.
pub(super) fn typed(value: &Value) -> Value {
    match value {
        Value::Null => json!({ "NULL": true }),
        Value::Bool(value) => json!({ "BOOL": value }),
        Value::Number(number) => json!({ "N": number.to_string() }),
        Value::String(text) => json!({ "S": text }),
        Value::Array(items) => json!({ "L": items.iter().map(typed).collect::<Vec<_>>() }),
        Value::Object(members) => json!({ "M": typed_item(members) }),
    }
}

/// `item` with its values' types.
pub(super) fn typed_item(item: &Item) -> Map<String, Value> {
    item.iter().map(|(name, value)| (name.clone(), typed(value))).collect()
}

/// The item of typed values; none where it is not one.
pub(super) fn plain_item(item: &Value) -> Option<Item> {
    members(item, 0)
}

fn members(item: &Value, depth: usize) -> Option<Item> {
    let members = item.as_object()?.iter();
    members.map(|(name, value)| Some((name.clone(), plain(value, depth + 1)?))).collect()
}

fn plain(value: &Value, depth: usize) -> Option<Value> {
    let mut members_of = value.as_object()?.iter();
    let (kind, value) = members_of.next().filter(|_| depth <= DEEPEST)?;
    match (kind.as_str(), value) {
        ("NULL", _) => Some(Value::Null),
        ("BOOL", Value::Bool(_))
        | ("S" | "B", Value::String(_))
        | ("SS" | "BS", Value::Array(_)) => Some(value.clone()),
        ("N", Value::String(text)) => number(text),
        ("M", value) => members(value, depth).map(Value::Object),
        ("L", Value::Array(items)) => items.iter().map(|item| plain(item, depth + 1)).collect(),
        ("NS", Value::Array(items)) => items.iter().map(|item| number(item.as_str()?)).collect(),
        _ => None,
    }
}

/// A number; one with more digits than a JSON number keeps here loses the last ones.
fn number(text: &str) -> Option<Value> {
    text.parse::<Number>().ok().map(Value::Number)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_type_is_read() {
        let item = json!({
            "s": { "S": "" }, "n": { "N": "-1.5" }, "b": { "BOOL": false }, "0": { "NULL": true },
            "m": { "M": { "l": { "L": [{ "N": "1" }, { "S": "x" }] } } },
            "ss": { "SS": ["a", "b"] }, "ns": { "NS": ["1", "2"] }, "bin": { "B": "AA==" },
        });
        let plain = json!({
            "s": "", "n": -1.5, "b": false, "0": null, "m": { "l": [1, "x"] },
            "ss": ["a", "b"], "ns": [1, 2], "bin": "AA==",
        });
        assert_eq!(plain_item(&item).map(Value::Object), Some(plain));
        for wrong in
            [json!([]), json!({ "a": 1 }), json!({ "a": { "N": "x" } }), json!({ "a": {} })]
        {
            assert_eq!(plain_item(&wrong), None, "{wrong}");
        }
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            ".{0,8}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map(".{0,5}", inner, 0..4)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_as_it_was(
            item in prop::collection::btree_map(".{0,5}", any_json(), 0..5),
        ) {
            let item: Item = item.into_iter().collect();
            let typed = Value::Object(typed_item(&item));
            prop_assert_eq!(plain_item(&typed), Some(item));
        }
    }
}
