//! Real peers for tests and benchmarks, and makers of the images they are fed with.
//!
//! Beside the floors: a dev-dependency of every crate, knowing `portolan-model` only. Everything
//! here blocks, so that it serves plain tests, asynchronous tests and xtask alike. A peer that is
//! not installed is an error that says which Debian package has it, never a skipped test.

pub mod browser;
pub mod code_hashes;
pub mod containers;
pub mod docker;
pub mod docker_registry;
pub mod fake_ecs;
pub mod http;
pub mod image;
pub mod layer;
pub mod layout;
pub mod moto;
pub mod port;
pub mod postgres;
pub mod process;
pub mod publish;
mod random;
pub mod receiver;
pub mod server;
mod spawner;
pub mod story;
pub mod synthetic;
pub mod tar;
pub mod weco;

pub use browser::Browser;
pub use image::{Image, Index};
pub use layer::Layer;
pub use process::Process;
pub use publish::Publisher;
pub use server::Server;
