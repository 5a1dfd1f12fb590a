//! How orders change hands: what customers ask for, what each party sees of it, and what the store
//! compares at its counter.

use actix_web::web::{Data, Path};
use domain::{
    checked_text::Address,
    clock::Timestamp,
    geo::Place,
    handover::{Mode, Proof, sees_pickup_code, sees_pin},
    ids::StoreId,
    pickup_code::{Scanned, qr_text},
};
use serde::{Deserialize, Serialize};
use usecases::{
    error::{AskError, PickupRefusal},
    handovers::{self, Shown, Verified},
    order_book::OrderPage,
    placing::HandoverWish,
};
use utoipa::ToSchema;

use super::{
    answer::Answer,
    extract::{AnyProfile, Body, IdPath, MaybeKey, Merchant},
    order_inputs::DropoffInput,
    order_views::MemberView,
    problem::{Kind, Problem, ProblemView},
    state::HttpState,
};

/// How an order changes hands.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HandoverInput {
    /// `delivery` (default): a rider brings it; `pickup`: the customer collects it at the store.
    pub mode: Option<String>,
    /// What proves a delivery: `none`, `pin` (the customer tells it at the door), `photo` or
    /// `leave_at_door` (with a photo). Left out for what the operator's settings say.
    pub proof: Option<String>,
}

/// How an order changes hands, as far as the reader may know it.
#[derive(Debug, Serialize, ToSchema)]
pub struct HandoverView {
    /// `delivery` or `pickup`.
    pub mode: &'static str,
    /// What proves a delivery: `none`, `pin`, `photo` or `leave_at_door`.
    pub proof: &'static str,
    /// What the rider must give at the door as things stand: `none`, `pin` or `photo`.
    pub needs: &'static str,
    /// The PIN that the customer tells the rider; for the customer alone, until the handover.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pin: Option<String>,
    /// Whether the PIN was wrong too often.
    pub is_locked: bool,
    /// The code at the store's counter. For what a rider brings: for the rider and the store, so
    /// that the right bag goes to the right rider. For what is collected: for the customer alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pickup_code: Option<String>,
    /// The same as the text of a QR code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pickup_qr: Option<String>,
    /// When the store compared the code, in UTC milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checked_at: Option<i64>,
    /// What proved the handover: `word`, `pin`, `photo`, `code` or `waiver`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proven_by: Option<&'static str>,
    /// The photo of the handover: an attachment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub photo: Option<String>,
    /// Why an operator does without a proof.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waived: Option<&'static str>,
}

impl HandoverView {
    /// What the reader of a page may know.
    pub fn of(page: &OrderPage) -> Self {
        let (stored, order) = (&page.case.handover, &page.case.stored.order);
        let is_open = order.delivered_at.is_none() && order.ended_at.is_none();
        let pin = stored.handover.pin.as_ref().filter(|_| is_open && sees_pin(page.role));
        let sees_code = sees_pickup_code(stored.handover.mode, page.role);
        let code = stored.code.as_ref().filter(|_| sees_code);
        Self {
            mode: stored.handover.mode.as_str(),
            proof: stored.handover.proof.as_str(),
            needs: page.needed.as_str(),
            pin: pin.map(|it| it.as_str().to_owned()),
            is_locked: stored.handover.is_locked(),
            pickup_code: code.map(|it| it.as_str().to_owned()),
            pickup_qr: code.map(|it| qr_text(order.id, it)),
            checked_at: stored.checked_at.map(Timestamp::ms),
            proven_by: stored.proven_by.map(|it| it.as_str()),
            photo: stored.photo.map(|it| it.to_string()),
            waived: stored.waived.map(|it| it.reason.as_str()),
        }
    }
}

