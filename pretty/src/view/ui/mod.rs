//! The user interface: keys and the mouse in, cells out.

pub(crate) mod actions;
pub mod binding;
pub(crate) mod draw;
pub(crate) mod help;
pub(crate) mod keymap;
pub(crate) mod mark_keys;
pub(crate) mod marks;
pub(crate) mod menu;
pub(crate) mod message_line;
pub(crate) mod mouse;
pub(crate) mod prompt;
pub(crate) mod state_pane;
pub(crate) mod status;
pub(crate) mod timeline;
pub(crate) mod update;
