//! How an order changes hands: who carries it, what proves that the right one got it, and whether
//! what was given as proof will do.

use std::fmt;

use crate::{role::Role, text_enum::text_enum};

/// Wrong PINs that are taken; from then on only a photo proves anything.
pub const WRONG_PINS_MAX: u32 = 5;
/// Digits of the customer's PIN.
pub const PIN_DIGITS: usize = 4;
/// How many PINs there are.
const PINS: u64 = 10_000;

text_enum! {
    /// Who carries the goods from the store.
    pub enum Mode {
        /// A rider brings them to the door.
        Delivery => "delivery",
        /// The customer collects them.
        Pickup => "pickup",
    }
}

text_enum! {
    /// How the customer wants to get what a rider brings.
    pub enum Proof {
        /// From hand to hand; the rider's word will do.
        None => "none",
        /// From hand to hand, against the PIN that only the customer knows.
        Pin => "pin",
        /// From hand to hand, with a photo.
        Photo => "photo",
        /// Left at the door. Nobody is there to tell a PIN, so a photo proves it.
        LeaveAtDoor => "leave_at_door",
    }
}

text_enum! {
    /// What the rider must give at the door.
    pub enum Needed {
        /// Nothing.
        None => "none",
        /// The customer's PIN.
        Pin => "pin",
        /// A photo.
        Photo => "photo",
    }
}

text_enum! {
    /// What proved a handover.
    pub enum ProvenBy {
        /// The word of whoever handed it over.
        Word => "word",
        /// The customer's PIN.
        Pin => "pin",
        /// A photo.
        Photo => "photo",
        /// The pickup code, at the store's counter.
        Code => "code",
        /// An operator, who did without a proof.
        Waiver => "waiver",
    }
}

/// What is ruled about proofs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HandoverPolicy {
    /// How orders are handed over whose customers do not say.
    pub default_proof: Proof,
    /// Whether what is left at a door is photographed.
    pub is_door_photo_needed: bool,
}

impl HandoverPolicy {
    /// What holds when no setting says otherwise.
    pub const DEFAULT: Self = Self { default_proof: Proof::None, is_door_photo_needed: true };
}

/// The customer's PIN. Never in logs.
#[derive(Clone, PartialEq, Eq)]
pub struct Pin(String);

/// Not a PIN.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a PIN has {PIN_DIGITS} digits: ask the customer, who sees it in the order")]
pub struct NoPin;

impl Pin {
    /// A PIN out of 64 random bits.
    pub fn from_dice(dice: u64) -> Self {
        Self(format!("{:04}", dice % PINS))
    }

    /// Reads what somebody typed; spaces are left out.
    ///
    /// # Errors
    ///
    /// [`NoPin`] unless four digits are left.
    pub fn parse(typed: &str) -> Result<Self, NoPin> {
        let digits: String = typed.chars().filter(|it| !it.is_whitespace()).collect();
        let is_pin = digits.len() == PIN_DIGITS && digits.bytes().all(|it| it.is_ascii_digit());
        if is_pin { Ok(Self(digits)) } else { Err(NoPin) }
    }

    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pin(…)")
    }
}

/// What the rider gives as proof.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Given<'a> {
    /// What the customer told him.
    pub pin: Option<&'a Pin>,
    /// Whether he took a photo.
    pub has_photo: bool,
}

/// The proof will not do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProofRefusal {
    /// The PIN is needed, and was not given.
    #[error("the handover needs the customer's PIN: ask for it and send it as `code`")]
    PinNeeded,
    /// A photo is needed, and was not given.
    #[error("the handover needs a photo: upload one (POST /v1/attachments) and send it as `photo`")]
    PhotoNeeded,
    /// The PIN is not the customer's. Counts as a try.
    #[error("this is not the customer's PIN; tries left: {left}. Ask for it again")]
    WrongPin {
        /// Tries left.
        left: u32,
    },
    /// The PIN was wrong too often.
    #[error(
        "the PIN was wrong too often: send a photo of the handover as `photo`, or ask an operator to \
         do without a proof"
    )]
    Locked,
}

/// How one order changes hands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handover {
    /// Who carries it.
    pub mode: Mode,
    /// How the customer wants to get what a rider brings.
    pub proof: Proof,
    /// The PIN, if it is handed over against one.
    pub pin: Option<Pin>,
    /// PINs that were wrong so far.
    pub n_wrong: u32,
    /// Whether an operator does without a proof.
    pub is_waived: bool,
}

