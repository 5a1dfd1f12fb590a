//! Who is present: a row for each profile and node, the state that was told last, and the beats of
//! the nodes.
//!
//! Arrivals and departures lock the states of their profiles first, in the order of their ids. So
//! of two that meet one sees what the other did, and a change is told by exactly one of them.

use domain::{
    clock::Timestamp,
    ids::{NodeId, OrderId},
    role::{Profile, Role},
};
use uuid::Uuid;

use crate::{
    args,
    columns::{any_of, parsed},
    db::{Reader, Tx, Val},
    deliveries::HELD_STATES,
    dialect,
    error::StoreError,
};

/// Profiles of one call at most.
pub const PROFILES_MAX: usize = 200;

/// Whether a profile is present, as it is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Told {
    /// Who.
    pub profile: Profile,
    /// Whether any of its devices is connected anywhere.
    pub is_on: bool,
    /// Since when.
    pub at: Timestamp,
    /// Rises with each change.
    pub version: u64,
}

/// A node that holds presence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Beat {
    /// Which node.
    pub node_id: NodeId,
    /// Its counter.
    pub n_beats: u64,
    /// Whether it was declared dead.
    pub is_dead: bool,
}

#[derive(sqlx::FromRow)]
struct StateRow {
    profile_id: String,
    is_on: i32,
    at_ms: i64,
    version: i64,
}

#[derive(sqlx::FromRow)]
struct BeatRow {
    node_id: String,
    n_beats: i64,
    is_dead: i32,
}

#[derive(sqlx::FromRow)]
struct ProfileRow {
    profile_id: String,
}

#[derive(sqlx::FromRow)]
struct OrderOfRow {
    profile_id: String,
    order_id: String,
}

const STATE_COLUMNS: &str = "profile_id, is_on, at_ms, version";

fn states_of(rows: Vec<StateRow>) -> Result<Vec<Told>, StoreError> {
    rows.into_iter()
        .map(|row| {
            Ok(Told {
                profile: parsed("presence_state.profile_id", &row.profile_id)?,
                is_on: row.is_on != 0,
                at: Timestamp::from_ms(row.at_ms),
                version: u64::try_from(row.version).unwrap_or(0),
            })
        })
        .collect()
}

/// Notes that profiles have a device on a node. Answers those who were not present before. `now` is
/// real time, the same for all nodes; `at` is the platform's.
///
/// # Errors
///
/// [`StoreError`] as the statements give it.
pub async fn arrive(
    tx: &mut Tx,
    node_id: NodeId,
    profiles: &[Profile],
    at: Timestamp,
    now: Timestamp,
) -> Result<Vec<Told>, StoreError> {
    let ids = sorted(profiles);
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let flip = Uuid::now_v7().simple().to_string();
    let sql = dialect::presence_on(tx.is_mysql(), ids.len());
    let values: Vec<Val<'_>> = ids
        .iter()
        .flat_map(|id| [Val::Text(id), at.into(), Val::Text(&flip), now.into()])
        .collect();
    tx.exec(&sql, &values).await?;
    let (verb, marks) =
        (dialect::insert_or_keep(tx.is_mysql()), vec!["(?, ?)"; ids.len()].join(", "));
    let values: Vec<Val<'_>> =
        ids.iter().flat_map(|id| [Val::Text(id), Val::from(node_id)]).collect();
    tx.exec(&format!("{verb} into presence (profile_id, node_id) values {marks}"), &values).await?;
    flipped(tx, &ids, &flip).await
}

/// Notes that profiles have no device on a node any more. Answers those who are not present now.
///
/// # Errors
///
/// [`StoreError`] as the statements give it.
pub async fn leave(
    tx: &mut Tx,
    node_id: NodeId,
    profiles: &[Profile],
    at: Timestamp,
    now: Timestamp,
) -> Result<Vec<Told>, StoreError> {
    let ids = sorted(profiles);
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let (marks, those) = any_of(&ids);
    let lock = dialect::row_lock(tx.is_mysql());
    let sql = format!(
        "select profile_id from presence_state where profile_id in ({marks})
          order by profile_id{lock}"
    );
    tx.all::<ProfileRow>(&sql, &those).await?;
    let mut values = vec![Val::from(node_id)];
    values.extend(those.iter().cloned());
    let sql = format!("delete from presence where node_id = ? and profile_id in ({marks})");
    tx.exec(&sql, &values).await?;
    let flip = Uuid::now_v7().simple().to_string();
    let mut values = args![at, &flip, now].to_vec();
    values.extend(those);
    let sql = format!(
        "update presence_state
            set is_on = 0, version = version + 1, at_ms = ?, flip = ?, changed_at_ms = ?
          where profile_id in ({marks}) and is_on = 1
            and not exists (select 1 from presence p
                             where p.profile_id = presence_state.profile_id)"
    );
    tx.exec(&sql, &values).await?;
    flipped(tx, &ids, &flip).await
}

