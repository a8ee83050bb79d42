//! Configuration and timing: what the process says of itself.

use serde_json::Value;

use crate::api::answer::{Answer, cut};
use crate::api::house::House;
use crate::api::problem::Problem;
use crate::api::query::Asked;
use crate::projections::view::View;

/// Every setting in force with its origin.
pub fn config(house: &House, asked: &Asked) -> Result<Answer, Problem> {
    rows(house, asked, house.reads.surroundings.settings())
}

/// How long things take, agent by agent, and the deadlines that follow.
pub fn timing(house: &House, asked: &Asked) -> Result<Answer, Problem> {
    house.holds(View::Timing)?;
    let items = house.reads.surroundings.timing();
    rows(house, asked, items.map_err(Problem::internal)?)
}

fn rows(house: &House, asked: &Asked, items: Vec<Value>) -> Result<Answer, Problem> {
    let numbered = items.into_iter().enumerate();
    let numbered = numbered.map(|(number, item)| (format!("{number:010}"), item));
    let (items, last) = cut(numbered, asked.after()?.as_deref(), asked.limit()?);
    let position = house.reads.projections.position();
    Ok(Answer::page(position, asked, &items, last.as_deref()))
}
