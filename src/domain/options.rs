//! What can be chosen with a product: groups of options, each with how many may be taken.

use crate::{
    ids::{OptionGroupId, OptionId},
    money::{Money, MoneyError},
};

/// Most groups of one product.
pub const GROUPS_MAX: usize = 20;
/// Most options of one group.
pub const OPTIONS_MAX: usize = 50;
/// Most options chosen with one line.
pub const CHOSEN_MAX: usize = 24;

/// Something that can be chosen with a product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProductOption {
    /// Which option.
    pub id: OptionId,
    /// What it is called.
    pub name: String,
    /// What it adds to the price of one piece.
    pub price: Money,
    /// Whether it can be had now.
    pub is_available: bool,
}

/// Several options of which some are chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OptionGroup {
    /// Which group.
    pub id: OptionGroupId,
    /// What it is called.
    pub name: String,
    /// Fewest that are chosen.
    pub min: u32,
    /// Most that are chosen.
    pub max: u32,
    /// The options.
    pub options: Vec<ProductOption>,
}

/// An option that was chosen, at the name and price of that moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chosen {
    /// Which option.
    pub id: OptionId,
    /// The name of its group.
    pub group: String,
    /// What it was called.
    pub name: String,
    /// What it added to the price of one piece.
    pub price: Money,
}

/// What was chosen does not fit the product.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OptionError {
    /// Too few or too many of a group.
    #[error("from `{group}` choose {min} to {max}; these are {n}")]
    Count {
        /// The name of the group.
        group: String,
        /// Fewest.
        min: u32,
        /// Most.
        max: u32,
        /// How many were chosen.
        n: usize,
    },
    /// It is not one of the product's, or not any more.
    #[error("the product has no option {option_id}")]
    Unknown {
        /// Which option.
        option_id: OptionId,
    },
    /// It cannot be had now.
    #[error("`{name}` cannot be had now")]
    Unavailable {
        /// Which option.
        option_id: OptionId,
        /// What it is called.
        name: String,
    },
    /// It was chosen twice.
    #[error("option {option_id} is chosen twice")]
    Twice {
        /// Which option.
        option_id: OptionId,
    },
    /// The groups themselves are not acceptable.
    #[error("{what}")]
    Groups {
        /// What is allowed, as a sentence.
        what: &'static str,
    },
}

/// Checks groups that a merchant wants to offer.
///
/// # Errors
///
/// [`OptionError::Groups`] if there are too many, or a group asks for what nobody can choose.
pub fn check_groups(groups: &[OptionGroup]) -> Result<(), OptionError> {
    let must = |holds: bool, what| if holds { Ok(()) } else { Err(OptionError::Groups { what }) };
    must(groups.len() <= GROUPS_MAX, "a product has at most 20 groups of options")?;
    for group in groups {
        let (n, max) = (group.options.len(), group.max as usize);
        must((1..=OPTIONS_MAX).contains(&n), "a group has 1 to 50 options")?;
        must(group.min <= group.max && group.max > 0, "a group has min <= max, and max from 1")?;
        must(max <= n, "a group cannot ask for more options than it has")?;
    }
    let ids: Vec<_> = groups.iter().flat_map(|it| it.options.iter().map(|it| it.id)).collect();
    let is_once = |at: usize| !ids[..at].contains(&ids[at]);
    must((0..ids.len()).all(is_once), "an option is listed once")?;
    let fewest: u32 = groups.iter().fold(0, |sum, it| sum.saturating_add(it.min));
    must(fewest as usize <= CHOSEN_MAX, "at most 24 options are asked for at once")
}

