//! The house through HTTP, with a service of the tests' own: every convention of `api.md` that all rooms share.

mod bodies;
mod commands;
mod document;
mod faults;
mod feed;
mod parked;
mod policies;
mod reading;
mod streams;
mod thing;
