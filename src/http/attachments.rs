//! Files beside the words of a chat: announced, sent in pieces, shown to the parties of the order.

use std::{ops::Range, time::Duration};

use actix_web::{
    HttpRequest, HttpResponse,
    body::SizedStream,
    http::{
        Method, StatusCode,
        header::{
            self, ByteRangeSpec, Charset, ContentDisposition, DispositionParam, DispositionType,
            ETag, EntityTag, ExtendedValue, Header, IfNoneMatch,
        },
    },
    web::{Data, Path, Payload},
};
use domain::{
    attachment::{CHUNK_BYTES_MAX, Checksum, MediaType},
    checked_text::FileName,
    ids::{AttachmentId, OrderId},
};
use futures_util::TryStreamExt;
use serde::{Deserialize, Serialize};
use storage::attachments::Attachment;
use usecases::{
    attachments::{self, Announced, AttachmentError},
    error::AskError,
};
use utoipa::ToSchema;

use super::{
    answer::Answer,
    extract::{AnyProfile, Body, IdPath, MaybeKey},
    problem::{Kind, Problem, ProblemView},
    refusals::sentence,
    state::HttpState,
};

/// Longest wait for the whole of a piece: phones have slow links.
const PIECE_TIMEOUT: Duration = Duration::from_secs(60);
/// Header with the number of bytes that have arrived.
pub const UPLOAD_OFFSET: &str = "Upload-Offset";
/// Header with the number of bytes that were announced.
pub const UPLOAD_LENGTH: &str = "Upload-Length";
/// Header that says whether the file is whole and was found to be what was announced.
pub const UPLOAD_COMPLETE: &str = "Upload-Complete";

/// A file that somebody wants to send.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AttachmentInput {
    /// In which order's chat.
    pub order: String,
    /// What it is called.
    pub name: String,
    /// `image/jpeg`, `image/png`, `image/gif` or `image/webp`.
    pub media_type: String,
    /// How large it is: 1 to 10485760.
    pub bytes: u64,
    /// SHA-256 of the whole content, in hex digits.
    pub sha256: String,
}

/// An upload that may begin.
#[derive(Debug, Serialize, ToSchema)]
pub struct UploadView {
    /// The attachment: what `att` of `chat.send` names once it is whole.
    pub attachment: String,
    /// From where to go on.
    pub offset: u64,
    /// Most bytes of one piece.
    pub chunk_bytes_max: usize,
    /// When it is removed unless a message carries it, in UTC milliseconds.
    pub expires_at: i64,
}

impl From<AttachmentError> for Problem {
    fn from(err: AttachmentError) -> Self {
        let said = sentence(&err);
        match err {
            AttachmentError::Store(err) => err.into(),
            AttachmentError::NotFound => super::problem::not_found("attachment"),
            AttachmentError::NoOrder => super::problem::not_found("order"),
            AttachmentError::Empty => Self::new(Kind::BadInput, said),
            AttachmentError::Chat(_) | AttachmentError::TooMany | AttachmentError::Used => {
                Self::new(Kind::StateRefused, said)
            }
            AttachmentError::Size | AttachmentError::PieceSize => Self::new(Kind::TooLarge, said),
            AttachmentError::WrongOffset { received } => {
                Self::new(Kind::WrongOffset, said).with("received", received)
            }
            AttachmentError::Unfinished { received, bytes } => {
                Self::new(Kind::StateRefused, said).with("received", received).with("bytes", bytes)
            }
            AttachmentError::Content(_) => {
                Self::new(Kind::ContentRefused, format!("{said} Begin a new upload."))
            }
        }
    }
}

fn announced(input: &AttachmentInput) -> Result<Announced, Problem> {
    let bad = |err: &dyn std::fmt::Display| Problem::new(Kind::BadInput, format!("{err}."));
    let order_id: OrderId = input.order.parse().map_err(|err| bad(&err))?;
    let media_type = MediaType::from_text(&input.media_type).ok_or_else(|| {
        let known: Vec<_> = MediaType::ALL.iter().map(|it| it.as_str()).collect();
        bad(&format!("`{}` is none of {}", input.media_type, known.join(", ")))
    })?;
    Ok(Announced {
        order_id,
        name: FileName::parse(&input.name).map_err(AskError::from)?,
        media_type,
        bytes: input.bytes,
        sha256: Checksum::parse(&input.sha256).map_err(|err| bad(&err))?,
    })
}

