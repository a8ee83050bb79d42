<<<<<<< HEAD
//! Eyes and hands: implementations of the port [`crate::delivery::ports::Desktop`].
=======
//! Eyes and hands: implementations of the `Desktop` port.
>>>>>>> courier

#[cfg(feature = "desktop")]
pub mod blind;
pub mod record;
<<<<<<< HEAD
#[cfg(all(feature = "desktop", target_os = "linux"))]
pub mod x11;
=======
pub mod simulated;
>>>>>>> courier
