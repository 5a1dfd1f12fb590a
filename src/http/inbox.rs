//! What somebody has not seen yet.

use actix_web::web::{Data, Query};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use storage::journal;
use usecases::inbox::{self, Item, PageKey};
use utoipa::{IntoParams, ToSchema};

use super::{
    answer::Answer,
    extract::AnyProfile,
    page::PageLimit,
    problem::{Kind, Problem, ProblemView},
    state::HttpState,
};

/// Which part of an inbox.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct InboxQuery {
    /// How many channels at most, up to 100 (default 50).
    #[param(value_type = Option<u32>)]
    pub limit: Option<PageLimit>,
    /// `next` of the page before.
    pub before: Option<String>,
}

/// A channel of an inbox.
#[derive(Debug, Serialize, ToSchema)]
pub struct InboxChannelView {
    /// Its name.
    pub ch: String,
    /// The numbering.
    pub ep: String,
    /// The newest entry; pushes with larger offsets are news.
    pub top: u64,
    /// Everything up to here arrived at one of the profile's devices.
    pub delivered: u64,
    /// Everything up to here was read, on whichever device.
    pub read: u64,
    /// What counts as unread: in `order:` channels messages of others, in `inbox:` and `store:`
    /// channels `order` and `offer` entries that others caused.
    pub unread: u64,
    /// `order` and `offer` entries of others that were not read, in whichever channel.
    pub unread_lines: u64,
    /// The newest entry, as it was pushed.
    #[schema(value_type = Object)]
    pub last: Value,
}

/// Where the profile's own inbox stood.
#[derive(Debug, Serialize, ToSchema)]
pub struct InboxAsOfView {
    /// The numbering; empty if nothing was written yet.
    pub ep: String,
    /// The newest offset. Channels that are joined later are told with a larger one.
    pub off: u64,
}

/// A page of an inbox.
#[derive(Debug, Serialize, ToSchema)]
pub struct InboxView {
    /// Those that moved last come first.
    pub channels: Vec<InboxChannelView>,
    /// For `before`; absent if that was all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// Unread of all channels, of this page and the others.
    pub unread: u64,
    /// From where on pushes to the profile's own inbox are news.
    pub as_of: InboxAsOfView,
}

impl From<Item> for InboxChannelView {
    fn from(it: Item) -> Self {
        let unread = it.n_unread();
        let (cursor, last) = (it.place.cursor, it.place.last);
        Self {
            ch: last.channel.to_string(),
            ep: last.epoch.clone(),
            top: last.off,
            delivered: cursor.delivered,
            read: cursor.read,
            unread,
            unread_lines: it.unread.lines,
            last: serde_json::from_slice(&journal::frame(&last)).unwrap_or(Value::Null),
        }
    }
}

/// Lists what the profile is part of, with what it has not read: its inbox, its stores, its open
/// orders and those that ended within a day. Unread entries are counted among the newest 1000 of a
/// channel.
#[utoipa::path(get, path = "/v1/inbox", operation_id = "get_inbox", tag = "inbox",
    security(("bearer" = [])), params(InboxQuery),
    responses((status = 200, body = InboxView), (status = "4XX", body = ProblemView)))]
pub async fn show(
    AnyProfile(identity): AnyProfile,
    query: Query<InboxQuery>,
    state: Data<HttpState>,
) -> Result<Answer<InboxView>, Problem> {
    let InboxQuery { limit, before } = query.into_inner();
    let limit = limit.unwrap_or_default().get() as usize;
    let bad = || Problem::new(Kind::BadQuery, "`before` is the `next` of another page.");
    let before = before.map(|it| PageKey::from_text(&it).ok_or_else(bad)).transpose()?;
    let page = inbox::page(&state.platform, identity.profile, before, limit).await?;
    Ok(Answer::ok(InboxView {
        channels: page.items.into_iter().map(InboxChannelView::from).collect(),
        next: page.next.map(|it| it.to_string()),
        unread: page.n_unread,
        as_of: InboxAsOfView { ep: page.as_of.epoch, off: page.as_of.top },
    }))
}