impl Handover {
    /// A rider brings it; `dice` are 64 random bits.
    pub fn delivered(proof: Proof, dice: u64) -> Self {
        let pin = (proof == Proof::Pin).then(|| Pin::from_dice(dice));
        Self { mode: Mode::Delivery, proof, pin, n_wrong: 0, is_waived: false }
    }

    /// The customer collects it.
    pub const fn collected() -> Self {
        Self { mode: Mode::Pickup, proof: Proof::None, pin: None, n_wrong: 0, is_waived: false }
    }

    /// Whether the PIN was wrong too often.
    pub const fn is_locked(&self) -> bool {
        self.n_wrong >= WRONG_PINS_MAX
    }

    /// What the rider must give at the door as things stand.
    pub const fn needed(&self, policy: &HandoverPolicy) -> Needed {
        match self.proof {
            _ if self.is_waived => Needed::None,
            Proof::None => Needed::None,
            // After too many wrong PINs a photo is what is left.
            Proof::Pin if self.is_locked() => Needed::Photo,
            Proof::Pin => Needed::Pin,
            Proof::Photo => Needed::Photo,
            Proof::LeaveAtDoor if policy.is_door_photo_needed => Needed::Photo,
            Proof::LeaveAtDoor => Needed::None,
        }
    }

    /// Whether what the rider gives will do, and as what it counts.
    ///
    /// # Errors
    ///
    /// [`ProofRefusal`] if it will not do. [`ProofRefusal::WrongPin`] is to be counted.
    pub fn check(
        &self,
        policy: &HandoverPolicy,
        given: Given<'_>,
    ) -> Result<ProvenBy, ProofRefusal> {
        match (self.needed(policy), given) {
            (Needed::None | Needed::Photo, Given { has_photo: true, .. }) => Ok(ProvenBy::Photo),
            (Needed::None, _) if self.is_waived => Ok(ProvenBy::Waiver),
            (Needed::None, _) => Ok(ProvenBy::Word),
            (Needed::Pin, Given { pin: Some(said), .. }) if self.pin.as_ref() == Some(said) => {
                Ok(ProvenBy::Pin)
            }
            (Needed::Pin, Given { pin: Some(_), .. }) => {
                Err(ProofRefusal::WrongPin { left: WRONG_PINS_MAX - self.n_wrong - 1 })
            }
            (Needed::Pin, _) => Err(ProofRefusal::PinNeeded),
            (Needed::Photo, _) if self.is_locked() => Err(ProofRefusal::Locked),
            (Needed::Photo, _) => Err(ProofRefusal::PhotoNeeded),
        }
    }

    /// The same after a wrong PIN.
    #[must_use]
    pub fn after_wrong_pin(self) -> Self {
        Self { n_wrong: self.n_wrong + 1, ..self }
    }
}

/// Who may see the PIN: whoever must tell it, and nobody who could use it.
pub const fn sees_pin(role: Role) -> bool {
    matches!(role, Role::Customer)
}

