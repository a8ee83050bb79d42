//! Configuration and timing: what the process says of itself.

use serde_json::Value;

use crate::api::answer::{Answer, cut};
use crate::api::house::House;
use crate::api::problem::Problem;
use crate::api::query::Asked;
use crate::events::ids::Position;
use crate::projections::view::View;

/// Every setting in force with its origin.
pub fn config(house: &House, asked: &Asked) -> Result<Answer, Problem> {
    let position = house.reads.projections.position();
    rows(position, asked, house.reads.surroundings.settings())
}

/// How long things take, agent by agent, and the deadlines that follow with the settings of now.
pub fn timing(house: &House, asked: &Asked) -> Result<Answer, Problem> {
    let seen = house.states(asked, &[View::Timing, View::Agents])?;
    let surroundings = &house.reads.surroundings;
    let (position, items) = house.look(&seen, |states| {
        (states.position, surroundings.timing(states))
    });
    rows(position, asked, items.map_err(Problem::internal)?)
}

fn rows(position: Position, asked: &Asked, items: Vec<Value>) -> Result<Answer, Problem> {
    let numbered = items.into_iter().enumerate();
    let numbered = numbered.map(|(number, item)| (format!("{number:010}"), item));
    let (items, last) = cut(numbered, asked.after()?.as_deref(), asked.limit()?);
    Ok(Answer::page(position, asked, &items, last.as_deref()))
}
