//! What a deployment asks of AWS, against a fake that rolls out and against moto.
#![expect(clippy::unwrap_used, reason = "the helpers of tests fail as tests do")]

mod bed;
mod budget;
mod definition;
mod dynamo;
mod find;
mod images;
mod roles;
mod run;
mod shapes;
mod update;
