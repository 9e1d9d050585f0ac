//! `portolan demo`: the story of the product, told on this machine by doing it.

mod build;
mod contents;
mod elf;
mod home;
mod packages;
mod program;
pub(crate) mod served;
mod ship;
mod show;
mod story;

use std::io::IsTerminal as _;
use std::net::{Ipv4Addr, SocketAddr};

use portolan_engine::{Engine, Filter};
use portolan_server::serve;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tracing_subscriber::filter::LevelFilter;

use crate::api::Api;
use crate::args::LogFormat;
use crate::args::demo::Demo;
use crate::commands::up;
use crate::config::{Config, Flags};
use crate::error::{Failure, Outcome};
use crate::exit::Code;
use crate::run::Context;
use crate::{embedded, logging, releasing};
use home::Home;
use show::Show;
use story::Story;

/// Where it listens unless told otherwise.
const LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// What is deployed in the demo.
enum Runs {
    /// It runs in containers of this engine.
    InContainers(Engine),
    /// It is recorded only, and why.
    Nowhere(String),
}

/// Tells the story, and serves on where somebody is there to look.
pub(crate) async fn run(context: &Context, arguments: Demo) -> Outcome {
    // What goes wrong on purpose is part of the story, and told there.
    logging::start(&context.environment, &context.global, LevelFilter::ERROR, LogFormat::Text)?;
    #[cfg(debug_assertions)]
    crate::failpoint::install(&context.environment)?;
    let stop = up::stop_signals()?;
    let address = arguments.listen.unwrap_or(LISTEN);
    if !address.ip().is_loopback() {
        let what = format!("--listen {address}: the demo is for this machine alone");
        return Err(Failure::new(Code::Usage, what).hint("use 127.0.0.1 and any port"));
    }
    let home = Home::take(arguments.data.as_deref(), &context.environment)?;
    let (listener, address) = up::listen(address).await?;
    let never = why_never(&arguments);
    home.configure(address, never.is_none())?;
    let environment = context.environment.without_configuration();
    let flags = Flags { listen: None, data: None };
    let config = Config::load(Some(&home.config()), &environment, &flags)?;
    let runs = match never {
        Some(why) => Runs::Nowhere(why),
        None => found(&config).await?,
    };
    // What a demo left that was killed.
    remove_all(&runs).await?;
    let demo = Running { context, config: &config, home: &home, runs: &runs };
    let ended = demo.to_the_end(listener, stop, stays(&arguments)).await;
    if arguments.keep {
        return ended;
    }
    let removed = remove_all(&runs).await;
    ended.and(removed)
}

/// Whether the server goes on after the story.
fn stays(arguments: &Demo) -> bool {
    arguments.stay || (!arguments.exit && std::io::stdout().is_terminal())
}

/// Why nothing runs in containers, whatever engine there is.
fn why_never(arguments: &Demo) -> Option<String> {
    if arguments.record {
        return Some("that was asked for with --record".to_owned());
    }
    let why = "this program was not built for Linux, and cannot run in a container here";
    (!program::runs_in_containers()).then(|| why.to_owned())
}

/// The engine that the server will find too.
async fn found(config: &Config) -> Outcome<Runs> {
    let settings = releasing::engine(config);
    home::make(&settings.scratch)?;
    Ok(match Engine::detect(settings).await {
        Ok(engine) => Runs::InContainers(engine),
        Err(error) => Runs::Nowhere(error.to_string()),
    })
}

/// Ends and removes all containers of the demo.
async fn remove_all(runs: &Runs) -> Outcome {
    let Runs::InContainers(engine) = runs else { return Ok(()) };
    let failed = |error| {
        Failure::of(Code::OtherSide, &error).hint("containers of the demo may be there still")
    };
    for container in engine.list(&Filter::default()).await.map_err(failed)? {
        engine.remove(&container.id).await.map_err(failed)?;
    }
    Ok(())
}

/// A demo that is being told.
struct Running<'a> {
    context: &'a Context,
    config: &'a Config,
    home: &'a Home,
    runs: &'a Runs,
}

impl Running<'_> {
    /// Serves, tells the story, and serves on until `stop` where `stays` says so.
    async fn to_the_end(
        &self,
        listener: TcpListener,
        stop: impl Future<Output = ()>,
        stays: bool,
    ) -> Outcome {
        let app = embedded::open(self.config, &self.context.environment).await?;
        let store = app.store.clone();
        let (end, ended) = oneshot::channel::<()>();
        let mut work = tokio::spawn(serve(app, listener, async move {
            // Whoever would have said so may have gone: that says it too.
            let _ = ended.await;
        }));
        let mut stop = std::pin::pin!(stop);
        // On the heap, as the story below: an optimised build cannot lay out futures that lie so deep in
        // each other.
        let mut told = Box::pin(self.tell(stays));
        let (outcome, mut served) = tokio::select! {
            told = &mut told => (told, None),
            () = &mut stop => (Err(Failure::new(Code::Interrupted, "interrupted")), None),
            served = &mut work => (Ok(()), Some(served)),
        };
        if stays && outcome.is_ok() && served.is_none() {
            // Whoever interrupts it now interrupts nothing.
            tokio::select! {
                () = &mut stop => {}
                ended = &mut work => served = Some(ended),
            }
        }
        drop(end);
        let served = match served {
            Some(served) => served,
            None => work.await,
        };
        store.close().await;
        let served = served.map_err(|error| Failure::bug(&error))?;
        served.map_err(|error| Failure::of(Code::Configuration, &error))?;
        outcome
    }

    async fn tell(&self, stays: bool) -> Outcome {
        let base = format!("http://{}", self.config.listen);
        let api = Api::remote(&base, None)?;
        let no_colour = self.context.environment.get(crate::env::NO_COLOR).is_some();
        let show = Show::new(&self.context.printer, base, no_colour);
        let runs = match self.runs {
            Runs::InContainers(engine) => {
                format!("in containers, by {} {}", engine.kind(), engine.version())
            }
            Runs::Nowhere(why) => format!("nowhere: it is recorded only, as {why}"),
        };
        show.begin(&runs, self.home.path())?;
        let in_containers = matches!(self.runs, Runs::InContainers(_));
        let story = Story::new(self.context, self.config, self.home, &api, in_containers)?;
        Box::pin(story.tell(&show)).await?;
        show.end(stays)
    }
}
