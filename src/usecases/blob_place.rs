//! Whether this node keeps contents of files where the other nodes look for them.
//!
//! The storage has a name (an object in it), and the database knows the name of the one that
//! counts. A node with a folder of its own finds another name there and takes no files.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use storage::{db::Tx, error::StoreError, shared_values};

use crate::platform::Platform;

/// Name of the shared value that holds the name of the storage.
const PLACE: &str = "attachments_place";

/// What is known of this node's storage.
#[derive(Debug, Clone, Default)]
pub struct KnownPlace(Arc<AtomicBool>);

/// Whether the storage is the one that counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// The one of all nodes.
    Shared,
    /// Another one: what is written here, others do not find.
    Foreign,
}

/// Looks whether the storage is the one of all nodes; the first node to ask says which it is.
///
/// # Errors
///
/// [`StoreError`] if the storage or the database cannot be read or written.
pub async fn look(platform: &Platform) -> Result<Standing, StoreError> {
    if platform.known_place.0.load(Ordering::Acquire) {
        return Ok(Standing::Shared);
    }
    let fresh = format!("{:032x}", rand::random::<u128>());
    let here = platform.blobs.marker(&fresh).await?;
    let name = here.clone();
    let write = async move |tx: &mut Tx| shared_values::find_or_insert(tx, PLACE, &name).await;
    let counts: String = platform.store.write::<_, _, StoreError>(write).await?;
    if counts == here {
        platform.known_place.0.store(true, Ordering::Release);
        return Ok(Standing::Shared);
    }
    Ok(Standing::Foreign)
}

/// Refuses to write where other nodes would not find it.
///
/// # Errors
///
/// [`StoreError::Unavailable`] if this is not the storage of all nodes.
pub async fn check(platform: &Platform) -> Result<(), StoreError> {
    match look(platform).await? {
        Standing::Shared => Ok(()),
        Standing::Foreign => {
            let place = platform.blobs.place();
            tracing::error!(place, "this node's attachments are not where the others look");
            Err(StoreError::unavailable("the storage of attachments is not the one of all nodes"))
        }
    }
}
