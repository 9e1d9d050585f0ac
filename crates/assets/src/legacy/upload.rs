//! `upload`: stores what a build made.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use portolan_bucket::{Bucket, Copy, Put, Written};
use portolan_model::{Digest, Hasher, failpoint};

use super::marker::{Marker, Stored};
use super::set::{AT_ONCE, PACKAGE_HASH, key};
use super::state::{File, Packages};
use super::{Inputs, LegacyError, Told, Tone};

/// Packages of one directory at most, and names that are looked at for nested ones.
const MOST: usize = 100_000;
/// Bytes that are read at once.
const PIECE: usize = 1 << 20;

/// What `upload` did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Uploaded {
    /// Nothing: `check` found packages.
    Skipped,
    /// It stored so many packages.
    Stored(usize),
}

/// Stores the packages for the commit that `check` wrote down, and for its code hash.
pub async fn upload(inputs: &Inputs, told: &dyn Told) -> Result<Uploaded, LegacyError> {
    let missing = |name, code| LegacyError::Missing { name, code };
    let packages = inputs.packages.clone();
    let path = packages.ok_or_else(|| missing("PACKAGE_DIRECTORY", 100))?;
    let packages = Packages { path };
    if packages.has(File::Found) {
        if !inputs.exact && !packages.is_found_for_this_commit() {
            return Err(LegacyError::Stale {
                what: format!(
                    "{}/.found is older than .commit-hash: it was told of another commit",
                    packages.path
                ),
            });
        }
        told.tell(Tone::Good, "There are packages for this commit already; nothing to do");
        return Ok(Uploaded::Skipped);
    }
    let name = inputs.bucket.as_deref();
    let name = name.ok_or_else(|| missing("PACKAGE_ASSETS_BUCKET", 101))?;
    let files = candidates(inputs, &packages.path)?;
    if files.is_empty() {
        return Err(LegacyError::NothingToUpload(packages.path));
    }
    if !packages.has(File::Commit) {
        return Err(LegacyError::NoCommit(packages.path));
    }
    let commit = packages.digits(File::Commit, 40, inputs.exact)?;
    told.tell(Tone::Plain, &format!("Commit: {commit}"));
    let code = packages.has(File::Code);
    let code = code.then(|| packages.digits(File::Code, 32, inputs.exact)).transpose()?;
    if let Some(code) = &code {
        told.tell(Tone::Plain, &format!("Code hash: {code}"));
    }
    if !inputs.exact {
        nothing_is_nested(&packages.path)?;
    }
    let bucket = inputs.open(name, told).await?;
    if inputs.exact {
        let upload = Upload { bucket: &bucket, commit: &commit, code: code.as_deref() };
        for file in &files {
            upload.one(file, told).await?;
        }
    } else {
        store(&bucket, &commit, code.as_deref(), &files, told).await?;
    }
    told.tell(Tone::Good, &format!("{} package(s) uploaded", files.len()));
    Ok(Uploaded::Stored(files.len()))
}

/// The files of the directory that are not hidden, be it through links, by name.
fn candidates(inputs: &Inputs, path: &str) -> Result<Vec<PathBuf>, LegacyError> {
    // The original reads the path as a pattern, which then finds something else, or nothing.
    if inputs.exact {
        let found = super::glob::glob(&format!("{path}/*"))?;
        return Ok(found.into_iter().filter(|path| path.is_file()).collect());
    }
    // No directory is one without packages.
    let Ok(entries) = fs::read_dir(format!("{path}/")) else { return Ok(Vec::new()) };
    let mut files = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|error| LegacyError::io(format!("list {path}"), error))?;
        let hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
        if !hidden && entry.path().is_file() {
            files.push(entry.path());
        }
        if files.len() > MOST {
            let doing = format!("list {path}");
            return Err(LegacyError::TooMuch { doing, limit: MOST, of: "packages" });
        }
    }
    files.sort_unstable();
    Ok(files)
}

/// Refuses a directory whose packages would be stored in part: the layout has no place for those
/// in folders.
fn nothing_is_nested(path: &str) -> Result<(), LegacyError> {
    let failed = |path: &Path, error| LegacyError::io(format!("list {}", path.display()), error);
    let mut left = vec![(PathBuf::from(format!("{path}/")), 0)];
    let mut looked = 0;
    while let Some((folder, depth)) = left.pop() {
        for entry in fs::read_dir(&folder).map_err(|error| failed(&folder, error))? {
            let entry = entry.map_err(|error| failed(&folder, error))?;
            if entry.file_name().as_encoded_bytes().starts_with(b".") {
                continue;
            }
            looked += 1;
            let kind = entry.file_type().map_err(|error| failed(&folder, error))?;
            let path = entry.path();
            // A link to a folder is a nested one, and is not followed further.
            let nested =
                if depth == 0 { kind.is_symlink() && path.is_dir() } else { !kind.is_dir() };
            if nested || looked > MOST {
                return Err(LegacyError::Unclear {
                    what: format!("{} lies in a folder, and would not be stored", path.display()),
                    hint: "put every package directly into PACKAGE_DIRECTORY (an archive of the \
                           folder will do), use `portolan assets upload`, which keeps folders, or \
                           set PORTOLAN_COMPAT=exact to leave it out",
                });
            }
            if kind.is_dir() {
                left.push((path, depth + 1));
            }
        }
    }
    Ok(())
}

