//! The hr service through its API, on a real database and a real bus.

mod attendance;
mod calendar;
mod correction;
mod employee;
mod pay;
mod plan;
mod punch;
mod story;
mod transfer;
