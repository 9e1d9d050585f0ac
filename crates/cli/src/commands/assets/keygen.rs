//! `portolan assets keygen`: a key that signs manifests.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;

use portolan_assets::keys::made_of;
use portolan_model::{Entropy as _, Secret};
use serde::Serialize;

use crate::args::assets::Keygen;
use crate::error::{Failure, Outcome};
use crate::exit::Code;
use crate::run::Context;
use crate::system::SystemEntropy;

/// The half that everybody may know.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    file: String,
    public_key: String,
    key_id: String,
}

pub(super) fn run(context: &Context, arguments: &Keygen) -> Outcome {
    let seed = SystemEntropy.secret().map_err(|why| {
        Failure::new(Code::Configuration, format!("the system gives no random numbers: {why}"))
    })?;
    let (pem, public) = made_of(&Secret::new(seed)).map_err(|error| Failure::bug(&error))?;
    let path = context.environment.directory.join(&arguments.file);
    let file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
    let written = file.and_then(|mut file| {
        file.write_all(pem.expose().as_bytes())?;
        file.sync_all()
    });
    written.map_err(|error| {
        let code = match error.kind() {
            std::io::ErrorKind::AlreadyExists => Code::Conflict,
            _ => Code::Configuration,
        };
        Failure::new(code, format!("could not write the key to {}", path.display())).because(&error)
    })?;
    let answer = Answer {
        file: arguments.file.display().to_string(),
        public_key: public.to_string(),
        key_id: public.id(),
    };
    context.printer.note(&format!(
        "the secret half is in {}: `sign_with` of [assets] names it; the public half, for `keys`:",
        answer.file
    ));
    context.printer.answer(&answer, |answer| format!("{}\n", answer.public_key))
}
