//! S3-compatible storage: the address, and the keys from the usual `AWS_…` variables.

use std::sync::Arc;

use object_store::{
    aws::{AmazonS3Builder, AmazonS3ConfigKey},
    prefix::PrefixStore,
};

use super::{Blobs, BlobsError, S3_SCHEME};

/// Opens `BUCKET[/PREFIX][?endpoint=URL&region=NAME]`.
///
/// # Errors
///
/// [`BlobsError`] if the address is wrong or the client cannot be made.
pub(super) fn open(
    rest: &str,
    vars: impl Iterator<Item = (String, String)>,
) -> Result<Blobs, BlobsError> {
    let (name, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (bucket, prefix) = name.split_once('/').unwrap_or((name, ""));
    if bucket.is_empty() {
        return Err(BlobsError::Address("the bucket is missing".to_owned()));
    }
    // Not every compatible storage can remove many at once.
    let mut builder =
        AmazonS3Builder::new().with_bucket_name(bucket).with_disable_bulk_delete(true);
    for (name, value) in vars {
        if let Ok(key) = name.to_ascii_lowercase().parse::<AmazonS3ConfigKey>()
            && name.starts_with("AWS_")
        {
            builder = builder.with_config(key, value);
        }
    }
    for pair in query.split('&').filter(|it| !it.is_empty()) {
        builder = match pair.split_once('=') {
            Some(("endpoint", url)) => {
                builder.with_allow_http(url.starts_with("http://")).with_endpoint(url)
            }
            Some(("region", region)) => builder.with_region(region),
            _ => return Err(BlobsError::Address(format!("what is `{pair}`?"))),
        };
    }
    // The first to come wins; only TLS endpoints need one.
    let _already_there = rustls::crypto::ring::default_provider().install_default();
    let store = builder.build().map_err(|err| BlobsError::Closed(err.into()))?;
    let place = format!("{S3_SCHEME}{name}");
    Ok(Blobs { store: Arc::new(PrefixStore::new(store, prefix)), place })
}
