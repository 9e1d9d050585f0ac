//! A local S3, and files to bring there.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::ensure;
use portolan_testkit::port;
use portolan_testkit::process::Process;
use portolan_testkit::synthetic::noise;

/// The one bucket.
const BUCKET: &str = "bench";

/// `rclone serve s3` over a folder.
pub(super) struct S3 {
    process: Process,
    port: u16,
    dir: PathBuf,
}

impl S3 {
    pub(super) fn start(rclone: &Path, dir: &Path) -> anyhow::Result<Self> {
        let _ = std::fs::remove_dir_all(dir);
        std::fs::create_dir_all(dir.join(BUCKET))?;
        let port = port::free()?;
        let mut command = Command::new(rclone);
        command.args(["serve", "s3", "--vfs-cache-mode", "off", "--auth-key", "test,test"]);
        command.args(["--addr", &format!("127.0.0.1:{port}"), "--config", "/dev/null"]).arg(dir);
        let mut process = Process::spawn("rclone", &command, &dir.with_extension("log"))?;
        process.wait_until(Duration::from_secs(20), || {
            std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()
        })?;
        Ok(Self { process, port, dir: dir.to_owned() })
    }

    /// How both sides find it.
    pub(super) fn environment(&self) -> Vec<(&'static str, String)> {
        let url = format!("http://127.0.0.1:{}", self.port);
        vec![
            ("AWS_ACCESS_KEY_ID", "test".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "test".to_owned()),
            ("AWS_REGION", "us-east-1".to_owned()),
            ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
            ("AWS_ENDPOINT_URL", url.clone()),
            ("S3_ENDPOINT_URL", url),
        ]
    }
}

impl Drop for S3 {
    fn drop(&mut self) {
        self.process.kill();
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

/// `count` files of `size` bytes of noise, made once and kept.
pub(super) fn files(at: &Path, count: usize, size: usize) -> anyhow::Result<()> {
    if at.is_dir() {
        return Ok(());
    }
    println!("writing {count} files of {size} bytes");
    let making = at.with_extension("making");
    let _ = std::fs::remove_dir_all(&making);
    std::fs::create_dir_all(&making)?;
    for number in 0..count {
        let content = noise(number as u64 + 1, size);
        std::fs::write(making.join(format!("file-{number:04}.zip")), content)?;
    }
    std::fs::rename(making, at)?;
    Ok(())
}

/// Whether all files are there, by their names and sizes.
pub(super) fn same(there: &Path, here: &Path) -> anyhow::Result<()> {
    let listed = |at: &Path| -> anyhow::Result<Vec<(std::ffi::OsString, u64)>> {
        let mut found = Vec::new();
        for entry in std::fs::read_dir(at)? {
            let entry = entry?;
            found.push((entry.file_name(), entry.metadata()?.len()));
        }
        found.sort();
        Ok(found)
    };
    ensure!(listed(there)? == listed(here)?, "what came is not what was sent");
    Ok(())
}
