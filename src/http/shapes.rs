//! What a name may hold, wherever it stands in the API: ids, places, pages, keys.
//!
//! A path part, a query value, a header or a field of a request that is called `store` is the id of a
//! store on every route. The API document says so here, once, instead of on each handler; what a
//! handler has said itself stays.

use domain::ids::{
    AddressId, AttachmentId, OptionGroupId, OptionId, OrderId, ProductId, QuoteId, RiderId,
    SessionId, StoreId,
};
use storage::commands::CID_BYTES_MAX;
use utoipa::{
    Modify, Number,
    openapi::{
        OpenApi, RefOr,
        path::{Operation, Parameter, PathItem},
        schema::{Object, Schema},
    },
};

use super::{extract::IDEMPOTENCY_KEY, page::PAGE_MAX};

/// Gives parameters and request fields the limits of their names.
pub struct NamedShapes;

impl Modify for NamedShapes {
    fn modify(&self, document: &mut OpenApi) {
        for item in document.paths.paths.values_mut() {
            for operation in operations(item) {
                for parameter in operation.parameters.iter_mut().flatten() {
                    if let RefOr::T(Parameter { name, schema: Some(schema), .. }) = parameter {
                        shape(name, schema);
                    }
                }
            }
        }
        let schemas = document.components.iter_mut().flat_map(|it| it.schemas.iter_mut());
        for (_, schema) in schemas.filter(|(name, _)| name.ends_with("Input")) {
            if let RefOr::T(Schema::Object(body)) = schema {
                for (name, field) in &mut body.properties {
                    shape(name, field);
                }
            }
        }
    }
}

/// Every operation that an address has.
pub fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [
        &mut item.get,
        &mut item.head,
        &mut item.put,
        &mut item.post,
        &mut item.patch,
        &mut item.delete,
    ]
    .into_iter()
    .flatten()
}

fn shape(name: &str, schema: &mut RefOr<Schema>) {
    let RefOr::T(Schema::Object(object)) = schema else { return };
    if let Some(prefix) = id_prefix(name) {
        object.pattern.get_or_insert_with(|| format!("^{prefix}_[0-9a-f]{{32}}$"));
    }
    match name {
        "lat" => between(object, -90, 90),
        "lng" => between(object, -180, 180),
        "limit" => between(object, 1, i64::from(PAGE_MAX) as isize),
        IDEMPOTENCY_KEY => {
            object.min_length.get_or_insert(1);
            object.max_length.get_or_insert(CID_BYTES_MAX);
        }
        _ => {}
    }
}

fn between(object: &mut Object, least: isize, most: isize) {
    object.minimum = Some(Number::Int(least));
    object.maximum = Some(Number::Int(most));
}

fn id_prefix(name: &str) -> Option<&'static str> {
    Some(match name {
        "store" => StoreId::PREFIX,
        "product" => ProductId::PREFIX,
        "order" => OrderId::PREFIX,
        "attachment" => AttachmentId::PREFIX,
        "rider" => RiderId::PREFIX,
        "entry" => AddressId::PREFIX,
        "quote" => QuoteId::PREFIX,
        "option" => OptionId::PREFIX,
        "group" => OptionGroupId::PREFIX,
        "session" => SessionId::PREFIX,
        _ => return None,
    })
}
