//! The doors: what can be asked by HTTP, and how errors leave.
//!
//! A handler translates and nothing else: who may enter is in its argument list, what happens is a
//! use case. Reading order: [`routes`], [`problem`], [`extract`], then one file for each resource.

pub mod address;
pub mod answer;
pub mod extract;
pub mod guard;
pub mod page;
pub mod problem;
mod refusals;
pub mod shapes;
pub mod state;

pub mod accounts;
pub mod attachments;
pub mod carts;
pub mod choices;
pub mod handovers;
pub mod inbox;
pub mod on_the_way;
pub mod operations;
pub mod order_inputs;
pub mod order_views;
pub mod orders;
pub mod payments;
pub mod price_views;
pub mod push;
pub mod quick_replies;
pub mod quotes;
pub mod sessions;
pub mod stock;
pub mod stores;
pub mod travel;

pub mod health;
pub mod openapi;

pub mod assets;
pub mod console;
pub mod figures;
pub mod fixtures;
pub mod metrics;
pub mod server;
pub mod ws;

use actix_web::{
    HttpRequest, HttpResponse, ResponseError, Route,
    error::{PathError, QueryPayloadError},
    http::header::{self, HeaderValue},
    web::{self, Data, PathConfig, PayloadConfig, QueryConfig, ServiceConfig},
};
use extract::BODY_BYTES_MAX;
use problem::{Kind, Problem};
use state::HttpState;

/// Every address of the API with its methods.
pub fn routes(cfg: &mut ServiceConfig, state: &HttpState) {
    cfg.app_data(Data::new(state.clone()))
        .app_data(PayloadConfig::new(BODY_BYTES_MAX))
        .app_data(PathConfig::default().error_handler(bad_path))
        .app_data(QueryConfig::default().error_handler(bad_query));
    account_routes(cfg);
    store_routes(cfg);
    order_routes(cfg);

    at(cfg, "/v1/inbox", [web::get().to(inbox::show)]);
    at(cfg, "/v1/push-key", [web::get().to(push::key)]);
    let push = [web::put().to(push::put), web::delete().to(push::remove)];
    at(cfg, "/v1/push-subscriptions", push);
    at(cfg, "/v1/regions", [web::get().to(operations::regions)]);
    at(cfg, "/v1/demand", [web::get().to(on_the_way::demand_map)]);
    at(cfg, "/v1/ops/snapshot", [web::get().to(operations::snapshot)]);
    at(cfg, "/v1/ops/travel", [web::get().to(travel::show)]);
    at(cfg, "/v1/ops/alarms", [web::get().to(operations::list_alarms)]);
    let resolve = [web::post().to(operations::resolve_alarm)];
    at(cfg, "/v1/ops/orders/{order}/alarms/{alarm}/resolve", resolve);
    at(cfg, "/v1/ops/orders/{order}/reassign", [web::post().to(operations::reassign)]);
    let waive = [web::post().to(handovers::waive)];
    at(cfg, "/v1/ops/orders/{order}/handover/waive", waive);
    at(cfg, "/v1/ops/orders/{order}/why", [web::get().to(operations::why)]);
    // Some balancers only ask for the head.
    at(cfg, "/healthz", [web::get().to(health::alive), web::head().to(health::alive)]);
    at(cfg, "/readyz", [web::get().to(health::ready), web::head().to(health::ready)]);
    at(cfg, "/v1/openapi.json", [web::get().to(openapi::show)]);
}

/// For the application's `default_service`: addresses that do not exist.
pub async fn unknown_route(req: HttpRequest) -> HttpResponse {
    let detail = format!("There is nothing at {}; see /v1/openapi.json.", req.path());
    Problem::new(Kind::UnknownRoute, detail).error_response()
}

fn account_routes(cfg: &mut ServiceConfig) {
    at(cfg, "/v1/accounts", [web::post().to(accounts::create)]);
    at(cfg, "/v1/sessions", [web::get().to(sessions::list), web::post().to(sessions::sign_in)]);
    at(cfg, "/v1/sessions/refresh", [web::post().to(sessions::refresh)]);
    at(cfg, "/v1/sessions/current", [web::delete().to(sessions::end)]);
    at(cfg, "/v1/sessions/revoke", [web::post().to(sessions::revoke)]);
    at(cfg, "/v1/sessions/{session}", [web::delete().to(sessions::remove)]);
    at(cfg, "/v1/ops/token-keys", [web::post().to(sessions::rotate_key)]);
    let revoke = [web::post().to(sessions::revoke_profile)];
    at(cfg, "/v1/ops/profiles/{profile}/revoke", revoke);
    at(cfg, "/v1/me", [web::get().to(accounts::me)]);
    at(cfg, "/v1/demo/session", [web::get().to(sessions::demo)]);
}

