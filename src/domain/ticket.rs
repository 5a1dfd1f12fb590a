//! The slip that a kitchen prints: lines of a fixed width, and the bytes that receipt printers read.

use crate::money::Money;

/// Columns of a narrow printer (58 mm paper).
pub const NARROW: usize = 32;
/// Columns of a wide printer (80 mm paper).
pub const WIDE: usize = 48;

/// What is printed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ticket {
    /// What the store is called.
    pub store: String,
    /// By which people call the order.
    pub number: String,
    /// When it was placed, in the store's time.
    pub placed: String,
    /// For when it was ordered, in the store's time; `None` for as soon as possible.
    pub wanted: Option<String>,
    /// What was ordered.
    pub lines: Vec<TicketLine>,
    /// Parts of the price with their names; nothing is left out.
    pub parts: Vec<(&'static str, Money)>,
    /// What was charged.
    pub total: Money,
    /// For how many people cutlery is wanted.
    pub cutlery: Option<u32>,
    /// What the customer asked for.
    pub note: Option<String>,
    /// Whom to ask for, and where to call.
    pub contact: Option<String>,
    /// Where it goes.
    pub address: String,
}

/// One line of a ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TicketLine {
    /// How many pieces, of those that were not sold out.
    pub quantity: u32,
    /// What it is called.
    pub name: String,
    /// What was chosen with it.
    pub options: Vec<String>,
    /// What all pieces cost.
    pub total: Money,
}

/// A line of the slip and how it looks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Printed {
    /// What it says.
    pub text: String,
    /// Whether it is printed twice as large.
    pub is_large: bool,
}

impl Ticket {
    /// The slip, at most `columns` wide.
    pub fn print(&self, columns: usize) -> Vec<Printed> {
        let mut slip = Slip { columns, lines: Vec::new() };
        slip.large(&self.number);
        slip.text(&self.store);
        slip.text(&format!("Placed {}", self.placed));
        if let Some(wanted) = &self.wanted {
            slip.large(&format!("FOR {wanted}"));
        }
        slip.rule();
        for line in &self.lines {
            slip.row(&format!("{} x {}", line.quantity, line.name), &amount(line.total));
            for option in &line.options {
                slip.text(&format!("  + {option}"));
            }
        }
        slip.rule();
        for (name, part) in &self.parts {
            slip.row(name, &amount(*part));
        }
        slip.row("TOTAL", &self.total.to_string());
        slip.rule();
        if let Some(people) = self.cutlery {
            slip.text(&format!("Cutlery for {people}"));
        }
        if let Some(note) = &self.note {
            slip.large("Note");
            slip.text(note);
        }
        if let Some(contact) = &self.contact {
            slip.text(contact);
        }
        slip.text(&self.address);
        slip.lines
    }

    /// The slip as plain text.
    pub fn text(&self, columns: usize) -> String {
        let mut text = String::new();
        for line in self.print(columns) {
            text.push_str(&line.text);
            text.push('\n');
        }
        text
    }

    /// The slip as ESC/POS: initialised, with large lines, and cut off at the end. `encode` turns text
    /// into what the printer reads; line breaks are added here.
    pub fn esc_pos(&self, columns: usize, encode: impl Fn(&str) -> Vec<u8>) -> Vec<u8> {
        let mut bytes = b"\x1b@".to_vec();
        for line in self.print(columns) {
            // GS ! 0x11 is twice as wide and high, GS ! 0x00 is as usual.
            bytes.extend([0x1d, b'!', if line.is_large { 0x11 } else { 0x00 }]);
            bytes.extend(encode(&line.text));
            bytes.push(b'\n');
        }
        // Four lines of paper, so that the cut is below the text, then a partial cut.
        bytes.extend(b"\x1d!\x00\x1bd\x04\x1dV\x01");
        bytes
    }
}

/// An amount without its currency, which the total names.
fn amount(it: Money) -> String {
    let text = it.to_string();
    text.split(' ').next().unwrap_or_default().to_owned()
}

struct Slip {
    columns: usize,
    lines: Vec<Printed>,
}

impl Slip {
    fn text(&mut self, text: &str) {
        let columns = self.columns;
        self.lines.extend(wrap(text, columns).map(|text| Printed { text, is_large: false }));
    }

    fn large(&mut self, text: &str) {
        let columns = self.columns / 2;
        self.lines.extend(wrap(text, columns).map(|text| Printed { text, is_large: true }));
    }

    fn rule(&mut self) {
        self.text(&"-".repeat(self.columns));
    }

