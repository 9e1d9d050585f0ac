//! Tasks and deployments that Portolan itself runs, and those that are but recorded.

use portolan_model::{Digest, Timestamp};
use portolan_tracker::Status;
use portolan_tracker::running::RunningFilter;
use serde_json::{Value, json};

use crate::bed::Bed;

crate::on_both_engines!(
    a_task_that_dies_is_not_counted,
    a_deployment_that_fails_leaves_what_ran_before,
    what_is_recorded_only_says_so_also_of_the_past,
);

fn at(minute: u32) -> Timestamp {
    format!("2026-11-02T10:{minute:02}:00Z").parse().unwrap()
}

fn event(id: &str, kind: &str, minute: u32, data: &Value) -> String {
    json!({
        "specversion": "1.0", "id": id, "type": format!("portolan.{kind}"), "source": "/x",
        "time": at(minute), "data": data,
    })
    .to_string()
}

fn end(deployment: &str, word: &str, minute: u32, more: &Value) -> String {
    let mut data = json!({"environment": "dev", "service": "web", "deployment": deployment});
    data.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    event(&format!("{deployment}:{word}"), &format!("deployment.{word}"), minute, &data)
}

/// What is said of the task `id`, from its start or of its end.
fn task(
    id: &str,
    deployment: &str,
    image: &str,
    words: (&str, &str),
    ended: Option<u32>,
) -> String {
    let (status, desired) = words;
    let digest = Digest::of(image.as_bytes());
    // What is but recorded ends without a word.
    let died = ended.filter(|_| status != "RECORDED");
    let data = json!({
        "environment": "dev", "service": "web", "deployment": deployment, "machine": "box",
        "task": {
            "taskArn": id, "version": if ended.is_some() { 4 } else { 2 }, "lastStatus": status,
            "desiredStatus": desired, "createdAt": at(1), "startedAt": at(1),
            "stoppedAt": ended.map(at),
            "stopCode": died.map(|_| "EssentialContainerExited"),
            "containers": [{
                "name": "web", "image": format!("127.0.0.1:5094/web@{digest}"),
                "exitCode": died.map(|_| 7),
            }],
        },
    });
    event(&format!("{id}:{status}"), "task.observed", ended.unwrap_or(1), &data)
}

const RUNS: (&str, &str) = ("RUNNING", "RUNNING");
const ENDED: (&str, &str) = ("STOPPED", "STOPPED");

async fn known(bed: &Bed) {
    for version in ["1", "2"] {
        bed.know("web", Digest::of(version.as_bytes()), None).await;
    }
}

async fn a_task_that_dies_is_not_counted(bed: Bed) {
    known(&bed).await;
    let told = [
        task("local/box/a", "d1", "1", RUNS, None),
        task("local/box/b", "d1", "1", RUNS, None),
        end("d1", "complete", 2, &json!({"by": "ann"})),
        task("local/box/b", "d1", "1", ENDED, Some(3)),
    ];
    // Said twice, and the other way round, it is the same.
    bed.say(told.iter().rev().cloned()).await;
    bed.say(told).await;
    bed.work(10).await;
    let cells = async |minute| {
        bed.tracker.running(at(minute), &RunningFilter::default()).await.unwrap().cells
    };
    let [before] = &cells(2).await[..] else { panic!() };
    assert_eq!((before.counts.running, before.newest.verdict.desired), (2, 2));
    let [after] = &cells(4).await[..] else { panic!() };
    assert_eq!((after.counts.running, after.newest.verdict.desired), (1, 2));
    assert_eq!(after.newest.verdict.status, Status::Running);
    assert_eq!(after.newest.verdict.reasons, ["exit 7"]);
    assert_eq!((after.newest.user(), after.recorded_only), (Some("ann"), false));
}

async fn a_deployment_that_fails_leaves_what_ran_before(bed: Bed) {
    known(&bed).await;
    bed.say([
        task("local/box/a", "d1", "1", RUNS, None),
        end("d1", "complete", 2, &json!({})),
        task("local/box/b", "d2", "2", ENDED, Some(3)),
        end("d2", "failed", 4, &json!({"reason": "it ended with 7; rolling back"})),
    ])
    .await;
    bed.work(10).await;
    let running = bed.tracker.running(at(5), &RunningFilter::default()).await.unwrap();
    let [cell] = &running.cells[..] else { panic!() };
    assert_eq!(cell.newest.verdict.status, Status::RolledBack);
    assert_eq!(
        cell.images.iter().map(|it| it.digest).collect::<Vec<_>>(),
        [Some(Digest::of(b"1"))]
    );
    let standing = bed.tracker.standing(at(5), &RunningFilter::default()).await.unwrap();
    let [standing] = &standing[..] else { panic!() };
    assert_eq!(standing.id(), "d1");
}

async fn what_is_recorded_only_says_so_also_of_the_past(bed: Bed) {
    known(&bed).await;
    bed.say([
        task("recorded/d1/0", "d1", "1", ("RECORDED", "RUNNING"), None),
        end("d1", "complete", 1, &json!({})),
        task("recorded/d1/0", "d1", "1", ("RECORDED", "STOPPED"), Some(3)),
    ])
    .await;
    bed.work(10).await;
    let now = bed.tracker.running(at(2), &RunningFilter::default()).await.unwrap();
    let [cell] = &now.cells[..] else { panic!() };
    assert!(cell.recorded_only && cell.newest.is_recorded_only());
    assert_eq!((cell.counts.running, cell.newest.verdict.status), (1, Status::Running));
    let later = bed.tracker.running(at(4), &RunningFilter::default()).await.unwrap();
    let [cell] = &later.cells[..] else { panic!() };
    assert_eq!((cell.counts.running, cell.newest.verdict.status), (0, Status::Stopped));
    assert!(!cell.recorded_only && cell.newest.is_recorded_only());
}
