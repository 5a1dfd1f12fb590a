//! Whether a connection still has a channel's ear: who becomes a party hears it, and a rider who
//! has left a delivery hears it no more.

use domain::{
    channel::Channel,
    role::{Profile, Role},
};
use usecases::channels;

use crate::{frame::Lane, frames, refusal::Refusal, session::Session};

/// Whether a look at the channel could change anything. Only riders leave orders.
pub(crate) fn may_change(session: &Session, channel: &Channel) -> bool {
    session.profile.role() == Role::Rider || !session.hears(channel)
}

/// Joins the channel if it is the profile's own, and leaves it if it is so no longer.
///
/// # Errors
///
/// [`Refusal`] if the client cannot hear it on this connection: it should connect again.
pub(crate) async fn look_again(session: &mut Session, channel: &Channel) -> Result<(), Refusal> {
    if let (Profile::Rider(_), Channel::Order(order_id)) = (session.profile, channel)
        && !channels::may_read(&session.live.platform, session.profile, channel, false).await?
    {
        for gone in [channel.clone(), Channel::Loc(*order_id), Channel::Live(*order_id)] {
            if session.hears(&gone) {
                session.leave(&gone);
                session.outbox.push(Lane::Control, frames::unsubscribed(&gone));
            }
        }
        return Ok(());
    }
    if session.hears(channel) {
        return Ok(());
    }
    session.join(channel).await
}