    /// A name on the left and an amount on the right; a long name takes several lines.
    fn row(&mut self, name: &str, amount: &str) {
        let room = self.columns.saturating_sub(width(amount) + 1).max(8);
        let mut left: Vec<_> = wrap(name, room).collect();
        let last = left.pop().unwrap_or_default();
        for line in left {
            self.lines.push(Printed { text: line, is_large: false });
        }
        let gap = self.columns.saturating_sub(width(&last) + width(amount)).max(1);
        let text = format!("{last}{}{amount}", " ".repeat(gap));
        self.lines.push(Printed { text, is_large: false });
    }
}

/// Cuts a text into lines of at most `columns`, at spaces if there are any.
fn wrap(text: &str, columns: usize) -> impl Iterator<Item = String> {
    let mut lines = Vec::new();
    for paragraph in text.lines() {
        let mut line = String::new();
        for word in paragraph.split_inclusive(' ') {
            if width(&line) + width(word.trim_end()) > columns && !line.is_empty() {
                lines.push(std::mem::take(&mut line).trim_end().to_owned());
            }
            for it in word.chars().filter(|it| !it.is_control()) {
                if width(&line) + char_width(it) > columns && it != ' ' {
                    lines.push(std::mem::take(&mut line));
                }
                line.push(it);
            }
        }
        lines.push(line.trim_end().to_owned());
    }
    lines.into_iter()
}

/// How many columns a text takes on paper.
pub fn width(text: &str) -> usize {
    text.chars().map(char_width).sum()
}

/// Chinese, Japanese and Korean characters are two columns wide.
const fn char_width(it: char) -> usize {
    match it as u32 {
        0x300..=0x36f | 0x200b..=0x200f | 0xfe00..=0xfe0f => 0,
        0x1100..=0x115f
        | 0x2e80..=0xa4cf
        | 0xac00..=0xd7a3
        | 0xf900..=0xfaff
        | 0xfe30..=0xfe4f
        | 0xff00..=0xff60
        | 0xffe0..=0xffe6
        | 0x1f300..=0x1faff
        | 0x20000..=0x3fffd => 2,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::money::Currency;

    fn ticket() -> Ticket {
        let cny = |minor| Money::from_minor(minor, Currency::Cny);
        let line = |name: &str, options: &[&str]| TicketLine {
            quantity: 2,
            name: name.to_owned(),
            options: options.iter().map(ToString::to_string).collect(),
            total: cny(3_700),
        };
        Ticket {
            store: "Noodle House".to_owned(),
            number: "#0042".to_owned(),
            placed: "2026-11-20 17:05".to_owned(),
            wanted: Some("2026-11-21 12:00".to_owned()),
            lines: vec![line(
                "兰州牛肉拉面 with a name that is far too long for one line",
                &["Large"],
            )],
            parts: vec![("Items", cny(3_700)), ("Delivery", cny(500))],
            total: cny(4_200),
            cutlery: Some(2),
            note: Some("No onions.\nRing twice.".to_owned()),
            contact: Some("Ann +8613800138000".to_owned()),
            address: "Long Street 7".to_owned(),
        }
    }

    #[test]
    fn a_ticket_says_all_and_keeps_to_its_width() {
        for columns in [NARROW, WIDE] {
            let text = ticket().text(columns);
            for line in text.lines() {
                assert!(width(line) <= columns, "{line:?} is wider than {columns}");
            }
            for said in [
                "#0042",
                "FOR 2026-11-21",
                "2 x 兰州",
                "+ Large",
                "4",
                "42.00 CNY",
                "Cutlery for 2",
                "No onions.",
                "Ring twice.",
                "Ann +8613800138000",
                "Long Street 7",
            ] {
                assert!(text.contains(said), "{said} is missing:\n{text}");
            }
            assert!(text.lines().any(|it| it.ends_with(" 37.00") && width(it) == columns));
        }
    }

    #[test]
    fn a_printer_is_set_up_first_and_cuts_last() {
        let bytes = ticket().esc_pos(NARROW, |text| text.as_bytes().to_vec());
        assert!(bytes.starts_with(b"\x1b@\x1d!\x11#0042\n\x1d!\x00Noodle House\n"));
        assert!(bytes.ends_with(b"Long Street 7\n\x1d!\x00\x1bd\x04\x1dV\x01"));
    }

    proptest! {
        #[test]
        fn nothing_is_wider_than_the_paper_and_no_letter_is_lost(
            text in "[a-z 面é]{0,200}", columns in 8_usize..60,
        ) {
            let lines: Vec<_> = wrap(&text, columns).collect();
            prop_assert!(lines.iter().all(|it| width(it) <= columns), "{:?}", lines);
            let letters = |it: &str| it.chars().filter(|it| *it != ' ').collect::<String>();
            prop_assert_eq!(letters(&lines.concat()), letters(&text));
        }
    }
}
