//! The API document, made from the handlers.

use std::{collections::BTreeMap, sync::LazyLock};

use actix_web::HttpResponse;
use utoipa::{
    Modify, OpenApi,
    openapi::{
        self, RefOr,
        path::PathItem,
        security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};

use super::{
    accounts, attachments, carts, choices, handovers, inbox, on_the_way, operations, orders,
    payments, push, quick_replies, quotes, sessions,
    shapes::{self, NamedShapes},
    stock, stores, travel,
};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "RiderHub",
        description = "Accounts, stores, carts, orders and payments. Live events come over the socket at `/v1/ws`.",
    ),
    modifiers(&BearerToken, &ProblemType, &NamedShapes),
    paths(
        accounts::create, accounts::me, sessions::demo,
        sessions::sign_in, sessions::refresh, sessions::list, sessions::remove, sessions::rotate_key,
        sessions::end, sessions::revoke, sessions::revoke_profile,
        stores::create, stores::change, stores::show, stores::near, stores::mine,
        stores::add_product, stores::change_product, stores::menu,
        carts::list, carts::show, carts::replace, carts::merge, carts::put, carts::clear,
        choices::put, choices::show, choices::put_fees, choices::fees, quotes::create,
        handovers::verify, handovers::waive,
        stock::show, stock::change,
        orders::create, orders::list, orders::list_for_store, orders::show, orders::accept,
        orders::start, orders::ready, orders::reject, orders::cancel, orders::confirm, orders::returned,
        quick_replies::list,
        attachments::create, attachments::append, attachments::ask, attachments::show,
        payments::create, payments::sandbox_pay, payments::sandbox_notify,
        on_the_way::track, on_the_way::demand_map,
        operations::regions, operations::snapshot, operations::reassign, operations::why,
        operations::list_alarms, operations::resolve_alarm, travel::show,
        inbox::show, push::key, push::put, push::remove,
    )
)]
struct Document;

struct BearerToken;

impl Modify for BearerToken {
    fn modify(&self, document: &mut openapi::OpenApi) {
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build();
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("bearer", SecurityScheme::Http(scheme));
    }
}

/// Errors have a media type of their own.
struct ProblemType;

impl Modify for ProblemType {
    fn modify(&self, document: &mut openapi::OpenApi) {
        for item in document.paths.paths.values_mut() {
            for operation in shapes::operations(item) {
                for (status, response) in &mut operation.responses.responses {
                    if let (true, RefOr::T(response)) = (status.starts_with('4'), response)
                        && let Some(content) = response.content.shift_remove("application/json")
                    {
                        response.content.insert("application/problem+json".to_owned(), content);
                    }
                }
            }
        }
    }
}

/// The methods of each address of the document, as the `Allow` header has them.
static METHODS: LazyLock<BTreeMap<String, String>> = LazyLock::new(|| {
    let methods = |item: &PathItem| {
        let named = [
            ("GET", &item.get),
            ("HEAD", &item.head),
            ("PUT", &item.put),
            ("POST", &item.post),
            ("PATCH", &item.patch),
            ("DELETE", &item.delete),
        ];
        let there = named.into_iter().filter(|(_, operation)| operation.is_some());
        there.map(|(name, _)| name).collect::<Vec<_>>().join(", ")
    };
    let paths = Document::openapi().paths.paths;
    paths.iter().map(|(path, item)| (path.clone(), methods(item))).collect()
});

/// The methods that the address `pattern` takes. Those outside the document are only read.
pub fn methods(pattern: &str) -> &'static str {
    METHODS.get(pattern).map_or("GET, HEAD", String::as_str)
}

/// The OpenAPI 3.1 document as JSON.
pub fn document() -> String {
    Document::openapi().to_pretty_json().unwrap_or_default()
}

/// `GET /v1/openapi.json`.
pub async fn show() -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(document())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_document_is_that_of_the_code() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/openapi.json");
        let committed = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            committed.trim_end() == document(),
            "docs/openapi.json is old; write it with `riderhub openapi > docs/openapi.json`"
        );
    }
}