/// Finds what was chosen and checks that it fits.
///
/// # Errors
///
/// [`OptionError`] says what does not fit.
pub fn choose(groups: &[OptionGroup], chosen: &[OptionId]) -> Result<Vec<Chosen>, OptionError> {
    for (at, option_id) in chosen.iter().copied().enumerate() {
        if chosen[..at].contains(&option_id) {
            return Err(OptionError::Twice { option_id });
        }
        let found = groups.iter().flat_map(|it| &it.options).find(|it| it.id == option_id);
        let option = found.ok_or(OptionError::Unknown { option_id })?;
        if !option.is_available {
            return Err(OptionError::Unavailable { option_id, name: option.name.clone() });
        }
    }
    let mut found = Vec::with_capacity(chosen.len());
    for group in groups {
        let taken: Vec<_> = group.options.iter().filter(|it| chosen.contains(&it.id)).collect();
        let (n, min, max) = (taken.len(), group.min, group.max);
        if n < min as usize || n > max as usize {
            return Err(OptionError::Count { group: group.name.clone(), min, max, n });
        }
        found.extend(taken.into_iter().map(|it| Chosen {
            id: it.id,
            group: group.name.clone(),
            name: it.name.clone(),
            price: it.price,
        }));
    }
    Ok(found)
}

/// What one piece costs with what was chosen.
///
/// # Errors
///
/// [`MoneyError`] if currencies differ or the sum does not fit.
pub fn unit_price(plain: Money, chosen: &[Chosen]) -> Result<Money, MoneyError> {
    chosen.iter().try_fold(plain, |sum, it| sum.checked_add(it.price))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::Currency;

    fn cny(minor: i64) -> Money {
        Money::from_minor(minor, Currency::Cny)
    }

    fn group(min: u32, max: u32, prices: &[i64]) -> OptionGroup {
        let option = |(at, minor): (usize, &i64)| ProductOption {
            id: OptionId::generate(),
            name: format!("option {at}"),
            price: cny(*minor),
            is_available: true,
        };
        let options = prices.iter().enumerate().map(option).collect();
        OptionGroup { id: OptionGroupId::generate(), name: "size".to_owned(), min, max, options }
    }

    #[test]
    fn a_choice_has_as_many_of_each_group_as_the_group_asks_for() {
        let groups = [group(1, 1, &[0, 300]), group(0, 2, &[100, 200, 400])];
        let id = |group: usize, option: usize| groups[group].options[option].id;
        let chosen = choose(&groups, &[id(1, 2), id(0, 1)]).expect("it fits");
        assert_eq!(unit_price(cny(1_000), &chosen), Ok(cny(1_700)));
        let names: Vec<_> = chosen.iter().map(|it| it.name.as_str()).collect();
        assert_eq!(names, ["option 1", "option 2"], "in the order of the menu");
        for (wrong, n) in [(vec![], 0), (vec![id(0, 0), id(0, 1)], 2)] {
            let refused = choose(&groups, &wrong);
            assert!(matches!(refused, Err(OptionError::Count { n: it, .. }) if it == n));
        }
        let many = [id(0, 0), id(1, 0), id(1, 1), id(1, 2)];
        assert!(matches!(choose(&groups, &many), Err(OptionError::Count { max: 2, n: 3, .. })));
        let twice = choose(&groups, &[id(0, 0), id(0, 0)]);
        assert_eq!(twice, Err(OptionError::Twice { option_id: id(0, 0) }));
    }

    #[test]
    fn what_is_gone_or_not_to_be_had_is_refused_by_name() {
        let mut groups = [group(0, 1, &[0, 300])];
        let option_id = OptionId::generate();
        assert_eq!(choose(&groups, &[option_id]), Err(OptionError::Unknown { option_id }));
        groups[0].options[1].is_available = false;
        let gone = groups[0].options[1].clone();
        let refused = OptionError::Unavailable { option_id: gone.id, name: gone.name };
        assert_eq!(choose(&groups, &[gone.id]), Err(refused));
    }

    #[test]
    fn a_group_asks_for_nothing_impossible() {
        assert_eq!(check_groups(&[group(0, 1, &[0]), group(2, 2, &[0, 0])]), Ok(()));
        for wrong in [group(2, 1, &[0, 0]), group(0, 0, &[0]), group(1, 2, &[0]), group(0, 1, &[])]
        {
            assert!(check_groups(&[wrong]).is_err());
        }
        let twice = group(0, 1, &[0]);
        assert!(check_groups(&[twice.clone(), twice]).is_err());
    }
}
