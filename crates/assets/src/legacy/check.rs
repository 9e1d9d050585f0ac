//! `check`: is there something for this commit, or for code that is the same?

use portolan_bucket::Bucket;

use super::set::stored;
use super::state::{File, Packages};
use super::{Inputs, LegacyError, Told, Tone, cached, code_hash};

/// What `check` found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Checked {
    /// Packages of this very commit.
    Found,
    /// Packages of the same code, which are now those of this commit.
    Cached,
    /// Nothing: a build is necessary.
    Nothing,
}

/// Looks for packages of the repository's commit, and writes the state files.
pub async fn check(inputs: &Inputs, told: &dyn Told) -> Result<Checked, LegacyError> {
    let missing = |name, code| LegacyError::Missing { name, code };
    let name = inputs.bucket.as_deref();
    let name = name.ok_or_else(|| missing("PACKAGE_ASSETS_BUCKET", 100))?;
    let repository = inputs.repository.as_deref();
    let repository = repository.ok_or_else(|| missing("GIT_REPO_PATH", 101))?;
    let packages = inputs.packages.clone();
    let path = packages.ok_or_else(|| missing("PACKAGE_DIRECTORY", 102))?;
    let packages = Packages { path };
    if !inputs.exact {
        packages.forget()?;
    }
    let commit = inputs.git.commit(repository).await?;
    told.tell(Tone::Plain, &format!("Commit: {commit}"));
    packages.write(File::Commit, &commit)?;

    let bucket = inputs.open(name, told).await?;
    let set = format!("artifacts/{commit}");
    told.tell(Tone::Plain, &format!("Looking for packages at {}/{set}", bucket.name()));
    if let Some(count) = find(inputs, &bucket, &commit, told).await? {
        packages.write(File::Found, "")?;
        let line = format!("{count} package(s) found; no build is necessary");
        told.tell(Tone::Good, &line);
        return Ok(Checked::Found);
    }
    let Some(filter) = &inputs.filter else {
        let line = "No packages found, and CODE_HASH_FIND_FILTER is not set: they have to be built";
        told.tell(Tone::Plain, line);
        return Ok(Checked::Nothing);
    };
    told.tell(Tone::Plain, "No packages for this commit; looking in the cache");
    let hash = {
        let (repository, filter) = (repository.to_owned(), filter.clone());
        let hashing = move || code_hash::code_hash(&repository, &filter);
        let hashing = tokio::task::spawn_blocking(hashing).await;
        let failed = |error| LegacyError::io("hash the code", std::io::Error::other(error));
        hashing.map_err(failed)??
    };
    if !inputs.exact {
        every_pattern_matches(&hash.patterns, repository, filter)?;
    }
    told.tell(Tone::Plain, &format!("Code hash: {}", hash.hex));
    packages.write(File::Code, &hash.hex)?;
    let cache = format!("cache/{}", hash.hex);
    told.tell(Tone::Plain, &format!("Looking for packages at {}/{cache}/", bucket.name()));
    let place = cached::Place { bucket: &bucket, cache: &cache, set: &set };
    let copied = if inputs.exact {
        place.copy_exactly(told).await?
    } else {
        place.copy(&commit, &hash.hex, told).await?
    };
    if copied {
        packages.write(File::Found, "")?;
        told.tell(Tone::Good, "Packages copied from the cache; no build is necessary");
        return Ok(Checked::Cached);
    }
    told.tell(Tone::Plain, "No packages found: they have to be built");
    Ok(Checked::Nothing)
}

/// How many objects there are for the commit; none where there is no whole set.
async fn find(
    inputs: &Inputs,
    bucket: &Bucket,
    commit: &str,
    told: &dyn Told,
) -> Result<Option<usize>, LegacyError> {
    if inputs.exact {
        let page = bucket.list(&format!("artifacts/{commit}")).next_page().await?;
        return Ok(page.map(|page| page.len()));
    }
    let packages = stored(bucket, commit, told).await?;
    Ok(packages.map(|packages| packages.len()))
}

/// Refuses a hash in which a pattern has no part: whoever reads the filter believes that it has.
fn every_pattern_matches(
    patterns: &[(String, usize)],
    repository: &str,
    filter: &str,
) -> Result<(), LegacyError> {
    // Blanks in a row are a matter of taste.
    let told = patterns.iter().filter(|(pattern, _)| !pattern.is_empty());
    let none = told.clone().find(|(_, files)| *files == 0);
    let (pattern, why) = match none {
        None if told.count() > 0 => return Ok(()),
        None => (filter, "unset CODE_HASH_FIND_FILTER where nothing shall be cached"),
        Some(_) if repository.contains(['*', '?', '[']) => {
            (filter, "GIT_REPO_PATH is read as a part of the pattern: name it without `*?[`")
        }
        Some((pattern, _)) => (pattern.as_str(), why(pattern)),
    };
    Err(LegacyError::NoMatch { pattern: pattern.escape_debug().collect(), why })
}

fn why(pattern: &str) -> &'static str {
    if pattern.contains(['\t', '\n', '\r', ',']) {
        "patterns are separated by blanks alone"
    } else if pattern.starts_with('!') {
        "a pattern takes nothing out: `!` stands for itself"
    } else if pattern.contains(['{', '}']) {
        "braces stand for themselves: write a pattern for each"
    } else if pattern.ends_with('/') {
        "a slash at the end finds directories alone: write `/**` for what is below"
    } else {
        "builds of all commits would be taken for the same: correct the pattern (a directory is \
         written as in `src/**`; a leading dot is matched by a dot alone), or set \
         PORTOLAN_COMPAT=exact"
    }
}
