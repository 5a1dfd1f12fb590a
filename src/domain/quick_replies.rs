//! What people at an order say again and again, ready to be sent with one tap.

use crate::{role::Role, text_enum::text_enum};

text_enum! {
    /// A language that we have texts in.
    pub enum Language {
        /// Chinese, in simplified characters.
        Zh => "zh",
        /// English.
        En => "en",
    }
}

impl Language {
    /// Reads a language tag such as `zh-CN` or `en_GB`; `None` for languages that we lack.
    pub fn from_tag(tag: &str) -> Option<Self> {
        let primary = tag.trim().split(['-', '_']).next().unwrap_or_default();
        Self::from_text(&primary.to_ascii_lowercase())
    }
}

/// A text that is ready to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuickReply {
    /// Its stable name, the same in all languages.
    pub id: &'static str,
    zh: &'static str,
    en: &'static str,
}

impl QuickReply {
    /// The text.
    pub const fn text(&self, language: Language) -> &'static str {
        match language {
            Language::Zh => self.zh,
            Language::En => self.en,
        }
    }
}

const fn reply(id: &'static str, zh: &'static str, en: &'static str) -> QuickReply {
    QuickReply { id, zh, en }
}

const OF_CUSTOMER: [QuickReply; 6] = [
    reply("leave_at_door", "请放在门口，谢谢", "Please leave it at the door, thank you."),
    reply("call_on_arrival", "到了请给我打电话", "Please call me when you arrive."),
    reply("coming_down", "我马上下来取", "I am coming down to get it."),
    reply("no_hurry", "不着急，注意安全", "No hurry, ride safely."),
    reply("add_cutlery", "请帮我放一份餐具", "Please add cutlery."),
    reply("how_long", "请问还要多久？", "How much longer will it take?"),
];

const OF_MERCHANT: [QuickReply; 6] = [
    reply("preparing", "正在制作，请稍等", "We are preparing it, just a moment."),
    reply("nearly_ready", "快做好了，大约五分钟", "Nearly done, about five minutes."),
    reply("ready", "餐已备好，可以取餐", "It is ready to be picked up."),
    reply("busy", "现在订单较多，会晚一些", "We are busy now; it will take a little longer."),
    reply("sold_out", "有一样卖完了，可以换一个吗？", "One item is sold out. May we replace it?"),
    reply("noted", "好的，已备注", "Noted, thank you."),
];

const OF_RIDER: [QuickReply; 6] = [
    reply("on_my_way", "我在去取餐的路上", "I am on my way to the store."),
    reply("waiting", "我到店了，正在等餐", "I am at the store, waiting for the order."),
    reply("picked_up", "已取餐，正在送来", "I have it and am on my way to you."),
    reply(
        "nearly_there",
        "我快到了，请留意电话",
        "I am nearly there; please keep your phone near.",
    ),
    reply("arrived", "我到了，请取餐", "I am at your door."),
    reply("left_at_door", "已放在门口，祝您用餐愉快", "I left it at the door. Enjoy your meal."),
];

const OF_OPERATOR: [QuickReply; 3] = [
    reply("looking_into_it", "我们正在处理，请稍候", "We are looking into it, one moment please."),
    reply("sorry", "给您带来不便，非常抱歉", "We are sorry for the trouble."),
    reply("solved", "问题已解决，感谢您的耐心", "It is solved. Thank you for your patience."),
];

/// What somebody in `role` is offered.
pub const fn quick_replies(role: Role) -> &'static [QuickReply] {
    match role {
        Role::Customer => &OF_CUSTOMER,
        Role::Merchant => &OF_MERCHANT,
        Role::Rider => &OF_RIDER,
        Role::Operator => &OF_OPERATOR,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::checked_text::MessageText;

    #[test]
    fn every_role_is_offered_messages_in_every_language() {
        for role in Role::ALL {
            let replies = quick_replies(*role);
            let names: HashSet<_> = replies.iter().map(|it| it.id).collect();
            assert_eq!(names.len(), replies.len(), "{role}: names are unique");
            for (reply, language) in
                replies.iter().flat_map(|it| Language::ALL.iter().map(move |lang| (it, *lang)))
            {
                assert!(MessageText::parse(reply.text(language)).is_ok(), "{role} {}", reply.id);
            }
        }
    }

    #[test]
    fn a_language_is_known_by_its_first_part() {
        for (tag, language) in [
            ("zh", Some(Language::Zh)),
            ("zh-Hans-CN", Some(Language::Zh)),
            ("en_GB", Some(Language::En)),
            ("EN", Some(Language::En)),
            ("fr", None),
            ("", None),
        ] {
            assert_eq!(Language::from_tag(tag), language, "{tag}");
        }
    }
}
