//! Over TCP: what is pushed appears by itself, and the end is orderly.

use std::time::{Duration, Instant};

use portolan_server::{ServeError, serve};
use portolan_testkit::http::Client;
use portolan_testkit::{Image, Layer, Publisher, tar};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::bed::{Bed, service};

struct Served {
    address: std::net::SocketAddr,
    stop: oneshot::Sender<()>,
    task: JoinHandle<Result<(), ServeError>>,
}

async fn start(bed: &Bed) -> Served {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let app = bed.app.clone();
    let shutdown = async { drop(stopped.await) };
    let task = tokio::spawn(serve(app, listener, shutdown));
    Served { address, stop, task }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.unwrap()
}

async fn a_push_is_visible_within_a_second(bed: Bed) {
    let served = start(&bed).await;
    let url = format!("http://{}", served.address);
    let took = blocking(move || {
        let noise: Vec<u8> =
            (0..50_u32 << 20).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        let archive = tar::archive(&[
            tar::Entry::file("app/package.json", "{}"),
            tar::Entry::file("app/large", noise),
        ]);
        let image = Image::builder().layer(Layer::plain(archive)).build();
        let publisher = Publisher::new(&url, "team/large");
        publisher.image("1.0.0", &image).unwrap();
        let pushed = Instant::now();
        loop {
            let answer = Client::new().get(&format!("{url}/artifacts/team/large/1.0.0")).unwrap();
            if answer.status == 200 {
                return pushed.elapsed();
            }
            assert!(pushed.elapsed() < Duration::from_mins(1), "{}", answer.text());
            std::thread::sleep(Duration::from_millis(10));
        }
    });
    // The second of the promise is a release build's; this build digests several times slower.
    assert!(took.await < Duration::from_secs(10));
    served.stop.send(()).unwrap();
    served.task.await.unwrap().unwrap();
}

crate::on_both_engines!(a_push_is_visible_within_a_second);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replicas_share_the_work() {
    let bed = Bed::postgres().await;
    // Only the others have workers: what is pushed here is told to them by the database.
    let mut others = Vec::new();
    for _ in 0..2 {
        others.push(bed.replica().await.start_workers());
    }
    for number in 0..20 {
        let image = service("shop", &number.to_string());
        for blob in image.blobs() {
            bed.blob("shop", &blob.bytes).await;
        }
        bed.manifest("shop", &format!("1.{number}.0"), &image.manifest).await;
    }
    let begun = Instant::now();
    // A job under way would be given back by a worker that stops.
    while bed.json("/jobs?state=done").await["total"] != 20 {
        assert!(begun.elapsed() < Duration::from_secs(30), "{}", bed.json("/jobs").await);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    for other in others {
        other.stop().await;
    }
    assert_eq!(bed.json("/deployables/shop").await.as_array().unwrap().len(), 20);
    let jobs = bed.json("/jobs?size=100").await;
    assert_eq!(jobs["total"], 20);
    for job in jobs["jobs"].as_array().unwrap() {
        assert_eq!((&job["state"], &job["attempts"]), (&"done".into(), &1.into()), "{job}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_is_followed_to_its_end() {
    let bed = Bed::sqlite().await;
    for repository in ["a", "b"] {
        bed.push(repository, "1.0.0", &service(repository, "1")).await;
    }
    let served = start(&bed).await;
    let url = format!("http://{}", served.address);
    let text = blocking(move || {
        let client = Client::new();
        let job = client.send("POST", &format!("{url}/admin/backfill"), &[], &[]).unwrap();
        let events = format!("{url}{}/events", job.header("location").unwrap());
        // The answer ends when the job has.
        client.get(&events).unwrap().text()
    });
    let text = text.await;
    let last = text.trim().rsplit("\n\n").next().unwrap();
    assert!(last.starts_with("event: job\ndata: {"), "{text}");
    assert!(last.contains(r#""state":"done""#), "{text}");
    served.stop.send(()).unwrap();
    served.task.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_follows_does_not_keep_the_server_from_stopping() {
    let bed = Bed::sqlite().await;
    let served = start(&bed).await;
    let mut followers = Vec::new();
    for path in ["/ui/changes", "/stream"] {
        let mut follower = TcpStream::connect(served.address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n");
        follower.write_all(request.as_bytes()).await.unwrap();
        let mut head = [0; 12];
        follower.read_exact(&mut head).await.unwrap();
        assert_eq!(&head, b"HTTP/1.1 200");
        followers.push(follower);
    }
    let begun = Instant::now();
    served.stop.send(()).unwrap();
    served.task.await.unwrap().unwrap();
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_client_that_says_nothing_is_cut_off() {
    let bed = Bed::with(|settings| settings.patience = Duration::from_millis(300)).await;
    let served = start(&bed).await;
    for said in ["", "GET /health HT", "POST /v2/a/blobs/uploads/?digest=x HTTP/1.1\r\n"] {
        let mut client = TcpStream::connect(served.address).await.unwrap();
        client.write_all(said.as_bytes()).await.unwrap();
        let mut rest = Vec::new();
        let ended = tokio::time::timeout(Duration::from_secs(5), client.read_to_end(&mut rest));
        assert!(ended.await.is_ok(), "`{said}` was waited for");
    }
    served.stop.send(()).unwrap();
    served.task.await.unwrap().unwrap();
}

#[tokio::test]
async fn other_machines_are_not_served() {
    let bed = Bed::sqlite().await;
    let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
    let refused = serve(bed.app.clone(), listener, std::future::pending()).await.unwrap_err();
    assert!(matches!(refused, ServeError::NoToken(_)));
    assert!(refused.to_string().contains("portolan token create"), "{refused}");
}

#[tokio::test]
async fn it_says_how_it_is() {
    let bed = Bed::sqlite().await;
    assert_eq!(bed.get("/health").await.text(), "Healthy");
    assert_eq!(bed.get("/ready").await.text(), "Ready");
    bed.push("team/shop", "1.0.0", &service("shop", "1")).await;
    bed.get("/artifacts/team/shop/1.0.0").await;
    let text = bed.get("/metrics").await.text();
    for line in [
        "portolan_jobs{kind=\"scan-image\",state=\"done\"} 1",
        "portolan_journal_pending 0",
        "portolan_blobs 2",
        "portolan_http_requests_total{method=\"GET\",route=\"/artifacts/{*rest}\",status=\"200\"} 1",
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
    std::fs::remove_dir_all(bed.folder.path().join("blobs")).unwrap();
    let answer = bed.get("/ready").await;
    assert_eq!(answer.status, 503, "{}", answer.text());
}
