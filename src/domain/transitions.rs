//! What all state machines share: each is a table of (state, event, next state).

/// The state after `event`; `None` if the table has no row for the pair.
pub(crate) fn next<S: Copy + PartialEq, E: PartialEq>(
    table: &[(S, E, S)],
    from: S,
    event: &E,
) -> Option<S> {
    table.iter().find(|row| row.0 == from && row.1 == *event).map(|row| row.2)
}

/// Whether no event leads out of `state`.
pub(crate) fn is_terminal<S: PartialEq, E>(table: &[(S, E, S)], state: &S) -> bool {
    table.iter().all(|(from, ..)| from != state)
}

/// Checks the shape of a table: no pair has two outcomes, every state can be reached from `start`,
/// and every event is used.
#[cfg(test)]
pub(crate) fn assert_sound<S, E>(table: &[(S, E, S)], states: &[S], events: &[E], start: S)
where
    S: Copy + Eq + std::hash::Hash + std::fmt::Debug,
    E: Copy + Eq + std::hash::Hash + std::fmt::Debug,
{
    use std::collections::HashSet;

    let pairs: HashSet<_> = table.iter().map(|(from, on, _)| (from, on)).collect();
    assert_eq!(pairs.len(), table.len(), "a pair has two outcomes");

    let mut seen = HashSet::from([start]);
    while let Some((.., to)) =
        table.iter().find(|(from, _, to)| seen.contains(from) && !seen.contains(to))
    {
        seen.insert(*to);
    }
    for state in states {
        assert!(seen.contains(state), "{state:?} cannot be reached");
    }
    for event in events {
        assert!(table.iter().any(|(_, on, _)| on == event), "{event:?} leads nowhere");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "two outcomes")]
    fn a_pair_with_two_outcomes_is_found() {
        assert_sound(&[(1, 'a', 2), (1, 'a', 3)], &[1, 2, 3], &['a'], 1);
    }

    #[test]
    #[should_panic(expected = "cannot be reached")]
    fn an_island_is_found() {
        assert_sound(&[(1, 'a', 2), (3, 'a', 2)], &[1, 2, 3], &['a'], 1);
    }

    #[test]
    #[should_panic(expected = "leads nowhere")]
    fn an_idle_event_is_found() {
        assert_sound(&[(1, 'a', 2)], &[1, 2], &['a', 'b'], 1);
    }
}
