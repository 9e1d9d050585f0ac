//! How a server behaves. The command line maps the configuration onto this.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use portolan_aws::AwsSettings;
use portolan_catalogue::ScanOptions;
use portolan_model::{Entropy, Limits};
use portolan_tracker::Rules;

use crate::{AssetSettings, Notifications, ReleaseSettings, SnsSettings};

/// How a server behaves. Each field says its unit; [`Settings::new`] says the defaults.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The folder that holds the built-in registry's blobs. It is made where it is missing.
    pub blobs: PathBuf,
    /// The limits of what arrives from outside.
    pub limits: Limits,
    /// What is taken from images, and how many are read at a time.
    pub scan: ScanOptions,
    /// The registry that images are read from; none (the default) for the built-in one. What is
    /// pushed to the built-in one is read from there in either case.
    pub registry: Option<portolan_oci::Registry>,
    /// Where environments are, and which containers are left out of what runs. Default: the local
    /// environments `staging` and `production`, and what collects logs on ECS.
    pub track: Rules,
    /// Where repositories of source code and their teams are learnt from. Default: nowhere.
    pub repositories: SourceSettings,
    /// Which topics of SNS are heard over HTTPS. Default: none.
    pub sns: Option<SnsSettings>,
    /// Which queues of SQS are received from, and which environments are asked of ECS. Default: none.
    pub aws: AwsWork,
    /// Who is told of what happens. Default: nobody.
    pub notifications: Notifications,
    /// Where the assets of builds are kept. Default: nowhere.
    pub assets: Option<AssetSettings>,
    /// How projects are released. Default: there is no project.
    pub releases: ReleaseSettings,
    /// Between two looks through the whole registry; none (the default) for never.
    pub registry_sweep: Option<Duration>,
    /// Jobs that run at a time in this process. Default: 2.
    pub workers: usize,
    /// For how long a worker that says nothing is believed to live. Default: 60 s.
    pub lease: Duration,
    /// How often a job is begun before it is given up. Default: 8.
    pub attempts: u64,
    /// For how long a job that is done or given up is remembered. Default: 30 days.
    pub jobs_kept: Duration,
    /// Between two rounds of housekeeping. Default: 10 minutes.
    pub housekeeping: Duration,
    /// Connections that are served at a time; further ones wait. Default: 4096.
    pub connections: usize,
    /// How long a client may take to send the head of a request, and may be silent while it sends
    /// a body or takes an answer. Default: 60 s.
    pub patience: Duration,
    /// How long requests under way may take to end when the server stops. Default: 10 s.
    pub farewell: Duration,
    /// Names, with or without a port, by which others than this machine ask for the server. None
    /// (the default): on loopback nobody else does; elsewhere any name will do.
    pub hosts: Vec<String>,
    /// What new tokens are made of; without it (the default), none are made.
    pub entropy: Option<Arc<dyn Entropy>>,
}

/// Where repositories of source code are learnt from, and which of them are templates.
#[derive(Debug, Clone)]
pub struct SourceSettings {
    /// Who lists them; none where nobody does.
    pub source: Option<portolan_github::Source>,
    /// Between two readings. Default: 5 minutes.
    pub interval: Duration,
    /// Repositories that services are made from, in the order in which they are shown. Default:
    /// none.
    pub templates: Vec<Template>,
}

/// A repository that services are made from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    /// The repository's name.
    pub repository: String,
    /// What is made from it, for people.
    pub title: String,
}

impl Default for SourceSettings {
    fn default() -> Self {
        Self { source: None, interval: Duration::from_mins(5), templates: Vec::new() }
    }
}

/// What is learnt from AWS by itself.
#[derive(Debug, Clone)]
pub struct AwsWork {
    /// The queues of SQS, each a URL or a name.
    pub queues: Vec<String>,
    /// How the queues are reached.
    pub reach: AwsSettings,
    /// Receivers of each queue in this process. Default: 1.
    pub pollers: usize,
    /// For how long what was received is hidden from other receivers; prolonged while the work
    /// lasts. Whole seconds. Default: 60 s.
    pub hidden: Duration,
    /// The environments that ECS is asked about.
    pub swept: Vec<SweptEnvironment>,
    /// Between two questions to ECS about an environment. Default: 10 minutes.
    pub sweep: Duration,
}

/// An environment that ECS is asked about.
#[derive(Debug, Clone)]
pub struct SweptEnvironment {
    /// Its name, one of those of [`Settings::track`].
    pub name: String,
    /// The account's number.
    pub account: String,
    /// The region.
    pub region: String,
    /// The clusters, where it is not all of them. A `*` at the end is any text.
    pub clusters: Vec<String>,
    /// How ECS is reached there.
    pub reach: AwsSettings,
}

impl Default for AwsWork {
    fn default() -> Self {
        Self {
            queues: Vec::new(),
            reach: AwsSettings::default(),
            pollers: 1,
            hidden: Duration::from_mins(1),
            swept: Vec::new(),
            sweep: Duration::from_mins(10),
        }
    }
}

impl Settings {
    /// The defaults, with blobs under `blobs`.
    pub fn new(blobs: impl Into<PathBuf>) -> Self {
        Self {
            blobs: blobs.into(),
            limits: Limits::default(),
            scan: ScanOptions::default(),
            registry: None,
            track: Rules::default(),
            repositories: SourceSettings::default(),
            sns: None,
            aws: AwsWork::default(),
            notifications: Notifications::default(),
            assets: None,
            releases: ReleaseSettings::default(),
            registry_sweep: None,
            workers: 2,
            lease: Duration::from_mins(1),
            attempts: 8,
            jobs_kept: Duration::from_hours(30 * 24),
            housekeeping: Duration::from_mins(10),
            connections: 4096,
            patience: Duration::from_mins(1),
            farewell: Duration::from_secs(10),
            hosts: Vec::new(),
            entropy: None,
        }
    }
}
