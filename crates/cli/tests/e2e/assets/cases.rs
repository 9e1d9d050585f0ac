//! What is done in each case, and how it ends: golden cases of the original, and its traps.

use Step::{Check, Commit, Gone, Package, Put, Set, State, Unset, Upload};

/// One thing that is done.
#[derive(Debug, Clone, Copy)]
pub(super) enum Step {
    Check,
    Upload,
    /// A file of the repository, committed.
    Commit(&'static str, &'static str),
    /// A file among the packages, in a folder where its name has one.
    Package(&'static str, &'static str),
    /// A state file, as somebody else left it.
    State(&'static str, &'static str),
    /// A package or state file is gone.
    Gone(&'static str),
    /// An object, as the original or somebody else stored it. `{sha}` is the commit.
    Put(&'static str, &'static str),
    /// A variable. `{dir}` is the place of everything.
    Set(&'static str, &'static str),
    Unset(&'static str),
}

/// Steps, and the exit codes of each `check` and `upload` among them.
#[derive(Debug)]
pub(super) struct Case {
    pub(super) name: &'static str,
    pub(super) steps: &'static [Step],
    /// The original's.
    pub(super) codes: &'static [i32],
    /// Ours, where a trap is refused or avoided.
    pub(super) ours: Option<&'static [i32]>,
}

const fn case(name: &'static str, steps: &'static [Step], codes: &'static [i32]) -> Case {
    Case { name, steps, codes, ours: None }
}

const fn trap(
    name: &'static str,
    steps: &'static [Step],
    codes: &'static [i32],
    ours: &'static [i32],
) -> Case {
    Case { name, steps, codes, ours: Some(ours) }
}

const FILTER: Step = Set("CODE_HASH_FIND_FILTER", "src/**");
const ZIP: Step = Package("app.zip", "ZIP1");
const BUCKET: &str = "PACKAGE_ASSETS_BUCKET";
const REPOSITORY: &str = "GIT_REPO_PATH";
const PACKAGES: &str = "PACKAGE_DIRECTORY";
/// Where the packages of the first commit's code are cached.
const CACHED: &str = "cache/60b725f10c9c85c70d97880dfe8191b3/a.zip";

pub(super) const CASES: &[Case] = &[
    case("c06 nothing stored", &[Check], &[0]),
    case("c07 nothing stored, with a filter", &[FILTER, Check], &[0]),
    case("c01 no bucket", &[Unset(BUCKET), Unset(REPOSITORY), Check], &[100]),
    case("c01 no repository", &[Unset(REPOSITORY), Unset(PACKAGES), Check], &[101]),
    case("c01 no directory", &[Unset(PACKAGES), Check], &[102]),
    case("c02 absent", &[Set(REPOSITORY, "{dir}/absent"), Check], &[1]),
    case("c02 no repository", &[Set(REPOSITORY, "{dir}/plain"), Check], &[1]),
    case("c02 below a repository", &[Set(REPOSITORY, "{dir}/repo/src"), Check], &[1]),
    case("c02 bare", &[Set(REPOSITORY, "{dir}/bare.git"), Check], &[103]),
    case("c02 no commits", &[Set(REPOSITORY, "{dir}/empty"), Check], &[1]),
    case("c02 empty value", &[Set(REPOSITORY, ""), Check], &[1]),
    case("c03 detached", &[Set(REPOSITORY, "{dir}/detached"), Check], &[0]),
    case("c03 linked worktree", &[Set(REPOSITORY, "{dir}/linked"), FILTER, Check], &[0]),
    case("c03 packed", &[Set(REPOSITORY, "{dir}/packed"), Check], &[0]),
    case("c03 shallow", &[Set(REPOSITORY, "{dir}/shallow"), Check], &[0]),
    case("c03 annotated tag", &[Set(REPOSITORY, "{dir}/tagged"), Check], &[0]),
    case("c03 SHA-256", &[Set(REPOSITORY, "{dir}/long"), Check], &[1]),
    case("c04 no such directory", &[Set(PACKAGES, "{dir}/absent"), Check], &[1]),
    case("c04 a file", &[Set(PACKAGES, "{dir}/file"), Check], &[1]),
    case("c05 no such bucket", &[Set(BUCKET, "absent-bucket"), Check], &[1]),
    case("c05 no name", &[Set(BUCKET, ""), Check], &[1]),
    case("c08 stored", &[Put("artifacts/{sha}/a.zip", "Z"), FILTER, Check], &[0]),
    // The original keeps the .code-hash of the first check.
    trap(
        "c09 miss, build, hit",
        &[FILTER, Check, ZIP, Upload, Check, Package("more", "m"), Upload],
        &[0, 0, 0, 0],
        &[0, 0, 0, 0],
    ),
    case(
        "c10 other commits of the same code",
        &[
            FILTER,
            Check,
            ZIP,
            Package("b.zip", "B"),
            Upload,
            Gone("app.zip"),
            Gone("b.zip"),
            Gone(".code-hash"),
            Commit("README", "s\n"),
            Check,
            Gone(".found"),
            Commit("src/a.py", "b\n"),
            Check,
        ],
        &[0, 0, 0, 0],
    ),
    trap(
        "c11 T2: .found of another commit",
        &[ZIP, Put("artifacts/{sha}/a.zip", "Z"), Check, Commit("README", "s\n"), Check, Upload],
        &[0, 0, 0],
        &[0, 0, 0],
    ),
    trap(
        "c12 T2: .code-hash of another commit",
        &[
            FILTER,
            Check,
            Unset("CODE_HASH_FIND_FILTER"),
            Commit("src/a.py", "b\n"),
            Check,
            ZIP,
            Upload,
        ],
        &[0, 0, 0],
        &[0, 0, 0],
    ),
    trap(
        "c13 T4: names that begin like the commit",
        &[Put("artifacts/{sha}-debug/a.zip", "Z"), Put("artifacts/{sha}.json", "{}"), Check],
        &[0],
        &[0],
    ),
    trap(
        "c16 T10: one takes another's place",
        &[
            FILTER,
            Put(CACHED, "1"),
            Put("cache/60b725f10c9c85c70d97880dfe8191b3/x/a.zip", "2"),
            Put("cache/60b725f10c9c85c70d97880dfe8191b3/y/b.zip", "3"),
            Check,
        ],
        &[0],
        &[106],
    ),
    case("cached by the original", &[FILTER, Put(CACHED, "1"), Check], &[0]),
    trap(
        "c21 T1: a filter that matches nothing",
        &[Set("CODE_HASH_FIND_FILTER", "typo/**"), Check],
        &[0],
        &[104],
    ),
    trap("T1: an empty filter", &[Set("CODE_HASH_FIND_FILTER", ""), Check], &[0], &[104]),
    trap(
        "c22 T1: signs of patterns in the path",
        &[Set(REPOSITORY, "{dir}/repo[1]"), FILTER, Check],
        &[0],
        &[104],
    ),
    case("c30 no directory", &[Unset(PACKAGES), Unset(BUCKET), Upload], &[100]),
    case("c30 no bucket", &[Unset(BUCKET), Upload], &[101]),
    case("c30 nothing to upload", &[Upload], &[102]),
    case(
        "c30 .found comes before the bucket",
        &[Check, State(".found", ""), Unset(BUCKET), Upload],
        &[0, 0],
    ),
    case("c31 hidden ones", &[Package(".hidden", "h"), Upload], &[102]),
    case("c31 a folder", &[Package("sub/a.zip", "a"), Upload], &[102]),
    case("c31 no such directory", &[Set(PACKAGES, "{dir}/absent"), Upload], &[102]),
    case("c32 no .commit-hash", &[ZIP, Upload], &[103]),
    trap("c32 T18: empty .commit-hash", &[ZIP, State(".commit-hash", ""), Upload], &[0], &[107]),
    trap(
        "c36 T18: .commit-hash with a line",
        &[ZIP, State(".commit-hash", "abc\n"), Upload],
        &[1],
        &[107],
    ),
    trap(
        "c34 T10: packages in folders",
        &[Check, ZIP, Package("empty", ""), Package(".h", "h"), Package("sub/deep", "d"), Upload],
        &[0, 0],
        &[0, 106],
    ),
    case(
        "c34 small ones",
        &[Check, ZIP, Package("empty", ""), Package("é x+&.zip", "d"), Upload],
        &[0, 0],
    ),
    case(
        "c37 other content",
        &[Check, ZIP, Upload, Package("app.zip", "ZIP2"), Upload],
        &[0, 0, 0],
    ),
    trap(
        "c41 T18: empty .code-hash",
        &[Check, ZIP, State(".code-hash", ""), Upload],
        &[0, 0],
        &[0, 107],
    ),
    trap(
        "c43 T18: .commit-hash that is no ASCII",
        &[ZIP, State(".commit-hash", "é"), Upload],
        &[1],
        &[107],
    ),
    trap(
        "c42 a role",
        &[
            Set("AWS_ROLE", "arn:aws:iam::123456789012:role/assets"),
            FILTER,
            Check,
            ZIP,
            Upload,
            Check,
        ],
        &[0, 0, 0],
        &[0, 0, 0],
    ),
    case("c42 an empty role", &[Set("AWS_ROLE", ""), Check], &[1]),
    case(
        "c46 no region",
        &[Unset("AWS_REGION"), Unset("AWS_DEFAULT_REGION"), ZIP, Check, Upload],
        &[0, 0],
    ),
    case(
        "c46 no credentials",
        &[Unset("AWS_ACCESS_KEY_ID"), Unset("AWS_SECRET_ACCESS_KEY"), Check],
        &[1],
    ),
];
