//! Enums with one stable text form, shared by the database and the wire.

/// Declares a field-less enum together with its text form and its full list.
#[macro_export]
macro_rules! text_enum {
    (
        $(#[$meta:meta])*
        pub enum $name:ident { $( $(#[doc = $doc:literal])* $variant:ident => $text:literal, )+ }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name { $( $(#[doc = $doc])* $variant, )+ }

        impl $name {
            /// Every variant, in declaration order.
            pub const ALL: &'static [Self] = &[ $( Self::$variant, )+ ];

            /// The stable text form.
            pub const fn as_str(self) -> &'static str {
                match self { $( Self::$variant => $text, )+ }
            }

            /// What its documentation says of it.
            pub const fn about(self) -> &'static str {
                let text = match self { $( Self::$variant => concat!($($doc),*), )+ };
                text.trim_ascii_start()
            }

            /// The text forms, in declaration order.
            pub fn names() -> Vec<&'static str> {
                Self::ALL.iter().map(|it| it.as_str()).collect()
            }

            /// Reads the text form back; `None` if it is not one of ours.
            pub fn from_text(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|it| it.as_str() == text)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}
pub use text_enum;
