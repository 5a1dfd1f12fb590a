//! What a rider brings forward at a door: the PIN that he is told, or a photo.

use serde_json::{Value, json};

use super::{Rider, stops::AGAIN_MS};
use crate::{
    city::road::Stop,
    client::{calls, error::ClientError},
};

/// A picture of one pixel: what it shows is nobody's business in a played city.
const PICTURE: &[u8] =
    b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0\x1f\x15\xc4\x89\
    \0\0\0\rIDATx\x9cc\xf8\xcf\xc0\xf0\x1f\0\x05\0\x01\xff\x89\x99=\x1d\0\0\0\0IEND\xaeB`\x82";

/// Whether the server takes no word and no PIN, but a photo.
pub(super) fn wants_photo(err: &ClientError) -> bool {
    let ClientError::Command { rest, .. } = err else { return false };
    matches!(rest.get("state").and_then(Value::as_str), Some("photo_needed" | "locked"))
}

impl Rider {
    /// Adds what he was told at the door, and the photo that he took there.
    pub(super) fn bring_proof(&self, stop: &Stop, params: &mut Value) {
        if stop.stop != "dropoff" {
            return;
        }
        if let Some(pin) = self.tally.pin_at_door(&stop.order) {
            params["code"] = json!(pin);
        }
        if let Some(photo) = self.photos.get(&stop.order) {
            params["photo"] = json!(photo);
        }
    }

    /// Takes a photo at the door; the stop is tried again with it.
    pub(super) async fn photograph(&mut self, stop: &Stop) {
        self.cids.retain(|(order, ..), _| *order != stop.order);
        match calls::upload(self.link.session(), &stop.order, PICTURE).await {
            Ok(photo) => drop(self.photos.insert(stop.order.clone(), photo)),
            Err(_) => self.paused_until = self.pace.now_ms() + AGAIN_MS,
        }
    }
}
