//! One call over HTTP.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

use anyhow::{Context, ensure};
use serde_json::Value;

/// No call that a test makes is longer, in bytes.
const MOST: usize = 1 << 20;

/// Reads one call from `stream`, and writes what `answer` says to its action and body.
pub(super) fn serve(
    stream: &TcpStream,
    answer: impl FnOnce(&str, &Value) -> (u16, Value),
) -> anyhow::Result<()> {
    let mut reader = BufReader::new(stream);
    let (mut action, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        ensure!(reader.read_line(&mut line)? > 0, "the head has no end");
        if line == "\r\n" {
            break;
        }
        let Some((name, value)) = line.trim_end().split_once(": ") else { continue };
        match name.to_ascii_lowercase().as_str() {
            "x-amz-target" => value.rsplit('.').next().unwrap_or(value).clone_into(&mut action),
            "content-length" => length = value.parse::<usize>()?,
            _ => {}
        }
    }
    ensure!(length <= MOST, "the body has {length} bytes");
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let (status, told) = answer(&action, &serde_json::from_slice(&body).context("not JSON")?);
    let (reason, told) = (if status == 200 { "OK" } else { "Bad Request" }, told.to_string());
    let mut stream = stream;
    write!(
        stream,
        "HTTP/1.1 {status} {reason}\r\ncontent-type: application/x-amz-json-1.1\r\n\
         content-length: {}\r\nconnection: close\r\n\r\n{told}",
        told.len()
    )?;
    Ok(stream.flush()?)
}
