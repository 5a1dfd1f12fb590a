//! Whether this node keeps contents of files where the other nodes look for them.
//!
//! The storage has a name (an object in it), and the database knows the name of the one that
//! counts. A node with a folder of its own finds another name there and takes no files.

use std::sync::{
    Arc,
    atomic::{AtomicU8, Ordering},
};

use storage::{
    blobs::Blobs,
    db::{Reader, Tx},
    error::StoreError,
    shared_values,
};

use crate::platform::Platform;

/// Name of the shared value that holds the name of the storage.
const PLACE: &str = "attachments_place";

/// What is known of this node's storage of files.
#[derive(Debug, Clone, Default)]
pub struct KnownPlace(Arc<AtomicU8>);

/// Whether the storage of files is the one that counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Nobody could look yet.
    Unknown,
    /// The one of all nodes.
    Shared,
    /// Another one: what is written here, others do not find.
    Foreign,
}

impl Standing {
    /// For readiness.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Shared => "ok",
            Self::Foreign => "foreign",
        }
    }
}

impl KnownPlace {
    /// What is known.
    pub fn standing(&self) -> Standing {
        match self.0.load(Ordering::Acquire) {
            1 => Standing::Shared,
            2 => Standing::Foreign,
            _ => Standing::Unknown,
        }
    }

    fn learn(&self, standing: Standing) {
        let number = match standing {
            Standing::Unknown => 0,
            Standing::Shared => 1,
            Standing::Foreign => 2,
        };
        self.0.store(number, Ordering::Release);
    }
}

/// Looks whether the storage is the one of all nodes; the first node to ask says which it is.
///
/// # Errors
///
/// [`StoreError`] if the storage or the database cannot be read or written.
pub async fn look(platform: &Platform) -> Result<Standing, StoreError> {
    if platform.known_place.standing() == Standing::Shared {
        return Ok(Standing::Shared);
    }
    let fresh = format!("{:032x}", rand::random::<u128>());
    let here = platform.blobs.name_place(&fresh).await?;
    let name = here.clone();
    // An embedded store has one server: what that one uses is what counts.
    let is_alone = !platform.store.db().is_mysql();
    let write = async move |tx: &mut Tx| {
        if is_alone {
            shared_values::overwrite(tx, PLACE, &name).await?;
        }
        shared_values::find_or_insert(tx, PLACE, &name).await
    };
    let counts: String = platform.store.write::<_, _, StoreError>(write).await?;
    let standing = if counts == here { Standing::Shared } else { Standing::Foreign };
    platform.known_place.learn(standing);
    Ok(standing)
}

/// The same for `riderhub doctor`, which names nothing.
///
/// # Errors
///
/// [`StoreError`] if the storage or the database cannot be read.
pub async fn peek(reader: &mut impl Reader, blobs: &Blobs) -> Result<Standing, StoreError> {
    let here = blobs.place_name().await?;
    Ok(match shared_values::find(reader, PLACE).await? {
        None => Standing::Unknown,
        Some(counts) if here.as_ref() == Some(&counts) => Standing::Shared,
        Some(_) => Standing::Foreign,
    })
}

/// Refuses to write where other nodes would not find it.
///
/// # Errors
///
/// [`StoreError::Unavailable`] if this is not the storage of all nodes.
pub async fn check(platform: &Platform) -> Result<(), StoreError> {
    match look(platform).await? {
        Standing::Shared => Ok(()),
        Standing::Foreign | Standing::Unknown => {
            let place = platform.blobs.place();
            tracing::error!(place, "this node's attachments are not where the others look");
            Err(StoreError::unavailable("the storage of attachments is not the one of all nodes"))
        }
    }
}
