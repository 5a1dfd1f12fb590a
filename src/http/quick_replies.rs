//! Texts that are ready to be sent, by role and language.

use actix_web::web::Query;
use domain::{
    quick_replies::{Language, quick_replies},
    role::Role,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    answer::Answer,
    extract::AnyProfile,
    problem::{Kind, Problem, ProblemView},
};

/// For whom, and in which language.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct QuickRepliesQuery {
    /// `customer`, `merchant`, `rider` or `operator`; left out for one's own role.
    pub role: Option<String>,
    /// A language tag such as `zh-CN`; English for languages that we lack.
    pub lang: Option<String>,
}

/// A text that is ready to be sent.
#[derive(Debug, Serialize, ToSchema)]
pub struct QuickReplyView {
    /// Its stable name, the same in all languages.
    pub id: &'static str,
    /// The text.
    pub text: &'static str,
}

/// Texts that are ready to be sent.
#[derive(Debug, Serialize, ToSchema)]
pub struct QuickRepliesView {
    /// For whom.
    pub role: &'static str,
    /// In which language: `zh` or `en`.
    pub lang: &'static str,
    /// The texts, in the order in which to show them.
    pub replies: Vec<QuickReplyView>,
}

/// Lists what people in a role say again and again.
#[utoipa::path(get, path = "/v1/quick-replies", operation_id = "list_quick_replies", tag = "chat",
    security(("bearer" = [])), params(QuickRepliesQuery),
    responses((status = 200, body = QuickRepliesView), (status = "4XX", body = ProblemView)))]
pub async fn list(
    AnyProfile(identity): AnyProfile,
    query: Query<QuickRepliesQuery>,
) -> Result<Answer<QuickRepliesView>, Problem> {
    let role = match &query.role {
        None => identity.profile.role(),
        Some(text) => Role::from_text(text).ok_or_else(|| {
            let known: Vec<_> = Role::ALL.iter().map(|it| it.as_str()).collect();
            Problem::new(Kind::BadInput, format!("A role is one of {}.", known.join(", ")))
        })?,
    };
    let language = query.lang.as_deref().and_then(Language::from_tag).unwrap_or(Language::En);
    let view = |it: &domain::quick_replies::QuickReply| QuickReplyView {
        id: it.id,
        text: it.text(language),
    };
    let replies = quick_replies(role).iter().map(view).collect();
    Ok(Answer::ok(QuickRepliesView { role: role.as_str(), lang: language.as_str(), replies }))
}
