//! Tests that cross services.
