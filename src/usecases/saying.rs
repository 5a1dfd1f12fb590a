//! Something that somebody wants to say, and whether it fits its kind.

use domain::{
    channel::Channel,
    chat::MessageKind,
    checked_text::{MessageText, PlaceLabel},
    geo::Place,
    ids::AttachmentId,
};
use storage::events::SharedPlace;

use crate::{attachments::AttachmentError, chat::ChatError};

/// Something that somebody wants to say.
#[derive(Debug, Clone)]
pub struct Saying {
    /// In which order's chat.
    pub channel: Channel,
    /// The client's id of the command.
    pub cid: String,
    /// `text`, `image` or `location`.
    pub kind: String,
    /// The text; may be empty beside a picture or a place.
    pub body: String,
    /// Offset of the message that this answers.
    pub reply_to: Option<u64>,
    /// The place of a `location`.
    pub place: Option<SharedPlace>,
    /// The attachment of an `image`.
    pub att: Option<String>,
}

/// What is said, once it fits its kind.
pub(crate) struct Checked {
    /// The text.
    pub(crate) text: String,
    /// The place.
    pub(crate) place: Option<SharedPlace>,
    /// The attachment.
    pub(crate) att: Option<AttachmentId>,
}

impl Saying {
    /// Plain words.
    pub fn text(channel: Channel, cid: String, body: String) -> Self {
        let kind = MessageKind::Text.as_str().to_owned();
        Self { channel, cid, kind, body, reply_to: None, place: None, att: None }
    }

    /// What is said, once it fits its kind.
    ///
    /// # Errors
    ///
    /// [`ChatError`] says what does not fit.
    pub(crate) fn checked(&self) -> Result<Checked, ChatError> {
        let kind = MessageKind::from_text(&self.kind).ok_or(ChatError::Kind)?;
        let text = match kind {
            MessageKind::Image | MessageKind::Location if self.body.trim().is_empty() => {
                String::new()
            }
            _ => MessageText::parse(&self.body)?.as_str().to_owned(),
        };
        let (place, att) = match (kind, &self.place, &self.att) {
            (MessageKind::Text, None, None) => (None, None),
            (MessageKind::Location, Some(place), None) => (Some(checked_place(place)?), None),
            (MessageKind::Image, None, Some(att)) => {
                let id = att.parse().map_err(|_| AttachmentError::NotFound)?;
                (None, Some(id))
            }
            (kind, ..) => return Err(ChatError::Shape(shape(kind))),
        };
        Ok(Checked { text, place, att })
    }
}

const fn shape(kind: MessageKind) -> &'static str {
    match kind {
        MessageKind::Text => "a message of the kind `text` has no `att` and no `place`",
        MessageKind::Image => {
            "a message of the kind `image` has an `att` from POST /v1/attachments and no `place`"
        }
        MessageKind::Location => {
            "a message of the kind `location` has a `place` with `lat` and `lng`, and no `att`"
        }
    }
}

fn checked_place(place: &SharedPlace) -> Result<SharedPlace, ChatError> {
    let at = Place::new(place.at.lat, place.at.lng)?.into();
    let label = place.label.as_deref().map(PlaceLabel::parse).transpose()?;
    Ok(SharedPlace { at, label: label.map(|it| it.as_str().to_owned()) })
}
