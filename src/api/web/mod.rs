//! The dashboard: pages for people, written here from what the API's own routes answer.

pub mod agent;
pub mod agents;
pub mod alerts;
pub mod assets;
pub mod backups;
pub mod bar;
pub mod chart;
pub mod config;
pub mod errors;
pub mod events;
pub mod frame;
pub mod inbox;
pub mod links;
pub mod look;
pub mod message;
pub mod messages;
pub mod overview;
pub mod parts;
pub mod projections;
pub mod queue;
pub mod routes;
pub mod screen;
pub mod timing;
pub mod trouble;
pub mod words;