/// Who may see the pickup code: whoever shows it at the counter, and the store only where it need
/// not ask for it as a proof.
pub const fn sees_pickup_code(mode: Mode, role: Role) -> bool {
    match mode {
        Mode::Delivery => matches!(role, Role::Rider | Role::Merchant | Role::Operator),
        Mode::Pickup => matches!(role, Role::Customer),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const POLICY: HandoverPolicy = HandoverPolicy::DEFAULT;
    const PHOTO: Given<'static> = Given { pin: None, has_photo: true };
    const NOTHING: Given<'static> = Given { pin: None, has_photo: false };

    fn pin(digits: &str) -> Pin {
        Pin::parse(digits).expect("four digits")
    }

    fn against_pin(n_wrong: u32) -> Handover {
        Handover { pin: Some(pin("0417")), n_wrong, ..Handover::delivered(Proof::Pin, 0) }
    }

    #[test]
    fn each_need_takes_its_proof_and_no_other() {
        let (right, of) = (pin("0417"), |proof| Handover { proof, ..against_pin(0) });
        let told = Given { pin: Some(&right), has_photo: false };
        use ProofRefusal::{PhotoNeeded, PinNeeded};
        use ProvenBy::{Photo, Pin, Word};
        for (proof, by_pin, by_photo, by_nothing) in [
            (Proof::None, Ok(Word), Ok(Photo), Ok(Word)),
            (Proof::Pin, Ok(Pin), Err(PinNeeded), Err(PinNeeded)),
            (Proof::Photo, Err(PhotoNeeded), Ok(Photo), Err(PhotoNeeded)),
            (Proof::LeaveAtDoor, Err(PhotoNeeded), Ok(Photo), Err(PhotoNeeded)),
        ] {
            assert_eq!(of(proof).check(&POLICY, told), by_pin, "{proof}");
            assert_eq!(of(proof).check(&POLICY, PHOTO), by_photo, "{proof}");
            assert_eq!(of(proof).check(&POLICY, NOTHING), by_nothing, "{proof}");
        }
    }

    #[test]
    fn the_right_pin_does_not_help_after_five_wrong_ones_but_a_photo_or_an_operator_does() {
        let (right, wrong) = (pin("0417"), pin("1234"));
        let say = |pin| Given { pin: Some(pin), has_photo: false };
        let mut it = against_pin(0);
        for left in (0..WRONG_PINS_MAX).rev() {
            assert_eq!(it.check(&POLICY, say(&right)), Ok(ProvenBy::Pin));
            assert_eq!(it.check(&POLICY, say(&wrong)), Err(ProofRefusal::WrongPin { left }));
            it = it.after_wrong_pin();
        }
        assert_eq!(it.check(&POLICY, say(&right)), Err(ProofRefusal::Locked));
        assert_eq!(it.check(&POLICY, PHOTO), Ok(ProvenBy::Photo));
        let waived = Handover { is_waived: true, ..it };
        assert_eq!(waived.check(&POLICY, NOTHING), Ok(ProvenBy::Waiver));
    }

    #[test]
    fn what_is_left_at_the_door_needs_no_pin_whatever_the_policy() {
        let at_door = Handover::delivered(Proof::LeaveAtDoor, 417);
        assert_eq!(at_door.pin, None);
        let bare = HandoverPolicy { is_door_photo_needed: false, ..POLICY };
        assert_eq!(at_door.needed(&POLICY), Needed::Photo);
        assert_eq!(at_door.needed(&bare), Needed::None);
    }

    #[test]
    fn secrets_are_seen_by_those_who_tell_them() {
        assert_eq!(Role::ALL.iter().filter(|it| sees_pin(**it)).count(), 1);
        for role in Role::ALL {
            let is_customer = *role == Role::Customer;
            assert_eq!(sees_pin(*role), is_customer);
            assert_eq!(sees_pickup_code(Mode::Pickup, *role), is_customer);
            assert_eq!(sees_pickup_code(Mode::Delivery, *role), !is_customer);
        }
        assert_eq!(format!("{:?}", against_pin(0)).matches("0417").count(), 0, "not in logs");
    }

    proptest! {
        #[test]
        fn pins_have_their_form_and_are_read_back(dice in any::<u64>()) {
            let it = Pin::from_dice(dice);
            prop_assert_eq!(it.as_str().len(), PIN_DIGITS);
            let (two, rest) = it.as_str().split_at(2);
            prop_assert_eq!(Pin::parse(&format!(" {two} {rest}\n")), Ok(it.clone()));
        }

        #[test]
        fn never_more_wrong_tries_than_allowed_and_never_proven_by_a_wrong_one(
            said in prop::collection::vec(0..20_u64, 0..40),
        ) {
            let mut it = Handover { pin: Some(Pin::from_dice(7)), ..against_pin(0) };
            for dice in said {
                let said = Pin::from_dice(dice);
                let answer = it.check(&POLICY, Given { pin: Some(&said), has_photo: false });
                if it.is_locked() {
                    prop_assert_eq!(answer, Err(ProofRefusal::Locked));
                } else {
                    prop_assert_eq!(answer.is_ok(), dice == 7);
                }
                if let Err(ProofRefusal::WrongPin { left }) = answer {
                    it = it.after_wrong_pin();
                    prop_assert_eq!(left, WRONG_PINS_MAX - it.n_wrong);
                }
                prop_assert!(it.n_wrong <= WRONG_PINS_MAX);
            }
        }
    }
}
