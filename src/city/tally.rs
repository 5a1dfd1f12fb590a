//! Counts of what happened in a city, shared by everybody in it.

use std::collections::HashMap;
use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use crate::{
    city::sights::Sights,
    client::{
        error::ClientError,
        link::{Link, new_cid},
    },
};

/// A message that the server has acknowledged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acknowledged {
    /// Where it stands.
    pub channel: String,
    /// Our id of it.
    pub cid: String,
    /// Its offset.
    pub off: u64,
}

/// See the file's head.
#[derive(Debug, Default)]
pub struct Tally {
    /// Orders placed.
    pub placed: Count,
    /// Orders paid.
    pub paid: Count,
    /// Orders delivered.
    pub delivered: Count,
    /// Orders completed.
    pub completed: Count,
    /// Orders that ended otherwise.
    pub failed: Count,
    /// Chat messages sent and acknowledged.
    pub messages: Count,
    /// Offers taken.
    pub taken: Count,
    /// Offers declined or left to lapse.
    pub declined: Count,
    /// Deliveries taken from the pool.
    pub grabbed: Count,
    /// What unruly riders did out of the blue.
    pub whims: Count,
    /// Positions sent.
    pub positions: Count,
    /// What people see of riders, if anybody looks.
    pub sights: Option<Mutex<Sights>>,
    /// PINs that customers tell at their doors.
    pub pins: Mutex<HashMap<String, String>>,
    /// Every message acknowledged, if anybody wants to check them later.
    pub acknowledged: Option<Mutex<Vec<Acknowledged>>>,
}

impl Tally {
    /// Counts that also keep every acknowledged message.
    pub fn keeping_messages() -> Self {
        Self { acknowledged: Some(Mutex::default()), ..Self::default() }
    }

    /// The same, with an eye on what people see of riders.
    #[must_use]
    pub fn with_sights(self) -> Self {
        Self { sights: Some(Mutex::default()), ..self }
    }

    /// Lets `look` see what people see of riders, if anybody looks.
    pub fn see(&self, look: impl FnOnce(&mut Sights)) {
        if let Some(sights) = &self.sights {
            look(&mut sights.lock().unwrap_or_else(PoisonError::into_inner));
        }
    }

    /// A customer will tell this PIN to whoever stands at the door.
    pub fn keep_pin(&self, order: &str, pin: &str) {
        let mut pins = self.pins.lock().unwrap_or_else(PoisonError::into_inner);
        pins.insert(order.to_owned(), pin.to_owned());
    }

    /// The PIN that the customer tells at the door, if there is one.
    pub fn pin_at_door(&self, order: &str) -> Option<String> {
        self.pins.lock().unwrap_or_else(PoisonError::into_inner).get(order).cloned()
    }

    /// The order is over.
    pub fn forget_pin(&self, order: &str) {
        self.pins.lock().unwrap_or_else(PoisonError::into_inner).remove(order);
    }

    /// Says something in an order's chat and counts it.
    ///
    /// # Errors
    ///
    /// [`ClientError`] as the server answers.
    pub async fn say(&self, link: &Link, order: &str, text: &str) -> Result<(), ClientError> {
        let (channel, cid) = (format!("order:{order}"), new_cid());
        let (off, _) = link.say(&channel, &cid, text).await?;
        self.messages.add();
        if let Some(all) = &self.acknowledged {
            let said = Acknowledged { channel, cid, off };
            all.lock().unwrap_or_else(PoisonError::into_inner).push(said);
        }
        Ok(())
    }

    /// Every message acknowledged so far, if they are kept.
    pub fn messages_acknowledged(&self) -> Vec<Acknowledged> {
        let all = self.acknowledged.as_ref();
        all.map(|it| it.lock().unwrap_or_else(PoisonError::into_inner).clone()).unwrap_or_default()
    }
}

/// A number that only grows.
#[derive(Debug, Default)]
pub struct Count(AtomicU64);

impl Count {
    /// One more.
    pub fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// How many so far.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
