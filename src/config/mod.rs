//! The layers of configuration, merged once at the start. Below `main` and `cli`, settings are
//! arguments.
//!
//! Order, first wins: flag, environment, runtime (`config set`), project file, user file, system
//! file, default (`config/default.toml`, built in). This module uses nothing else of the crate.

mod applications;
pub mod environment;
pub mod error;
pub mod files;
pub mod keys;
pub mod layers;
pub mod onboarding;
pub mod rules;
pub mod settings;
mod shapes;
pub mod units;
