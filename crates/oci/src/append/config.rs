//! The configuration and the manifest of the new image, as bytes.

use std::collections::BTreeMap;

use portolan_model::{Timestamp, media};
use serde_json::{Map, Value, json};

use super::layer::Layer;
use super::{AppendError, Spec};
use crate::Descriptor;

/// What the image consists of, but for its layers' bytes.
pub(super) struct Made {
    pub(super) config: Descriptor,
    pub(super) config_bytes: Vec<u8>,
    pub(super) media_type: String,
    pub(super) manifest: Vec<u8>,
    pub(super) layer: Option<Descriptor>,
}

/// Refuses words that no runtime would understand.
pub(super) fn check(spec: &Spec) -> Result<(), AppendError> {
    let word = |what, value: &str| {
        Err(AppendError::Word { what, value: value.chars().take(100).collect() })
    };
    for (name, _) in &spec.env {
        if name.is_empty() || name.contains(['=', '\0']) {
            return word("the name of an environment variable", name);
        }
    }
    for port in &spec.exposed_ports {
        let (number, protocol) = port.split_once('/').unwrap_or((port, "tcp"));
        if number.parse::<u16>().is_err() || !matches!(protocol, "tcp" | "udp" | "sctp") {
            return word("a port, as in 8080 or 53/udp", port);
        }
    }
    Ok(())
}

/// The image of `spec` on a base with the configuration `base` and the layers `before`.
pub(super) fn make(
    spec: &Spec,
    base: Option<&[u8]>,
    layer: Option<&Layer>,
    before: Vec<Descriptor>,
    is_docker: bool,
) -> Result<Made, AppendError> {
    let types = if is_docker {
        [media::DOCKER_MANIFEST, media::DOCKER_CONFIG, media::DOCKER_LAYER_GZIP]
    } else {
        [media::OCI_MANIFEST, media::OCI_CONFIG, media::OCI_LAYER_GZIP]
    };
    let [media_type, config_type, layer_type] = types;
    let mut config = match base {
        Some(bytes) => {
            serde_json::from_slice(bytes).map_err(|error| AppendError::BaseConfig(Some(error)))?
        }
        None => scratch(spec),
    };
    let root = config.as_object_mut().ok_or(AppendError::BaseConfig(None))?;
    let created = spec.created.unwrap_or(Timestamp::from_millis(0)).to_string();
    root.insert("created".into(), json!(created));
    settle(object(root, "config")?, spec);
    let history = json!({
        "created": created,
        "created_by": "portolan image append",
        "empty_layer": layer.is_none(),
    });
    array(root, "history")?.push(history);
    let rootfs = object(root, "rootfs")?;
    rootfs.insert("type".into(), json!("layers"));
    let diff_ids = array(rootfs, "diff_ids")?;
    diff_ids.extend(layer.map(|layer| json!(layer.diff_id)));
    let config_bytes = sorted(config).to_string().into_bytes();
    let config = Descriptor::of(config_type, &config_bytes);
    let layer = layer.map(|layer| Descriptor::new(layer_type, layer.digest, layer.size));
    let layers: Vec<Descriptor> = before.into_iter().chain(layer.clone()).collect();
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": media_type,
        "config": config,
        "layers": layers,
    });
    let manifest = sorted(manifest).to_string().into_bytes();
    Ok(Made { config, config_bytes, media_type: media_type.to_owned(), manifest, layer })
}

/// The configuration of an image with nothing in it.
fn scratch(spec: &Spec) -> Value {
    let platform = spec.platform.clone().unwrap_or_default();
    let mut config = json!({"os": platform.os, "architecture": platform.architecture});
    if let Some(variant) = platform.variant {
        config["variant"] = json!(variant);
    }
    config
}

/// Writes into a configuration what `spec` says about running.
fn settle(run: &mut Map<String, Value>, spec: &Spec) {
    if let Some(entrypoint) = &spec.entrypoint {
        run.insert("Entrypoint".into(), json!(entrypoint));
        run.remove("Cmd");
    }
    let mut set = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            run.insert(name.into(), value);
        }
    };
    set("Cmd", spec.cmd.as_ref().map(|cmd| json!(cmd)));
    set("WorkingDir", spec.working_dir.as_ref().map(|directory| json!(directory)));
    set("User", spec.user.as_ref().map(|user| json!(user)));
    if !spec.env.is_empty() {
        let env = environment(run.get("Env"), &spec.env);
        run.insert("Env".into(), json!(env));
    }
    let labels = spec.labels.iter().map(|(name, text)| (name.clone(), json!(text)));
    add(run, "Labels", labels);
    let ports = spec.exposed_ports.iter().map(|port| {
        (if port.contains('/') { port.clone() } else { format!("{port}/tcp") }, json!({}))
    });
    add(run, "ExposedPorts", ports);
}

/// Adds to the object `name`, which may be missing or null.
fn add(
    run: &mut Map<String, Value>,
    name: &str,
    more: impl ExactSizeIterator<Item = (String, Value)>,
) {
    if more.len() == 0 {
        return;
    }
    let mut all = match run.remove(name) {
        Some(Value::Object(all)) => all,
        _ => Map::new(),
    };
    all.extend(more);
    run.insert(name.to_owned(), Value::Object(all));
}

/// The base's variables in their order, each with its new value where it has one, and then the
/// new ones in theirs.
fn environment(base: Option<&Value>, new: &[(String, String)]) -> Vec<String> {
    let base = base.and_then(Value::as_array).into_iter().flatten();
    let mut all: Vec<String> = base.filter_map(Value::as_str).map(str::to_owned).collect();
    for (name, value) in new {
        let line = format!("{name}={value}");
        let same = |has: &&mut String| has.split('=').next() == Some(name);
        match all.iter_mut().find(same) {
            Some(has) => *has = line,
            None => all.push(line),
        }
    }
    all
}

/// The object `name` of `root`, made where it is missing or null.
fn object<'a>(
    root: &'a mut Map<String, Value>,
    name: &str,
) -> Result<&'a mut Map<String, Value>, AppendError> {
    let value = root.entry(name).or_insert(Value::Null);
    if value.is_null() {
        *value = json!({});
    }
    value.as_object_mut().ok_or(AppendError::BaseConfig(None))
}

/// The list `name` of `root`, made where it is missing or null.
fn array<'a>(
    root: &'a mut Map<String, Value>,
    name: &str,
) -> Result<&'a mut Vec<Value>, AppendError> {
    let value = root.entry(name).or_insert(Value::Null);
    if value.is_null() {
        *value = json!([]);
    }
    value.as_array_mut().ok_or(AppendError::BaseConfig(None))
}

/// The same with every object's keys in order, so that the bytes depend on nothing but the value
/// (how `serde_json` keeps objects is a choice of whoever builds the program).
fn sorted(value: Value) -> Value {
    match value {
        Value::Object(object) => {
            let object: BTreeMap<String, Value> =
                object.into_iter().map(|(name, value)| (name, sorted(value))).collect();
            Value::Object(object.into_iter().collect())
        }
        Value::Array(values) => Value::Array(values.into_iter().map(sorted).collect()),
        other => other,
    }
}
