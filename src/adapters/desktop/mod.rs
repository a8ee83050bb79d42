//! Eyes and hands: implementations of the port [`crate::delivery::ports::Desktop`].

#[cfg(feature = "desktop")]
pub mod blind;
pub mod record;
pub mod simulated;
#[cfg(all(feature = "desktop", target_os = "linux"))]
pub mod x11;
