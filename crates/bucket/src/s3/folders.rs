//! Folders: what S3 calls [common prefixes](https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-prefixes.html).

use super::S3;
use crate::BucketError;
use crate::list::MOST_FOLDERS;

impl S3 {
    /// The names of the folders below `folder`, which is empty or ends with a slash.
    pub(crate) async fn folders(&self, folder: &str) -> Result<Vec<String>, BucketError> {
        let doing = || format!("list the folders of s3://{}/{folder}", self.name);
        let (mut found, mut token) = (Vec::new(), None::<String>);
        loop {
            let answer = self.call(|client| {
                let call = client.list_objects_v2().bucket(&*self.name).prefix(folder);
                call.delimiter("/").set_continuation_token(token.clone()).send()
            });
            let answer = answer.await.map_err(|error| BucketError::call(doing(), &error))?;
            for prefix in answer.common_prefixes().iter().filter_map(|it| it.prefix()) {
                let name = prefix.strip_prefix(folder).and_then(|name| name.strip_suffix('/'));
                found.extend(name.filter(|name| !name.is_empty()).map(ToOwned::to_owned));
            }
            if found.len() > MOST_FOLDERS {
                let limit = MOST_FOLDERS as u64;
                return Err(BucketError::TooLarge { doing: doing(), limit, unit: "folders" });
            }
            let next = answer.next_continuation_token().map(ToOwned::to_owned);
            match next.filter(|_| answer.is_truncated() == Some(true)) {
                Some(next) if Some(&next) == token.as_ref() => {
                    let what = "comes again and again";
                    return Err(BucketError::Answer { doing: doing(), what });
                }
                Some(next) => token = Some(next),
                None => return Ok(found),
            }
        }
    }
}
