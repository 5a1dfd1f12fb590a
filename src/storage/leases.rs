//! Work that one node does for all, for as long as it renews its lease.
//!
//! A lease saves work; it guards nothing. Whatever two holders do at once must be right by itself.

use domain::{clock::Timestamp, ids::NodeId};

use crate::{args, db::Tx, dialect, error::StoreError};

/// Takes or renews a lease until `until`. `false` if another node holds it.
///
/// Both instants are real time, the same for all nodes.
///
/// # Errors
///
/// [`StoreError`] as the statements give it.
pub async fn take(
    tx: &mut Tx,
    name: &str,
    holder: NodeId,
    now: Timestamp,
    until: Timestamp,
) -> Result<bool, StoreError> {
    let taken = tx
        .exec(
            "update lease set holder = ?, until_ms = ?
              where name = ? and (holder = ? or until_ms < ?)",
            args![holder, until, name, holder, now],
        )
        .await?;
    if taken > 0 {
        return Ok(true);
    }
    let verb = dialect::insert_or_keep(tx.is_mysql());
    let made = tx
        .exec(
            &format!("{verb} into lease (name, holder, until_ms) values (?, ?, ?)"),
            args![name, holder, until],
        )
        .await?;
    Ok(made > 0)
}

/// Gives a lease back, so that another node need not wait for its end.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn give_back(tx: &mut Tx, name: &str, holder: NodeId) -> Result<(), StoreError> {
    tx.exec("delete from lease where name = ? and holder = ?", args![name, holder]).await?;
    Ok(())
}
