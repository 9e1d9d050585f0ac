//! Where the bytes of artefacts live: a bucket of S3, or a directory. Floor 2.
