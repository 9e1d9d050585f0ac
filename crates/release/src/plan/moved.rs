//! What has changed in the world since a plan was made.

use super::Plan;

/// What differs between the plan that was agreed and the one that would be made now, in words;
/// empty where they do the same.
pub fn moved(agreed: &Plan, now: &Plan) -> Vec<String> {
    if agreed.hash == now.hash {
        return Vec::new();
    }
    let mut said = Vec::new();
    pairs(
        &agreed.services,
        &now.services,
        |it| &it.service,
        |name, before, after| {
            let (Some(before), Some(after)) = (before, after) else {
                said.push(there("service", name, after.is_some()));
                return;
            };
            if before.definition != after.definition {
                let of =
                    |definition: &Option<String>| definition.clone().unwrap_or("none".to_owned());
                let (was, is) = (of(&before.definition), of(&after.definition));
                said.push(format!("service {name}: its definition was {was}, and is {is}"));
            }
            for one in &before.containers {
                let other = after.containers.iter().find(|it| it.container == one.container);
                if let Some(other) = other.filter(|other| other.runs != one.runs) {
                    let of = |runs: &std::collections::BTreeSet<_>| {
                        let all: Vec<String> = runs.iter().map(ToString::to_string).collect();
                        if all.is_empty() { "nothing".to_owned() } else { all.join(" and ") }
                    };
                    let (was, is) = (of(&one.runs), of(&other.runs));
                    said.push(format!(
                        "service {name}: {} ran {was}, and runs {is}",
                        one.container
                    ));
                }
            }
            let rest = before.definition == after.definition && before.id != after.id;
            if rest {
                said.push(format!("service {name} was {}, and is {}", before.id, after.id));
            }
        },
    );
    pairs(
        &agreed.images,
        &now.images,
        |it| &it.image,
        |name, before, after| {
            let (Some(before), Some(after)) = (before, after) else {
                said.push(there("image", name, after.is_some()));
                return;
            };
            if before.copy_from != after.copy_from {
                let word = if after.copy_from.is_some() { "no longer" } else { "now" };
                said.push(format!("image {name} is {word} in {}", after.spot));
            }
            if before.tags != after.tags {
                said.push(format!("image {name}: its tags point elsewhere than they did"));
            }
        },
    );
    if said.is_empty() {
        said.push("the project's configuration is not what it was".to_owned());
    }
    said
}

fn there(kind: &str, name: &str, now: bool) -> String {
    let word = if now { "was not part of the plan, and is now" } else { "is no longer there" };
    format!("{kind} {name} {word}")
}

/// Tells `see` of each item of either list, by name.
fn pairs<T>(
    before: &[T],
    after: &[T],
    name: impl Fn(&T) -> &String,
    mut see: impl FnMut(&str, Option<&T>, Option<&T>),
) {
    for one in before {
        see(name(one), Some(one), after.iter().find(|other| name(other) == name(one)));
    }
    for one in after.iter().filter(|one| before.iter().all(|other| name(other) != name(one))) {
        see(name(one), None, Some(one));
    }
}
