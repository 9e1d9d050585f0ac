//! From a fact about images to the tasks that run them: exactly what looking at everything finds.

use std::collections::{BTreeMap, BTreeSet};

use portolan_model::{Digest, EventId, FileKind, Tag, Timestamp, media};
use portolan_store::{
    Child, FileFilter, FileRecord, ImageKind, ImageLayer, ScannedImage, Store, TaskFact,
    TaskFilter, TaskWord,
};

use crate::bed::{Bed, at, change};
use crate::files::{begin, file, finish};

crate::on_both_engines!(
    facts_lead_to_exactly_the_images_that_they_are_true_of,
    tasks_of_images_are_exactly_those_that_run_then,
);

/// Numbers that look random and are the same each time (Knuth's MMIX constants).
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % limit
    }

    fn one_in(&mut self, many: usize) -> bool {
        self.below(many) == 0
    }
}

const PATHS: [&str; 8] = ["a", "a/b", "a/b/c", "d", "d/e", "f", "a/bc", "up%_"];
const MARKS: [(&str, FileKind); 6] = [
    (".wh.a", FileKind::Whiteout),
    ("a/.wh.b", FileKind::Whiteout),
    ("a/.wh..wh..opq", FileKind::Opaque),
    ("a/b/.wh.c", FileKind::Whiteout),
    (".wh.d", FileKind::Whiteout),
    (".wh..wh..opq", FileKind::Opaque),
];
const COMMITS: [&str; 4] = ["0123abcd", "0123ffff", "0124", "fedcba98"];
const LABELS: [(&str, &str); 5] =
    [("k", "v"), ("a\"k", "v"), ("x%_\\", "é"), ("k", "\"k\":\"v\""), ("team", "k\",\"k\":\"v")];

/// An image of the world.
struct Made {
    digest: Digest,
    revision: Option<String>,
    labels: BTreeMap<String, String>,
    children: Vec<Digest>,
}

fn digest(name: &str, number: usize) -> Digest {
    Digest::of(format!("{name} {number}").as_bytes())
}

async fn layers(store: &Store, dice: &mut Dice) -> Vec<String> {
    let mut names = Vec::new();
    for number in 0..8 {
        let mut entries = Vec::new();
        for path in PATHS {
            if dice.one_in(3) {
                let kind = if dice.one_in(3) { FileKind::Directory } else { FileKind::File };
                entries.push(FileRecord { kind, ..file(path) });
            }
        }
        for (path, kind) in MARKS {
            if number > 0 && dice.one_in(6) {
                entries.push(FileRecord { kind, digest: None, ..file(path) });
            }
        }
        let name = format!("layer {number}");
        // A reading that was replaced must not count any more.
        if dice.one_in(2) {
            let scan = begin(store, &name, PATHS.map(file).to_vec()).await;
            finish(store, &name, scan, "old").await;
        }
        let scan = begin(store, &name, entries).await;
        finish(store, &name, scan, "new").await;
        names.push(name);
    }
    names
}

async fn world(store: &Store, dice: &mut Dice) -> Vec<Made> {
    let names = layers(store, dice).await;
    let mut made: Vec<Made> = Vec::new();
    for number in 0..48 {
        let is_index = number >= 36;
        let digest = digest("image", number);
        let mut found = ScannedImage::default();
        if is_index {
            found.children = (0..=dice.below(3))
                .map(|_| Child {
                    digest: made[dice.below(36)].digest,
                    media_type: media::OCI_MANIFEST.to_owned(),
                    size: 1,
                    platform: None,
                })
                .collect();
        } else {
            found.layers = (0..=dice.below(4))
                .map(|_| ImageLayer {
                    digest: Digest::of(names[dice.below(names.len())].as_bytes()),
                    diff_id: None,
                    media_type: media::OCI_LAYER_GZIP.to_owned(),
                    size: 1,
                    created_by: None,
                })
                .collect();
        }
        found.revision = (!dice.one_in(3)).then(|| COMMITS[dice.below(4)].to_owned());
        found.service_name = Some(format!("service {}", number % 5));
        for (name, value) in LABELS {
            if dice.one_in(2) {
                found.labels.insert(name.to_owned(), value.to_owned());
            }
        }
        let kind = if is_index { ImageKind::Index } else { ImageKind::Image };
        made.push(Made {
            digest,
            revision: found.revision.clone(),
            labels: found.labels.clone(),
            children: found.children.iter().map(|child| child.digest).collect(),
        });
        let repository = ["one", "two"][number % 2];
        change!(store, |tx| {
            let repository = repository.parse().unwrap();
            tx.see_image(&repository, &digest, "m", kind, at(1)).await?;
            tx.put_scanned_image(&digest, kind, &found, at(3)).await
        });
    }
    made
}

