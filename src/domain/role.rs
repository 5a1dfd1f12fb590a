//! Who somebody is: roles, profiles, and the actor behind a change.

use std::{fmt, str::FromStr};

use crate::{
    ids::{CustomerId, MerchantId, OperatorId, RiderId},
    text_enum::text_enum,
};

text_enum! {
    /// What a person can be. One account may have one profile for each role.
    pub enum Role {
        /// Orders and receives.
        Customer => "customer",
        /// Cooks or sells.
        Merchant => "merchant",
        /// Delivers.
        Rider => "rider",
        /// Runs the platform.
        Operator => "operator",
    }
}

text_enum! {
    /// Who can be the cause of a change: a person in a role, or a machine.
    pub enum ActorRole {
        /// A customer.
        Customer => "customer",
        /// A merchant.
        Merchant => "merchant",
        /// A rider.
        Rider => "rider",
        /// An operator.
        Operator => "operator",
        /// A deadline or the dispatcher.
        System => "system",
        /// A payment provider, by a fact that was verified.
        Provider => "provider",
    }
}

/// Somebody in a role: what a token is for, and whose inbox a message goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Profile {
    /// A customer.
    Customer(CustomerId),
    /// A merchant.
    Merchant(MerchantId),
    /// A rider.
    Rider(RiderId),
    /// An operator.
    Operator(OperatorId),
}

/// The text is not the id of a profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a profile id starts with `cus_`, `mer_`, `rid_` or `opr_`, followed by 32 hex digits")]
pub struct ParseProfileError;

impl Profile {
    /// A new profile in `role`.
    pub fn generate(role: Role) -> Self {
        match role {
            Role::Customer => Self::Customer(CustomerId::generate()),
            Role::Merchant => Self::Merchant(MerchantId::generate()),
            Role::Rider => Self::Rider(RiderId::generate()),
            Role::Operator => Self::Operator(OperatorId::generate()),
        }
    }

    /// The role.
    pub const fn role(self) -> Role {
        match self {
            Self::Customer(_) => Role::Customer,
            Self::Merchant(_) => Role::Merchant,
            Self::Rider(_) => Role::Rider,
            Self::Operator(_) => Role::Operator,
        }
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Customer(id) => id.fmt(f),
            Self::Merchant(id) => id.fmt(f),
            Self::Rider(id) => id.fmt(f),
            Self::Operator(id) => id.fmt(f),
        }
    }
}

impl FromStr for Profile {
    type Err = ParseProfileError;

    fn from_str(text: &str) -> Result<Self, ParseProfileError> {
        let read = match text.get(..4) {
            Some("cus_") => text.parse().ok().map(Self::Customer),
            Some("mer_") => text.parse().ok().map(Self::Merchant),
            Some("rid_") => text.parse().ok().map(Self::Rider),
            Some("opr_") => text.parse().ok().map(Self::Operator),
            _ => None,
        };
        read.ok_or(ParseProfileError)
    }
}

/// Who caused a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Actor {
    /// A person who is signed in.
    Person(Profile),
    /// A deadline or the dispatcher.
    System,
    /// A payment provider, by a fact that was verified.
    Provider,
}

impl Actor {
    /// What kind of actor it is.
    pub const fn role(self) -> ActorRole {
        match self {
            Self::Person(Profile::Customer(_)) => ActorRole::Customer,
            Self::Person(Profile::Merchant(_)) => ActorRole::Merchant,
            Self::Person(Profile::Rider(_)) => ActorRole::Rider,
            Self::Person(Profile::Operator(_)) => ActorRole::Operator,
            Self::System => ActorRole::System,
            Self::Provider => ActorRole::Provider,
        }
    }

    /// The person, if it is one.
    pub const fn profile(self) -> Option<Profile> {
        match self {
            Self::Person(profile) => Some(profile),
            Self::System | Self::Provider => None,
        }
    }

    /// Puts role and profile together again; `None` if they contradict each other.
    pub fn from_parts(role: ActorRole, profile: Option<Profile>) -> Option<Self> {
        let actor = match (role, profile) {
            (ActorRole::System, None) => Self::System,
            (ActorRole::Provider, None) => Self::Provider,
            (_, Some(profile)) => Self::Person(profile),
            (_, None) => return None,
        };
        (actor.role() == role).then_some(actor)
    }
}

impl From<CustomerId> for Actor {
    fn from(id: CustomerId) -> Self {
        Self::Person(Profile::Customer(id))
    }
}

impl From<MerchantId> for Actor {
    fn from(id: MerchantId) -> Self {
        Self::Person(Profile::Merchant(id))
    }
}

impl From<RiderId> for Actor {
    fn from(id: RiderId) -> Self {
        Self::Person(Profile::Rider(id))
    }
}

impl From<OperatorId> for Actor {
    fn from(id: OperatorId) -> Self {
        Self::Person(Profile::Operator(id))
    }
}

impl From<Profile> for Actor {
    fn from(profile: Profile) -> Self {
        Self::Person(profile)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_survives_being_written_and_read_back() {
        for role in Role::ALL {
            let profile = Profile::generate(*role);
            assert_eq!(profile.to_string().parse(), Ok(profile));
            assert_eq!(profile.role(), *role);
        }
    }

    #[test]
    fn an_order_is_nobody() {
        let order = crate::ids::OrderId::generate().to_string();
        assert_eq!(order.parse::<Profile>(), Err(ParseProfileError));
        assert_eq!("😀😀".parse::<Profile>(), Err(ParseProfileError));
    }

    #[test]
    fn an_actor_cannot_pretend() {
        let rider = Profile::generate(Role::Rider);
        assert_eq!(Actor::from_parts(ActorRole::Provider, Some(rider)), None);
        assert_eq!(Actor::from_parts(ActorRole::Rider, Some(rider)), Some(rider.into()));
        assert_eq!(Actor::from_parts(ActorRole::Rider, None), None);
        assert_eq!(Actor::from_parts(ActorRole::System, None), Some(Actor::System));
    }
}
