//! Texts that people type, checked once at the edge: names, addresses, notes, messages.

/// The text is not acceptable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// Nothing but white space.
    #[error("{what} needs some text")]
    Blank {
        /// What the text was for.
        what: &'static str,
    },
    /// Too many characters.
    #[error("{what} has at most {max} characters; this one has {chars}")]
    TooLong {
        /// What the text was for.
        what: &'static str,
        /// The limit.
        max: usize,
        /// Length of the text that was refused.
        chars: usize,
    },
    /// Too few characters.
    #[error("{what} has at least {min} characters; this one has {chars}")]
    TooShort {
        /// What the text was for.
        what: &'static str,
        /// The limit.
        min: usize,
        /// Length of the text that was refused.
        chars: usize,
    },
    /// A character that cannot be part of it.
    #[error("{what} cannot hold the character {found:?}")]
    Character {
        /// What the text was for.
        what: &'static str,
        /// The character.
        found: char,
    },
}

/// Declares a text type. `lines` allows line breaks, `line` does not.
macro_rules! checked_text {
    ($(#[$meta:meta])* $name:ident, $what:literal, $max:expr, $kind:ident) => {
        $(#[$meta])*
        #[derive(Clone, PartialEq, Eq, Hash)]
        pub struct $name(String);

        impl $name {
            /// Most characters (not bytes).
            pub const CHARS_MAX: usize = $max;

            /// Trims and checks raw input.
            ///
            /// # Errors
            ///
            /// [`TextError`] says which limit was broken.
            pub fn parse(raw: &str) -> Result<Self, TextError> {
                let text = raw.trim();
                if text.chars().all(is_invisible) {
                    return Err(TextError::Blank { what: $what });
                }
                let chars = text.chars().count();
                if chars > Self::CHARS_MAX {
                    return Err(TextError::TooLong { what: $what, max: Self::CHARS_MAX, chars });
                }
                match text.chars().find(|it| checked_text!(@refused $kind, *it)) {
                    Some(found) => Err(TextError::Character { what: $what, found }),
                    None => Ok(Self(text.to_owned())),
                }
            }

            /// The checked text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        /// Never shows the text: it may be personal, and debug output ends up in logs.
        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, concat!(stringify!($name), "({} characters)"), self.0.chars().count())
            }
        }
    };
    (@refused line, $it:expr) => { $it.is_control() || turns_text_round($it) };
    (@refused lines, $it:expr) => {
        $it.is_control() && !matches!($it, '\n' | '\r' | '\t') || turns_text_round($it)
    };
}

/// White space, and characters that show nothing by themselves.
fn is_invisible(it: char) -> bool {
    it.is_whitespace()
        || matches!(it,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}' | '\u{ffa0}' | '\u{e0000}'..='\u{e0fff}')
}

/// Overrides of the direction of writing, which make a text read as another one.
const fn turns_text_round(it: char) -> bool {
    matches!(it, '\u{202d}' | '\u{202e}')
}

checked_text!(
    /// What a store is called.
    StoreName, "the name of a store", 80, line
);
checked_text!(
    /// What a product is called.
    ProductName, "the name of a product", 120, line
);
checked_text!(
    /// What a product is.
    Description, "a description", 2_000, lines
);
checked_text!(
    /// What a person is called.
    PersonName, "a name", 80, line
);
checked_text!(
    /// Where somebody lives or a store is, as people write it.
    Address, "an address", 300, lines
);
checked_text!(
    /// What a customer asks the store or the rider for.
    Note, "a note", 500, lines
);
checked_text!(
    /// What an option of a product, or a group of them, is called.
    OptionName, "the name of an option", 80, line
);
checked_text!(
    /// A chat message.
    MessageText, "a message", 4_096, lines
);
checked_text!(
    /// What a file is called.
    FileName, "the name of a file", 120, line
);
checked_text!(
    /// What somebody calls a place that they share.
    PlaceLabel, "the label of a place", 120, line
);

/// What somebody signs in with: lower case letters, digits and `.`, `_`, `-`, `+`, `@`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Login(String);

impl Login {
    /// Fewest characters.
    pub const CHARS_MIN: usize = 3;
    /// Most characters.
    pub const CHARS_MAX: usize = 120;

