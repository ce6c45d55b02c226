//! The workforce service: who has learnt what, which papers hold, who may be sent (`workforce.md`).
//!
//! Here are the rooms' pure rules. They read no clock, no file and no database, and make nothing random.

pub mod certificate;
pub mod policy;
pub mod retraining;
pub mod standing;
