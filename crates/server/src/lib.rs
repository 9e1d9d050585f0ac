//! Portolan over HTTP: the API, the pages, the registry's routes, and the workers behind them.
//!
//! Floor 4, and thin: a route decodes, makes one call to a floor below, and wraps the answer.

mod api;
mod app;
mod assets;
mod compat;
mod contents;
mod door;
mod guard;
mod images;
mod metrics;
mod notify;
mod releasing;
mod router;
mod serve;
mod settings;
mod sns;
mod ui;
mod v2;
mod workers;

pub use app::{App, OpenError};
pub use assets::AssetSettings;
pub use guard::Reach;
pub use notify::{NotificationKind, NotificationRule, Notifications, Occasion};
pub use releasing::ReleaseSettings;
pub use router::{router, router_for};
pub use serve::{ServeError, serve};
pub use settings::{AwsWork, Settings, SourceSettings, SweptEnvironment, Template};
pub use sns::SnsSettings;
pub use workers::Workers;
