//! The payment provider that is built in: it signs what it says like a real one.
//!
//! The sandbox is a provider, not a short cut. What it says goes through the same door as the word
//! of any provider: signed raw bytes, checked before they are read, then one transaction.

use std::time::Duration;

use domain::{clock::Timestamp, money::Money, payment::FactKind};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use storage::{
    db::Tx, error::StoreError, events, payments::ProviderFact, shared_values, store::Store,
};

use crate::{
    error::AskError,
    tokens::{hex, random_hex},
};

/// Name of the provider.
pub const SANDBOX: &str = "sandbox";
/// Oldest and newest message that is believed.
pub const FRESH: Duration = Duration::from_secs(300);
/// Most bytes of a message.
pub const NOTIFY_BYTES_MAX: usize = 16 * 1_024;

/// The provider's half of the secret, and ours: in a sandbox they are the same.
pub struct Sandbox {
    secret: Vec<u8>,
}

/// A message as it goes over the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedNotify {
    /// Value of the header `Sandbox-Signature`.
    pub signature: String,
    /// The raw body.
    pub body: Vec<u8>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Notify {
    id: String,
    kind: String,
    reference: String,
    provider_ref: String,
    amount_minor: i64,
    currency: String,
    occurred_at: i64,
}

impl Sandbox {
    /// Takes the secret of the settings, or makes one that all nodes of the store share.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the secret cannot be read or written.
    pub async fn open(store: &Store, configured: Option<String>) -> Result<Self, StoreError> {
        let secret = match configured {
            Some(secret) => secret,
            None => {
                let made = random_hex();
                let write = async move |tx: &mut Tx| {
                    shared_values::find_or_insert(tx, "sandbox_secret", &made).await
                };
                store.write(write).await?
            }
        };
        Ok(Self { secret: secret.into_bytes() })
    }

    /// What the sandbox says about a payment or a refund, signed.
    ///
    /// The id of the event follows from what it says, so that the same thing said twice is one
    /// event.
    ///
    /// # Errors
    ///
    /// [`StoreError::Refused`] if the message cannot be written down.
    pub fn say(
        &self,
        kind: FactKind,
        reference: &str,
        provider_ref: &str,
        amount: Money,
        at: Timestamp,
    ) -> Result<SignedNotify, StoreError> {
        let notify = Notify {
            id: format!("evt_{provider_ref}_{kind}"),
            kind: kind.to_string(),
            reference: reference.to_owned(),
            provider_ref: provider_ref.to_owned(),
            amount_minor: amount.minor(),
            currency: amount.currency().code().to_owned(),
            occurred_at: at.ms(),
        };
        let body = events::json(&notify)?.into_bytes();
        Ok(SignedNotify { signature: self.sign(&body, at), body })
    }

    /// The signature of a body: `t=<seconds>,v1=<hex of HMAC-SHA256 over "t.body">`.
    pub fn sign(&self, body: &[u8], at: Timestamp) -> String {
        let seconds = at.ms().div_euclid(1_000);
        let signed = [seconds.to_string().as_bytes(), b".", body].concat();
        format!("t={seconds},v1={}", hex(&hmac_sha256(&self.secret, &signed)))
    }

