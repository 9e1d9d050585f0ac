//! Conditions and changes of items:
//! [expressions](https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.html),
//! those that tests use. Whatever else is refused.

use std::cmp::Ordering;

use serde_json::{Value, json};

use super::Item;
use crate::fake_ecs::answers::no;
use crate::fake_ecs::state::Refusal;

/// An expression with what its placeholders stand for.
pub(super) struct Given<'a> {
    pub(super) text: &'a str,
    names: &'a Value,
    values: &'a Value,
}

impl<'a> Given<'a> {
    /// The one in the field `name` of a call.
    pub(super) fn of(body: &'a Value, name: &str) -> Self {
        Self {
            text: body[name].as_str().unwrap_or_default(),
            names: &body["ExpressionAttributeNames"],
            values: &body["ExpressionAttributeValues"],
        }
    }
}

/// Whether `item` (or that there is none) is as `given` says.
pub(super) fn holds(item: Option<&Item>, given: &Given<'_>) -> Result<bool, Refusal> {
    let mut reader = Reader::new(item, given);
    let holds = reader.any()?;
    reader.end()?;
    Ok(holds)
}

/// `item` as `given` changes it: `SET` alone.
pub(super) fn changed(item: Item, given: &Given<'_>) -> Result<Item, Refusal> {
    let before = item.clone();
    let mut reader = Reader::new(Some(&before), given);
    let mut item = item;
    reader.take("SET")?;
    loop {
        let name = reader.name()?;
        reader.take("=")?;
        let value = reader.sum()?;
        item.insert(name, value);
        if !reader.is_next(",") {
            break;
        }
    }
    reader.end()?;
    Ok(item)
}

struct Reader<'a> {
    words: std::iter::Peekable<std::vec::IntoIter<String>>,
    item: Option<&'a Item>,
    given: &'a Given<'a>,
}

fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut is_open = false;
    for letter in text.chars() {
        let belongs = letter.is_alphanumeric() || matches!(letter, '_' | '#' | ':' | '.');
        match words.last_mut().filter(|_| is_open && belongs) {
            Some(word) => word.push(letter),
            None if letter.is_whitespace() => {}
            None => words.push(letter.to_string()),
        }
        is_open = belongs;
    }
    words
}

impl<'a> Reader<'a> {
    fn new(item: Option<&'a Item>, given: &'a Given<'a>) -> Self {
        Self { words: words(given.text).into_iter().peekable(), item, given }
    }

    fn wrong<T>(&self) -> Result<T, Refusal> {
        no("ValidationException", format!("Invalid expression: {}", self.given.text))
    }

    fn is_next(&mut self, word: &str) -> bool {
        self.words.next_if(|next| next.eq_ignore_ascii_case(word)).is_some()
    }

    fn take(&mut self, word: &str) -> Result<(), Refusal> {
        if self.is_next(word) { Ok(()) } else { self.wrong() }
    }

    fn end(&mut self) -> Result<(), Refusal> {
        if self.words.peek().is_none() { Ok(()) } else { self.wrong() }
    }

    fn name(&mut self) -> Result<String, Refusal> {
        let Some(word) = self.words.next() else { return self.wrong() };
        if !word.starts_with('#') {
            return Ok(word);
        }
        match self.given.names[&word].as_str() {
            Some(name) => Ok(name.to_owned()),
            None => self.wrong(),
        }
    }

    fn any(&mut self) -> Result<bool, Refusal> {
        let mut holds = self.all()?;
        while self.is_next("OR") {
            holds |= self.all()?;
        }
        Ok(holds)
    }

    fn all(&mut self) -> Result<bool, Refusal> {
        let mut holds = self.one()?;
        while self.is_next("AND") {
            holds &= self.one()?;
        }
        Ok(holds)
    }

    fn one(&mut self) -> Result<bool, Refusal> {
        if self.is_next("(") {
            let holds = self.any()?;
            self.take(")")?;
            return Ok(holds);
        }
        for (function, wanted) in [("attribute_exists", true), ("attribute_not_exists", false)] {
            if self.is_next(function) {
                self.take("(")?;
                let name = self.name()?;
                self.take(")")?;
                return Ok(self.value(&name).is_some() == wanted);
            }
        }
        let left = self.operand()?;
        let Some(sign) = self.words.next() else { return self.wrong() };
        let right = self.operand()?;
        let order =
            left.as_ref().zip(right.as_ref()).and_then(|(left, right)| compare(left, right));
        match sign.as_str() {
            "=" => Ok(order == Some(Ordering::Equal)),
            "<" => Ok(order == Some(Ordering::Less)),
            ">" => Ok(order == Some(Ordering::Greater)),
            _ => self.wrong(),
        }
    }