/// Stores `files` as the packages of a commit, and of a code hash where there is one. The set is
/// found when all of them are there.
pub async fn store(
    bucket: &Bucket,
    commit: &str,
    code: Option<&str>,
    files: &[PathBuf],
    told: &dyn Told,
) -> Result<(), LegacyError> {
    let set = format!("artifacts/{commit}");
    let cache = code.map(|code| format!("cache/{code}"));
    let started = Marker::started(commit, code);
    started.write(bucket, &set).await?;
    if let Some(cache) = &cache {
        started.write(bucket, cache).await?;
    }
    failpoint::hit("legacy.after-start");
    let upload = Upload { bucket, commit, code };
    let uploads = stream::iter(files).map(|file| upload.one(file, told));
    let packages: Vec<_> = uploads.buffer_unordered(AT_ONCE).try_collect().await?;
    failpoint::hit("legacy.before-finish");
    let objects = packages.iter().map(|sent| (sent.name.clone(), sent.stored.clone()));
    started.clone().finished(objects.collect()).write(bucket, &set).await?;
    failpoint::hit("legacy.after-finish");
    if let Some(cache) = &cache {
        let objects = packages.into_iter().filter_map(|sent| Some((sent.name, sent.cached?)));
        started.finished(objects.collect()).write(bucket, cache).await?;
    }
    Ok(())
}

struct Upload<'a> {
    bucket: &'a Bucket,
    commit: &'a str,
    code: Option<&'a str>,
}

impl Upload<'_> {
    async fn one(&self, file: &Path, told: &dyn Told) -> Result<Sent, LegacyError> {
        let name = file.file_name().and_then(|name| name.to_str()).ok_or_else(|| {
            let error = io::Error::new(io::ErrorKind::InvalidData, "its name is no UTF-8");
            LegacyError::io(format!("upload {}", file.display()), error)
        })?;
        let (digest, size) = hash(file).await?;
        let sha256 = STANDARD.encode(digest.as_bytes());
        told.tell(Tone::Item, &format!("Package hash of {name}: {sha256}"));
        let to = key(&format!("artifacts/{}/{name}", self.commit))?;
        told.tell(Tone::Item, &format!("Uploading to {}/{to}", self.bucket.name()));
        let mut metadata = BTreeMap::from([
            ("commit-hash".to_owned(), self.commit.to_owned()),
            (PACKAGE_HASH.to_owned(), sha256.clone()),
        ]);
        if let Some(code) = self.code {
            metadata.insert("code-hash".to_owned(), code.to_owned());
        }
        // As boto leaves it.
        let content_type = Some("binary/octet-stream".to_owned());
        let put = Put { content_type, metadata, digest: Some(digest), ..Put::default() };
        let written = self.bucket.put_file(&to, file, &put, &|_| ()).await?;
        failpoint::hit("legacy.after-object");
        let stored = Stored { size, etag: etag(written), sha256: Some(sha256) };
        let cached = match self.code {
            None => None,
            Some(code) => {
                let into = key(&format!("cache/{code}/{name}"))?;
                told.tell(Tone::Item, &format!("Copying to {}/{into}", self.bucket.name()));
                let how = Copy { size: Some(size), ..Copy::default() };
                let copied = self.bucket.copy(&to, &into, &how).await?;
                failpoint::hit("legacy.after-copy");
                Some(Stored { etag: etag(copied), ..stored.clone() })
            }
        };
        Ok(Sent { name: name.to_owned(), stored, cached })
    }
}

/// A package that was sent.
struct Sent {
    name: String,
    stored: Stored,
    cached: Option<Stored>,
}

/// The etag of what was written; none where it was not, which no set with it then survives.
fn etag(written: Written) -> String {
    match written {
        Written::Yes { etag } => etag,
        Written::Refused => String::new(),
    }
}

/// The digest of a file and its size.
async fn hash(file: &Path) -> Result<(Digest, u64), LegacyError> {
    let path = file.to_owned();
    let work = move || -> io::Result<_> {
        let mut file = fs::File::open(path)?;
        let (mut hasher, mut piece) = (Hasher::new(), vec![0; PIECE]);
        loop {
            match file.read(&mut piece) {
                Ok(0) => return Ok((hasher.length(), hasher.finish())),
                Ok(count) => hasher.update(&piece[..count]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    };
    let failed = |error| LegacyError::io(format!("read {}", file.display()), error);
    let work = tokio::task::spawn_blocking(work).await;
    let (size, digest) = work.map_err(|error| failed(io::Error::other(error)))?.map_err(failed)?;
    Ok((digest, size))
}
