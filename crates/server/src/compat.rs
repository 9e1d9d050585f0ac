//! The paths that clients of the portal use: in any case, and under its prefix.

use axum::extract::Request;
use http::Uri;
use http::uri::PathAndQuery;

const PREFIX: &str = "/cdp-portal-backend";

/// The portal's routes, as far as their parts are fixed.
const ROUTES: &[&str] = &[
    "/artifacts",
    "/files",
    "/services",
    "/deployables",
    "/deployments",
    "/whats-running-where",
    "/running-services",
    "/environments",
    "/repositories",
    "/templates",
    "/service-types",
    "/github-repo",
    "/admin/scan",
    "/admin/backfill",
    "/health",
];

/// The request with the path of a route of the portal as that route is declared. All others are
/// left as they are.
pub(crate) fn rewrite(mut request: Request) -> Request {
    let uri = request.uri();
    if let Some(path) = rewritten(uri.path()) {
        let text = uri.query().map_or_else(|| path.clone(), |query| format!("{path}?{query}"));
        let mut parts = uri.clone().into_parts();
        parts.path_and_query = PathAndQuery::try_from(text).ok();
        if let Ok(uri) = Uri::from_parts(parts) {
            *request.uri_mut() = uri;
        }
    }
    request
}

/// The path to look for in place of `path`, where it is another one.
fn rewritten(path: &str) -> Option<String> {
    let rest = match path.split_at_checked(PREFIX.len()) {
        Some((prefix, rest)) if prefix.eq_ignore_ascii_case(PREFIX) => rest,
        _ => path,
    };
    let (route, tail) = ROUTES.iter().find_map(|route| {
        let (head, tail) = rest.split_at_checked(route.len())?;
        let whole = tail.is_empty() || tail.starts_with('/');
        (whole && head.eq_ignore_ascii_case(route)).then_some((route, tail))
    })?;
    let tail = if tail == "/" { "" } else { tail };
    let changed = format!("{route}{tail}");
    (changed != path).then_some(changed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_portals_routes_are_found_in_any_case_and_under_its_prefix() {
        for (path, expected) in [
            ("/Artifacts", Some("/artifacts")),
            ("/ARTIFACTS/team/App/V1", Some("/artifacts/team/App/V1")),
            ("/cdp-portal-backend/Admin/Scan", Some("/admin/scan")),
            ("/CDP-Portal-Backend/artifacts/a%2Fb", Some("/artifacts/a%2Fb")),
            ("/services/", Some("/services")),
            ("/artifacts/a/b", None),
            ("/artifactsX", None),
            ("/cdp-portal-backend/v2/", None),
            ("/cdp-portal-backend", None),
            ("/V2/", None),
            ("/é", None),
        ] {
            assert_eq!(rewritten(path).as_deref(), expected, "{path}");
        }
    }

    #[test]
    fn the_query_is_kept() {
        let request = Request::get("/Files/x?path=A%2FB").body(axum::body::Body::empty()).unwrap();
        assert_eq!(rewrite(request).uri(), "/files/x?path=A%2FB");
    }
}
