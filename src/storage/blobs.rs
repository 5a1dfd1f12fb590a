//! Contents of files: a local folder, or S3-compatible storage.
//!
//! Objects are written once under names that nobody else uses, and read or removed; nothing is
//! ever changed in place. All nodes of a platform must see the same objects: [`Blobs::name_place`]
//! tells two places apart.

use std::{fmt, ops::Range, path::Path as FilePath, sync::Arc};

use bytes::Bytes;
use futures_util::{Stream, StreamExt, TryStreamExt};
use object_store::{
    Error, GetOptions, GetRange, ObjectStore, ObjectStoreExt, PutMode, PutPayload,
    local::LocalFileSystem, memory::InMemory, path::Path,
};

use crate::error::StoreError;

mod s3;

/// What addresses of S3-compatible storage begin with.
pub const S3_SCHEME: &str = "s3://";
/// Name of the object that tells places apart.
const MARKER: &str = "riderhub-place";

/// Where contents are kept. Cheap to clone.
#[derive(Clone)]
pub struct Blobs {
    store: Arc<dyn ObjectStore>,
    place: String,
}

/// The address of the storage is wrong, or it cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum BlobsError {
    /// The address is not one of ours.
    #[error(
        "attachments must be a folder, or s3://BUCKET[/PREFIX][?endpoint=URL&region=NAME]: {0}"
    )]
    Address(String),
    /// It cannot be opened.
    #[error("the storage of attachments does not open")]
    Closed(#[source] crate::error::Cause),
}

impl Default for Blobs {
    fn default() -> Self {
        Self::in_memory()
    }
}

impl fmt::Debug for Blobs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Blobs({})", self.place)
    }
}

impl Blobs {
    /// Kept by this process only, for tests.
    pub fn in_memory() -> Self {
        Self { store: Arc::new(InMemory::new()), place: "memory".to_owned() }
    }

    /// Opens storage by its address.
    ///
    /// # Errors
    ///
    /// [`BlobsError`] if the address is wrong, or the folder cannot be made.
    pub fn open(address: &str) -> Result<Self, BlobsError> {
        Self::open_with(address, std::env::vars())
    }

    /// The same with other variables than those of the process.
    ///
    /// # Errors
    ///
    /// As [`Self::open`].
    pub fn open_with(
        address: &str,
        vars: impl Iterator<Item = (String, String)>,
    ) -> Result<Self, BlobsError> {
        match address.strip_prefix(S3_SCHEME) {
            Some(rest) => s3::open(rest, vars),
            None => Self::folder(FilePath::new(address)),
        }
    }

    /// A local folder, made if it is not there.
    ///
    /// # Errors
    ///
    /// [`BlobsError::Closed`] if it cannot be made.
    pub fn folder(folder: &FilePath) -> Result<Self, BlobsError> {
        let closed = |err: Error| BlobsError::Closed(err.into());
        std::fs::create_dir_all(folder).map_err(|err| BlobsError::Closed(err.into()))?;
        // What is acknowledged must survive a power cut, as in the database.
        let store = LocalFileSystem::new_with_prefix(folder).map_err(closed)?.with_fsync(true);
        let place = folder.display().to_string();
        Ok(Self { store: Arc::new(store.with_automatic_cleanup(true)), place })
    }

    /// Where it is, for people; without secrets.
    pub fn place(&self) -> &str {
        &self.place
    }

    /// Writes an object.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] if it cannot be written.
    pub async fn put(&self, name: &str, content: Vec<Bytes>) -> Result<(), StoreError> {
        let payload = PutPayload::from_iter(content);
        self.store.put(&Path::from(name), payload).await.map_err(failed(name))?;
        Ok(())
    }

    /// Reads all of an object.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotFound`] if it is not there, [`StoreError::Unavailable`] if it cannot be read.
    pub async fn read(&self, name: &str) -> Result<Bytes, StoreError> {
        let found = self.store.get(&Path::from(name)).await.map_err(failed(name))?;
        found.bytes().await.map_err(failed(name))
    }

    /// Reads a part of an object bit by bit.
    ///
    /// # Errors
    ///
    /// As [`Self::read`].
    pub async fn read_range(
        &self,
        name: &str,
        range: Range<u64>,
    ) -> Result<impl Stream<Item = Result<Bytes, StoreError>> + Send + use<>, StoreError> {
        let options = GetOptions { range: Some(GetRange::Bounded(range)), ..GetOptions::default() };
        let found = self.store.get_opts(&Path::from(name), options).await.map_err(failed(name))?;
        let name = name.to_owned();
        Ok(found.into_stream().map_err(move |err| failed(&name)(err)))
    }

    /// Removes an object. Safe to repeat.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] if it cannot be removed.
    pub async fn remove(&self, name: &str) -> Result<(), StoreError> {
        match self.store.delete(&Path::from(name)).await {
            Ok(()) | Err(Error::NotFound { .. }) => Ok(()),
            Err(err) => Err(failed(name)(err)),
        }
    }

    /// Removes all objects in a folder. Safe to repeat.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] if they cannot be listed or removed.
    pub async fn remove_all(&self, folder: &str) -> Result<(), StoreError> {
        let mut found = self.store.list(Some(&Path::from(folder)));
        while let Some(object) = found.next().await {
            self.remove(object.map_err(failed(folder))?.location.as_ref()).await?;
        }
        Ok(())
    }

    /// The name of this place, if it has one.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] if the storage cannot be read.
    pub async fn place_name(&self) -> Result<Option<String>, StoreError> {
        match self.read(MARKER).await {
            Ok(name) => Ok(Some(String::from_utf8_lossy(&name).into_owned())),
            Err(StoreError::NotFound { .. }) => Ok(None),
            Err(err) => Err(err),
        }
    }

    /// Names this place `fresh`, unless it has a name already; answers its name.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] if the storage cannot be written or read.
    pub async fn name_place(&self, fresh: &str) -> Result<String, StoreError> {
        let payload = PutPayload::from(fresh.to_owned());
        match self.store.put_opts(&Path::from(MARKER), payload, PutMode::Create.into()).await {
            Ok(_) => Ok(fresh.to_owned()),
            Err(Error::AlreadyExists { .. }) => {
                Ok(String::from_utf8_lossy(&self.read(MARKER).await?).into_owned())
            }
            Err(err) => Err(failed(MARKER)(err)),
        }
    }
}

fn failed(name: &str) -> impl Fn(Error) -> StoreError {
    move |err| match err {
        Error::NotFound { .. } => StoreError::not_found("file", name),
        err => StoreError::unavailable(err),
    }
}
