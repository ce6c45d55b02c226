//! Complaints for the tests of the verbs, and walks over random commands (C1, C2, C10, C14).
