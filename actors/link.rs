//! How this node stands with the others: working, cut off, or back and catching up. Plain data.
//!
//! A link that is back is not good yet: what was missed has to be found and delivered first. Only
//! then are clients told, once for each change.

/// See the file's head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LinkState {
    phase: Phase,
    /// Counts returns, so that an audit of an earlier one says nothing about a later one.
    n_returns: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Working,
    Lost,
    CatchingUp,
}

/// Which return an audit belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Return(u64);

impl Default for LinkState {
    /// Nobody has said that the link is lost.
    fn default() -> Self {
        Self { phase: Phase::Working, n_returns: 0 }
    }
}

impl LinkState {
    /// Nothing comes from other nodes, or not everything.
    pub const fn lost(&mut self) {
        self.phase = Phase::Lost;
    }

    /// The link works again. Nothing changes if it was not lost.
    pub const fn back(&mut self) {
        if self.is_degraded() {
            self.phase = Phase::CatchingUp;
            self.n_returns += 1;
        }
    }

    /// The return after which every channel has to be compared with the journal now.
    pub const fn to_audit(&self) -> Option<Return> {
        match self.phase {
            Phase::CatchingUp => Some(Return(self.n_returns)),
            Phase::Working | Phase::Lost => None,
        }
    }

    /// Every channel has what the journal had after that return.
    pub const fn audited(&mut self, of: Return) {
        if matches!(self.phase, Phase::CatchingUp) && of.0 == self.n_returns {
            self.phase = Phase::Working;
        }
    }

    /// Whether entries of other nodes may be late.
    pub const fn is_degraded(&self) -> bool {
        !matches!(self.phase, Phase::Working)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_good_only_after_the_audit_of_its_last_return() {
        let mut link = LinkState::default();
        link.back();
        assert!(!link.is_degraded(), "it was not lost");
        link.lost();
        assert!(link.is_degraded());
        assert_eq!(link.to_audit(), None);
        link.back();
        let first = link.to_audit().expect("there is something to compare");
        assert!(link.is_degraded(), "not before it is compared");
        link.lost();
        link.back();
        link.audited(first);
        assert!(link.is_degraded(), "that was before it was lost again");
        let second = link.to_audit().expect("there is something to compare");
        link.audited(second);
        assert!(!link.is_degraded());
        assert_eq!(link.to_audit(), None);
        link.lost();
        link.audited(second);
        assert!(link.is_degraded());
    }
}
