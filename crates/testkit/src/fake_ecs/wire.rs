//! Calls over HTTP, one after the other on a connection.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, ensure};
use serde_json::{Map, Value};

/// No call that a test makes is longer, in bytes.
const MOST: usize = 4 << 20;

/// What is asked.
#[derive(Debug)]
pub(super) struct Call {
    /// As in `ListClusters`.
    pub(super) action: String,
    /// The JSON, or the fields of a form.
    pub(super) body: Value,
    /// The id of the key that it is signed with.
    pub(super) key: String,
}

/// What is answered: a status, a media type and a text.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) kind: &'static str,
    pub(super) text: String,
}

/// Reads calls from `stream` until it ends, and writes what `answer` says to each.
pub(super) fn serve(
    stream: &TcpStream,
    ended: &AtomicBool,
    answer: impl Fn(&Call) -> Answer,
) -> anyhow::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream);
    while let Some((call, last)) = read(&mut reader)? {
        let Answer { status, kind, text } = answer(&call);
        let last = last || ended.load(Ordering::SeqCst);
        let reason = if status == 200 { "OK" } else { "Bad Request" };
        let connection = if last { "close" } else { "keep-alive" };
        let whole = format!(
            "HTTP/1.1 {status} {reason}\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\
             connection: {connection}\r\n\r\n{text}",
            text.len()
        );
        let mut stream = stream;
        stream.write_all(whole.as_bytes())?;
        if last {
            break;
        }
    }
    Ok(())
}

/// The next call, and whether it is the last; none where the connection has ended.
fn read(reader: &mut BufReader<&TcpStream>) -> anyhow::Result<Option<(Call, bool)>> {
    let (mut action, mut key, mut length) = (String::new(), String::new(), 0);
    let (mut is_form, mut last) = (false, false);
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    loop {
        line.clear();
        ensure!(reader.read_line(&mut line)? > 0, "the head has no end");
        if line == "\r\n" {
            break;
        }
        let Some((name, value)) = line.trim_end().split_once(':') else { continue };
        let value = value.trim();
        match name.to_ascii_lowercase().as_str() {
            "x-amz-target" => value.rsplit('.').next().unwrap_or(value).clone_into(&mut action),
            "content-length" => length = value.parse::<usize>()?,
            "content-type" => is_form = value.starts_with("application/x-www-form-urlencoded"),
            "connection" => last = value.eq_ignore_ascii_case("close"),
            "authorization" => {
                let credential = value.split_once("Credential=").map(|(_, rest)| rest);
                let id = credential.and_then(|it| it.split('/').next());
                id.unwrap_or_default().clone_into(&mut key);
            }
            _ => {}
        }
    }
    ensure!(length <= MOST, "the body has {length} bytes");
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let body =
        if is_form { form(&body) } else { serde_json::from_slice(&body).context("not JSON")? };
    if is_form {
        body["Action"].as_str().unwrap_or_default().clone_into(&mut action);
    }
    Ok(Some((Call { action, body, key }, last)))
}

fn form(body: &[u8]) -> Value {
    let text = String::from_utf8_lossy(body);
    let pairs = text.split('&').filter_map(|pair| pair.split_once('='));
    Value::Object(
        pairs.map(|(name, value)| (name.to_owned(), decoded(value).into())).collect::<Map<_, _>>(),
    )
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'+' => bytes.push(b' '),
            b'%' => {
                let mut digit = || char::from(rest.next()?).to_digit(16);
                let (high, low) = (digit().unwrap_or(0), digit().unwrap_or(0));
                bytes.push(u8::try_from(high * 16 + low).unwrap_or(0));
            }
            byte => bytes.push(byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