    /// Checks a message on its raw bytes and puts it into our words.
    ///
    /// # Errors
    ///
    /// [`AskError::BadNotify`] if it is forged, stale or unreadable.
    pub fn verify(
        &self,
        signature: &str,
        body: &[u8],
        now: Timestamp,
    ) -> Result<ProviderFact, AskError> {
        let bad = |why| AskError::BadNotify { why };
        if body.len() > NOTIFY_BYTES_MAX {
            return Err(bad("it is too large"));
        }
        let (mut seconds, mut signatures) = (None, Vec::new());
        for part in signature.split(',') {
            match part.trim().split_once('=') {
                Some(("t", value)) => seconds = value.parse::<i64>().ok(),
                Some(("v1", value)) => signatures.push(value),
                _ => {}
            }
        }
        let seconds = seconds.ok_or_else(|| bad("the signature has no time"))?;
        let signed = [seconds.to_string().as_bytes(), b".", body].concat();
        let expected = hex(&hmac_sha256(&self.secret, &signed));
        if !signatures.iter().any(|it| same(it.as_bytes(), expected.as_bytes())) {
            return Err(bad("the signature is wrong"));
        }
        let away_ms = now.ms().saturating_sub(seconds.saturating_mul(1_000)).saturating_abs();
        if u128::from(away_ms.unsigned_abs()) > FRESH.as_millis() {
            return Err(bad("it is stale"));
        }
        let notify: Notify = events::read_json(body).ok_or_else(|| bad("it cannot be read"))?;
        let kind = FactKind::from_text(&notify.kind).ok_or_else(|| bad("its kind is unknown"))?;
        let fits = |text: &str, max: usize| !text.is_empty() && text.len() <= max;
        if !(fits(&notify.id, 128) && fits(&notify.reference, 64) && fits(&notify.provider_ref, 64))
        {
            return Err(bad("an id in it is empty or too long"));
        }
        Ok(ProviderFact {
            provider: SANDBOX,
            provider_event_id: notify.id,
            kind,
            our_ref: notify.reference,
            provider_ref: notify.provider_ref,
            amount_minor: notify.amount_minor,
            currency: notify.currency.chars().take(8).collect(),
            occurred_at: Timestamp::from_ms(notify.occurred_at),
        })
    }
}

/// Compares without stopping at the first difference.
fn same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |differs, (x, y)| differs | (x ^ y)) == 0
}

/// RFC 2104 over SHA-256.
fn hmac_sha256(key: &[u8], message: &[u8]) -> [u8; 32] {
    const BLOCK: usize = 64;
    let mut padded = [0_u8; BLOCK];
    if key.len() > BLOCK {
        padded[..32].copy_from_slice(&Sha256::digest(key));
    } else {
        padded[..key.len()].copy_from_slice(key);
    }
    let inner = Sha256::new().chain_update(padded.map(|it| it ^ 0x36)).chain_update(message);
    let outer = Sha256::new().chain_update(padded.map(|it| it ^ 0x5c));
    outer.chain_update(inner.finalize()).finalize().into()
}

#[cfg(test)]
mod tests {
    use domain::money::Currency;

    use super::*;

    const NOON: Timestamp = Timestamp::from_ms(1_790_000_000_000);

    fn sandbox() -> Sandbox {
        Sandbox { secret: b"secret".to_vec() }
    }

    #[test]
    fn the_mac_is_that_of_rfc_4231() {
        let short = hmac_sha256(b"Jefe", b"what do ya want for nothing?");
        let expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        assert_eq!(hex(&short), expected);
        let long =
            hmac_sha256(&[0xaa; 131], b"Test Using Larger Than Block-Size Key - Hash Key First");
        let expected = "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54";
        assert_eq!(hex(&long), expected);
    }

    #[test]
    fn one_changed_byte_or_an_old_message_is_refused() {
        let amount = Money::from_minor(2_500, Currency::Cny);
        let said = sandbox().say(FactKind::Paid, "pay_1", "sbx_1", amount, NOON).unwrap();
        let fact = sandbox().verify(&said.signature, &said.body, NOON).unwrap();
        assert_eq!((fact.kind, fact.amount_minor), (FactKind::Paid, 2_500));

        let mut forged = said.body.clone();
        let at = forged.windows(4).position(|it| it == b"2500").unwrap();
        forged[at] = b'9';
        assert!(sandbox().verify(&said.signature, &forged, NOON).is_err());
        let late = NOON + FRESH + Duration::from_secs(2);
        assert!(sandbox().verify(&said.signature, &said.body, late).is_err());
        for nonsense in ["", "t=,v1=", "v1=00", "t=1790000000", "t=99999999999999999999,v1=0"] {
            assert!(sandbox().verify(nonsense, &said.body, NOON).is_err(), "{nonsense}");
        }
    }
}
