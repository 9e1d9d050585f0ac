//! Which scope each route asks for: the one place that says so.
//!
//! A route that changes something and is not named here asks for `admin`, and a test fails until it
//! is named.

use http::Method;
use portolan_store::Scope;

/// What a request needs to be let in, once there are tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Need {
    /// Nothing, ever.
    Nothing,
    /// Nothing on this machine; elsewhere any token.
    Read,
    /// Any token, also on this machine: the question by which clients of a registry learn whether
    /// they must log in, and whether their login is good.
    Login,
    /// A token with this scope.
    Scope(Scope),
    /// A token with the scope `deploy:` of some environment. Of which is seen where the request is
    /// read.
    Deploy,
}

/// Routes whatever the method.
const ALWAYS: &[(&str, Need)] = &[
    ("/", Need::Nothing),
    ("/health", Need::Nothing),
    ("/ready", Need::Nothing),
    ("/ui/static/{file}", Need::Nothing),
    ("/ui/login", Need::Nothing),
    ("/ui/logout", Need::Nothing),
    // Also to look: a plan is made by asking whoever runs the environment.
    ("/ui/plan", Need::Deploy),
    ("/tokens", Need::Scope(Scope::Admin)),
    ("/tokens/{token}", Need::Scope(Scope::Admin)),
];

/// Routes where they change something.
const CHANGES: &[(&str, Scope)] = &[
    ("/v2/{*path}", Scope::Push),
    ("/events", Scope::Events),
    ("/events/replay", Scope::Admin),
    ("/events/{id}/replay", Scope::Admin),
    ("/deployments", Scope::Events),
    ("/commits", Scope::Release),
    ("/releases", Scope::Release),
    ("/releases/{id}/quarantine", Scope::Release),
    ("/notifications/{rule}/test", Scope::Admin),
    ("/admin/scan", Scope::Admin),
    ("/admin/backfill", Scope::Admin),
    ("/admin/registry-gc", Scope::Admin),
    ("/admin/rebuild", Scope::Admin),
    ("/ui/journal/{id}/replay", Scope::Admin),
    ("/ui/releases", Scope::Release),
    ("/ui/release/{id}/quarantine", Scope::Release),
];

/// Routes that change an environment, or plan that.
const DEPLOYS: &[&str] = &[
    "/plans",
    "/rollouts",
    "/rollouts/{id}/approve",
    "/environments/{name}/freeze",
    "/ui/back",
    "/ui/rollout/{id}/approve",
    "/ui/rollout/{id}/refuse",
];

/// The scope that the route asks for where it changes something, if it is named.
fn of_change(route: &str) -> Option<&'static Scope> {
    CHANGES.iter().find(|(named, _)| *named == route).map(|(_, scope)| scope)
}

/// What a request needs whose path is that of `route`.
pub(super) fn need(method: &Method, route: &str) -> Need {
    if let Some((_, need)) = ALWAYS.iter().find(|(named, _)| *named == route) {
        return need.clone();
    }
    if matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS) {
        return if matches!(route, "/v2" | "/v2/") { Need::Login } else { Need::Read };
    }
    if DEPLOYS.contains(&route) {
        return Need::Deploy;
    }
    Need::Scope(of_change(route).cloned().unwrap_or(Scope::Admin))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_described_change_is_in_the_table() {
        let document = crate::api::document();
        let paths = serde_json::to_value(document.paths).unwrap();
        let mut changes = 0;
        for (path, item) in paths.as_object().unwrap() {
            let reads = ["get", "head", "options", "parameters", "summary", "description"];
            let is_change = item.as_object().unwrap().keys().any(|key| !reads.contains(&&**key));
            let named = of_change(path).is_some()
                || DEPLOYS.contains(&path.as_str())
                || ALWAYS.iter().any(|(route, _)| route == path);
            assert!(!is_change || named, "{path} changes something, and no scope is named for it");
            changes += usize::from(is_change);
        }
        assert!(changes >= 10, "{changes}");
    }

    #[test]
    fn what_is_not_named_asks_for_all() {
        for (method, route, expected) in [
            (Method::POST, "/some/new", Need::Scope(Scope::Admin)),
            (Method::TRACE, "/events/{id}", Need::Scope(Scope::Admin)),
            (Method::GET, "/some/new", Need::Read),
            (Method::PATCH, "/v2/{*path}", Need::Scope(Scope::Push)),
            (Method::HEAD, "/v2/{*path}", Need::Read),
            (Method::GET, "/v2/", Need::Login),
            (Method::GET, "/tokens", Need::Scope(Scope::Admin)),
            (Method::GET, "/metrics", Need::Read),
            (Method::GET, "/health", Need::Nothing),
        ] {
            assert_eq!(need(&method, route), expected, "{method} {route}");
        }
    }
}
