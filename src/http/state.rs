//! What every handler is given.

use std::sync::Arc;

use domain::role::Profile;
use usecases::{audit::AuditLog, platform::Platform};

use super::guard::Guard;

/// What is served besides the API itself.
#[derive(Debug, Clone, Copy, Default)]
pub struct Doors {
    /// Whether the sandbox can be paid at. Never in production.
    pub sandbox: bool,
    /// The operator that visitors of a demo are signed in as.
    pub demo: Option<Profile>,
}

/// What every handler is given. Cheap to clone.
#[derive(Clone)]
pub struct HttpState {
    /// The environment of the use cases.
    pub platform: Platform,
    /// What is served besides the API itself.
    pub doors: Doors,
    /// How often one may ask.
    pub guard: Arc<Guard>,
    /// Who changed what.
    pub audit: Arc<AuditLog>,
}

impl HttpState {
    /// Puts it together, without limits.
    pub fn new(platform: Platform, doors: Doors) -> Self {
        Self { platform, doors, guard: Arc::default(), audit: Arc::default() }
    }

    /// The same with limits.
    #[must_use]
    pub fn guarded(self, guard: Guard) -> Self {
        Self { guard: Arc::new(guard), ..self }
    }

    /// The same with a log that others see as well.
    #[must_use]
    pub fn with_audit(self, audit: Arc<AuditLog>) -> Self {
        Self { audit, ..self }
    }
}
