//! coordinates.json: agents and their places as other tools write them.
