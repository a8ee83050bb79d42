//! The desk on a terminal: what is shown (pure), what keys mean (pure), and the terminal itself.

pub mod frame;
pub mod glance;
pub mod grid;
pub mod keys;
pub mod line;
pub mod live;
pub mod panes;
pub mod terminal;
pub mod view;
