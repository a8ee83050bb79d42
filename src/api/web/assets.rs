//! What pages need besides themselves: how they look, and a little script.

use crate::api::answer::Answer;
use crate::api::house::House;
use crate::api::problem::Problem;
use crate::api::query::Asked;

/// `GET /assets/style.css`.
pub fn style(house: &House, _asked: &Asked) -> Result<Answer, Problem> {
    Ok(file(
        house,
        include_str!("style.css"),
        "text/css; charset=utf-8",
    ))
}

/// `GET /assets/live.js`.
pub fn script(house: &House, _asked: &Asked) -> Result<Answer, Problem> {
    Ok(file(
        house,
        include_str!("live.js"),
        "text/javascript; charset=utf-8",
    ))
}

/// `GET /assets/icon.svg`.
pub fn icon(house: &House, _asked: &Asked) -> Result<Answer, Problem> {
    Ok(file(house, include_str!("icon.svg"), "image/svg+xml"))
}

fn file(house: &House, text: &str, content: &'static str) -> Answer {
    Answer {
        body: text.as_bytes().to_vec(),
        content,
        position: house.head(),
    }
}
