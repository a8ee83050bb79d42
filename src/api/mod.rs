//! The query API: HTTP, reads only.

pub mod answer;
pub mod answers;
pub mod cursor;
pub mod document;
pub mod exposition;
pub mod exposition_safety;
pub mod front;
pub mod happened;
pub mod house;
pub mod meter;
pub mod packing;
pub mod pages;
pub mod problem;
pub mod query;
pub mod reading;
pub mod route;
pub mod routes;
pub mod schemas;
pub mod schemas_watching;
pub mod serving;
pub mod shelf;
pub mod stream;
pub mod surroundings;
pub mod tail;
pub mod web;
pub mod written;
