//! What contracts does when others' events arrive: one line per type, one short function per effect.

use journal::Reactions;

/// hr's branches and employees, as every service knows them.
pub(crate) fn reactions() -> Reactions {
    house::known::reactions(Reactions::new())
}