fn sorted(digests: impl IntoIterator<Item = Digest>) -> Vec<Digest> {
    digests.into_iter().collect::<BTreeSet<_>>().into_iter().collect()
}

async fn facts_lead_to_exactly_the_images_that_they_are_true_of(bed: Bed) {
    let (store, mut dice) = (&bed.store, Dice(7));
    let made = world(store, &mut dice).await;
    let that =
        |is: &dyn Fn(&Made) -> bool| sorted(made.iter().filter(|it| is(it)).map(|it| it.digest));

    let mut seen = 0;
    for path in PATHS.into_iter().chain(["none", "a/.wh.b"]) {
        let mut expected = Vec::new();
        for image in &made {
            let files =
                store.image_files(&image.digest, &FileFilter::default(), 100).await.unwrap();
            if files.iter().any(|file| file.file.path == path) {
                expected.push(image.digest);
            }
        }
        seen += expected.len();
        assert_eq!(store.images_showing(path).await.unwrap(), sorted(expected), "{path}");
    }
    assert!(seen > 50, "{seen} is a world with too little in it");

    for commit in ["0123", "0123abcd", "0123abcde", "012", "f", "none"] {
        let has = |it: &Made| it.revision.as_ref().is_some_and(|it| it.starts_with(commit));
        assert_eq!(store.digests_of_commit(commit).await.unwrap(), that(&has), "{commit}");
    }
    for (name, value) in LABELS.into_iter().chain([("k", "V"), ("K", "v"), ("%", "v"), ("", "")]) {
        let has = |it: &Made| it.labels.get(name).is_some_and(|known| known == value);
        let found = store.digests_with_label(name, value).await.unwrap();
        assert_eq!(found, that(&has), "{name}={value}");
    }
    for one in &made {
        let of_index = made.iter().filter(|it| it.children.contains(&one.digest));
        let indexes: Vec<Digest> = of_index.map(|it| it.digest).collect();
        let family = indexes.iter().chain(&one.children).copied().chain([one.digest]);
        assert_eq!(store.image_family(&[one.digest]).await.unwrap(), sorted(family));
        let expected = sorted(indexes.iter().copied().chain([one.digest]));
        assert_eq!(store.image_indexes(&[one.digest]).await.unwrap(), expected);
    }

    let (repository, tag): (_, Tag) = ("one".parse().unwrap(), "latest".parse().unwrap());
    let mut moves: Vec<(Timestamp, Option<Digest>)> = Vec::new();
    for _ in 0..20 {
        let to = (!dice.one_in(4)).then(|| made[dice.below(made.len())].digest);
        moves.push((at(i64::try_from(dice.below(50)).unwrap()), to));
    }
    for (when, to) in moves.clone() {
        let event = EventId::new(store.ids());
        let (repository, tag) = ("one".parse().unwrap(), tag.clone());
        change!(store, |tx| tx.move_tag(&repository, &tag, to, when, event).await);
    }
    for then in [-1, 0, 10, 25, 60] {
        let by_then = moves.iter().filter(|(when, _)| *when <= at(then));
        let expected = sorted(by_then.filter_map(|(_, to)| *to));
        let found = store.digests_of_reference(&repository, Some(&tag), at(then)).await.unwrap();
        assert_eq!(found, expected, "{then}");
    }
    let all = store.digests_of_reference(&repository, None, at(0)).await.unwrap();
    assert_eq!(all, sorted(made.iter().step_by(2).map(|it| it.digest)));
}

