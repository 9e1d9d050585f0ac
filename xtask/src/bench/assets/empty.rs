//! An S3 that has nothing and answers at once.
//!
//! s3-asset-manager stops at rclone, whose lists do not say how many keys they have; and in an answer
//! of moto there are more milliseconds than in the rest of what is measured.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::thread;

/// S3's answer to `ListObjectsV2` where no key has the prefix.
const NOTHING: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ListBucketResult \
     xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Name>bench</Name><Prefix/><KeyCount>0\
     </KeyCount><MaxKeys>1000</MaxKeys><IsTruncated>false</IsTruncated></ListBucketResult>";

/// Its answer to a question about an object.
const MISSING: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>NoSuchKey</Code>\
     <Message>The specified key does not exist.</Message></Error>";

/// Starts it, for as long as this process lives, and answers what clients need to find it.
pub(super) fn start() -> anyhow::Result<Vec<(&'static str, String)>> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let url = format!("http://{}", listener.local_addr()?);
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            thread::spawn(move || serve(client));
        }
    });
    Ok(vec![
        ("AWS_ACCESS_KEY_ID", "test".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "test".to_owned()),
        ("AWS_REGION", "us-east-1".to_owned()),
        ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
        ("AWS_ENDPOINT_URL", url),
    ])
}

/// Answers every request of a connection: none of them has a body.
fn serve(client: TcpStream) -> std::io::Result<()> {
    client.set_nodelay(true)?;
    let mut answers = client.try_clone()?;
    let answer = |status: &str, body: &str| {
        let length = body.len();
        format!(
            "HTTP/1.1 {status}\r\ncontent-type: application/xml\r\ncontent-length: {length}\r\n\r\n\
             {body}"
        )
    };
    let (nothing, missing) = (answer("200 OK", NOTHING), answer("404 Not Found", MISSING));
    let mut lists = false;
    for line in BufReader::new(client).lines() {
        let line = line?;
        lists |= line.contains("list-type=2");
        if line.is_empty() {
            let answer = if std::mem::take(&mut lists) { &nothing } else { &missing };
            answers.write_all(answer.as_bytes())?;
        }
    }
    Ok(())
}
