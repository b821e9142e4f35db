//! Every screen of the browser, and the way through them.