fn task(dice: &mut Dice, number: usize, digest: Digest) -> TaskFact {
    let mut moment = |from: i64| from + i64::try_from(dice.below(30)).unwrap();
    let pending = moment(0);
    let running = moment(pending);
    let stopping = moment(running);
    let stopped = moment(stopping);
    let known = |moment: i64, is_known: bool| is_known.then(|| at(moment));
    TaskFact {
        id: format!("task {}", number / 2),
        container: format!("container {}", number % 2),
        position: u32::try_from(number % 2).unwrap(),
        environment: ["dev", "prod"][number / 2 % 2].to_owned(),
        account: String::new(),
        region: String::new(),
        cluster: String::new(),
        ecs_service: None,
        deployment: format!("deployment {}", number % 7),
        task_definition: None,
        image: "image".to_owned(),
        repository: None,
        tag: None,
        stated: Some(digest),
        cpu: None,
        memory: None,
        word: TaskWord::default(),
        pending_at: Some(at(pending)),
        running_at: known(running, !dice.one_in(5)),
        stopping_at: known(stopping, !dice.one_in(3)),
        stopped_at: known(stopped, !dice.one_in(3)),
        slot: None,
    }
}

async fn tasks_of_images_are_exactly_those_that_run_then(bed: Bed) {
    let (store, mut dice) = (&bed.store, Dice(11));
    let made = world(store, &mut dice).await;
    let mut facts = Vec::new();
    for number in 0..300 {
        // Some run what nobody knows.
        let image = dice.below(made.len() + 4);
        let digest = made.get(image).map_or_else(|| digest("unknown", image), |it| it.digest);
        facts.push(task(&mut dice, number, digest));
    }
    change!(store, |tx| tx.merge_tasks(facts, at(200)).await);
    let all = store.tasks(&TaskFilter::default()).await.unwrap();
    assert!(all.len() > 200);
    let (mut seen, mut empty) = (0, 0);
    for _ in 0..60 {
        let then = at(i64::try_from(dice.below(130)).unwrap() - 5);
        let wanted: Vec<Digest> =
            (0..dice.below(6)).map(|_| made[dice.below(made.len())].digest).collect();
        let environments: Vec<String> =
            if dice.one_in(3) { vec!["prod".to_owned()] } else { Vec::new() };
        let runs = |it: &&portolan_store::Task| {
            let fact = &it.fact;
            let over = [fact.stopping_at, fact.stopped_at].into_iter().flatten().min();
            fact.running_at.is_some_and(|from| from <= then)
                && over.is_none_or(|over| over > then)
                && it.digest.is_some_and(|digest| wanted.contains(&digest))
                && (environments.is_empty() || environments.contains(&fact.environment))
        };
        let name = |it: &portolan_store::Task| (it.fact.id.clone(), it.fact.container.clone());
        let expected: BTreeSet<_> = all.iter().filter(runs).map(name).collect();
        let found = store.tasks_running(&wanted, &environments, then).await.unwrap();
        assert_eq!(found.len(), expected.len());
        assert_eq!(found.iter().map(name).collect::<BTreeSet<_>>(), expected);
        if expected.is_empty() { empty += 1 } else { seen += 1 }
    }
    assert!(seen > 10 && empty > 0, "{seen} {empty}");

    for then in [0, 20, 40, 80, 200] {
        let alive = |it: &&portolan_store::Task| {
            let over = [it.fact.stopping_at, it.fact.stopped_at].into_iter().flatten().min();
            it.fact.running_at.is_some_and(|from| from <= at(then))
                && over.is_none_or(|over| over > at(then))
        };
        let count = |name: &str| {
            let running = all.iter().filter(alive).filter(|it| it.fact.environment == name);
            running.map(|it| it.fact.id.clone()).collect::<BTreeSet<_>>().len() as u64
        };
        for totals in store.task_totals(at(then)).await.unwrap() {
            assert_eq!(totals.running, count(&totals.environment), "{then}");
        }
    }
}