/// Announces a file for an order's chat, of which the profile must be a party.
#[utoipa::path(post, path = "/v1/attachments", operation_id = "create_attachment", tag = "chat",
    security(("bearer" = [])), params(("Idempotency-Key" = Option<String>, Header)),
    request_body = AttachmentInput,
    responses((status = 201, body = UploadView), (status = "4XX", body = ProblemView)))]
pub async fn create(
    AnyProfile(identity): AnyProfile,
    key: MaybeKey,
    input: Body<AttachmentInput>,
    state: Data<HttpState>,
) -> Result<Answer<UploadView>, Problem> {
    let (owner, file) = (identity.profile, announced(&input)?);
    let key = key.command(owner, &input);
    let done = attachments::begin(&state.platform, owner, file, key).await?;
    let view = UploadView {
        attachment: done.value.attachment,
        offset: 0,
        chunk_bytes_max: CHUNK_BYTES_MAX,
        expires_at: done.value.expires_at,
    };
    Ok(Answer::created(view).replayed(done.dup))
}

/// Where an upload stands, as headers.
fn standing(status: StatusCode, upload: &Attachment) -> HttpResponse {
    let is_complete = upload.object.is_some();
    HttpResponse::build(status)
        .insert_header((UPLOAD_OFFSET, upload.received.to_string()))
        .insert_header((UPLOAD_LENGTH, upload.bytes.to_string()))
        .insert_header((UPLOAD_COMPLETE, if is_complete { "?1" } else { "?0" }))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .finish()
}

async fn piece(payload: Payload) -> Result<actix_web::web::Bytes, Problem> {
    let late = |_| {
        Problem::new(
            Kind::BadPiece,
            "The piece did not arrive in time; ask HEAD and send it again.",
        )
    };
    let arrived = tokio::time::timeout(PIECE_TIMEOUT, payload.to_bytes_limited(CHUNK_BYTES_MAX));
    let within_limit = arrived.await.map_err(late)?;
    let whole = within_limit.map_err(|_| Problem::from(AttachmentError::PieceSize))?;
    whole.map_err(|_| {
        Problem::new(
            Kind::BadPiece,
            "The piece did not arrive as a whole; ask HEAD and send it again.",
        )
    })
}

/// Takes in the next piece of a file. The last one answers when the file was checked.
///
/// Only whole pieces count. If an answer is lost, HEAD says from where to go on; at the end of the
/// file an empty piece asks to check again.
#[utoipa::path(patch, path = "/v1/attachments/{attachment}", operation_id = "append_attachment",
    tag = "chat", security(("bearer" = [])),
    params(("attachment" = String, Path), ("Upload-Offset" = u64, Header)),
    request_body(content = String, content_type = "application/octet-stream"),
    responses(
        (status = 204, headers(("Upload-Offset" = u64), ("Upload-Complete" = String))),
        (status = "4XX", body = ProblemView)))]
pub async fn append(
    AnyProfile(identity): AnyProfile,
    id: Path<IdPath<AttachmentId>>,
    req: HttpRequest,
    payload: Payload,
    state: Data<HttpState>,
) -> Result<HttpResponse, Problem> {
    let given = req.headers().get(UPLOAD_OFFSET).and_then(|it| it.to_str().ok()?.parse().ok());
    let off = given.ok_or_else(|| {
        Problem::new(
            Kind::BadPiece,
            "Send `Upload-Offset` with the number of bytes that have arrived.",
        )
    })?;
    let (platform, owner) = (&state.platform, identity.profile);
    // Whose it is first: nobody fills our memory for an upload that is not his.
    attachments::progress(platform, owner, id.0).await?;
    let upload = attachments::append(platform, owner, id.0, off, piece(payload).await?).await?;
    Ok(standing(StatusCode::NO_CONTENT, &upload))
}

/// Says how much of an upload of one's own has arrived.
#[utoipa::path(head, path = "/v1/attachments/{attachment}", operation_id = "ask_attachment",
    tag = "chat", security(("bearer" = [])), params(("attachment" = String, Path)),
    responses(
        (status = 204, headers(("Upload-Offset" = u64), ("Upload-Length" = u64),
            ("Upload-Complete" = String))),
        (status = "4XX")))]
pub async fn ask(
    AnyProfile(identity): AnyProfile,
    id: Path<IdPath<AttachmentId>>,
    state: Data<HttpState>,
) -> Result<HttpResponse, Problem> {
    let upload = attachments::progress(&state.platform, identity.profile, id.0).await?;
    Ok(standing(StatusCode::NO_CONTENT, &upload))
}

