//! `DynamoDB`: [items](https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Operations_Amazon_DynamoDB.html)
//! as plain JSON objects, read, written, queried and changed.

mod value;

use serde_json::{Map, Value, json};

use crate::wire::{DYNAMODB, Wire};
use crate::{Aws, AwsError};

/// An item, or the key of one, as plain JSON. Sets are read as arrays, binaries as their base64;
/// written are only texts, numbers, booleans, null, arrays and objects.
pub type Item = Map<String, Value>;

/// Pages that one query reads at most, of 1 MB each.
const PAGES: usize = 1_000;

/// `DynamoDB` in one region.
#[derive(Debug, Clone)]
pub struct Dynamo {
    dynamo: Wire,
}

/// An expression of `DynamoDB`, with what its placeholders stand for.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Expression {
    /// As in `project_id = :p` or `SET #d = list_append(#d, :d)`.
    pub text: String,
    /// Names, by `#placeholder`.
    pub names: Vec<(String, String)>,
    /// Values, by `:placeholder`.
    pub values: Vec<(String, Value)>,
}

/// Which items are asked for, and in which order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Query {
    /// The index; none for the table itself.
    pub index: Option<String>,
    /// The condition on the keys.
    pub keys: Expression,
    /// Whether the greatest comes first.
    pub descending: bool,
    /// The most items.
    pub most: usize,
}

impl Expression {
    /// The expression `text`, in which each of `values` is given by its `:placeholder`.
    pub fn new<const N: usize>(text: &str, values: [(&str, Value); N]) -> Self {
        let values = values.map(|(name, value)| (name.to_owned(), value)).to_vec();
        Self { text: text.to_owned(), names: Vec::new(), values }
    }

    /// The same, with names by their `#placeholders`: for those that are reserved words.
    pub fn naming<const N: usize>(mut self, names: [(&str, &str); N]) -> Self {
        self.names.extend(names.map(|(from, to)| (from.to_owned(), to.to_owned())));
        self
    }

    fn add_to(&self, asked: &mut Value, field: &str) {
        asked[field] = json!(self.text);
        for (name, stands_for) in &self.names {
            asked["ExpressionAttributeNames"][name] = json!(stands_for);
        }
        for (name, stands_for) in &self.values {
            asked["ExpressionAttributeValues"][name] = value::typed(stands_for);
        }
    }
}

impl Dynamo {
    /// `DynamoDB` of the region that is reached.
    pub fn of(aws: &Aws) -> Self {
        Self { dynamo: Wire::new(&aws.config, DYNAMODB) }
    }

    /// The status of `table`, as in `ACTIVE`; none where there is no such table.
    pub async fn status(&self, table: &str) -> Result<Option<String>, AwsError> {
        let doing = || format!("describe the DynamoDB table {table}");
        let asked = json!({ "TableName": table });
        match self.dynamo.call("DescribeTable", &asked, doing).await {
            Ok(told) => Ok(told["Table"]["TableStatus"].as_str().map(ToOwned::to_owned)),
            Err(error) if error.code() == Some("ResourceNotFoundException") => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Makes a table as `asked` says, in the words of
    /// [`CreateTable`](https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_CreateTable.html).
    /// It cannot be used before its status is `ACTIVE`.
    pub async fn create(&self, asked: &Value) -> Result<(), AwsError> {
        let name = asked["TableName"].as_str().unwrap_or_default().to_owned();
        let doing = || format!("make the DynamoDB table {name}");
        self.dynamo.call("CreateTable", asked, doing).await.map(|_| ())
    }

    /// The item of `table` with the key `key`, as all writes that were answered left it.
    pub async fn get(&self, table: &str, key: &Item) -> Result<Option<Item>, AwsError> {
        let doing = || format!("read an item of the DynamoDB table {table}");
        let asked =
            json!({ "TableName": table, "Key": value::typed_item(key), "ConsistentRead": true });
        let told = self.dynamo.call("GetItem", &asked, doing).await?;
        told.get("Item").map(|item| plain(item, doing)).transpose()
    }

    /// Puts `item` into `table` in place of the one of its key, where `condition` holds: whether it
    /// did.
    pub async fn put(
        &self,
        table: &str,
        item: &Item,
        condition: Option<&Expression>,
    ) -> Result<bool, AwsError> {
        let mut asked = json!({ "TableName": table, "Item": value::typed_item(item) });
        if let Some(condition) = condition {
            condition.add_to(&mut asked, "ConditionExpression");
        }
        self.write("PutItem", &asked, table).await
    }

    /// Changes the item of `table` with the key `key` as `change` says, where `condition` holds:
    /// whether it did. An item that is not there is made.
    pub async fn update(
        &self,
        table: &str,
        key: &Item,
        change: &Expression,
        condition: Option<&Expression>,
    ) -> Result<bool, AwsError> {
        let mut asked = json!({ "TableName": table, "Key": value::typed_item(key) });
        change.add_to(&mut asked, "UpdateExpression");
        if let Some(condition) = condition {
            condition.add_to(&mut asked, "ConditionExpression");
        }
        self.write("UpdateItem", &asked, table).await
    }

    /// The items of `table` that `query` asks for. An index may lag behind what was written.
    pub async fn query(&self, table: &str, query: &Query) -> Result<Vec<Item>, AwsError> {
        let doing = || format!("query the DynamoDB table {table}");
        let mut asked = json!({
            "TableName": table,
            "ScanIndexForward": !query.descending,
            "Limit": query.most.clamp(1, 1_000),
        });
        query.keys.add_to(&mut asked, "KeyConditionExpression");
        if let Some(index) = &query.index {
            asked["IndexName"] = json!(index);
        }
        let mut items = Vec::new();
        for _ in 0..PAGES {
            let mut page = self.dynamo.call("Query", &asked, doing).await?;
            for item in page["Items"].as_array().into_iter().flatten() {
                if items.len() < query.most {
                    items.push(plain(item, doing)?);
                }
            }
            let next = page["LastEvaluatedKey"].take();
            if next.is_null() || items.len() >= query.most {
                return Ok(items);
            }
            asked["ExclusiveStartKey"] = next;
        }
        Err(AwsError::Answer { doing: doing(), what: "with more than 1000 pages".into() })
    }

    async fn write(&self, action: &str, asked: &Value, table: &str) -> Result<bool, AwsError> {
        let doing = || format!("write an item of the DynamoDB table {table}");
        match self.dynamo.call(action, asked, doing).await {
            Ok(_) => Ok(true),
            Err(error) if error.code() == Some("ConditionalCheckFailedException") => Ok(false),
            Err(error) => Err(error),
        }
    }
}

fn plain(item: &Value, doing: impl Fn() -> String) -> Result<Item, AwsError> {
    let what = "with an item in a shape that it does not document";
    value::plain_item(item).ok_or_else(|| AwsError::Answer { doing: doing(), what: what.into() })
}
