//! What is said when something cannot be done, and with which code it ends.

use std::process::Stdio;

use crate::run::Place;

#[test]
fn a_name_that_is_none_is_explained() {
    let place = Place::new();
    insta::assert_snapshot!(place.fails(2, &["image", "show", "Shop/API:1"]));
    insta::assert_snapshot!(place.fails(2, &["image", "tag", "shop/api:1", "-x"]));
    insta::assert_snapshot!(place.fails(2, &["registry", "gc", "--grace", "soon"]));
    insta::assert_snapshot!(place.fails(2, &["image", "list", "shop/api:1"]), @r"
    error: shop/api:1 is one image (1), not a repository
    hint: `portolan image show shop/api:1` shows it
    ");
}

#[test]
fn nothing_is_made_where_there_is_no_store() {
    let place = Place::new();
    insta::assert_snapshot!(place.fails(3, &["image", "list"]), @r"
    error: there is no store at .portolan/portolan.db
    hint: start a server with `portolan up`, or name one that runs: --server http://127.0.0.1:5094
    ");
    assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 0);
}

#[test]
fn a_server_that_is_not_there() {
    let place = Place::new();
    let port = portolan_testkit::port::free().unwrap();
    let url = format!("http://user:hunter2@127.0.0.1:{port}");
    let said = place.fails(6, &["image", "list", "--server", &url]);
    assert!(
        said.starts_with(&format!("error: could not ask the server http://127.0.0.1:{port}\n"))
    );
    assert!(said.contains("`portolan up` starts one") && !said.contains("hunter2"), "{said}");
    insta::assert_snapshot!(place.fails(2, &["image", "list", "--server", "127.0.0.1:5094"]), @r"
    error: `127.0.0.1:5094` is not the URL of a server
    hint: write it as in http://127.0.0.1:5094
    ");
}

#[test]
fn a_bare_name_without_a_server_says_what_it_means() {
    let address = format!("127.0.0.1:{}", portolan_testkit::port::free().unwrap());
    let place = Place::new().with("PORTOLAN_SERVER_LISTEN", &address);
    let said = place.fails(6, &["image", "append", "--label", "a=b", "shop/api:1"]);
    assert!(
        said.contains(&format!("Portolan's own registry, at {address}: `portolan up`")),
        "{said}"
    );
}

#[test]
fn what_is_not_there_ends_with_4() {
    let place = Place::new();
    let said = place.fails(4, &["image", "show", "oci:nowhere:1"]);
    assert!(said.starts_with("error: ") && said.contains("nowhere"), "{said}");
    let said = place.fails(4, &["image", "append", "--file", "none:/none", "oci:out:1"]);
    assert!(said.starts_with("error: could not read none\n"), "{said}");
}

#[test]
fn addresses_that_are_not_loopback_are_refused() {
    let place = Place::new();
    let said = place.fails(3, &["up", "--listen", "0.0.0.0:0", "--data", "d"]);
    assert!(said.starts_with("error: 0.0.0.0:0 is not a loopback address"), "{said}");
    assert!(said.contains("hint: "), "{said}");
    assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 0);
}

#[test]
fn a_reader_that_leaves_is_no_failure() {
    let place = Place::new();
    let mut child =
        place.command(&["man"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let ended = place.ended(child.wait_with_output().unwrap());
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
}

#[test]
fn a_failpoint_that_does_not_exist_is_refused() {
    let place = Place::new().with("PORTOLAN_FAILPOINT", "nowhere");
    let said = place.fails(2, &["up", "--listen", "127.0.0.1:0", "--data", "d"]);
    assert!(said.contains("`nowhere` is not NAME[:N]") && said.contains("blob.before-rename"));
}
