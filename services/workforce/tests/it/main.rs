//! The workforce service through its API, on a real database and a real bus; the others are played by the test.

mod certificate;
mod compliance_paper;
mod retraining;
mod scene;
mod standing;
mod worker;