fn store_routes(cfg: &mut ServiceConfig) {
    at(cfg, "/v1/stores", [web::get().to(stores::near), web::post().to(stores::create)]);
    at(cfg, "/v1/stores/mine", [web::get().to(stores::mine)]);
    let one = [web::get().to(stores::show), web::patch().to(stores::change)];
    at(cfg, "/v1/stores/{store}", one);
    let menu = [web::get().to(stores::menu), web::post().to(stores::add_product)];
    at(cfg, "/v1/stores/{store}/products", menu);
    at(cfg, "/v1/stores/{store}/orders", [web::get().to(orders::list_for_store)]);
    let verify = [web::post().to(handovers::verify)];
    at(cfg, "/v1/stores/{store}/pickups/verify", verify);
    at(cfg, "/v1/products/{product}", [web::patch().to(stores::change_product)]);
    let shelf = [web::get().to(stock::show), web::post().to(stock::change)];
    at(cfg, "/v1/products/{product}/stock", shelf);
    let options = [web::get().to(choices::show), web::put().to(choices::put)];
    at(cfg, "/v1/products/{product}/options", options);
    let fees = [web::get().to(choices::fees), web::put().to(choices::put_fees)];
    at(cfg, "/v1/stores/{store}/fees", fees);
    at(cfg, "/v1/carts", [web::get().to(carts::list)]);
    let cart =
        [web::get().to(carts::show), web::put().to(carts::replace), web::delete().to(carts::clear)];
    at(cfg, "/v1/carts/{store}", cart);
    at(cfg, "/v1/carts/{store}/merge", [web::post().to(carts::merge)]);
    at(cfg, "/v1/carts/{store}/lines/{product}", [web::put().to(carts::put)]);
}

fn order_routes(cfg: &mut ServiceConfig) {
    at(cfg, "/v1/orders", [web::get().to(orders::list), web::post().to(orders::create)]);
    at(cfg, "/v1/quotes", [web::post().to(quotes::create)]);
    at(cfg, "/v1/orders/{order}", [web::get().to(orders::show)]);
    at(cfg, "/v1/orders/{order}/track", [web::get().to(on_the_way::track)]);
    at(cfg, "/v1/orders/{order}/payments", [web::post().to(payments::create)]);
    at(cfg, "/v1/orders/{order}/accept", [web::post().to(orders::accept)]);
    at(cfg, "/v1/orders/{order}/start", [web::post().to(orders::start)]);
    at(cfg, "/v1/orders/{order}/ready", [web::post().to(orders::ready)]);
    at(cfg, "/v1/orders/{order}/reject", [web::post().to(orders::reject)]);
    at(cfg, "/v1/orders/{order}/returned", [web::post().to(orders::returned)]);
    at(cfg, "/v1/orders/{order}/cancel", [web::post().to(orders::cancel)]);
    at(cfg, "/v1/orders/{order}/confirm", [web::post().to(orders::confirm)]);
    at(cfg, "/v1/attachments", [web::post().to(attachments::create)]);
    let one = [
        web::get().to(attachments::show),
        web::head().to(attachments::ask),
        web::patch().to(attachments::append),
    ];
    at(cfg, "/v1/attachments/{attachment}", one);
    at(cfg, "/v1/quick-replies", [web::get().to(quick_replies::list)]);
    at(cfg, "/v1/sandbox/{provider_ref}/pay", [web::post().to(payments::sandbox_pay)]);
    at(cfg, "/v1/providers/sandbox/notify", [web::post().to(payments::sandbox_notify)]);
}

fn at<const N: usize>(cfg: &mut ServiceConfig, path: &str, routes: [Route; N]) {
    let resource = routes.into_iter().fold(web::resource(path), |it, route| it.route(route));
    cfg.service(resource.default_service(web::to(wrong_method)));
}

async fn wrong_method(req: HttpRequest) -> HttpResponse {
    let detail = format!("{} does not take {}; see /v1/openapi.json.", req.path(), req.method());
    let mut answer = Problem::new(Kind::WrongMethod, detail).error_response();
    let methods = openapi::methods(&req.match_pattern().unwrap_or_default());
    answer.headers_mut().insert(header::ALLOW, HeaderValue::from_static(methods));
    answer
}

fn bad_path(err: PathError, _: &HttpRequest) -> actix_web::Error {
    Problem::new(Kind::BadPath, format!("In the path: {err}.")).into()
}

fn bad_query(err: QueryPayloadError, _: &HttpRequest) -> actix_web::Error {
    Problem::new(Kind::BadQuery, format!("In the query: {err}.")).into()
}
