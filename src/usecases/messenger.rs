//! How a code reaches a person: the trait; the ways out are with the program.

use std::{fmt, future::Future, pin::Pin};

use domain::contact::{CodePurpose, Contact};

/// A code on its way to somebody.
#[derive(Clone)]
pub struct CodeMessage {
    /// Where it goes.
    pub to: Contact,
    /// What it is for.
    pub purpose: CodePurpose,
    /// The code itself.
    pub code: String,
    /// For how many minutes it is good.
    pub minutes: u64,
}

/// Never shows the code or whose it is.
impl fmt::Debug for CodeMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CodeMessage({})", self.purpose)
    }
}

impl CodeMessage {
    /// What the message says.
    pub fn text(&self) -> String {
        let what = match self.purpose {
            CodePurpose::SignIn => "sign in",
            CodePurpose::Reset => "choose a new password",
            CodePurpose::Verify => "confirm that this is yours",
        };
        let Self { code, minutes, .. } = self;
        format!(
            "{code} is your RiderHub code to {what}. It is good for {minutes} minutes. Give it to \
             nobody; if you did not ask for it, do nothing."
        )
    }
}

/// What `send` returns.
pub type Sending<'a> = Pin<Box<dyn Future<Output = Result<(), String>> + Send + 'a>>;

/// A way out for codes: SMS, mail, or a log.
pub trait Messenger: Send + Sync {
    /// Sends a message; the error says why it was not taken over, without naming whose it is.
    fn send<'a>(&'a self, message: &'a CodeMessage) -> Sending<'a>;
}

/// Sends nothing: for commands without people.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoMessenger;

impl Messenger for NoMessenger {
    fn send<'a>(&'a self, _: &'a CodeMessage) -> Sending<'a> {
        Box::pin(async { Err("codes are not sent from here".to_owned()) })
    }
}
