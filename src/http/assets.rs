//! The pages that are built from `static/` and embedded: the console at `/`, the API reader at `/docs`.
//!
//! Built without Node, the binary holds no pages; then a plain note stands in their place.

use std::borrow::Cow;

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{self, HeaderValue},
    web,
};
use rust_embed::{Embed, EmbeddedFile};

#[derive(Embed)]
#[folder = "static/dist"]
#[allow_missing = true]
struct Pages;

/// What a page may do: nothing but talk to its own origin. Pictures may come from a tile server that the settings name.
const POLICY: &str = "default-src 'self'; connect-src 'self' ws: wss:; img-src 'self' data: https: http:; \
     style-src 'self' 'unsafe-inline'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// File names under `/assets` carry a hash of what is in them.
const FOREVER: &str = "public, max-age=31536000, immutable";
/// Pages are asked for again each time, and answered with 304 while they are the same.
const ASK_AGAIN: &str = "no-cache";

const NO_PAGES: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>RiderHub</title>\
     <body><h1>RiderHub is running</h1><p>This binary was built without its pages. \
     Run <code>make web</code> and build again to see the city here. \
     The API document is at <a href=\"/v1/openapi.json\">/v1/openapi.json</a>.</p></body></html>";

/// The routes `/`, `/docs` and `/assets/…`.
pub fn routes(cfg: &mut web::ServiceConfig) {
    for (path, file) in [("/", "index.html"), ("/docs", "docs.html")] {
        let serve = move |request: HttpRequest| async move { page(&request, Pages::get(file)) };
        cfg.service(web::resource(path).route(web::get().to(serve)).route(web::head().to(serve)));
    }
    cfg.service(
        web::resource("/assets/{name}").route(web::get().to(asset)).route(web::head().to(asset)),
    );
}

async fn asset(request: HttpRequest, name: web::Path<String>) -> HttpResponse {
    let path = format!("assets/{name}");
    match Pages::get(&path) {
        Some(file) => answer(&request, file, media_type(&path), FOREVER),
        None => HttpResponse::NotFound().finish(),
    }
}

fn page(request: &HttpRequest, file: Option<EmbeddedFile>) -> HttpResponse {
    match file {
        Some(file) => answer(request, file, media_type(".html"), ASK_AGAIN),
        None => HttpResponse::Ok()
            .content_type(media_type(".html"))
            .insert_header((header::CONTENT_SECURITY_POLICY, POLICY))
            .insert_header((header::CACHE_CONTROL, "no-store"))
            .body(NO_PAGES),
    }
}

fn answer(
    request: &HttpRequest,
    file: EmbeddedFile,
    media_type: &'static str,
    caching: &'static str,
) -> HttpResponse {
    let tag = entity_tag(&file);
    let is_known = asks_for(request, &tag);
    let mut response = if is_known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    response
        .insert_header((header::ETAG, tag))
        .insert_header((header::CACHE_CONTROL, caching))
        .insert_header((header::CONTENT_SECURITY_POLICY, POLICY))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((header::REFERRER_POLICY, "same-origin"));
    if is_known {
        return response.finish();
    }
    let body = match file.data {
        Cow::Borrowed(bytes) => web::Bytes::from_static(bytes),
        Cow::Owned(bytes) => bytes.into(),
    };
    response.content_type(media_type).body(body)
}

/// A weak tag, because compression may change the bytes on their way.
fn entity_tag(file: &EmbeddedFile) -> String {
    let hash: String =
        file.metadata.sha256_hash().iter().take(12).map(|b| format!("{b:02x}")).collect();
    format!("W/\"{hash}\"")
}

/// The browser says that it has this very version.
fn asks_for(request: &HttpRequest, tag: &str) -> bool {
    let known = request.headers().get(header::IF_NONE_MATCH).map(HeaderValue::to_str);
    matches!(known, Some(Ok(known)) if known.split(',').any(|one| one.trim() == tag))
}

fn media_type(path: &str) -> &'static str {
    match path.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "woff2" => "font/woff2",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use actix_web::{App, http::StatusCode, test};

    use super::*;

    async fn get(path: &str, tag: Option<&str>) -> (StatusCode, header::HeaderMap, String) {
        let app = test::init_service(App::new().configure(routes)).await;
        let mut request = test::TestRequest::get().uri(path);
        if let Some(tag) = tag {
            request = request.insert_header((header::IF_NONE_MATCH, tag));
        }
        let response = test::call_service(&app, request.to_request()).await;
        let (status, headers) = (response.status(), response.headers().clone());
        let body = test::read_body(response).await;
        (status, headers, String::from_utf8_lossy(&body).into_owned())
    }

    fn text(headers: &header::HeaderMap, name: header::HeaderName) -> &str {
        headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    #[actix_web::test]
    async fn the_pages_answer_with_and_without_a_build() {
        for path in ["/", "/docs"] {
            let (status, headers, body) = get(path, None).await;
            assert_eq!(status, StatusCode::OK, "{path}");
            assert_eq!(text(&headers, header::CONTENT_TYPE), "text/html; charset=utf-8");
            assert!(
                text(&headers, header::CONTENT_SECURITY_POLICY).starts_with("default-src 'self'")
            );
            assert!(!text(&headers, header::CACHE_CONTROL).contains("immutable"));
            assert!(body.contains("RiderHub"), "{body}");
        }
    }

    #[actix_web::test]
    async fn every_built_asset_is_served_for_ever() {
        for path in Pages::iter().filter(|path| path.starts_with("assets/")) {
            let (status, headers, body) = get(&format!("/{path}"), None).await;
            assert_eq!(status, StatusCode::OK, "{path}");
            assert!(!body.is_empty(), "{path}");
            assert_eq!(text(&headers, header::CACHE_CONTROL), FOREVER);
            assert_ne!(text(&headers, header::CONTENT_TYPE), "application/octet-stream", "{path}");
        }
    }

    #[actix_web::test]
    async fn a_page_that_is_known_is_not_sent_again() {
        if Pages::get("index.html").is_none() {
            return;
        }
        let (_, headers, _) = get("/", None).await;
        let tag = text(&headers, header::ETAG).to_owned();
        let (status, _, body) = get("/", Some(&format!("\"other\", {tag}"))).await;
        assert_eq!((status, body.as_str()), (StatusCode::NOT_MODIFIED, ""));
    }

    #[actix_web::test]
    async fn what_is_not_there_is_not_found() {
        for path in ["/assets/none.js", "/assets/..%2findex.html", "/assets/../Cargo.toml"] {
            assert_eq!(get(path, None).await.0, StatusCode::NOT_FOUND, "{path}");
        }
    }
}