/// What a customer asks for.
pub(super) fn handover_wish(
    asked: Option<&HandoverInput>,
    dropoff: Option<&DropoffInput>,
) -> Result<HandoverWish, Problem> {
    let mode = word("mode", asked.and_then(|it| it.mode.as_deref()), Mode::from_text, Mode::names)?;
    let proof =
        word("proof", asked.and_then(|it| it.proof.as_deref()), Proof::from_text, Proof::names)?;
    match (mode.unwrap_or(Mode::Delivery), dropoff) {
        (Mode::Pickup, _) if proof.is_some_and(|it| it != Proof::None) => {
            let detail = "Leave `proof` out: who collects shows the pickup code.";
            Err(Problem::new(Kind::BadInput, detail))
        }
        (Mode::Pickup, _) => Ok(HandoverWish::Collected),
        (Mode::Delivery, None) => {
            let detail = "Say where it goes as `dropoff`, or collect it: {\"mode\":\"pickup\"}.";
            Err(Problem::new(Kind::BadInput, detail))
        }
        (Mode::Delivery, Some(to)) => Ok(HandoverWish::Delivered {
            dropoff: Place::new(to.lat, to.lng).map_err(AskError::from)?,
            address: Address::parse(&to.address).map_err(AskError::from)?,
            proof,
        }),
    }
}

/// One of the words that a field may have, if it is there.
fn word<T>(
    field: &str,
    given: Option<&str>,
    read: impl Fn(&str) -> Option<T>,
    names: impl Fn() -> Vec<&'static str>,
) -> Result<Option<T>, Problem> {
    let Some(text) = given else { return Ok(None) };
    read(text).map(Some).ok_or_else(|| {
        let detail = format!("`{field}` is one of {}.", names().join(", "));
        Problem::new(Kind::BadInput, detail)
    })
}

/// What a store was shown at its counter.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PickupInput {
    /// The pickup code as it was typed, or the text of a QR code. May be left out for an order that
    /// a rider fetches, if it is named.
    pub code: Option<String>,
    /// The order, if it was picked from the list.
    pub order: Option<String>,
}

/// What the store may give out, and to whom.
#[derive(Debug, Serialize, ToSchema)]
pub struct PickupView {
    /// The order.
    pub order: String,
    /// `delivery`: give it to the rider; `pickup`: the customer has it now.
    pub mode: String,
    /// Where the order stands now.
    pub state: String,
    /// Who gets it.
    pub to: MemberView,
    /// `code`, `waiver` (an operator does without) or `word` (picked from the list).
    pub proven_by: String,
    /// When, in UTC milliseconds.
    pub at: i64,
}

impl From<Verified> for PickupView {
    fn from(it: Verified) -> Self {
        let Verified { order, mode, state, to, proven_by, at } = it;
        Self { order, mode, state, to: to.into(), proven_by, at }
    }
}

/// Compares what the store was shown. A customer who collects has the order then; a rider is only
/// confirmed, because he says himself when he has the goods.
#[utoipa::path(post, path = "/v1/stores/{store}/pickups/verify", operation_id = "verify_pickup",
    tag = "orders", security(("bearer" = [])),
    params(("store" = String, Path), ("Idempotency-Key" = Option<String>, Header)),
    request_body = PickupInput,
    responses((status = 200, body = PickupView), (status = "4XX", body = ProblemView)))]
pub async fn verify(
    AnyProfile(identity): AnyProfile,
    Merchant(by): Merchant,
    store: Path<IdPath<StoreId>>,
    key: MaybeKey,
    input: Body<PickupInput>,
    state: Data<HttpState>,
) -> Result<Answer<PickupView>, Problem> {
    let order_id = input
        .order
        .as_deref()
        .map(str::parse)
        .transpose()
        .map_err(|_| Problem::new(Kind::BadInput, "`order` is the id of an order, `ord_…`."))?;
    let scanned = input.code.as_deref().map(Scanned::parse).transpose();
    let scanned = scanned.map_err(|err| AskError::from(PickupRefusal::from(err)))?;
    let key = key.command(identity.profile, &input);
    let shown = Shown { order_id, scanned };
    let done = handovers::verify(&state.platform, by, store.0, shown, key).await?;
    Ok(Answer::ok(PickupView::from(done.value)).replayed(done.dup))
}
