//! The nodes that plan, and their beats.
//!
//! A node shows that it lives by counting on. Whoever reads judges by its own clock whether a counter moves,
//! so the clocks of the machines do not matter. The list saves work; it guards nothing.

use domain::ids::NodeId;

use crate::{
    args,
    columns::parsed,
    db::{Reader, Tx},
    dialect,
    error::StoreError,
};

/// A node that plans, or did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DispatchNode {
    /// Which node.
    pub node_id: NodeId,
    /// Its counter.
    pub n_beats: i64,
}

#[derive(sqlx::FromRow)]
struct NodeRow {
    node_id: String,
    n_beats: i64,
}

/// Shows that a node plans.
///
/// # Errors
///
/// [`StoreError`] as the statements give it.
pub async fn beat(tx: &mut Tx, node_id: NodeId) -> Result<(), StoreError> {
    let sql = "update dispatch_node set n_beats = n_beats + 1 where node_id = ?";
    if tx.exec(sql, args![node_id]).await? > 0 {
        return Ok(());
    }
    let verb = dialect::insert_or_keep(tx.is_mysql());
    let sql = format!("{verb} into dispatch_node (node_id, n_beats) values (?, 1)");
    tx.exec(&sql, args![node_id]).await?;
    Ok(())
}

/// Every node that plans, and those that were not cleared away yet.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn list(reader: &mut impl Reader) -> Result<Vec<DispatchNode>, StoreError> {
    let rows: Vec<NodeRow> =
        reader.all("select node_id, n_beats from dispatch_node", args![]).await?;
    rows.into_iter()
        .map(|row| {
            let node_id = parsed("dispatch_node.node_id", &row.node_id)?;
            Ok(DispatchNode { node_id, n_beats: row.n_beats })
        })
        .collect()
}

/// Takes a node off the list that stops, so that the others need not wait for its silence.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn leave(tx: &mut Tx, node_id: NodeId) -> Result<(), StoreError> {
    tx.exec("delete from dispatch_node where node_id = ?", args![node_id]).await?;
    Ok(())
}

/// Clears a node away that has not counted on since it was read.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn clear(tx: &mut Tx, node: DispatchNode) -> Result<(), StoreError> {
    let sql = "delete from dispatch_node where node_id = ? and n_beats = ?";
    tx.exec(sql, args![node.node_id, node.n_beats]).await?;
    Ok(())
}
