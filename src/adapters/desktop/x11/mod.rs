//! The X11 desktop: enigo moves the hands, arboard keeps the clipboard, x11rb sees.

pub mod corner;
pub mod desktop;
pub mod keeper;
pub mod seat;

mod capture;
mod clipboard;
mod focus;
mod hands;
mod keys;
mod link;
mod listener;
mod survey;
mod windows;
mod words;
