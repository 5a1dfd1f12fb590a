//! How a notice gets to one address: the trait, what goes in, what comes of it.

use std::{pin::Pin, sync::Arc, time::Duration};

use domain::{
    clock::Timestamp,
    notice::{NoticeClass, Urgency},
};
use storage::push_addresses::PushAddress;

/// What is told, ready to be sent. The same for every address of a profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Names it: the same news told again has the same id.
    pub id: String,
    /// What it is about.
    pub class: NoticeClass,
    /// A JSON object.
    pub body: String,
    /// A newer notice of the same topic takes its place; 32 characters of base64url.
    pub topic: String,
    /// How much it may disturb.
    pub urgency: Urgency,
    /// For how long a push service shall keep it.
    pub ttl: Duration,
    /// When it is sent.
    pub at: Timestamp,
}

/// Where to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A device, by its push service.
    Push(Box<PushAddress>),
    /// The operator's own service.
    Webhook,
}

impl Target {
    /// The way's name, for metrics.
    pub const fn via(&self) -> &'static str {
        match self {
            Self::Push(_) => "web_push",
            Self::Webhook => "webhook",
        }
    }
}

/// What came of a try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The other side has taken it over.
    Delivered,
    /// Nobody is there any more, for ever: the address can be forgotten.
    Gone,
    /// Not now; perhaps after this long.
    Later(Option<Duration>),
    /// It will not be taken, however often it is sent.
    Refused,
}

impl Outcome {
    /// The outcome's name, for metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Gone => "gone",
            Self::Later(_) => "later",
            Self::Refused => "refused",
        }
    }
}

/// A try under way.
pub type Sending<'a> = Pin<Box<dyn Future<Output = Outcome> + Send + 'a>>;

/// A way to send notices.
///
/// It answers within [`crate::notices::SEND_MAX`]. It may have sent a notice although it says
/// `Later`: then the same one comes again, with the same id and topic.
pub trait Notifier: Send + Sync {
    /// Tries once to send a notice to one address.
    fn send<'a>(&'a self, target: &'a Target, notice: &'a Notice) -> Sending<'a>;
}

/// The way to send that all workers share.
pub type SharedNotifier = Arc<dyn Notifier>;
