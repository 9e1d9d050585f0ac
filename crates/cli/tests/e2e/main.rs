//! The built binary, end to end: real clients, every route, every page, every way to die.

#![expect(clippy::unwrap_used, reason = "all of this is a test")]

/// Makes a test of each function for each store engine.
macro_rules! on_both_stores {
    ($($name:ident),+ $(,)?) => {
        mod on_sqlite {
            $(#[test] fn $name() { super::$name($crate::world::Engine::Sqlite); })+
        }
        mod on_postgres {
            $(#[test] fn $name() { super::$name($crate::world::Engine::Postgres); })+
        }
    };
}

mod assets;
mod back;
mod changes;
mod clients;
mod commands;
mod copied;
mod crash;
mod demo;
mod deploy;
mod deploy_here;
mod dump;
mod failures;
mod hostile;
mod images;
mod layers;
mod notify;
mod pages;
mod publish;
mod queues;
mod registry;
mod release_pages;
mod repositories;
mod routes;
mod sets;
mod shop;
mod storm;
mod table;
mod token;
mod wall;
mod weco;
mod world;
