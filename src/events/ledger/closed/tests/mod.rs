//! Closed epochs: round trip, look-ups, damage, cut-offs, hostile bytes.

mod cached;
mod cut_off;
mod damage;
mod golden;
mod hostile;
mod ids;
mod kit;
mod round_trip;
mod shapes;
