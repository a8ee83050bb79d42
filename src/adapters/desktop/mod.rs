//! Desktops: eyes and hands for the port [`crate::delivery::ports::Desktop`].

pub mod record;
