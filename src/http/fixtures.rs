//! `POST /v1/fixtures` and `POST /v1/fixtures/orders`: bulk accounts and open orders for load
//! tests. The routes exist only where the setting `fixtures` is on, which production refuses.

use actix_web::web::{Data, ServiceConfig, post, resource};
use domain::ids::{CustomerId, OrderId, StoreId};
use futures_util::future::try_join_all;
use serde::{Deserialize, Serialize};
use usecases::fixtures::{self, Crowd, Made};

use super::{
    answer::Answer,
    extract::{Body, IdPath},
    problem::{Kind, Problem},
    state::HttpState,
};

/// Orders of one call at most.
const ORDERS_MAX: usize = 200;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CrowdInput {
    run: String,
    password: String,
    customers: u32,
    merchants: u32,
    riders: u32,
    token_hours: u32,
}

#[derive(Debug, Serialize)]
struct CrowdView {
    people: Vec<MadeView>,
}

#[derive(Debug, Serialize)]
struct MadeView {
    login: String,
    name: String,
    account: String,
    profile: String,
    role: &'static str,
    access_token: String,
    access_expires_at: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    store: Option<StoreView>,
}

#[derive(Debug, Serialize)]
struct StoreView {
    store: String,
    name: String,
    product: String,
    lat: f64,
    lng: f64,
}

impl From<Made> for MadeView {
    fn from(it: Made) -> Self {
        let store = it.store.zip(it.product_id).map(|(store, product_id)| StoreView {
            store: store.id.to_string(),
            product: product_id.to_string(),
            lat: store.place.lat(),
            lng: store.place.lng(),
            name: store.name,
        });
        Self {
            login: it.login,
            name: it.name,
            account: it.account_id.to_string(),
            profile: it.profile.to_string(),
            role: it.profile.role().as_str(),
            access_token: it.access_token,
            access_expires_at: it.expires_at.ms(),
            store,
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OrdersInput {
    orders: Vec<PairInput>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
struct PairInput {
    customer: IdPath<CustomerId>,
    store: IdPath<StoreId>,
}

#[derive(Debug, Serialize)]
struct OrdersView {
    /// In the order of the request.
    orders: Vec<String>,
}

/// The routes. Call it only where the setting is on.
pub fn routes(cfg: &mut ServiceConfig, state: &HttpState) {
    let state = Data::new(state.clone());
    cfg.service(resource("/v1/fixtures").app_data(state.clone()).route(post().to(people)));
    cfg.service(resource("/v1/fixtures/orders").app_data(state).route(post().to(orders)));
}

async fn people(
    input: Body<CrowdInput>,
    state: Data<HttpState>,
) -> Result<Answer<CrowdView>, Problem> {
    let input = input.into_inner();
    let crowd = Crowd {
        run: input.run,
        password: input.password,
        n_customers: input.customers,
        n_merchants: input.merchants,
        n_riders: input.riders,
        token_hours: input.token_hours,
    };
    let made = fixtures::people(&state.platform, crowd).await?;
    Ok(Answer::created(CrowdView { people: made.into_iter().map(MadeView::from).collect() }))
}

async fn orders(
    input: Body<OrdersInput>,
    state: Data<HttpState>,
) -> Result<Answer<OrdersView>, Problem> {
    let pairs = input.into_inner().orders;
    if pairs.len() > ORDERS_MAX {
        let detail = format!("One call makes at most {ORDERS_MAX} orders.");
        return Err(Problem::new(Kind::BadInput, detail));
    }
    // At once: they share commits.
    let open = |it: PairInput| fixtures::open_order(&state.platform, it.customer.0, it.store.0);
    let made = try_join_all(pairs.into_iter().map(open)).await?;
    Ok(Answer::created(OrdersView { orders: made.iter().map(OrderId::to_string).collect() }))
}
