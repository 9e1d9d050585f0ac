//! `DynamoDB`: tables with string keys, items, conditions and changes, as far as releases are kept
//! in it. Reads of an index are as fresh as the table's.

mod expression;

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::FakeEcs;
use super::answers::{no, text};
use super::state::{Refusal, State};
use expression::{Given, changed, holds};

/// An item, each value with its type.
pub(super) type Item = Map<String, Value>;

/// A table.
#[derive(Debug, Default)]
pub(super) struct Table {
    told: Value,
    /// The attribute that tells items apart.
    key: String,
    /// By which attribute the items of each index are ordered.
    orders: BTreeMap<String, String>,
    items: BTreeMap<String, Item>,
}

impl State {
    pub(super) fn create_table(&mut self, body: &Value) -> Result<Value, Refusal> {
        let name = text(body, "TableName").to_owned();
        if self.tables.contains_key(&name) {
            return no("ResourceInUseException", format!("Table already exists: {name}"));
        }
        let key = |schema: &Value, kind: &str| {
            let mut parts = schema.as_array().into_iter().flatten();
            let part = parts.find(|part| part["KeyType"] == kind);
            part.map(|part| text(part, "AttributeName").to_owned()).unwrap_or_default()
        };
        let indexes = body["GlobalSecondaryIndexes"].as_array().into_iter().flatten();
        let orders = indexes
            .map(|index| (text(index, "IndexName").to_owned(), key(&index["KeySchema"], "RANGE")));
        let mut told = body.clone();
        told["TableStatus"] = json!("ACTIVE");
        told["CreationDateTime"] = json!(self.now);
        told["ItemCount"] = json!(0);
        let arn = format!("arn:aws:dynamodb:{}:{}:table/{name}", self.region, self.account);
        told["TableArn"] = json!(arn);
        let orders = orders.collect();
        let key = key(&body["KeySchema"], "HASH");
        let table = Table { told: told.clone(), key, orders, items: BTreeMap::new() };
        self.tables.insert(name, table);
        Ok(json!({ "TableDescription": told }))
    }

    fn table(&mut self, body: &Value) -> Result<&mut Table, Refusal> {
        let unknown = "Cannot do operations on a non-existent table";
        match self.tables.get_mut(text(body, "TableName")) {
            Some(table) => Ok(table),
            None => no("ResourceNotFoundException", unknown),
        }
    }

    pub(super) fn describe_table(&mut self, body: &Value) -> Result<Value, Refusal> {
        let table = self.table(body)?;
        let mut told = table.told.clone();
        told["ItemCount"] = json!(table.items.len());
        Ok(json!({ "Table": told }))
    }

    pub(super) fn get_item(&mut self, body: &Value) -> Result<Value, Refusal> {
        let table = self.table(body)?;
        let item = table.items.get(&table.name(&body["Key"])?);
        Ok(item.map_or_else(|| json!({}), |item| json!({ "Item": item })))
    }

    pub(super) fn put_item(&mut self, body: &Value) -> Result<Value, Refusal> {
        let table = self.table(body)?;
        let name = table.name(&body["Item"])?;
        table.meets(&name, body)?;
        let item = body["Item"].as_object().cloned().unwrap_or_default();
        table.items.insert(name, item);
        Ok(json!({}))
    }

    pub(super) fn update_item(&mut self, body: &Value) -> Result<Value, Refusal> {
        let table = self.table(body)?;
        let name = table.name(&body["Key"])?;
        table.meets(&name, body)?;
        let key = || body["Key"].as_object().cloned().unwrap_or_default();
        let item = table.items.get(&name).cloned().unwrap_or_else(key);
        let item = changed(item, &Given::of(body, "UpdateExpression"))?;
        table.items.insert(name, item);
        Ok(json!({}))
    }

    pub(super) fn query(&mut self, body: &Value) -> Result<Value, Refusal> {
        let page = self.page.unwrap_or(usize::MAX);
        let table = self.table(body)?;
        let order = match body["IndexName"].as_str() {
            None => table.key.clone(),
            Some(index) => match table.orders.get(index) {
                Some(order) => order.clone(),
                None => return no("ValidationException", format!("there is no index {index}")),
            },
        };
        let mut found = Vec::new();
        for item in table.items.values() {
            // What has not the attributes of an index is not in it.
            let is_in = item.contains_key(&order);
            if is_in && holds(Some(item), &Given::of(body, "KeyConditionExpression"))? {
                found.push(item);
            }
        }
        found.sort_by_key(|item| text(&item[&order], "S").to_owned());
        if body["ScanIndexForward"] == false {
            found.reverse();
        }
        let name = |item: &&Item| item.get(&table.key).cloned().unwrap_or_default();
        let after = &body["ExclusiveStartKey"][&table.key];
        let from = found.iter().position(|item| name(item) == *after).map_or(0, |at| at + 1);
        let limit = body["Limit"].as_u64().and_then(|limit| usize::try_from(limit).ok());
        let most = limit.unwrap_or(usize::MAX).min(page);
        let total = found.len();
        let some: Vec<&Item> = found.into_iter().skip(from).take(most).collect();
        let mut told = json!({ "Items": some, "Count": some.len(), "ScannedCount": some.len() });
        // As DynamoDB does, also where it turns out that nothing follows.
        if let Some(last) = some.last().filter(|_| from + some.len() < total) {
            told["LastEvaluatedKey"] = json!({ &table.key: name(last) });
        }
        Ok(told)
    }
}

impl Table {
    fn name(&self, key: &Value) -> Result<String, Refusal> {
        match key[&self.key]["S"].as_str() {
            Some(name) if !name.is_empty() => Ok(name.to_owned()),
            _ => no("ValidationException", format!("the key {} is missing", self.key)),
        }
    }

    fn meets(&self, name: &str, body: &Value) -> Result<(), Refusal> {
        let given = Given::of(body, "ConditionExpression");
        if given.text.is_empty() || holds(self.items.get(name), &given)? {
            return Ok(());
        }
        no("ConditionalCheckFailedException", "The conditional request failed")
    }
}

impl FakeEcs {
    /// All items of `table`, each value with its type, in the order of their keys.
    pub fn items(&self, table: &str) -> Vec<Value> {
        let state = self.lock();
        let items = state.tables.get(table).map(|table| table.items.values().cloned());
        items.into_iter().flatten().map(Value::Object).collect()
    }
}
