//! Files beside the words of a chat: which ones, how large, and what they really are.

use std::time::Duration;

use crate::text_enum::text_enum;

/// Most bytes of one file.
pub const BYTES_MAX: u64 = 10 * 1_024 * 1_024;
/// Most bytes that are sent at once.
pub const CHUNK_BYTES_MAX: usize = 1_024 * 1_024;
/// Files that one party may send in one order's chat.
pub const PER_ORDER_MAX: usize = 50;
/// A file that no message carries this long after its upload began is removed.
pub const UPLOAD_WITHIN: Duration = Duration::from_secs(24 * 3_600);
/// So many bytes tell what a file is.
pub const SNIFF_BYTES: usize = 12;

text_enum! {
    /// What a file may be: pictures that no browser runs anything of.
    pub enum MediaType {
        /// JPEG.
        Jpeg => "image/jpeg",
        /// PNG.
        Png => "image/png",
        /// GIF.
        Gif => "image/gif",
        /// WebP.
        Webp => "image/webp",
    }
}

text_enum! {
    /// Where an attachment stands.
    pub enum AttachmentState {
        /// Its content is being sent.
        Open => "open",
        /// Its content is whole, and what it was said to be.
        Done => "done",
        /// Its content was not what it was said to be.
        Refused => "refused",
        /// It was taken back, or nobody used it; its content is about to be removed.
        Gone => "gone",
    }
}

impl MediaType {
    /// What the first [`SNIFF_BYTES`] bytes of a file say that it is.
    pub fn sniff(start: &[u8]) -> Option<Self> {
        let riff = start.starts_with(b"RIFF") && start.get(8..12) == Some(b"WEBP");
        let signatures: [(bool, Self); 5] = [
            (start.starts_with(b"\xff\xd8\xff"), Self::Jpeg),
            (start.starts_with(b"\x89PNG\r\n\x1a\n"), Self::Png),
            (start.starts_with(b"GIF87a"), Self::Gif),
            (start.starts_with(b"GIF89a"), Self::Gif),
            (riff, Self::Webp),
        ];
        signatures.into_iter().find_map(|(fits, media_type)| fits.then_some(media_type))
    }
}

/// The SHA-256 of a file's content, in 64 lower case hex digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checksum(String);

/// The text is not a checksum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a checksum is the SHA-256 of the whole file in 64 hex digits")]
pub struct ParseChecksumError;

impl Checksum {
    /// Reads hex digits of either case.
    ///
    /// # Errors
    ///
    /// [`ParseChecksumError`] for anything else.
    pub fn parse(text: &str) -> Result<Self, ParseChecksumError> {
        let is_hex = text.len() == 64 && text.bytes().all(|it| it.is_ascii_hexdigit());
        if is_hex { Ok(Self(text.to_ascii_lowercase())) } else { Err(ParseChecksumError) }
    }

    /// The checksum of what was hashed.
    pub fn of_hash(hash: &[u8]) -> Self {
        Self(hash.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// The hex digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What somebody says about a file before sending it does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ContentRefusal {
    /// It is not the file that was announced.
    #[error("the checksum of what arrived is not the one that was announced")]
    Checksum,
    /// It is something else than was announced.
    #[error("the content is not {announced}, as was announced")]
    MediaType {
        /// What was announced.
        announced: MediaType,
    },
}

/// Whether the first bytes of a file are of the announced type.
///
/// # Errors
///
/// [`ContentRefusal::MediaType`] if they are not.
pub fn check_start(start: &[u8], announced: MediaType) -> Result<(), ContentRefusal> {
    match MediaType::sniff(start) {
        Some(found) if found == announced => Ok(()),
        _ => Err(ContentRefusal::MediaType { announced }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_what_its_first_bytes_say() {
        for (start, found) in [
            (&b"\xff\xd8\xff\xe0\0\x10JFIF\0\x01"[..], Some(MediaType::Jpeg)),
            (b"\x89PNG\r\n\x1a\n\0\0\0\r", Some(MediaType::Png)),
            (b"GIF89a\x01\0\x01\0\0\0", Some(MediaType::Gif)),
            (b"GIF87a\x01\0\x01\0\0\0", Some(MediaType::Gif)),
            (b"RIFF\x24\0\0\0WEBP", Some(MediaType::Webp)),
            (b"RIFF\x24\0\0\0WAVE", None),
            (b"RIFF", None),
            (b"<svg xmlns=\"", None),
            (b"<!DOCTYPE htm", None),
            (b"GIF90a", None),
            (b"\x89PNG", None),
            (b"", None),
        ] {
            assert_eq!(MediaType::sniff(start), found, "{start:?}");
        }
        let lie = check_start(b"GIF89a", MediaType::Png);
        assert_eq!(lie, Err(ContentRefusal::MediaType { announced: MediaType::Png }));
        assert_eq!(check_start(b"GIF89a", MediaType::Gif), Ok(()));
    }

    #[test]
    fn a_checksum_has_one_spelling() {
        let upper = Checksum::parse(&"AB".repeat(32));
        assert_eq!(upper, Ok(Checksum::of_hash(&[0xab; 32])));
        for bad in ["", "ab", &"g".repeat(64), &"a".repeat(65)] {
            assert_eq!(Checksum::parse(bad), Err(ParseChecksumError), "{bad}");
        }
    }
}
