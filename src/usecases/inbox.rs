//! The inbox: everything somebody is part of, with what was not read yet.
//!
//! Counts come from the read cursor of the account and the journal, so every device sees the same
//! ones, also after it was away.

use std::cmp::Reverse;

use domain::{channel::Channel, clock::Timestamp, role::Profile};
use storage::{
    error::StoreError,
    inbox::{self, Place, Unread},
    journal::{self, Head},
    stores,
};

use crate::platform::Platform;

/// Channels of one page at most.
pub const PAGE_MAX: usize = 100;

/// A channel of an inbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// How far the profile has come, and the newest entry.
    pub place: Place,
    /// What was not read yet.
    pub unread: Unread,
}

impl Item {
    /// What counts as unread here: in an order's chat what was said, in an inbox or at a store the
    /// lines. A line stands in several channels and counts in one: staff read it at their store.
    pub const fn n_unread(&self) -> u64 {
        match self.place.last.channel {
            Channel::Order(_) => self.unread.messages,
            Channel::Inbox(Profile::Merchant(_)) => 0,
            _ => self.unread.lines,
        }
    }

    /// Where it stands in the list: newest first.
    pub fn key(&self) -> PageKey {
        PageKey { at: self.place.last.at, channel: self.place.last.channel.to_string() }
    }
}

/// Where a page ends.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PageKey {
    /// When the last channel of the page moved.
    pub at: Timestamp,
    /// Its name.
    pub channel: String,
}

impl std::fmt::Display for PageKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.at.ms(), self.channel)
    }
}

impl PageKey {
    /// Reads the text form back; `None` if it is not one of ours.
    pub fn from_text(text: &str) -> Option<Self> {
        let (at, channel) = text.split_once('.')?;
        let at = Timestamp::from_ms(at.parse().ok()?);
        channel.parse::<Channel>().ok()?;
        Some(Self { at, channel: channel.to_owned() })
    }
}

/// A page of an inbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InboxPage {
    /// The newest first.
    pub items: Vec<Item>,
    /// Where to go on; `None` if that was all.
    pub next: Option<PageKey>,
    /// Unread entries of all channels, of this page and the others.
    pub n_unread: u64,
    /// Where the profile's own inbox stood before anything else was read: whatever is joined or
    /// left later is told there with a larger offset.
    pub as_of: Head,
}

/// Reads a page of somebody's inbox, `before` a place in it or from the newest on.
///
/// # Errors
///
/// [`StoreError`] as the store gives it.
pub async fn page(
    platform: &Platform,
    profile: Profile,
    before: Option<PageKey>,
    limit: usize,
) -> Result<InboxPage, StoreError> {
    let mut reader = platform.reader();
    let own = Channel::Inbox(profile);
    let as_of = journal::head(&mut reader, &own).await?;
    let since = platform.now() - platform.policy.chat_after_end;
    let mut channels = vec![own];
    if let Profile::Merchant(id) = profile {
        let stores = stores::list_ids_for_staff(&mut reader, id).await?;
        channels.extend(stores.into_iter().map(Channel::Store));
    }
    let orders = inbox::list_orders(&mut reader, profile, since).await?;
    channels.extend(orders.into_iter().map(Channel::Order));

    let mut places = inbox::places(&mut reader, profile, &channels).await?;
    places.sort_by_cached_key(|it| Reverse((it.last.at, it.last.channel.to_string())));
    let unread = inbox::unread(&mut reader, &places).await?;
    let all = places.into_iter().zip(unread).map(|(place, unread)| Item { place, unread });
    Ok(cut(all.collect(), before.as_ref(), limit, as_of))
}

fn cut(all: Vec<Item>, before: Option<&PageKey>, limit: usize, as_of: Head) -> InboxPage {
    let n_unread = all.iter().map(Item::n_unread).sum();
    let mut rest =
        all.into_iter().skip_while(|it| before.is_some_and(|before| it.key() >= *before));
    let items: Vec<_> = rest.by_ref().take(limit.clamp(1, PAGE_MAX)).collect();
    let next = rest.next().and_then(|_| items.last().map(Item::key));
    InboxPage { items, next, n_unread, as_of }
}
