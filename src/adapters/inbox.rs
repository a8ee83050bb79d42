//! Inbox files.
