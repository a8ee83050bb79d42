//! The layers of configuration, merged once.
