//! Parts of a blob (RFC 9110, section 14).

use portolan_testkit::http::Answer;

use crate::bed::Bed;

const BLOB: &[u8] = b"0123456789";

fn ask(bed: &Bed, headers: &[(&str, &str)]) -> Answer {
    let digest = bed.blob("app", BLOB);
    bed.send("GET", &format!("/v2/app/blobs/{digest}"), headers, b"")
}

#[test]
fn one_range_is_a_part() {
    let bed = Bed::new();
    for (range, content_range, body) in [
        ("bytes=0-0", "bytes 0-0/10", "0"),
        ("bytes=3-", "bytes 3-9/10", "3456789"),
        ("bytes=-2", "bytes 8-9/10", "89"),
        ("bytes=8-99", "bytes 8-9/10", "89"),
        ("bytes=-99", "bytes 0-9/10", "0123456789"),
    ] {
        let answer = ask(&bed, &[("range", range)]);
        assert_eq!((answer.status, answer.text().as_str()), (206, body), "{range}");
        assert_eq!(answer.header("content-range"), Some(content_range));
        assert_eq!(answer.header("content-length"), Some(&*body.len().to_string()));
    }
}

#[test]
fn several_ranges_are_several_parts() {
    let bed = Bed::new();
    let answer = ask(&bed, &[("range", "bytes=0-1, 5-6, -1")]);
    assert_eq!(answer.status, 206);
    let content_type = answer.header("content-type").unwrap();
    let boundary = content_type.strip_prefix("multipart/byteranges; boundary=").unwrap();
    let length: usize = answer.header("content-length").unwrap().parse().unwrap();
    assert_eq!(length, answer.body.len());
    let text = answer.text();
    let boundary = format!("--{boundary}");
    let mut parts = text.split(&boundary);
    assert_eq!(parts.next(), Some("\r\n"));
    for (range, body) in [("0-1", "01"), ("5-6", "56"), ("9-9", "9")] {
        let (head, found) = parts.next().unwrap().split_once("\r\n\r\n").unwrap();
        assert!(head.contains(&format!("Content-Range: bytes {range}/10")), "{head}");
        assert_eq!(found.trim_end_matches("\r\n"), body);
    }
    assert_eq!(parts.next(), Some("--\r\n"));
}

#[test]
fn what_cannot_be_or_need_not_be_given_in_parts() {
    let bed = Bed::new();
    for range in ["bytes=10-", "bytes=-0", "bytes=99999999999999999999-"] {
        let answer = ask(&bed, &[("range", range)]);
        assert_eq!((answer.status, answer.body.len()), (416, 0), "{range}");
        assert_eq!(answer.header("content-range"), Some("bytes */10"));
    }
    for range in ["bytes=5-1", "pages=1-2", "bytes=", "nonsense"] {
        let answer = ask(&bed, &[("range", range)]);
        let whole = (200, BLOB);
        if range == "bytes=" {
            assert_eq!(answer.status, 416);
        } else {
            assert_eq!((answer.status, &answer.body[..]), whole, "{range}");
        }
    }
}

#[test]
fn conditions_are_kept() {
    let bed = Bed::new();
    let whole = ask(&bed, &[]);
    let etag = whole.header("etag").unwrap();
    for known in [etag, "*", &format!("\"x\", W/{etag}")] {
        let answer = ask(&bed, &[("if-none-match", known), ("range", "bytes=0-1")]);
        assert_eq!((answer.status, answer.body.len()), (304, 0), "{known}");
    }
    assert_eq!(ask(&bed, &[("if-none-match", "\"other\"")]).status, 200);
    assert_eq!(ask(&bed, &[("if-range", etag), ("range", "bytes=0-1")]).status, 206);
    assert_eq!(ask(&bed, &[("if-range", "\"other\""), ("range", "bytes=0-1")]).status, 200);
}

#[test]
fn a_big_blob_comes_back_as_it_went() {
    let bed = Bed::new();
    let big: Vec<u8> = (0..3_000_000_u32).flat_map(u32::to_le_bytes).collect();
    let digest = bed.blob("app", &big);
    let path = format!("/v2/app/blobs/{digest}");
    assert!(bed.get(&path).body == big);
    let tail = bed.send("GET", &path, &[("range", "bytes=-1000000")], b"");
    assert!(tail.body == big[big.len() - 1_000_000..]);
}