fn sorted(profiles: &[Profile]) -> Vec<String> {
    let mut ids: Vec<_> = profiles.iter().map(Profile::to_string).collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

async fn flipped(tx: &mut Tx, ids: &[String], flip: &str) -> Result<Vec<Told>, StoreError> {
    let (marks, mut values) = any_of(ids);
    values.push(Val::Text(flip));
    let sql = format!(
        "select {STATE_COLUMNS} from presence_state where profile_id in ({marks}) and flip = ?"
    );
    states_of(tx.all(&sql, &values).await?)
}

/// Whether profiles are present; who never was is left out.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn states(
    reader: &mut impl Reader,
    profiles: &[Profile],
) -> Result<Vec<Told>, StoreError> {
    if profiles.is_empty() {
        return Ok(Vec::new());
    }
    let (marks, values) = any_of(profiles);
    let sql = format!("select {STATE_COLUMNS} from presence_state where profile_id in ({marks})");
    states_of(reader.all(&sql, &values).await?)
}

/// Who came or went since `since` in real time.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn since(reader: &mut impl Reader, since: Timestamp) -> Result<Vec<Told>, StoreError> {
    let sql = format!("select {STATE_COLUMNS} from presence_state where changed_at_ms >= ?");
    states_of(reader.all(&sql, args![since]).await?)
}

/// Shows that a node lives. `false` if it was declared dead: it must take another id.
///
/// # Errors
///
/// [`StoreError`] as the statements give it.
pub async fn beat(tx: &mut Tx, node_id: NodeId) -> Result<bool, StoreError> {
    let sql = "update node_beat set n_beats = n_beats + 1 where node_id = ? and is_dead = 0";
    if tx.exec(sql, args![node_id]).await? > 0 {
        return Ok(true);
    }
    let verb = dialect::insert_or_keep(tx.is_mysql());
    let sql = format!("{verb} into node_beat (node_id, n_beats, is_dead) values (?, 1, 0)");
    Ok(tx.exec(&sql, args![node_id]).await? > 0)
}

/// The nodes that hold presence, dead ones too.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn beats(reader: &mut impl Reader) -> Result<Vec<Beat>, StoreError> {
    let rows: Vec<BeatRow> =
        reader.all("select node_id, n_beats, is_dead from node_beat", args![]).await?;
    rows.into_iter()
        .map(|row| {
            Ok(Beat {
                node_id: parsed("node_beat.node_id", &row.node_id)?,
                n_beats: u64::try_from(row.n_beats).unwrap_or(0),
                is_dead: row.is_dead != 0,
            })
        })
        .collect()
}

/// Declares a node dead that has not counted on. `false` if it has, or somebody was faster.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn declare_dead(tx: &mut Tx, beat: Beat) -> Result<bool, StoreError> {
    let sql = "update node_beat set is_dead = 1 where node_id = ? and n_beats = ? and is_dead = 0";
    Ok(tx.exec(sql, args![beat.node_id, beat.n_beats]).await? > 0)
}

/// Forgets a dead node of which no presence is left.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn forget_node(tx: &mut Tx, node_id: NodeId) -> Result<(), StoreError> {
    let sql = "delete from node_beat where node_id = ? and is_dead = 1
                  and not exists (select 1 from presence p where p.node_id = ?)";
    tx.exec(sql, args![node_id, node_id]).await?;
    Ok(())
}

/// Some of those who have a device on a node.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn of_node(
    reader: &mut impl Reader,
    node_id: NodeId,
) -> Result<Vec<Profile>, StoreError> {
    let sql = format!("select profile_id from presence where node_id = ? limit {PROFILES_MAX}");
    let rows: Vec<ProfileRow> = reader.all(&sql, args![node_id]).await?;
    rows.iter().map(|row| parsed("presence.profile_id", &row.profile_id)).collect()
}

/// The open orders that profiles are parties of.
///
/// # Errors
///
/// [`StoreError`] as the statements give it.
pub async fn open_orders_of(
    reader: &mut impl Reader,
    profiles: &[Profile],
) -> Result<Vec<(Profile, OrderId)>, StoreError> {
    let mut found = Vec::new();
    for role in [Role::Customer, Role::Merchant, Role::Rider] {
        let those: Vec<_> = profiles.iter().filter(|it| it.role() == role).collect();
        for some in those.chunks(PROFILES_MAX) {
            let (marks, values) = any_of(some);
            let sql = match role {
                Role::Customer => format!(
                    "select customer_id as profile_id, order_id from customer_order
                      where customer_id in ({marks}) and ended_at_ms is null"
                ),
                Role::Merchant => format!(
                    "select t.merchant_id as profile_id, o.order_id from customer_order o
                       join store_staff t on t.store_id = o.store_id
                      where t.merchant_id in ({marks}) and o.ended_at_ms is null
                        and o.accepted_at_ms is not null"
                ),
                Role::Rider | Role::Operator => format!(
                    "select rider_id as profile_id, order_id from delivery
                      where rider_id in ({marks}) and state in {HELD_STATES}"
                ),
            };
            for row in reader.all::<OrderOfRow>(&sql, &values).await? {
                let profile = parsed("presence.profile_id", &row.profile_id)?;
                found.push((profile, parsed("presence.order_id", &row.order_id)?));
            }
        }
    }
    Ok(found)
}