    fn value(&self, name: &str) -> Option<Value> {
        self.item?.get(name).cloned()
    }

    fn operand(&mut self) -> Result<Option<Value>, Refusal> {
        match self.words.peek() {
            Some(word) if word.starts_with(':') => {
                let word = self.words.next().unwrap_or_default();
                match &self.given.values[&word] {
                    Value::Null => self.wrong(),
                    value => Ok(Some(value.clone())),
                }
            }
            Some(word) if word.eq_ignore_ascii_case("size") => {
                self.take("size")?;
                self.take("(")?;
                let name = self.name()?;
                self.take(")")?;
                let length = self.value(&name).and_then(|value| {
                    let list = value["L"].as_array().map(Vec::len);
                    list.or_else(|| value["S"].as_str().map(str::len))
                });
                Ok(length.map(|length| json!({ "N": length.to_string() })))
            }
            _ => {
                let name = self.name()?;
                Ok(self.value(&name))
            }
        }
    }

    fn sum(&mut self) -> Result<Value, Refusal> {
        let mut value = self.set()?;
        while self.is_next("+") {
            let more = self.set()?;
            let number = |value: &Value| value["N"].as_str().and_then(|text| text.parse().ok());
            let sum = number(&value).zip(number(&more)).map(|(a, b): (i64, i64)| a + b);
            let Some(sum) = sum else { return self.wrong() };
            value = json!({ "N": sum.to_string() });
        }
        Ok(value)
    }

    fn set(&mut self) -> Result<Value, Refusal> {
        for function in ["list_append", "if_not_exists"] {
            if !self.is_next(function) {
                continue;
            }
            self.take("(")?;
            if function == "if_not_exists" {
                let first = self.operand()?;
                self.take(",")?;
                let second = self.operand()?;
                self.take(")")?;
                return first.or(second).map_or_else(|| self.wrong(), Ok);
            }
            let first = self.set()?;
            self.take(",")?;
            let second = self.set()?;
            self.take(")")?;
            let list = |value: &Value| value["L"].as_array().cloned();
            let both = list(&first).zip(list(&second));
            let Some((mut all, more)) = both else { return self.wrong() };
            all.extend(more);
            return Ok(json!({ "L": all }));
        }
        self.operand()?.map_or_else(|| self.wrong(), Ok)
    }
}

/// How two values of one type are ordered.
fn compare(left: &Value, right: &Value) -> Option<Ordering> {
    if let (Some(left), Some(right)) = (left["S"].as_str(), right["S"].as_str()) {
        return Some(left.cmp(right));
    }
    let number = |value: &Value| value["N"].as_str().and_then(|text| text.parse::<f64>().ok());
    number(left)?.partial_cmp(&number(right)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item() -> Item {
        let item = json!({ "n": { "N": "9" }, "s": { "S": "b" }, "l": { "L": [{ "N": "1" }] } });
        item.as_object().unwrap().clone()
    }

    fn body(text: &str) -> Value {
        json!({
            "Expression": text,
            "ExpressionAttributeNames": { "#n": "n", "#l": "l" },
            "ExpressionAttributeValues": {
                ":ten": { "N": "10" }, ":b": { "S": "b" }, ":l": { "L": [{ "N": "2" }] },
            },
        })
    }

    #[test]
    fn conditions_hold_or_do_not() {
        for (text, expected) in [
            ("#n < :ten", true),
            ("#n > :ten", false),
            ("s = :b AND n < :ten", true),
            ("attribute_not_exists(n) OR s = :b", true),
            ("(attribute_exists(x) OR x = :b) AND s = :b", false),
            ("size(l) < :ten AND size(s) < :ten", true),
            ("size(x) < :ten", false),
        ] {
            let body = body(text);
            let given = Given::of(&body, "Expression");
            assert_eq!(holds(Some(&item()), &given).unwrap(), expected, "{text}");
        }
        let body = body("begins_with(s, :b)");
        assert!(holds(Some(&item()), &Given::of(&body, "Expression")).is_err());
    }

    #[test]
    fn changes_are_made_from_what_was() {
        let body = body(
            "SET #l = list_append(if_not_exists(#l, :l), :l), n = if_not_exists(n, :ten) + :ten",
        );
        let changed = changed(item(), &Given::of(&body, "Expression")).unwrap();
        assert_eq!(changed["l"], json!({ "L": [{ "N": "1" }, { "N": "2" }] }));
        assert_eq!(changed["n"], json!({ "N": "19" }));
    }
}
