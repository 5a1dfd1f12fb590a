//! Contents of files are kept alike in a folder, in memory and on S3-compatible storage.

use std::{collections::BTreeMap, sync::Mutex};

use actix_web::{
    App, HttpRequest, HttpResponse, HttpServer,
    http::{Method, header},
    web::{self, Bytes, Data},
};
use futures_util::TryStreamExt;
use storage::{blobs::Blobs, error::StoreError};

type Objects = Mutex<BTreeMap<String, Bytes>>;

/// What an S3-compatible server does with one object or a list of them; requests must be signed.
async fn bucket(req: HttpRequest, body: Bytes, objects: Data<Objects>) -> HttpResponse {
    let signature = req.headers().get(header::AUTHORIZATION).map(|it| it.to_str().unwrap());
    if !signature.is_some_and(|it| it.starts_with("AWS4-HMAC-SHA256 Credential=the-key/")) {
        return HttpResponse::Forbidden().finish();
    }
    let mut objects = objects.lock().unwrap();
    let key = req.path().trim_start_matches("/bucket").trim_start_matches('/').to_owned();
    if key.is_empty() {
        return HttpResponse::Ok().content_type("application/xml").body(listing(&req, &objects));
    }
    match *req.method() {
        Method::PUT
            if req.headers().contains_key(header::IF_NONE_MATCH) && objects.contains_key(&key) =>
        {
            HttpResponse::PreconditionFailed().finish()
        }
        Method::PUT => {
            objects.insert(key, body);
            HttpResponse::Ok().insert_header((header::ETAG, "\"tag\"")).finish()
        }
        Method::DELETE => {
            objects.remove(&key);
            HttpResponse::NoContent().finish()
        }
        _ => match objects.get(&key) {
            Some(content) => found(&req, content),
            None => HttpResponse::NotFound().body("<Error><Code>NoSuchKey</Code></Error>"),
        },
    }
}

fn found(req: &HttpRequest, content: &Bytes) -> HttpResponse {
    let mut answer = HttpResponse::Ok();
    answer
        .insert_header((header::ETAG, "\"tag\""))
        .insert_header((header::LAST_MODIFIED, "Wed, 21 Oct 2015 07:28:00 GMT"));
    let range = req.headers().get(header::RANGE).map(|it| it.to_str().unwrap().to_owned());
    let Some(range) = range else { return answer.body(content.clone()) };
    let (first, last) = range.trim_start_matches("bytes=").split_once('-').unwrap();
    let (first, last): (usize, usize) = (first.parse().unwrap(), last.parse().unwrap());
    let told = format!("bytes {first}-{last}/{}", content.len());
    answer.status(actix_web::http::StatusCode::PARTIAL_CONTENT);
    answer.insert_header((header::CONTENT_RANGE, told)).body(content.slice(first..=last))
}

fn listing(req: &HttpRequest, objects: &BTreeMap<String, Bytes>) -> String {
    type Asked = BTreeMap<String, String>;
    let query = web::Query::<Asked>::from_query(req.query_string()).unwrap().into_inner();
    let prefix = query.get("prefix").cloned().unwrap_or_default();
    let contents: String = objects
        .iter()
        .filter(|(key, _)| key.starts_with(&prefix))
        .map(|(key, content)| {
            format!(
                "<Contents><Key>{key}</Key><LastModified>2015-10-21T07:28:00.000Z</LastModified>\
                 <ETag>\"tag\"</ETag><Size>{}</Size></Contents>",
                content.len()
            )
        })
        .collect();
    format!("<ListBucketResult><IsTruncated>false</IsTruncated>{contents}</ListBucketResult>")
}

async fn keeps_what_it_is_given(blobs: &Blobs) {
    let content = vec![Bytes::from("hello "), Bytes::from("world")];
    blobs.put("parts/a/1", content).await.unwrap();
    blobs.put("parts/a/2", vec![Bytes::from("x")]).await.unwrap();
    blobs.put("parts/ab/1", vec![Bytes::from("y")]).await.unwrap();
    assert_eq!(blobs.read("parts/a/1").await.unwrap(), "hello world");
    let part: Vec<Bytes> =
        blobs.read_range("parts/a/1", 4..8).await.unwrap().try_collect().await.unwrap();
    assert_eq!(part.concat(), b"o wo");

    blobs.remove("parts/a/2").await.unwrap();
    blobs.remove("parts/a/2").await.unwrap();
    assert!(matches!(blobs.read("parts/a/2").await, Err(StoreError::NotFound { .. })));
    blobs.remove_all("parts/a").await.unwrap();
    blobs.remove_all("parts/nothing").await.unwrap();
    assert!(matches!(blobs.read("parts/a/1").await, Err(StoreError::NotFound { .. })));
    assert_eq!(blobs.read("parts/ab/1").await.unwrap(), "y", "another folder");

    assert_eq!(blobs.place_name().await.unwrap(), None);
    assert_eq!(blobs.name_place("one").await.unwrap(), "one");
    assert_eq!(blobs.name_place("two").await.unwrap(), "one");
    assert_eq!(blobs.place_name().await.unwrap().as_deref(), Some("one"));
}

#[actix_web::test]
async fn a_folder_and_memory_keep_what_they_are_given() {
    let folder = tempfile::tempdir().unwrap();
    keeps_what_it_is_given(&Blobs::folder(folder.path()).unwrap()).await;
    keeps_what_it_is_given(&Blobs::in_memory()).await;
}

#[actix_web::test]
async fn s3_compatible_storage_keeps_what_it_is_given() {
    let objects = Data::new(Objects::default());
    let served = objects.clone();
    let server = HttpServer::new(move || {
        App::new().app_data(served.clone()).default_service(web::to(bucket))
    })
    .workers(1)
    .bind(("127.0.0.1", 0))
    .unwrap();
    let address = format!("s3://bucket/pre?endpoint=http://{}&region=here", server.addrs()[0]);
    let running = server.run();
    let stopping = running.handle();
    actix_web::rt::spawn(running);
    let vars = [("AWS_ACCESS_KEY_ID", "the-key"), ("AWS_SECRET_ACCESS_KEY", "the-secret")];
    let vars = || vars.map(|(name, value)| (name.to_owned(), value.to_owned())).into_iter();
    let blobs = Blobs::open_with(&address, vars()).unwrap();
    assert!(!format!("{blobs:?}").contains("secret"));
    keeps_what_it_is_given(&blobs).await;
    let keys: Vec<String> = objects.lock().unwrap().keys().cloned().collect();
    assert_eq!(keys, ["pre/parts/ab/1", "pre/riderhub-place"]);
    for wrong in ["s3://", "s3://bucket?what=1"] {
        assert!(Blobs::open_with(wrong, vars()).is_err(), "{wrong}");
    }
    stopping.stop(false).await;
}