/// Sends the content of a file: to its owner, and to the parties of the order once a message
/// carries it. Takes one range, and an entity tag.
#[utoipa::path(get, path = "/v1/attachments/{attachment}", operation_id = "get_attachment",
    tag = "chat", security(("bearer" = [])),
    params(("attachment" = String, Path), ("Range" = Option<String>, Header),
        ("If-None-Match" = Option<String>, Header)),
    responses(
        (status = 200, body = String, content_type = "application/octet-stream"),
        (status = 206, body = String, content_type = "application/octet-stream"),
        (status = 304), (status = 416), (status = "4XX", body = ProblemView)))]
pub async fn show(
    AnyProfile(identity): AnyProfile,
    id: Path<IdPath<AttachmentId>>,
    req: HttpRequest,
    state: Data<HttpState>,
) -> Result<HttpResponse, Problem> {
    let file = attachments::show(&state.platform, identity.profile, id.0).await?;
    let tag = EntityTag::new_strong(file.sha256.as_str().to_owned());
    if is_known(&req, &tag) {
        return Ok(HttpResponse::NotModified().insert_header(ETag(tag)).finish());
    }
    let (status, range) = match wanted(&req, &tag, file.bytes) {
        Wanted::All => (StatusCode::OK, 0..file.bytes),
        Wanted::Part(range) => (StatusCode::PARTIAL_CONTENT, range),
        Wanted::Nothing => {
            return Ok(HttpResponse::RangeNotSatisfiable()
                .insert_header((header::CONTENT_RANGE, format!("bytes */{}", file.bytes)))
                .finish());
        }
    };
    let object = file.object.clone().ok_or(AttachmentError::NotFound)?;
    let mut answer = HttpResponse::build(status);
    answer
        .content_type(file.media_type.as_str())
        .insert_header(ETag(tag))
        .insert_header((header::ACCEPT_RANGES, "bytes"))
        .insert_header(disposition(&file))
        // A picture, and never anything else: no guess, no script, no frame of another page.
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((header::CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox"))
        .insert_header(("Cross-Origin-Resource-Policy", "same-origin"))
        // It may be taken back: whoever keeps it asks again.
        .insert_header((header::CACHE_CONTROL, "private, no-cache"));
    if status == StatusCode::PARTIAL_CONTENT {
        let text = format!("bytes {}-{}/{}", range.start, range.end - 1, file.bytes);
        answer.insert_header((header::CONTENT_RANGE, text));
    }
    let n_bytes = range.end - range.start;
    let content = state.platform.blobs.read_range(&object, range).await?;
    let content = content.map_err(|err| {
        tracing::error!(error = ?err, "the content of a file breaks off");
        std::io::Error::other("the content breaks off")
    });
    Ok(answer.body(SizedStream::new(n_bytes, Box::pin(content))))
}

/// What of a file is asked for.
#[derive(Debug, PartialEq, Eq)]
enum Wanted {
    All,
    Part(Range<u64>),
    Nothing,
}

fn wanted(req: &HttpRequest, tag: &EntityTag, bytes: u64) -> Wanted {
    // Ranges are for GET; a range of another version is no range of this one.
    let of_this = |it: &header::HeaderValue| it.to_str().is_ok_and(|it| it == tag.to_string());
    let applies = req.headers().get(header::IF_RANGE).is_none_or(of_this);
    if req.method() != Method::GET || !applies {
        return Wanted::All;
    }
    match header::Range::parse(req) {
        // Several ranges would need several parts; the whole is a right answer too.
        Ok(header::Range::Bytes(ranges)) => match ranges.as_slice() {
            [range] => part(range, bytes),
            _ => Wanted::All,
        },
        _ => Wanted::All,
    }
}

fn part(range: &ByteRangeSpec, bytes: u64) -> Wanted {
    match range.to_satisfiable_range(bytes) {
        Some((first, last)) => Wanted::Part(first..last + 1),
        None => Wanted::Nothing,
    }
}

fn is_known(req: &HttpRequest, tag: &EntityTag) -> bool {
    match IfNoneMatch::parse(req) {
        Ok(IfNoneMatch::Any) => req.headers().contains_key(header::IF_NONE_MATCH),
        Ok(IfNoneMatch::Items(known)) => known.iter().any(|it| it.weak_eq(tag)),
        Err(_) => false,
    }
}

fn disposition(file: &Attachment) -> ContentDisposition {
    let name = ExtendedValue {
        charset: Charset::Ext("UTF-8".to_owned()),
        language_tag: None,
        value: file.name.clone().into_bytes(),
    };
    ContentDisposition {
        disposition: DispositionType::Attachment,
        parameters: vec![DispositionParam::FilenameExt(name)],
    }
}
