//! How riders have answered and what they have got: counted from offers and deliveries.

use domain::{clock::Timestamp, ids::RiderId, offer_state::OfferState};

use crate::{
    args,
    columns::{parsed, word},
    db::Reader,
    error::StoreError,
};

/// Rows that one look takes in at most.
pub const ROWS_MAX: u32 = 50_000;

/// How one rider answered offers of one hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answers {
    /// Who.
    pub rider_id: RiderId,
    /// Accepted, declined or expired.
    pub state: OfferState,
    /// How many, in each of the spans that were asked for.
    pub n: [i64; 4],
}

/// What one rider has got since he came on duty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Got {
    /// Who.
    pub rider_id: RiderId,
    /// Deliveries.
    pub n_jobs: u32,
    /// What he earns by them, in minor units.
    pub earned_minor: i64,
    /// When he got the last one.
    pub last: Timestamp,
}

#[derive(sqlx::FromRow)]
struct AnswersRow {
    rider_id: String,
    state: String,
    n_0: i64,
    n_1: i64,
    n_2: i64,
    n_3: i64,
}

#[derive(sqlx::FromRow)]
struct GotRow {
    rider_id: String,
    pay_minor: i64,
    assigned_at_ms: i64,
}

/// How riders answered the offers of four spans that follow each other; `from` is where each begins,
/// the latest first.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn list_answers(
    reader: &mut impl Reader,
    from: [Timestamp; 4],
) -> Result<Vec<Answers>, StoreError> {
    let [a, b, c, d] = from;
    let sql = format!(
        "select rider_id, state,
                count(case when created_at_ms >= ? then 1 end) as n_0,
                count(case when created_at_ms < ? and created_at_ms >= ? then 1 end) as n_1,
                count(case when created_at_ms < ? and created_at_ms >= ? then 1 end) as n_2,
                count(case when created_at_ms < ? then 1 end) as n_3
           from offer
          where created_at_ms >= ? and state in ('accepted', 'declined', 'expired')
          group by rider_id, state limit {ROWS_MAX}"
    );
    let rows: Vec<AnswersRow> = reader.all(&sql, args![a, a, b, b, c, c, d]).await?;
    rows.into_iter()
        .map(|row| {
            Ok(Answers {
                rider_id: parsed("offer.rider_id", &row.rider_id)?,
                state: word("offer.state", &row.state, OfferState::from_text)?,
                n: [row.n_0, row.n_1, row.n_2, row.n_3],
            })
        })
        .collect()
}

/// What riders at work have got since they came on duty.
///
/// # Errors
///
/// [`StoreError`] as the statement gives it.
pub async fn list_got(reader: &mut impl Reader) -> Result<Vec<Got>, StoreError> {
    let sql = format!(
        "select d.rider_id, d.pay_minor, d.assigned_at_ms
           from rider_duty r join delivery d
             on d.rider_id = r.rider_id and d.assigned_at_ms >= r.since_ms
          where r.duty <> 'off' and d.state <> 'cancelled'
          order by d.rider_id, d.assigned_at_ms limit {ROWS_MAX}"
    );
    let rows: Vec<GotRow> = reader.all(&sql, args![]).await?;
    let mut all: Vec<Got> = Vec::new();
    for row in rows {
        let rider_id = parsed("delivery.rider_id", &row.rider_id)?;
        let last = Timestamp::from_ms(row.assigned_at_ms);
        match all.last_mut().filter(|it| it.rider_id == rider_id) {
            Some(it) => {
                (it.n_jobs, it.last) = (it.n_jobs + 1, last);
                it.earned_minor = it.earned_minor.saturating_add(row.pay_minor);
            }
            None => all.push(Got { rider_id, n_jobs: 1, earned_minor: row.pay_minor, last }),
        }
    }
    Ok(all)
}