    /// Trims, lowers and checks raw input.
    ///
    /// # Errors
    ///
    /// [`TextError`] says which limit was broken.
    pub fn parse(raw: &str) -> Result<Self, TextError> {
        const WHAT: &str = "a login";
        let text = raw.trim().to_lowercase();
        let chars = text.chars().count();
        if chars < Self::CHARS_MIN {
            return Err(TextError::TooShort { what: WHAT, min: Self::CHARS_MIN, chars });
        }
        if chars > Self::CHARS_MAX {
            return Err(TextError::TooLong { what: WHAT, max: Self::CHARS_MAX, chars });
        }
        let is_fine = |it: &char| {
            it.is_ascii_lowercase()
                || it.is_ascii_digit()
                || matches!(it, '.' | '_' | '-' | '+' | '@')
        };
        match text.chars().find(|it| !is_fine(it)) {
            Some(found) => Err(TextError::Character { what: WHAT, found }),
            None => Ok(Self(text)),
        }
    }

    /// The checked text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Where somebody can be called: digits, maybe with a plus before them; spaces, dashes, dots and
/// brackets are left out.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Phone(String);

impl Phone {
    /// Fewest digits.
    pub const DIGITS_MIN: usize = 5;
    /// Most digits.
    pub const DIGITS_MAX: usize = 20;

    /// Reads a number as people write it.
    ///
    /// # Errors
    ///
    /// [`TextError`] says which limit was broken.
    pub fn parse(raw: &str) -> Result<Self, TextError> {
        const WHAT: &str = "a phone number";
        let is_between = |it: &char| matches!(it, ' ' | '-' | '.' | '(' | ')' | '/');
        let text: String = raw.trim().chars().filter(|it| !is_between(it)).collect();
        let digits = text.strip_prefix('+').unwrap_or(&text);
        if let Some(found) = digits.chars().find(|it| !it.is_ascii_digit()) {
            return Err(TextError::Character { what: WHAT, found });
        }
        let chars = digits.len();
        if chars < Self::DIGITS_MIN {
            return Err(TextError::TooShort { what: WHAT, min: Self::DIGITS_MIN, chars });
        }
        if chars > Self::DIGITS_MAX {
            return Err(TextError::TooLong { what: WHAT, max: Self::DIGITS_MAX, chars });
        }
        Ok(Self(text))
    }

    /// The digits, maybe with a plus before them.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Never shows the number: it is personal, and debug output ends up in logs.
impl std::fmt::Debug for Phone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Phone({} characters)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phone_numbers_are_read_as_people_write_them() {
        let read = |raw: &str| Phone::parse(raw).map(|it| it.as_str().to_owned());
        assert_eq!(read(" +86 138-0013 8000 "), Ok("+8613800138000".to_owned()));
        assert_eq!(read("(030) 901820"), Ok("030901820".to_owned()));
        for bad in ["", "+", "12 34", "call me", "+86+138", &"1".repeat(21)] {
            assert!(Phone::parse(bad).is_err(), "{bad}");
        }
        assert!(!format!("{:?}", Phone::parse("138000138000")).contains("138"));
    }

    #[test]
    fn a_message_is_counted_in_characters() {
        let longest = "é".repeat(MessageText::CHARS_MAX);
        assert_eq!(MessageText::parse(&longest).map(|it| it.as_str().len()), Ok(8_192));
        let refused = MessageText::parse(&"é".repeat(4_097));
        let expected = TextError::TooLong { what: "a message", max: 4_096, chars: 4_097 };
        assert_eq!(refused, Err(expected));
    }

    #[test]
    fn white_space_is_not_a_name() {
        for nothing in [" \n\t", "\u{200b}\u{200d}", "\u{3164}", "\u{2800} \u{feff}"] {
            let refused = StoreName::parse(nothing);
            assert!(matches!(refused, Err(TextError::Blank { .. })), "{nothing:?}");
        }
        // Joined emoji and marks inside a name are part of it.
        assert!(StoreName::parse("👩\u{200d}🍳 Küche\u{fe0f}").is_ok());
    }

    #[test]
    fn a_text_reads_as_it_is_written() {
        let turned = PersonName::parse("Ann \u{202e}rotarepo");
        assert!(matches!(turned, Err(TextError::Character { found: '\u{202e}', .. })));
    }

    #[test]
    fn names_are_one_line_and_notes_may_be_several() {
        assert!(matches!(StoreName::parse("a\nb"), Err(TextError::Character { .. })));
        assert!(Note::parse("ring twice\nthen wait").is_ok());
        assert!(matches!(Note::parse("a\u{0}b"), Err(TextError::Character { .. })));
    }

    #[test]
    fn debug_output_hides_what_people_wrote() {
        let text = format!("{:?}", Address::parse("Secret street 1"));
        assert!(!text.contains("Secret"), "{text}");
    }

    #[test]
    fn logins_are_compared_without_case() {
        assert_eq!(Login::parse(" Ann@Example.org "), Login::parse("ann@example.org"));
        for bad in ["ab", "with space", "日本語", &"x".repeat(121)] {
            assert!(Login::parse(bad).is_err(), "{bad}");
        }
    }
}
